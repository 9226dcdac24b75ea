//! How errors are made: one constructor for each kind, and one table from HTTP statuses and faults to kinds.
//!
//! Messages are for the person who must act: what was being done, to what, why it failed, what to do. A provider adds
//! its vendor's own codes in its `error.rs`; this table is what holds for any HTTP API.

use crate::types::{Ambiguity, BlobFault, Error, ErrorKind, Fault, Response, StateFault, Subject, UpstreamFault};

/// The most characters of a vendor's words that go into a message: enough for a person, too few to flood a terminal.
const MAX_EXTRACT_CHARACTERS: usize = 300;

impl Subject {
    /// The thing of this noun and name.
    pub fn new(noun: &str, name: &str) -> Self {
        Self {
            noun: noun.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl Error {
    /// An error without a vendor's request id.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            request_id: None,
        }
    }

    /// There is no such thing.
    pub fn not_found(noun: &str, name: &str) -> Self {
        Self::new(
            ErrorKind::NotFound(Subject::new(noun, name)),
            format!("there is no {noun} `{name}`"),
        )
    }

    /// There is such a thing already.
    pub fn already_exists(noun: &str, name: &str) -> Self {
        Self::new(
            ErrorKind::AlreadyExists(Subject::new(noun, name)),
            format!("there is a {noun} `{name}` already; choose another name"),
        )
    }

    /// Several things carry this name.
    pub fn ambiguous(noun: &str, name: &str, candidates: Vec<String>) -> Self {
        let message = format!(
            "{} {noun}s are called `{name}`; use one of the ids: {}",
            candidates.len(),
            candidates.join(", ")
        );
        Self::new(
            ErrorKind::Ambiguous(Ambiguity {
                subject: Subject::new(noun, name),
                candidates,
            }),
            message,
        )
    }

    /// A field cannot have this value; the field is named as in the spec, and the message says what it may be.
    pub fn invalid_argument(field: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument(field.to_owned()), message)
    }

    /// A field asks for something that the vendor does not have.
    pub fn cannot_honour(field: &str, why: &str) -> Self {
        Self::invalid_argument(field, format!("`{field}` cannot be honoured: {why}"))
    }

    /// The vendor cannot do this at all; the function is named as in the contract.
    pub fn unsupported(function: &str, why: &str) -> Self {
        Self::new(
            ErrorKind::Unsupported(function.to_owned()),
            format!("`{function}` is not supported: {why}"),
        )
    }

    /// The thing's state does not allow it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// The vendor failed in a way that is none of the other kinds.
    pub fn upstream(status: Option<u16>, code: Option<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Upstream(UpstreamFault { status, code }), message)
    }

    /// A defect of the provider.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The error that an HTTP status stands for, when the vendor says no more.
    ///
    /// `doing` completes "while …" and names the object; `subject` is what the request was about.
    pub fn from_status(response: &Response, doing: &str, subject: Option<Subject>) -> Self {
        let message = match response.text_extract() {
            extract if extract.is_empty() => {
                format!("while {doing}: the answer was HTTP {}", response.status)
            }
            extract => format!("while {doing}: the answer was HTTP {}: {extract}", response.status),
        };
        let kind = match (response.status, subject) {
            (401, _) => ErrorKind::Unauthenticated,
            (403, _) => ErrorKind::Denied,
            (404 | 410, Some(subject)) => ErrorKind::NotFound(subject),
            (408 | 504, _) => ErrorKind::TimedOut,
            (409 | 412 | 423, _) => ErrorKind::Conflict,
            (429, _) => ErrorKind::RateLimited(response.retry_after_ms(None)),
            (502 | 503, _) => ErrorKind::Unavailable,
            (507, _) => ErrorKind::QuotaExceeded(None),
            (status, _) => ErrorKind::Upstream(UpstreamFault {
                status: Some(status),
                code: None,
            }),
        };
        let request_id = ["x-request-id", "x-amzn-requestid", "x-openstack-request-id"]
            .iter()
            .find_map(|name| response.header(name))
            .map(str::to_owned);
        Self {
            kind,
            message,
            request_id,
        }
    }
}

impl Fault {
    /// The error of a request without a response. `doing` completes "while …" and names the object.
    pub fn to_error(&self, doing: &str) -> Error {
        let (kind, why) = match self {
            Self::Denied => (
                ErrorKind::Denied,
                "the request is not granted to this connection".to_owned(),
            ),
            Self::Credential => (
                ErrorKind::Unauthenticated,
                "the host could not authenticate; its log says why".to_owned(),
            ),
            Self::RateLimited(delay) => (
                ErrorKind::RateLimited(Some(*delay)),
                "the connection's own request limit is reached".to_owned(),
            ),
            Self::Dns => (
                ErrorKind::Unavailable,
                "the vendor's host name does not resolve".to_owned(),
            ),
            Self::Connect => (ErrorKind::Unavailable, "the vendor cannot be reached".to_owned()),
            Self::Tls(how) => (ErrorKind::Unavailable, format!("the TLS handshake failed: {how}")),
            Self::Timeout => (ErrorKind::TimedOut, "the vendor did not answer in time".to_owned()),
            Self::TooLarge => (
                ErrorKind::Upstream(UpstreamFault {
                    status: None,
                    code: None,
                }),
                "the answer is larger than the connection allows".to_owned(),
            ),
            Self::Protocol(how) => (
                ErrorKind::Upstream(UpstreamFault {
                    status: None,
                    code: None,
                }),
                format!("the exchange is not valid HTTP: {how}"),
            ),
        };
        Error::new(kind, format!("while {doing}: {why}"))
    }
}

impl StateFault {
    /// The error of a refused state access. `doing` completes "while …" and names the object.
    pub fn to_error(&self, doing: &str) -> Error {
        let (kind, why) = match self {
            Self::Denied => (ErrorKind::Denied, "the connection has no state granted".to_owned()),
            Self::OverQuota => (
                ErrorKind::QuotaExceeded(Some("state".to_owned())),
                "the connection's state is full".to_owned(),
            ),
            Self::Conflict => (
                ErrorKind::Conflict,
                "somebody else changed it at the same time; try again".to_owned(),
            ),
            Self::InvalidKey => (
                ErrorKind::Internal,
                "the provider used a key that the store does not take".to_owned(),
            ),
            Self::Unavailable(how) => (
                ErrorKind::Unavailable,
                format!("the host's store cannot be reached: {how}"),
            ),
        };
        Error::new(kind, format!("while {doing}: {why}"))
    }
}

impl BlobFault {
    /// The error of a blob that cannot be read or written. `doing` completes "while …" and names the object.
    pub fn to_error(&self, doing: &str) -> Error {
        let (kind, why) = match self {
            Self::Denied => (ErrorKind::Denied, "the content is not open for this".to_owned()),
            Self::TooLarge => (
                ErrorKind::QuotaExceeded(Some("blob".to_owned())),
                "the content exceeds the connection's limit".to_owned(),
            ),
            Self::Io(how) => (
                ErrorKind::Unavailable,
                format!("the host cannot reach the content: {how}"),
            ),
        };
        Error::new(kind, format!("while {doing}: {why}"))
    }
}

/// A vendor's words as one line for a person: HTML tags, scripts, styles and control characters removed, spaces folded,
/// common entities resolved, cut at 300 characters.
pub fn plain_text(words: &str) -> String {
    let mut text = String::new();
    let mut rest = words;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        // A `<` that opens no tag is the vendor's own character.
        let opens_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        let Some(end) = rest.find('>').filter(|_| opens_tag) else {
            text.push('<');
            rest = &rest[1..];
            continue;
        };
        let hidden = ["style", "script"].into_iter().find(|tag| {
            rest.get(1..=tag.len())
                .is_some_and(|name| name.eq_ignore_ascii_case(tag))
        });
        let close = hidden.and_then(|tag| rest.to_ascii_lowercase().find(&format!("</{tag}")));
        rest = match (hidden, close) {
            (Some(_), None) => "",
            (Some(_), Some(close)) => &rest[close..],
            (None, _) => &rest[end + 1..],
        };
        text.push(' ');
    }
    text.push_str(rest);
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#039;", "'"),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    let folded = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    match folded.char_indices().nth(MAX_EXTRACT_CHARACTERS) {
        Some((end, _)) => format!("{}…", &folded[..end]),
        None => folded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_becomes_the_kind_that_a_caller_acts_on() {
        let kind = |status: u16| {
            Error::from_status(&Response::new(status), "reading vm `a`", Some(Subject::new("vm", "a"))).kind
        };
        let upstream = |status| {
            ErrorKind::Upstream(UpstreamFault {
                status: Some(status),
                code: None,
            })
        };
        for (status, expected) in [
            (400, upstream(400)),
            (401, ErrorKind::Unauthenticated),
            (403, ErrorKind::Denied),
            (404, ErrorKind::NotFound(Subject::new("vm", "a"))),
            (409, ErrorKind::Conflict),
            (423, ErrorKind::Conflict),
            (429, ErrorKind::RateLimited(None)),
            (500, upstream(500)),
            (502, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
            (504, ErrorKind::TimedOut),
        ] {
            assert_eq!(kind(status), expected, "status {status}");
        }
    }

    #[test]
    fn a_not_found_without_a_subject_is_no_missing_thing() {
        let error = Error::from_status(&Response::new(404), "listing vms", None);
        assert_eq!(
            error.kind,
            ErrorKind::Upstream(UpstreamFault {
                status: Some(404),
                code: None
            })
        );
    }

    #[test]
    fn the_vendors_request_id_and_words_are_kept() {
        let response = Response::new(500)
            .with_header("X-Request-Id", "r-1")
            .with_body("<h1>Broken</h1>\n<p>a &lt; b</p>");
        let error = Error::from_status(&response, "reading vm `a`", None);
        assert_eq!(error.request_id.as_deref(), Some("r-1"));
        assert_eq!(
            error.message,
            "while reading vm `a`: the answer was HTTP 500: Broken a < b"
        );
    }

    #[test]
    fn plain_text_keeps_words_and_drops_markup() {
        for (words, expected) in [
            ("", ""),
            ("no such\tvm\u{7}\n", "no such vm"),
            ("<style>p { color: red }</style><p>lost</p>", "lost"),
            ("<SCRIPT>alert(1)", ""),
            ("1 < 2 and <b>so</b>", "1 < 2 and so"),
            ("&amp;lt;", "&lt;"),
        ] {
            assert_eq!(plain_text(words), expected, "{words:?}");
        }
        assert_eq!(plain_text(&"ä".repeat(400)).chars().count(), MAX_EXTRACT_CHARACTERS + 1);
    }
}
