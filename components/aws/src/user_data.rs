//! User data: what the guest reads at its first start.
//!
//! EC2 takes 16 KiB before they are encoded
//! (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html>). cloud-init reads compressed user data too
//! (<https://docs.cloud-init.io/en/latest/explanation/format.html>), so larger ones are compressed, and never put anywhere
//! else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stockade_provider::types::Error;

/// The most bytes that EC2 takes.
const MAX_BYTES: usize = 16 * 1024;

/// The value of `UserData`.
///
/// # Errors
/// `invalid-argument` when they are too large even when compressed.
pub(crate) fn encode(text: &str) -> Result<String, Error> {
    if text.len() <= MAX_BYTES {
        return Ok(STANDARD.encode(text));
    }
    let compressed = gzip(text.as_bytes());
    if compressed.len() <= MAX_BYTES {
        return Ok(STANDARD.encode(compressed));
    }
    let message = format!(
        "EC2 takes {MAX_BYTES} bytes of user data, and these are {} when compressed: have the guest fetch the rest",
        compressed.len()
    );
    Err(Error::invalid_argument("user-data", message))
}

/// One member of a gzip file (RFC 1952) without name and time.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff];
    file.extend(miniz_oxide::deflate::compress_to_vec(content, 9));
    file.extend(crc32fast::hash(content).to_le_bytes());
    // Modulo 2^32, as the format says.
    file.extend((content.len() as u32).to_le_bytes());
    file
}

/// User data for a VM that has none of its own but needs what only they can say.
pub(crate) fn cloud_config(hostname: Option<&str>, ssh_keys: &[String]) -> Option<String> {
    if hostname.is_none() && ssh_keys.is_empty() {
        return None;
    }
    let mut text = "#cloud-config\n".to_owned();
    if let Some(hostname) = hostname {
        text.push_str(&format!("hostname: {}\npreserve_hostname: false\n", quoted(hostname)));
    }
    if !ssh_keys.is_empty() {
        text.push_str("ssh_authorized_keys:\n");
        for key in ssh_keys {
            text.push_str(&format!("  - {}\n", quoted(key)));
        }
    }
    Some(text)
}

/// A text in YAML's single quotes, in which only the quote itself means something. Callers have refused line breaks.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stockade_provider::types::ErrorKind;

    #[test]
    fn small_user_data_stay_as_they_are_and_large_ones_are_compressed() {
        assert_eq!(
            encode("#cloud-config\n").expect("small"),
            STANDARD.encode("#cloud-config\n")
        );
        let large = "package_update: true\n".repeat(2000);
        let file = STANDARD.decode(encode(&large).expect("large")).expect("base64");
        assert_eq!(file[..3], [0x1f, 0x8b, 8]);
        let content = miniz_oxide::inflate::decompress_to_vec(&file[10..file.len() - 8]).expect("deflate");
        assert_eq!(content, large.as_bytes());
        assert_eq!(file[file.len() - 4..], 42_000_u32.to_le_bytes());
    }

    #[test]
    fn what_does_not_compress_enough_is_refused() {
        let mut state = 1_u32;
        let noise: String = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'!' + (state >> 24) as u8 % 90)
        })
        .take(40_000)
        .collect();
        let error = encode(&noise).expect_err("too large");
        assert_eq!(error.kind, ErrorKind::InvalidArgument("user-data".to_owned()));
    }

    #[test]
    fn a_cloud_config_quotes_what_it_is_given() {
        assert_eq!(cloud_config(None, &[]), None);
        assert_eq!(
            cloud_config(Some("a"), &["ssh-ed25519 AAAA o'brien: x".to_owned()]).as_deref(),
            Some(
                "#cloud-config\nhostname: 'a'\npreserve_hostname: false\nssh_authorized_keys:\n  - 'ssh-ed25519 AAAA o''brien: x'\n"
            )
        );
    }
}
