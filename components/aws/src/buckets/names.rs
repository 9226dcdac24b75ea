//! Names of buckets and keys of objects, and how requests carry them.

use stockade_provider::types::{Error, Request};

use super::ENDPOINT;

/// The longest key in bytes: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>.
const KEY_BYTES: usize = 1024;

/// Whether a bucket may be called so: 3 to 63 lower-case letters, digits, hyphens and dots, which begin and end with a
/// letter or digit (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>). AWS refuses some more,
/// reserved beginnings and endings among them.
pub(super) fn is_bucket_name(name: &str) -> bool {
    let is_edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    (3..=63).contains(&name.len())
        && name.bytes().all(is_inner)
        && is_edge(name.bytes().next())
        && is_edge(name.bytes().last())
        && !name.contains("..")
}

/// Refuses a name that a new bucket cannot have.
pub(super) fn check_bucket(name: &str) -> Result<(), Error> {
    if is_bucket_name(name) {
        return Ok(());
    }
    let message = format!(
        "`{name}` is no name of a bucket: 3 to 63 lower-case letters, digits, hyphens and dots, first and last a letter or digit"
    );
    Err(Error::invalid_argument("bucket", message))
}

/// Refuses a key that no path can carry: the host sends neither empty segments nor `.` and `..`, which servers and proxies
/// on the way resolve.
pub(super) fn check_key(key: &str) -> Result<(), Error> {
    let body = key.strip_suffix('/').unwrap_or(key);
    let why = if key.is_empty() || key.len() > KEY_BYTES {
        format!("a key has 1 to {KEY_BYTES} bytes, not {}", key.len())
    } else if key.chars().any(char::is_control) {
        "it has control characters".to_owned()
    } else if body.split('/').any(|segment| ["", ".", ".."].contains(&segment)) {
        "a path cannot carry empty segments, `.` and `..` between its slashes".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid_argument(
        "key",
        format!("`{key}` cannot be a key: {why}"),
    ))
}

/// A request about a bucket.
pub(super) fn bucket_request(method: &str, bucket: &str) -> Request {
    Request::new(ENDPOINT, method, [bucket])
}

/// A request about an object.
pub(super) fn object_request(method: &str, bucket: &str, key: &str) -> Request {
    Request::new(ENDPOINT, method, std::iter::once(bucket).chain(key.split('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets_have_a_shape() {
        for name in ["abc", "a.b-c", "0123456789"] {
            assert_eq!(check_bucket(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "ab",
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            "a..b",
            &"a".repeat(64),
            "a/b",
            "ä-b",
        ] {
            assert!(check_bucket(name).is_err(), "{name}");
        }
    }

    #[test]
    fn keys_that_a_path_can_carry_are_taken_whole() {
        for key in ["a", "dir/", "a b+c", "50%", "ü&=?#", "a%2Fb", "...", "a/b/c.txt"] {
            assert_eq!(check_key(key), Ok(()), "{key}");
            assert_eq!(object_request("GET", "b", key).path[1..].join("/"), key);
        }
        for key in [
            "",
            "/",
            "/a",
            "a//b",
            "a//",
            ".",
            "a/../b",
            "a/.",
            "a\nb",
            &"k".repeat(1025),
        ] {
            assert!(check_key(key).is_err(), "{key:?}");
        }
    }
}
