//! One table from the services' words to error kinds.
//!
//! Each service has a shape of its own for errors; see [`words`]. The request's id is in `x-openstack-request-id`
//! (<https://docs.openstack.org/api-ref/compute/#request-id>), which the SDK's table keeps.

use serde_json::Value;

use stockade_provider::error::plain_text;
use stockade_provider::types::{Error, ErrorKind, Response, Subject};

/// What a service says about a failure.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    /// Its code: `OverQuota`, `itemNotFound`, `zone_not_found`.
    code: Option<String>,
    /// Its sentence.
    message: String,
}

/// The error of an answer that is not 2xx. `doing` completes "while …"; `subject` is what the request was about.
pub(crate) fn from_response(response: &Response, doing: &str, subject: Option<&Subject>) -> Error {
    let words = words(response);
    let mut error = Error::from_status(response, doing, subject.cloned());
    if !words.message.is_empty() {
        error.message = format!("while {doing}: {}", words.message);
    }
    if let Some(kind) = kind(response.status, &words) {
        error.kind = kind;
    } else if let ErrorKind::Upstream(fault) = &mut error.kind {
        fault.code = words.code;
    }
    match error.kind {
        // Nova hides what belongs to others, and a policy that forbids a request says so.
        ErrorKind::Denied => error
            .message
            .push_str("; the user's roles in this project do not allow it"),
        ErrorKind::Unauthenticated => error.message.push_str("; renew the connection's credential"),
        _ => {}
    }
    error
}

/// Reads the shapes of errors:
///
/// | service | shape |
/// |---|---|
/// | Nova, Cinder | `{"itemNotFound": {"code": 404, "message": …}}` |
/// | Keystone | `{"error": {"code": 401, "message": …, "title": …}}` |
/// | Neutron | `{"NeutronError": {"type": …, "message": …, "detail": …}}` |
/// | Glance, Swift | a page of HTML |
/// | Octavia | `{"faultcode": …, "faultstring": …}` |
/// | Designate | `{"code": 404, "type": …, "message": …}`; for data `{"code": 400, "type": …, "errors": {"errors": [{"message": …}]}}` |
/// | microversions | `{"errors": [{"code": …, "title": …, "detail": …}]}` |
fn words(response: &Response) -> Words {
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&response.body) else {
        return Words {
            code: None,
            message: without_title(&response.text_extract()),
        };
    };
    let text = |value: Option<&Value>| {
        value
            .and_then(Value::as_str)
            .map(plain_text)
            .filter(|text| !text.is_empty())
    };
    if let Some(fault) = body.get("faultstring") {
        return Words {
            code: text(body.get("faultcode")),
            message: text(Some(fault)).unwrap_or_default(),
        };
    }
    if let Some(first) = body.get("errors").and_then(|errors| errors.get(0)) {
        return Words {
            code: text(first.get("code")),
            message: text(first.get("detail"))
                .or(text(first.get("title")))
                .unwrap_or_default(),
        };
    }
    if body.contains_key("message") {
        return Words {
            code: text(body.get("type")),
            message: text(body.get("message")).unwrap_or_default(),
        };
    }
    if let Some(first) = body.get("errors").and_then(|errors| errors.get("errors")?.get(0)) {
        return Words {
            code: text(body.get("type")),
            message: text(first.get("message")).unwrap_or_default(),
        };
    }
    match body.iter().next() {
        Some((name, inner)) => Words {
            code: text(inner.get("type")).or_else(|| Some(name.clone())),
            message: text(inner.get("message"))
                .or_else(|| text(Some(inner)))
                .unwrap_or_default(),
        },
        None => Words::default(),
    }
}

/// Glance's pages say their status twice before they say why.
fn without_title(page: &str) -> String {
    let is_status = |words: &str| {
        words
            .split(' ')
            .next()
            .is_some_and(|first| first.parse::<u16>().is_ok())
    };
    let half = page.len() / 2;
    for (at, _) in page.match_indices(' ') {
        let (title, rest) = (&page[..at], &page[at + 1..]);
        if at <= half && is_status(title) && rest.starts_with(title) {
            return rest[title.len()..].trim().to_owned();
        }
    }
    page.to_owned()
}

/// The kind that a service's words stand for, where they say more than the status.
fn kind(status: u16, words: &Words) -> Option<ErrorKind> {
    let code = words.code.as_deref().unwrap_or_default();
    let message = words.message.to_ascii_lowercase();
    if code == "OverQuota"
        || message.contains("quota exceeded")
        || message.contains("quota has been met")
        || status == 413
    {
        return Some(ErrorKind::QuotaExceeded(quota(&words.message)));
    }
    if is_capacity(&message) {
        return Some(ErrorKind::QuotaExceeded(Some("host".to_owned())));
    }
    if status == 400 && is_state(&message) {
        return Some(ErrorKind::Conflict);
    }
    match (status, code) {
        // The service does not speak the version that was asked for (RFC 9110, section 15.5.7, and Nova's own 400).
        (406, _) => Some(ErrorKind::Unsupported("microversion".to_owned())),
        (400, "badRequest" | "BadRequest" | "Client" | "HTTPBadRequest") => {
            field(&words.message).map(ErrorKind::InvalidArgument)
        }
        _ => None,
    }
}

/// Whether a refusal is about the state of a volume or a snapshot: Cinder says so with 400, and Nova passes it on
/// (`InvalidVolume` and `InvalidSnapshot`, <https://opendev.org/openstack/cinder/src/branch/master/cinder/exception.py>).
fn is_state(message: &str) -> bool {
    message.starts_with("invalid volume: ") || message.starts_with("invalid snapshot: ")
}

/// Whether a fault says that no host has room
/// (`nova.exception.NoValidHost`, <https://docs.openstack.org/nova/latest/admin/troubleshooting.html>).
fn is_capacity(message: &str) -> bool {
    message.contains("no valid host was found") || message.contains("exceeded maximum number of retries")
}

/// What a quota is about: Nova says "Quota exceeded for cores, ram: Requested …", Neutron "… for resources: ['port']".
fn quota(message: &str) -> Option<String> {
    let (_, rest) = message.split_once(" for ")?;
    let rest = rest.strip_prefix("resources: ").unwrap_or(rest);
    let name = rest.split([':', '.', ';']).next()?;
    let name = name.trim_matches(|c: char| !c.is_alphanumeric());
    (!name.is_empty() && name.len() <= 40).then(|| name.to_owned())
}

/// The field of a spec that Nova's schema refuses: "Invalid input for field/attribute name. Value: …".
fn field(message: &str) -> Option<String> {
    let named = message
        .split_once("Invalid input for field/attribute ")
        .or_else(|| message.split_once("An invalid '"))
        .map(|(_, rest)| rest)?;
    let field: String = named
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '-')
        .collect();
    let field = match field.as_str() {
        "" => return None,
        "user_data" => "user-data",
        "availability_zone" => "location",
        "public_key" => "ssh-keys",
        other => other,
    };
    Some(field.to_owned())
}

/// The error of a VM that Nova gave up, from the words of its fault.
pub(crate) fn of_fault(fault: Option<&str>, doing: &str) -> Error {
    let words = fault.map_or_else(|| "Nova says no more".to_owned(), plain_text);
    let lower = words.to_ascii_lowercase();
    let kind = if is_capacity(&lower) {
        ErrorKind::QuotaExceeded(Some("host".to_owned()))
    } else if lower.contains("quota") {
        ErrorKind::QuotaExceeded(quota(&words))
    } else {
        Error::upstream(None, Some("ERROR".to_owned()), "").kind
    };
    Error::new(kind, format!("while {doing}: it went into state ERROR: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> Error {
        let response = Response::new(status)
            .with_header("x-openstack-request-id", "req-1")
            .with_body(body);
        from_response(&response, "reading vm `a`", Some(&Subject::new("vm", "a")))
    }

    #[test]
    fn each_services_shape_is_read() {
        for (status, body, code, message) in [
            (
                404,
                r#"{"itemNotFound": {"code": 404, "message": "Instance xx could not be found."}}"#,
                Some("itemNotFound"),
                "Instance xx could not be found.",
            ),
            (
                409,
                r#"{"NeutronError": {"type": "NetworkInUse", "message": "In use.", "detail": ""}}"#,
                Some("NetworkInUse"),
                "In use.",
            ),
            (
                401,
                r#"{"error": {"code": 401, "message": "Not you.", "title": "Unauthorized"}}"#,
                Some("error"),
                "Not you.",
            ),
            (
                404,
                "<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1>No image found<br /></body></html>",
                None,
                "No image found",
            ),
            (
                400,
                r#"{"faultcode": "Client", "faultstring": "Bad port", "debuginfo": null}"#,
                Some("Client"),
                "Bad port",
            ),
            (
                404,
                r#"{"code": 404, "type": "zone_not_found", "message": "Could not find Zone"}"#,
                Some("zone_not_found"),
                "Could not find Zone",
            ),
            (
                400,
                r#"{"code": 400, "type": "invalid_object", "errors": {"errors": [{"path": ["records", 0], "message": "'x' is not a 'A' Record"}]}}"#,
                Some("invalid_object"),
                "'x' is not a 'A' Record",
            ),
            (
                406,
                r#"{"errors": [{"code": "", "title": "Not acceptable", "detail": "Version 2.999 is not supported"}]}"#,
                None,
                "Version 2.999 is not supported",
            ),
            (500, "", None, ""),
            (500, "[1]", None, "[1]"),
            (500, "{}", None, ""),
        ] {
            let found = words(&Response::new(status).with_body(body));
            assert_eq!(
                (found.code.as_deref(), found.message.as_str()),
                (code, message),
                "{body}"
            );
        }
    }

    #[test]
    fn each_refusal_becomes_the_kind_that_a_caller_acts_on() {
        let quota = |name: &str| ErrorKind::QuotaExceeded(Some(name.to_owned()));
        for (status, body, expected) in [
            (
                404,
                r#"{"itemNotFound": {"message": "x"}}"#,
                ErrorKind::NotFound(Subject::new("vm", "a")),
            ),
            (409, r#"{"conflictingRequest": {"message": "x"}}"#, ErrorKind::Conflict),
            (
                403,
                r#"{"forbidden": {"message": "Quota exceeded for cores: Requested 1, but already used 1 of 1 cores"}}"#,
                quota("cores"),
            ),
            (
                409,
                r#"{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['port']."}}"#,
                quota("port"),
            ),
            (
                413,
                r#"{"overLimit": {"message": "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded"}}"#,
                ErrorKind::QuotaExceeded(None),
            ),
            (
                403,
                r#"{"forbidden": {"message": "Policy doesn't allow it"}}"#,
                ErrorKind::Denied,
            ),
            (
                400,
                r#"{"badRequest": {"message": "Invalid input for field/attribute user_data. Value: x"}}"#,
                ErrorKind::InvalidArgument("user-data".to_owned()),
            ),
            (
                400,
                r#"{"badRequest": {"message": "An invalid 'name' value was provided."}}"#,
                ErrorKind::InvalidArgument("name".to_owned()),
            ),
            (
                400,
                r#"{"badRequest": {"message": "Invalid volume: volume 1 is already attached to instances: 2"}}"#,
                ErrorKind::Conflict,
            ),
            (
                406,
                r#"{"computeFault": {"message": "Version 2.93 is not supported by the API."}}"#,
                ErrorKind::Unsupported("microversion".to_owned()),
            ),
            (503, "", ErrorKind::Unavailable),
        ] {
            let error = error(status, body);
            assert_eq!(error.kind, expected, "{body}");
            assert_eq!(error.request_id.as_deref(), Some("req-1"));
        }
    }

    #[test]
    fn a_fault_is_told_and_a_full_cloud_is_a_quota() {
        let error = of_fault(Some("No valid host was found. "), "creating vm `a`");
        assert_eq!(error.kind, ErrorKind::QuotaExceeded(Some("host".to_owned())));
        assert!(error.message.contains("No valid host"), "{}", error.message);
        let error = of_fault(Some("Image x is unacceptable"), "creating vm `a`");
        assert!(matches!(error.kind, ErrorKind::Upstream(_)), "{error:?}");
        assert!(of_fault(None, "creating").message.contains("says no more"));
    }
}
