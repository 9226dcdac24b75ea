//! What the scripted server answers, and how it breaks.

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// How an answer goes wrong on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection closes with no answer at all.
    Disconnect,
    /// The status, the headers and this many bytes of the body arrive; then the connection closes.
    Truncate(usize),
    /// The body is repeated without end.
    Endless,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Vec<u8>,
    pub(super) delay: Duration,
    pub(super) fault: Option<Fault>,
}

impl Answer {
    /// An answer of `status` with `body` and no header but its length.
    ///
    /// # Panics
    /// When `status` is not an HTTP status.
    #[must_use]
    pub fn bytes(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let Ok(status) = StatusCode::from_u16(status) else {
            panic!("`{status}` is not an HTTP status: use 100 to 999");
        };
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            delay: Duration::ZERO,
            fault: None,
        }
    }

    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, body.to_string()).header("content-type", "application/json")
    }

    /// An HTML answer.
    #[must_use]
    pub fn html(status: u16, body: &str) -> Self {
        Self::bytes(status, body).header("content-type", "text/html; charset=UTF-8")
    }

    /// Adds a header.
    ///
    /// # Panics
    /// When HTTP does not allow the name or the value.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (Ok(parsed_name), Ok(parsed_value)) = (name.parse(), value.parse()) else {
            panic!("`{name}: {value}` is not an HTTP header");
        };
        self.headers.push((parsed_name, parsed_value));
        self
    }

    /// Waits before answering: for tests of time limits, which choose one far longer than the limit.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Breaks on the wire.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }
}
