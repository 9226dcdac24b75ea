//! What one endpoint may use of its connection, where the operator granted less than the connection has.

use std::num::NonZeroU32;

use super::header_rule::HeaderRule;
use super::limits::HttpLimits;

/// The bounds of one endpoint; without any, the connection's limits alone hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointBounds {
    /// The headers that requests may have.
    pub request_headers: HeaderRule,
    /// The headers of responses that the guest may see.
    pub response_headers: HeaderRule,
    /// A request's body in bytes, also a spliced one; none for the connection's limit.
    pub request_body_bytes: Option<u64>,
    /// A response's body in bytes, also a spliced one; none for the connection's limit.
    pub response_body_bytes: Option<u64>,
    /// Requests in a second, and at once after a pause; the host's own count too. None for no such limit.
    pub requests_per_second: Option<NonZeroU32>,
    /// Requests at a time; none for the connection's limit. The host's own are not counted: they go out on behalf of one
    /// that is.
    pub requests_in_flight: Option<NonZeroU32>,
}

impl EndpointBounds {
    /// The connection's limits as far as requests' bodies are concerned, within these bounds.
    #[must_use]
    pub(super) fn sending(&self, limits: &HttpLimits) -> HttpLimits {
        let most = self.request_body_bytes.unwrap_or(u64::MAX);
        HttpLimits {
            request_body_bytes: limits.request_body_bytes.min(most),
            spliced_bytes: limits.spliced_bytes.min(most),
            ..limits.clone()
        }
    }

    /// The same for responses' bodies.
    #[must_use]
    pub(super) fn receiving(&self, limits: &HttpLimits) -> HttpLimits {
        let most = self.response_body_bytes.unwrap_or(u64::MAX);
        HttpLimits {
            response_body_bytes: limits.response_body_bytes.min(most),
            spliced_bytes: limits.spliced_bytes.min(most),
            ..limits.clone()
        }
    }
}
