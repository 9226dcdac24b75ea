//! Denials: why a request is not sent, told to two readers.
//!
//! The operator reads what was asked for, which rule is missing and the exact line that would allow it. The guest learns
//! [`Denial::fault`]: `denied` for everything that depends on grants, more only about requests that are malformed under any
//! grant. `decide` and the connector make denials; the client hands them to the observer.

use std::fmt;

use super::address::{AddressClass, RefusedAddress};
use super::fault::Fault;
use super::limits::{REQUEST_HEADER_BYTES, REQUEST_HEADER_COUNT, TARGET_BYTES};
use super::origin::Origin;
use super::origin_pattern::OriginPattern;
use super::request::Request;
use super::rule::RequestRule;
use super::segment::{self, SegmentProblem};

/// How much of a guest's own text a message repeats, in characters. Protects the operator's log.
const QUOTED_CHARACTERS: usize = 200;

/// Why a request was denied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DenyReason {
    /// The provider did not declare the endpoint.
    #[error("the provider declares no such endpoint")]
    UnknownEndpoint,
    /// The operator granted nothing there.
    #[error("nothing is granted at this endpoint")]
    EndpointNotGranted {
        /// What would grant this request; none when the provider did not ask for it either.
        missing: Option<RequestRule>,
    },
    /// No asked rule matches. The operator cannot grant it: the provider has to ask.
    #[error("the provider does not ask for such requests")]
    NotAsked,
    /// An asked rule matches, and no granted one.
    #[error("no granted rule matches; the provider asks for it with `{missing}`")]
    NotGranted {
        /// The asked rule, narrowed to the request's method.
        missing: RequestRule,
    },
    /// No rule can allow the method.
    #[error("the method is not an upper-case token, or is one that is never allowed")]
    Method,
    /// A path segment that servers might read as leaving its place.
    #[error("path segment {index} is refused: {problem}")]
    BadSegment {
        /// Counted from 0.
        index: usize,
        /// What is wrong.
        problem: SegmentProblem,
    },
    /// Path and query are too long.
    #[error("path and query are {bytes} bytes long when encoded, more than {TARGET_BYTES}")]
    TargetTooLong {
        /// Their length.
        bytes: usize,
    },
    /// A header that is the host's.
    #[error("the header `{name}` is the host's to set")]
    ForbiddenHeader {
        /// Its name.
        name: String,
    },
    /// A query parameter that carries the endpoint's credential.
    #[error("the query parameter `{name}` is the host's to set")]
    ForbiddenParameter {
        /// Its name.
        name: String,
    },
    /// The request by which the host itself logs in.
    #[error("only the host logs in by this request")]
    HostsLogin,
    /// A header that is none.
    #[error("the header `{name}` has a malformed name or value")]
    MalformedHeader {
        /// Its name.
        name: String,
    },
    /// Headers are too many or too long.
    #[error("the headers are more than {REQUEST_HEADER_COUNT} or longer than {REQUEST_HEADER_BYTES} bytes")]
    HeadersTooLarge,
    /// The body is too long.
    #[error("the body is {bytes} bytes long, more than {limit}")]
    BodyTooLarge {
        /// Its length.
        bytes: u64,
        /// The connection's limit.
        limit: u64,
    },
    /// The call made too many requests.
    #[error("the call has made its {total} requests")]
    BudgetSpent {
        /// How many a call may make.
        total: u32,
    },
    /// The endpoint's origin is fixed.
    #[error("the request names an origin, and the endpoint has one of its own")]
    OriginNotTaken,
    /// The endpoint's origin is discovered.
    #[error("the request names no origin, and the endpoint's is discovered")]
    OriginMissing,
    /// What the request names is no origin.
    #[error("what the request names as its origin is none: write `https://HOST` or `https://HOST:PORT`")]
    BadOrigin,
    /// The provider did not ask for that origin.
    #[error("the provider does not ask for the origin `{origin}`, only for `{asked}`")]
    OriginNotAsked {
        /// The origin.
        origin: Origin,
        /// What it asks for.
        asked: Box<OriginPattern>,
    },
    /// The operator did not grant that origin.
    #[error("the origin `{origin}` is not among the origins granted at this endpoint")]
    OriginNotGranted {
        /// The origin.
        origin: Origin,
    },
    /// The operator did not grant that header.
    #[error("the header `{name}` is not granted at this endpoint")]
    HeaderNotGranted {
        /// Its name.
        name: String,
    },
    /// The body is longer than granted at this endpoint.
    #[error("the body is {bytes} bytes long, more than the {limit} that are granted at this endpoint")]
    BodyNotGranted {
        /// Its length.
        bytes: u64,
        /// What is granted.
        limit: u64,
    },
    /// The connection only reads.
    #[error("it may change something, and this connection only reads")]
    ReadOnly,
    /// Nothing is changed in a dry run.
    #[error("it may change something, and this is a dry run")]
    DryRun,
    /// The request is granted, but not to be signed for others.
    #[error("the request is granted, but handing it to others as a presigned URL is not")]
    PresignNotGranted,
    /// Every address of the origin is refused.
    #[error("`{origin}` leads to {}", list(refused))]
    Address {
        /// The origin.
        origin: Origin,
        /// Its addresses.
        refused: Vec<RefusedAddress>,
    },
}

fn list(refused: &[RefusedAddress]) -> String {
    let each: Vec<String> = refused
        .iter()
        .map(|refused| format!("{}, {}", refused.address, refused.class))
        .collect();
    each.join("; ")
}

/// A denied request, told to the operator by `Display` and [`Denial::hint`]. Guest text in it is escaped and shortened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The endpoint's name, as the guest gave it.
    pub endpoint: Box<str>,
    /// The method.
    pub method: Box<str>,
    /// The encoded path, without the query.
    pub path: Box<str>,
    /// Why.
    pub reason: DenyReason,
}

impl Denial {
    /// A denial of a request.
    #[must_use]
    pub fn new(request: &Request, reason: DenyReason) -> Self {
        Self {
            endpoint: quotable(&request.endpoint),
            method: quotable(&request.method),
            path: quotable(&segment::encode_path(&request.path)),
            reason,
        }
    }

    /// What the operator can do; none when only the provider's author can do something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let endpoint = &self.endpoint;
        match &self.reason {
            DenyReason::EndpointNotGranted { missing: Some(missing) } | DenyReason::NotGranted { missing } => Some(
                format!("to allow it, add `{missing}` to the rules granted at endpoint `{endpoint}`"),
            ),
            DenyReason::OriginNotGranted { origin } => Some(format!(
                "to allow it, grant endpoint `{endpoint}` the line `origins = [\"{origin}\"]`"
            )),
            DenyReason::HeaderNotGranted { name } => Some(format!(
                "to allow it, change `request_headers` at endpoint `{endpoint}` so that `{name}` passes"
            )),
            DenyReason::BodyNotGranted { .. } => Some(format!(
                "if the provider is right to do so, raise `request_body_kib` at endpoint `{endpoint}`"
            )),
            DenyReason::ReadOnly | DenyReason::DryRun => Some(format!(
                "if such requests only read, say so in the rule granted at endpoint `{endpoint}`: `effect = \"read\"`"
            )),
            // Nothing makes our own API reachable.
            DenyReason::Address { refused, .. } if refused.iter().all(|refused| refused.class == AddressClass::Own) => {
                None
            }
            DenyReason::Address { refused, .. } => {
                let networks: Vec<String> = refused
                    .iter()
                    .filter(|refused| refused.class != AddressClass::Own)
                    .map(|refused| format!("\"{}\"", refused.network()))
                    .collect();
                Some(format!(
                    "to allow it, grant endpoint `{endpoint}` the line `allow_addresses = [{}]`",
                    networks.join(", ")
                ))
            }
            DenyReason::PresignNotGranted => Some(format!(
                "to let the provider hand out such URLs, each valid for an hour at most, grant endpoint `{endpoint}` the \
                 line `presign_seconds = 3600`"
            )),
            DenyReason::BudgetSpent { .. } => Some(raise("requests_per_call")),
            DenyReason::BodyTooLarge { .. } => Some(raise("request_body_mib")),
            _ => None,
        }
    }

    /// What the guest learns.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match &self.reason {
            DenyReason::UnknownEndpoint
            | DenyReason::EndpointNotGranted { .. }
            | DenyReason::NotAsked
            | DenyReason::NotGranted { .. }
            | DenyReason::HostsLogin
            | DenyReason::BudgetSpent { .. }
            | DenyReason::OriginNotAsked { .. }
            | DenyReason::OriginNotGranted { .. }
            | DenyReason::HeaderNotGranted { .. }
            | DenyReason::BodyNotGranted { .. }
            | DenyReason::ReadOnly
            | DenyReason::DryRun
            | DenyReason::PresignNotGranted
            | DenyReason::Address { .. } => Fault::Denied,
            DenyReason::Method
            | DenyReason::OriginNotTaken
            | DenyReason::OriginMissing
            | DenyReason::BadOrigin
            | DenyReason::BadSegment { .. }
            | DenyReason::TargetTooLong { .. }
            | DenyReason::ForbiddenHeader { .. }
            | DenyReason::ForbiddenParameter { .. }
            | DenyReason::MalformedHeader { .. }
            | DenyReason::HeadersTooLarge
            | DenyReason::BodyTooLarge { .. } => Fault::Protocol(self.reason.to_string()),
        }
    }
}

fn raise(limit: &str) -> String {
    format!("if the provider is right to do so, raise `{limit}` in the connection's `[limits]`")
}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            endpoint,
            method,
            path,
            reason,
        } = self;
        write!(
            formatter,
            "`{method} {path}` at endpoint `{endpoint}` was denied: {reason}"
        )
    }
}

/// A guest's text, fit for a line of a log.
pub(super) fn quotable(text: &str) -> Box<str> {
    text.chars()
        .take(QUOTED_CHARACTERS)
        .flat_map(char::escape_debug)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::credential::OutgoingBody;
    use crate::http::decide::decide;
    use crate::http::decide::tests::{grants, request, rule};
    use crate::http::limits::HttpLimits;

    #[test]
    fn the_operator_learns_the_line_and_the_guest_only_that_it_was_denied() {
        let denial = decide(
            &grants(),
            &HttpLimits::default(),
            &request("DELETE", "/vms/web 1"),
            OutgoingBody::Bytes(&[]),
        )
        .unwrap_err();
        assert_eq!(
            denial.to_string(),
            "`DELETE /vms/web%201` at endpoint `api` was denied: no granted rule matches; the provider asks for it with \
             `{ methods = [\"DELETE\"], path = \"/vms/*\" }`"
        );
        let line = r#"{ methods = ["DELETE"], path = "/vms/*" }"#;
        assert!(denial.hint().unwrap().contains(line));
        assert_eq!(denial.fault(), Fault::Denied);
        // What the hint says is true: with that line added, the same request passes.
        let mut widened = grants();
        widened[0].granted.push(rule(&["DELETE"], "/vms/*"));
        assert!(
            decide(
                &widened,
                &HttpLimits::default(),
                &request("DELETE", "/vms/web 1"),
                OutgoingBody::Bytes(&[])
            )
            .is_ok()
        );

        let refused = vec![RefusedAddress {
            address: "10.1.2.3".parse().unwrap(),
            class: AddressClass::Private,
        }];
        let reason = DenyReason::Address {
            origin: "https://pve.lan:8006".parse().unwrap(),
            refused,
        };
        let denial = Denial::new(&request("GET", "/vms"), reason);
        assert!(
            denial
                .to_string()
                .ends_with("`https://pve.lan:8006` leads to 10.1.2.3, a private address")
        );
        assert!(
            denial
                .hint()
                .unwrap()
                .ends_with(r#"`allow_addresses = ["10.1.2.3/32"]`"#)
        );
        assert_eq!(denial.fault(), Fault::Denied);
    }

    #[test]
    fn a_guests_text_cannot_forge_lines_in_the_operators_log() {
        let hostile = Request {
            endpoint: format!("x`\n\u{1b}[31m{}", "y".repeat(5_000)),
            ..request("A\nB", "/\u{202e}")
        };
        let text = Denial::new(&hostile, DenyReason::UnknownEndpoint).to_string();
        assert!(!text.chars().any(char::is_control) && text.len() < 1_000, "{text}");
    }
}
