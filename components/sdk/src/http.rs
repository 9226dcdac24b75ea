//! Requests and responses without ceremony: how a request is put together and how an answer is read.
//!
//! There is no URL anywhere: a request names an endpoint that the provider declared, and path segments that the host
//! encodes. Nothing is sent in here; see [`crate::host::Host::send`] and [`crate::retry`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::plain_text;
use crate::time;
use crate::types::{Error, Request, Response};

impl Request {
    /// A request to an endpoint, with unencoded path segments.
    pub fn new<S: Into<String>>(endpoint: &str, method: &str, path: impl IntoIterator<Item = S>) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            origin: None,
            method: method.to_owned(),
            path: path.into_iter().map(Into::into).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: None,
        }
    }

    /// Names the origin, `scheme://host[:port]`, at an endpoint whose origin is discovered.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Adds a name and value to the query, unencoded.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sends this value as JSON.
    ///
    /// # Errors
    /// `internal` when the value has no JSON form, for example a map whose keys are not text.
    pub fn with_json(self, body: &impl Serialize) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| Error::internal(format!("the request body has no JSON form: {error}")))?;
        Ok(Self {
            body: bytes,
            ..self.with_header("content-type", "application/json")
        })
    }

    /// Limits the time for this request, in milliseconds; the connection's limit holds anyway.
    #[must_use]
    pub fn with_timeout_ms(mut self, timeout_ms: u32) -> Self {
        self.timeout_ms = Some(timeout_ms);
        self
    }

    /// Whether sending it twice does what sending it once does (RFC 9110, section 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        matches!(
            self.method.as_str(),
            "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE"
        )
    }

    /// Whether it only reads (RFC 9110, section 9.2.1).
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}

impl Response {
    /// A response without headers and body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header; the name is put into lower case, as the host does.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Reads the body as JSON. `doing` completes "while …" and names the object.
    ///
    /// # Errors
    /// `upstream` with the status and the beginning of what came instead.
    pub fn json<T: DeserializeOwned>(&self, doing: &str) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!(
                "while {doing}: the answer cannot be read as JSON: {error}: {}",
                self.text_extract()
            );
            Error::upstream(Some(self.status), None, message)
        })
    }

    /// The body as one line for a person.
    pub fn text_extract(&self) -> String {
        plain_text(&String::from_utf8_lossy(&self.body))
    }

    /// When the server wants to be asked again (RFC 9110, section 10.2.3), in milliseconds from now; none when it does
    /// not say. A date needs `now`, as the host's clock gives it; without it a date counts as not said.
    pub fn retry_after_ms(&self, now: Option<&str>) -> Option<u32> {
        let value = self.header("retry-after")?.trim();
        let seconds = match value.parse::<u32>() {
            Ok(seconds) => i64::from(seconds),
            Err(_) => (time::parse_http_date(value)? - time::parse_rfc3339(now?)?).max(0),
        };
        u32::try_from(seconds.saturating_mul(1000)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ErrorKind;

    #[test]
    fn a_request_carries_what_it_was_given() {
        let request = Request::new("api", "POST", ["vms", "a/b"])
            .with_query("wait", "true")
            .with_json(&serde_json::json!({"name": "a"}))
            .expect("json")
            .with_timeout_ms(5);
        assert_eq!(
            (request.method.as_str(), request.path.join("|").as_str()),
            ("POST", "vms|a/b")
        );
        assert_eq!(
            request.headers,
            [("content-type".to_owned(), "application/json".to_owned())]
        );
        assert_eq!(
            (request.body.as_slice(), request.timeout_ms),
            (br#"{"name":"a"}"#.as_slice(), Some(5))
        );
        assert!(!request.is_idempotent());
    }

    #[test]
    fn a_body_that_is_not_json_is_an_upstream_error_that_quotes_it() {
        let error = Response::new(200)
            .with_body("<h1>Hello</h1>")
            .json::<u8>("reading vm `a`")
            .expect_err("not json");
        assert!(matches!(error.kind, ErrorKind::Upstream(_)), "{error:?}");
        assert!(
            error.message.contains("Hello") && error.message.contains("vm `a`"),
            "{}",
            error.message
        );
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_date() {
        let after = |value: &str| {
            Response::new(429)
                .with_header("Retry-After", value)
                .retry_after_ms(Some("2026-01-01T00:00:00.000Z"))
        };
        assert_eq!(after("2"), Some(2000));
        assert_eq!(after("Thu, 01 Jan 2026 00:00:03 GMT"), Some(3000));
        assert_eq!(after("Wed, 31 Dec 2025 00:00:00 GMT"), Some(0));
        assert_eq!(after("soon"), None);
        assert_eq!(after("4294967295"), None);
        assert_eq!(Response::new(429).retry_after_ms(None), None);
    }
}
