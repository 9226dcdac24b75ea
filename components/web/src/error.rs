//! One table from kweb's words to error kinds.
//!
//! kweb has no error codes; it passes on the sentences that kcli makes. Each row here was seen in an answer of a real
//! kweb. A sentence that no row knows becomes `upstream` and is passed on as it is.

use serde_json::Value;

use stockade_provider::error::plain_text;
use stockade_provider::types::{Error, ErrorKind, Response, Subject, UpstreamFault};

/// The error of an answer that is not 2xx.
pub(crate) fn from_status(response: &Response, doing: &str) -> Error {
    if response.status == 403 && response.body == b"{}" {
        let message = format!("while {doing}: kweb runs with `--readonly`; start it without to allow changes");
        return Error::new(ErrorKind::Denied, message);
    }
    // A 404 is a route that kweb does not have, never a missing thing: those are answered with 200.
    Error::from_status(response, doing, None)
}

/// The error of an answer that says `failure`.
pub(crate) fn from_reason(reason: Option<&Value>, doing: &str) -> Error {
    let words = match reason {
        Some(Value::String(words)) => plain_text(words),
        Some(other) => plain_text(&other.to_string()),
        None => "kweb gave no reason".to_owned(),
    };
    Error::new(kind(&words), format!("while {doing}: {words}"))
}

/// The kind that a sentence of kcli stands for.
fn kind(words: &str) -> ErrorKind {
    if let Some(subject) = words.strip_suffix(" already exists").and_then(subject) {
        return ErrorKind::AlreadyExists(subject);
    }
    let missing = words
        .strip_suffix(" not found")
        .or_else(|| words.strip_suffix(" doesn't exist"))
        .or_else(|| words.split_once(" not found in ").map(|(thing, _)| thing));
    if let Some(subject) = missing.and_then(subject) {
        return ErrorKind::NotFound(subject);
    }
    if let Some(network) = words.strip_prefix("Invalid network ") {
        return ErrorKind::NotFound(Subject::new("network", network));
    }
    if words.starts_with("Invalid Cidr ") {
        return ErrorKind::InvalidArgument("cidrs".to_owned());
    }
    if words.ends_with(" has snapshots") || words.contains("being used") || words.contains("in use") {
        return ErrorKind::Conflict;
    }
    ErrorKind::Upstream(UpstreamFault {
        status: Some(200),
        code: None,
    })
}

/// The thing that "Noun name" names, when the noun is one of the contract's.
fn subject(words: &str) -> Option<Subject> {
    let (noun, name) = words.split_once(' ')?;
    let noun = match noun {
        "VM" => "vm",
        "Image" => "image",
        "Network" => "network",
        "Pool" => "pool",
        "Disk" => "disk",
        "Snapshot" => "snapshot",
        "Interface" => "nic",
        _ => return None,
    };
    Some(Subject::new(noun, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sentence_of_kcli_becomes_the_kind_that_a_caller_acts_on() {
        let missing = |noun, name| ErrorKind::NotFound(Subject::new(noun, name));
        for (words, expected) in [
            ("VM web-1 not found", missing("vm", "web-1")),
            ("Image absent.qcow2 not found", missing("image", "absent.qcow2")),
            ("Pool absent not found", missing("pool", "absent")),
            ("Network absent not found", missing("network", "absent")),
            ("Disk vdz not found in web-1", missing("disk", "vdz")),
            ("Interface eth9 not found", missing("nic", "eth9")),
            ("Snapshot absent doesn't exist", missing("snapshot", "absent")),
            ("Invalid network absent", missing("network", "absent")),
            (
                "VM web-1 already exists",
                ErrorKind::AlreadyExists(Subject::new("vm", "web-1")),
            ),
            (
                "Snapshot before already exists",
                ErrorKind::AlreadyExists(Subject::new("snapshot", "before")),
            ),
            ("VM web-2 has snapshots", ErrorKind::Conflict),
            ("Invalid Cidr no", ErrorKind::InvalidArgument("cidrs".to_owned())),
            (
                "genisoimage: No such file",
                ErrorKind::Upstream(UpstreamFault {
                    status: Some(200),
                    code: None,
                }),
            ),
        ] {
            let error = from_reason(Some(&Value::from(words)), "trying");
            assert_eq!(error.kind, expected, "{words}");
            assert_eq!(error.message, format!("while trying: {words}"));
        }
        assert!(from_reason(None, "trying").message.contains("no reason"));
    }

    #[test]
    fn a_read_only_kweb_is_named() {
        let error = from_status(&Response::new(403).with_body("{}"), "creating vm `a`");
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(error.message.contains("--readonly"), "{}", error.message);
    }

    #[test]
    fn a_missing_route_is_no_missing_thing() {
        let error = from_status(
            &Response::new(404).with_body("<h1>Error: 404 Not Found</h1>"),
            "deleting vm `a`",
        );
        assert_eq!(
            error.kind,
            ErrorKind::Upstream(UpstreamFault {
                status: Some(404),
                code: None
            })
        );
        assert!(error.message.ends_with("Error: 404 Not Found"), "{}", error.message);
    }
}
