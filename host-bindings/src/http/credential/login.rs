//! What all logins have in common: where they go, and what a server's refusal says to the operator.
//!
//! A server's words reach the operator only as known fields of a JSON error, cleaned, bounded and scrubbed of what was
//! sent. A body that is something else is not repeated. The guest learns nothing of it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method};
use serde_json::Value;
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::{CredentialError, LoginTarget, OwnRequest, OwnRequests, Spelling};
use crate::http::fault::Fault;
use crate::http::origin::Origin;
use crate::http::request::{Request, Response};
use crate::http::scrub::Scrubber;
use crate::http::segment;
use crate::text::clean;

/// How much of a server's explanation is repeated, in bytes.
const LONGEST_EXPLANATION: usize = 300;
/// How long a login may take, if the connection allows no less. Protects the requests that wait for it.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// The date of a response: RFC 9110, section 5.6.7.
const DATE: &[BorrowedFormatItem<'static>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// Where tokens are obtained.
#[derive(Debug, Clone)]
pub struct TokenService {
    /// The endpoint's name.
    pub endpoint: String,
    /// The path's segments, unencoded.
    pub path: Vec<String>,
}

impl TokenService {
    /// Its URL at this origin.
    #[must_use]
    pub fn url(&self, origin: &Origin) -> String {
        format!("{origin}{}", segment::encode_path(&self.path))
    }

    /// The request to it.
    pub(super) fn target(&self) -> LoginTarget {
        LoginTarget {
            endpoint: self.endpoint.clone(),
            method: Method::POST.to_string(),
            path: segment::encode_path(&self.path),
        }
    }

    /// Posts a body of this type and takes a JSON answer, whatever its status. `headers` are the host's own.
    pub(super) async fn post(
        &self,
        host: &dyn OwnRequests,
        content_type: &str,
        headers: HeaderMap,
        body: &[u8],
    ) -> Result<Response, CredentialError> {
        let request = Request {
            endpoint: self.endpoint.clone(),
            method: Method::POST.to_string(),
            path: self.path.clone(),
            headers: vec![
                (CONTENT_TYPE.to_string(), content_type.to_owned()),
                (ACCEPT.to_string(), "application/json".to_owned()),
            ],
            ..Request::default()
        };
        send(host, request, headers, Bytes::copy_from_slice(body)).await
    }
}

/// Sends a login.
pub(super) async fn send(
    host: &dyn OwnRequests,
    mut request: Request,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, CredentialError> {
    request.timeout = Some(LOGIN_TIMEOUT);
    let endpoint = request.endpoint.clone();
    let answer = host.send(OwnRequest { request, headers, body }).await;
    answer.map_err(|fault| {
        let hint = match &fault {
            Fault::Denied | Fault::Protocol(_) => "grant the login's request at that endpoint; the denial says how",
            Fault::Dns | Fault::Connect | Fault::Tls(_) => {
                "check the endpoint's address, its network and its certificate"
            }
            _ => "check whether the server works",
        };
        failed(&endpoint, fault.to_string(), hint, false)
    })
}

/// A login that brought nothing.
pub(super) fn failed(
    endpoint: &str,
    why: impl Into<String>,
    hint: impl Into<String>,
    rejected: bool,
) -> CredentialError {
    CredentialError::Login {
        endpoint: endpoint.to_owned(),
        why: why.into(),
        hint: hint.into(),
        rejected,
    }
}

/// What to make of an answer that is no success.
pub(super) fn refusal(endpoint: &str, response: &Response, hint: &str, sent: Vec<Spelling>) -> CredentialError {
    let status = response.status;
    let why = match explanation(response, sent) {
        Some(words) => format!("the server answered {status}: {words}"),
        None => format!("the server answered {status}"),
    };
    // SOAP reports a wrong password as 500. What is overloaded or behind a broken gateway turned nothing down.
    let rejected = !matches!(status, 408 | 425 | 429 | 502..=504);
    let hint = if rejected {
        hint
    } else {
        "check whether the server works"
    };
    failed(endpoint, why, hint, rejected)
}

/// What a server's JSON error says: RFC 6749, section 5.2, and the shapes of others.
fn explanation(response: &Response, sent: Vec<Spelling>) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let words: Vec<&str> = [
        "/error",
        "/error_description",
        "/error/message",
        "/message",
        "/errorMessage",
    ]
    .into_iter()
    .filter_map(text)
    .filter(|words| !words.is_empty())
    .take(2)
    .collect();
    if words.is_empty() {
        return None;
    }
    let scrubbed = Scrubber::new(sent).scrub(words.join(": ").as_bytes());
    Some(clean(&String::from_utf8_lossy(&scrubbed), LONGEST_EXPLANATION))
}

/// A response's header.
pub(super) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut headers = response.headers.iter();
    headers
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// The server's time, as its response says.
pub(super) fn server_time(response: &Response) -> Option<SystemTime> {
    let date = PrimitiveDateTime::parse(header(response, "date")?, DATE).ok()?;
    Some(date.assume_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::credential::spellings;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: vec![("date".into(), "Sun, 06 Nov 1994 08:49:37 GMT".into())],
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn a_refusal_says_what_the_server_said_without_what_was_sent_or_what_drives_a_terminal() {
        let long = format!(r#"{{"error": "{}"}}"#, "x".repeat(10_000));
        let cases = [
            (
                400,
                r#"{"error": "invalid_client", "error_description": "\u001b[2J canary-password is wrong"}"#,
                "the server answered 400: invalid_client:  [2J [redacted] is wrong",
            ),
            (
                401,
                r#"{"error": {"message": "The request you have made requires authentication.", "code": 401}}"#,
                "the server answered 401: The request you have made requires authentication.",
            ),
            (500, "<html>canary-password</html>", "the server answered 500"),
            (400, &long, &format!("the server answered 400: {}…", "x".repeat(300))),
        ];
        for (status, body, expected) in cases {
            let error = refusal("identity", &answer(status, body), "check", spellings("canary-password"));
            let CredentialError::Login { why, rejected, .. } = &error else {
                panic!("{error}")
            };
            assert_eq!((why.as_str(), *rejected), (expected, true));
        }
        assert!(!refusal("identity", &answer(503, ""), "check", Vec::new()).is_rejected());
    }

    #[test]
    fn a_date_is_read_as_http_writes_it() {
        // The example of RFC 9110, section 5.6.7.
        let seconds = server_time(&answer(200, "")).unwrap();
        assert_eq!(seconds, SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
    }
}
