//! One line of the audit log.
//!
//! Words that a provider or a vendor chose are cut and cleaned when a line is made, so that every line is bounded and
//! none can forge another. Rules are in their own written form: what a rule can say, a line can say.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use stockade_host::http::{Denial, DenyReason, Exchange, Outcome, RequestRule};
use stockade_host::text::clean;
use time::OffsetDateTime;
use time::macros::format_description;

/// Bytes of a path in a line; longer ones are cut and end in `…`. A path may have 8 KiB.
const PATH_BYTES: usize = 1 << 10;
/// Bytes of any other text.
const TEXT_BYTES: usize = 512;
/// Digits of a component's digest: enough to find it among the installed ones.
const DIGEST_DIGITS: usize = 12;

/// A line: when, on which connection, in which call, and what happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When it ended: RFC 3339, UTC, milliseconds.
    pub time: String,
    /// The connection; empty where the line is about the log itself.
    pub connection: String,
    /// The provider's name.
    pub provider: String,
    /// The beginning of the component's digest; empty for a native provider.
    pub digest: String,
    /// What all lines of one call share.
    pub call: String,
    /// What happened.
    #[serde(flatten)]
    pub event: AuditEvent,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum AuditEvent {
    /// A request that was allowed has ended.
    Request {
        /// The provider's function that made it: `vms/list-vms`.
        function: String,
        /// The endpoint's name.
        endpoint: String,
        /// Where it led.
        origin: String,
        /// The method.
        method: String,
        /// The encoded path, without the query.
        path: String,
        /// The asked rule that matched, for this method alone.
        rule: RequestRule,
        /// How it ended.
        #[serde(flatten)]
        end: RequestEnd,
        /// Bytes of its body that were sent.
        sent_bytes: u64,
        /// Bytes of the response's body that were received.
        received_bytes: u64,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// A request was denied.
    Denied {
        /// The provider's function that made it.
        function: String,
        /// The endpoint's name, as the provider gave it.
        endpoint: String,
        /// The method.
        method: String,
        /// The encoded path, without the query.
        path: String,
        /// The asked rule that matches and was not granted; none when a granted rule would not have helped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<RequestRule>,
        /// Why.
        reason: String,
    },
    /// A call is about to begin. Written only where the log is required.
    Begin {
        /// What is being done, for a person.
        doing: String,
    },
    /// A call has ended: everything that was done for one command or one request of the HTTP API.
    Call {
        /// What was being done, for a person.
        doing: String,
        /// How it ended.
        #[serde(flatten)]
        end: CallEnd,
        /// The requests that were allowed in it.
        requests: u64,
        /// The requests that were denied in it, with those that have no line.
        denied: u64,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// Lines that could not be written, because more came than the disk took.
    Lost {
        /// How many.
        lines: u64,
    },
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum RequestEnd {
    /// With a response.
    Status {
        /// Its status code.
        status: u16,
    },
    /// Without one.
    Fault {
        /// Why.
        fault: String,
    },
    /// It was not sent: a URL was signed by which whoever holds it can send it.
    Presigned {
        /// For how long, in seconds.
        valid_seconds: u64,
    },
    /// Dropped on the way; the server may have acted on it.
    Cancelled,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum CallEnd {
    /// Well.
    Done,
    /// With an error.
    Failed {
        /// The error's kind.
        error: String,
    },
    /// Dropped on the way.
    Cancelled,
}

impl AuditEvent {
    pub(super) fn of_exchange(function: String, exchange: &Exchange) -> Self {
        Self::Request {
            function,
            endpoint: clean(&exchange.endpoint, TEXT_BYTES),
            origin: exchange.origin.to_string(),
            method: clean(&exchange.method, TEXT_BYTES),
            path: clean(&exchange.path, PATH_BYTES),
            rule: exchange.asked.clone(),
            end: match &exchange.outcome {
                Outcome::Status(status) => RequestEnd::Status { status: *status },
                Outcome::Fault(fault) => RequestEnd::Fault {
                    fault: clean(&fault.to_string(), TEXT_BYTES),
                },
                Outcome::Presigned(valid) => RequestEnd::Presigned {
                    valid_seconds: valid.as_secs(),
                },
                Outcome::Cancelled => RequestEnd::Cancelled,
            },
            sent_bytes: exchange.sent_bytes,
            received_bytes: exchange.received_bytes,
            duration_ms: milliseconds(exchange.duration),
        }
    }

    pub(super) fn of_denial(function: String, denial: &Denial) -> Self {
        let rule = match &denial.reason {
            DenyReason::EndpointNotGranted { missing } => missing.clone(),
            DenyReason::NotGranted { missing } => Some(missing.clone()),
            _ => None,
        };
        Self::Denied {
            function,
            endpoint: clean(&denial.endpoint, TEXT_BYTES),
            method: clean(&denial.method, TEXT_BYTES),
            path: clean(&denial.path, PATH_BYTES),
            rule,
            reason: clean(&denial.reason.to_string(), TEXT_BYTES),
        }
    }

    pub(super) fn begin(doing: &str) -> Self {
        Self::Begin {
            doing: clean(doing, TEXT_BYTES),
        }
    }

    pub(super) fn call(doing: &str, end: CallEnd, (requests, denied): (u64, u64), duration: Duration) -> Self {
        Self::Call {
            doing: clean(doing, TEXT_BYTES),
            end,
            requests,
            denied,
            duration_ms: milliseconds(duration),
        }
    }

    /// The request that it is about, if it is about one: endpoint, method and path.
    pub fn request(&self) -> Option<(&str, &str, &str)> {
        match self {
            Self::Request {
                endpoint, method, path, ..
            }
            | Self::Denied {
                endpoint, method, path, ..
            } => Some((endpoint, method, path)),
            Self::Begin { .. } | Self::Call { .. } | Self::Lost { .. } => None,
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A time as lines have it. Texts of this form sort as the times do.
pub(super) fn timestamp(time: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    // A year beyond 9999 cannot be written: the clock is wrong, and an empty time says that it is not known.
    OffsetDateTime::from(time).format(format).unwrap_or_default()
}

/// The part of a digest that lines have.
pub(super) fn short_digest(digest: &str) -> String {
    digest.chars().take(DIGEST_DIGITS).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A request's line.
    pub(in crate::audit) fn request(connection: &str, path: &str) -> AuditEntry {
        AuditEntry {
            time: "2026-01-02T03:04:05.678Z".to_owned(),
            connection: connection.to_owned(),
            provider: "example".to_owned(),
            digest: "0123456789ab".to_owned(),
            call: "c1".to_owned(),
            event: AuditEvent::Request {
                function: "vms/list-vms".to_owned(),
                endpoint: "api".to_owned(),
                origin: "https://api.example.com".to_owned(),
                method: "GET".to_owned(),
                path: path.to_owned(),
                rule: RequestRule::new(["GET"], "/vms/*").unwrap(),
                end: RequestEnd::Status { status: 200 },
                sent_bytes: 0,
                received_bytes: 17,
                duration_ms: 3,
            },
        }
    }

    #[test]
    fn a_line_is_one_flat_document_that_reads_back() {
        let mut entry = request("lab", "/vms/a");
        let line = serde_json::to_string(&entry).unwrap();
        assert_eq!(
            line,
            r#"{"time":"2026-01-02T03:04:05.678Z","connection":"lab","provider":"example","digest":"0123456789ab","call":"c1","event":"request","function":"vms/list-vms","endpoint":"api","origin":"https://api.example.com","method":"GET","path":"/vms/a","rule":{"methods":["GET"],"path":"/vms/*"},"outcome":"status","status":200,"sent_bytes":0,"received_bytes":17,"duration_ms":3}"#
        );
        let ends = (CallEnd::Failed { error: "denied".into() }, CallEnd::Cancelled);
        let call = |end| AuditEvent::call("list vms", end, (2, 1), Duration::from_millis(5));
        for event in [
            entry.event.clone(),
            call(ends.0),
            call(ends.1),
            AuditEvent::Lost { lines: 3 },
        ] {
            entry.event = event;
            let line = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<AuditEntry>(&line).unwrap(), entry, "{line}");
        }
    }

    #[test]
    fn a_providers_words_are_bounded_and_cannot_forge_a_line() {
        let exchange = Exchange {
            endpoint: "x\n{\"event\":\"call\"}\u{1b}[2J".to_owned(),
            origin: "https://api.example.com".parse().unwrap(),
            method: "M".repeat(100_000),
            path: format!("/{}", "p".repeat(100_000)),
            asked: RequestRule::new(["GET"], "/**").unwrap(),
            outcome: Outcome::Fault(stockade_host::http::Fault::Protocol("\u{1b}".repeat(100_000))),
            sent_bytes: u64::MAX,
            received_bytes: 0,
            duration: Duration::MAX,
        };
        let event = AuditEvent::of_exchange("vms/list-vms".to_owned(), &exchange);
        let line = serde_json::to_string(&event).unwrap();
        assert!(line.len() < 4_096, "{}", line.len());
        assert!(!line.contains("\\n") && !line.contains("\\u"), "{line}");
    }

    #[test]
    fn times_sort_as_texts() {
        let at = |milliseconds| timestamp(SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds));
        assert_eq!(at(1_500), "1970-01-01T00:00:01.500Z");
        assert!(at(999) < at(1_000) && at(59_999) < at(60_000));
    }
}
