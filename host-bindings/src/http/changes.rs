//! What meets requests that may change something: they are sent, refused, or rehearsed.
//!
//! The mode comes with each call. It never asks the provider: what reads is decided by the operator's grant and the
//! method; see `decide`.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::credential::OutgoingBody;
use super::decide::Allowed;
use super::denial::{DenyReason, quotable};
use super::request::Request;

/// What is kept of one dry run. Protects the host's memory from a guest that tries without end.
const MAX_PLANNED: usize = 1_000;
/// How much of a text body is shown, in characters. Protects the operator's screen.
const PREVIEW_CHARACTERS: usize = 400;
/// Names of query parameters that are shown of one request.
const MAX_QUERY_NAMES: usize = 50;

/// What meets changes.
#[derive(Debug, Clone, Default)]
pub enum Changes {
    /// They are made, where they are granted.
    #[default]
    Made,
    /// They are refused.
    Refused,
    /// They are refused, and what would have been done is kept.
    Rehearsed(Arc<DryRun>),
}

/// What a dry run would have done.
#[derive(Debug, Default)]
pub struct DryRun {
    planned: Mutex<Plan>,
}

/// Everything that was stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What was stopped, in order.
    pub stopped: Vec<Planned>,
    /// How many more were stopped than are kept.
    pub left_out: usize,
}

/// Something that a dry run stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Planned {
    /// A request.
    Request(PlannedRequest),
    /// A call of a provider that is part of the host and sends no requests that could be stopped.
    Call {
        /// The contract's function.
        function: String,
    },
}

/// A request that would have been sent. It holds what the provider said, never a credential: none was attached yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedRequest {
    /// The endpoint's name.
    pub endpoint: String,
    /// Where it would have gone.
    pub origin: String,
    /// The method.
    pub method: String,
    /// The encoded path.
    pub path: String,
    /// The names of the query's parameters. Values may be a vendor's tokens.
    pub query: Vec<String>,
    /// The media type that the provider announced.
    pub content_type: Option<String>,
    /// The body's size in bytes; none when only its end would tell.
    pub body_bytes: Option<u64>,
    /// The beginning of a body that is text, cleaned; none for others, and for spliced ones.
    pub body: Option<String>,
}

impl DryRun {
    /// Nothing was stopped yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What was stopped so far.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn keep(&self, planned: Planned) {
        let mut plan = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        if plan.stopped.len() < MAX_PLANNED {
            plan.stopped.push(planned);
        } else {
            plan.left_out += 1;
        }
    }
}

impl Changes {
    /// Stops a request that may change something, unless changes are made.
    pub(super) fn check(
        &self,
        allowed: &Allowed<'_>,
        request: &Request,
        body: OutgoingBody<'_>,
    ) -> Result<(), DenyReason> {
        match self {
            _ if !allowed.changes => Ok(()),
            Self::Made => Ok(()),
            Self::Refused => Err(DenyReason::ReadOnly),
            Self::Rehearsed(dry_run) => {
                dry_run.keep(Planned::Request(PlannedRequest::of(allowed, request, body)));
                Err(DenyReason::DryRun)
            }
        }
    }
}

impl PlannedRequest {
    fn of(allowed: &Allowed<'_>, request: &Request, body: OutgoingBody<'_>) -> Self {
        let text = |value: &str| quotable(value).into();
        let content_type = allowed.headers.get(http::header::CONTENT_TYPE);
        let (body_bytes, body) = match body {
            OutgoingBody::Bytes(bytes) => (Some(bytes.len() as u64), preview(bytes)),
            OutgoingBody::Spliced(length) => (length, None),
        };
        Self {
            endpoint: allowed.grant.name.clone(),
            origin: allowed.origin.to_string(),
            method: allowed.method.to_string(),
            path: text(&allowed.path),
            query: request
                .query
                .iter()
                .take(MAX_QUERY_NAMES)
                .map(|(name, _)| text(name))
                .collect(),
            content_type: content_type.and_then(|value| value.to_str().ok()).map(text),
            body_bytes,
            body,
        }
    }
}

/// The beginning of a text; none when it is empty or no text.
fn preview(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())?;
    let shown: String = text
        .chars()
        .take(PREVIEW_CHARACTERS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .flat_map(char::escape_debug)
        .collect();
    let rest = text.chars().nth(PREVIEW_CHARACTERS).map_or("", |_| " \u{2026}");
    Some(shown.replace("\\\"", "\"").replace("\\'", "'") + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_short_and_cannot_forge_lines() {
        assert_eq!(
            preview(b"{\"name\":\n \"a\"}\x1b[2J").as_deref(),
            Some("{\"name\":  \"a\"} [2J")
        );
        assert_eq!(preview(b""), None);
        assert_eq!(preview(b"\xff\xfe"), None);
        let long = preview("x".repeat(10_000).as_bytes()).unwrap();
        assert_eq!(long.chars().count(), PREVIEW_CHARACTERS + 2);
    }

    #[test]
    fn a_dry_run_keeps_a_bounded_plan() {
        let dry_run = DryRun::new();
        for _ in 0..MAX_PLANNED + 5 {
            dry_run.keep(Planned::Call {
                function: "start-vm".to_owned(),
            });
        }
        let plan = dry_run.plan();
        assert_eq!((plan.stopped.len(), plan.left_out), (MAX_PLANNED, 5));
    }
}
