//! Limits of one connection's HTTP, and the budget of one call.
//!
//! Everything that a guest or a server can make long, large or many ends here. The values are defaults; a connection's
//! configuration may set others. Each constant says whom it protects.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::changes::Changes;

/// Requests in one call of a provider. Protects the vendor's API, and the operator's quota there, from a provider that
/// loops; a list of 10,000 vms at 50 a page with a lookup each page needs 400.
pub const REQUESTS_PER_CALL: u32 = 1_000;
/// Requests of one connection at a time; more wait. Protects the vendor from bursts and the host's file descriptors.
pub const IN_FLIGHT: usize = 16;
/// Requests of one connection in a second, with a second's worth at once; more wait. Protects the vendor's API from a
/// provider that never rests; EC2 refills a describing account at 20 to 100 a second
/// (<https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>).
pub const REQUESTS_PER_SECOND: u32 = 100;
/// A request's body in bytes. Protects the host's memory: the guest's list is copied once.
pub const REQUEST_BODY_BYTES: u64 = 8 << 20;
/// A request's headers, names and values. Common servers refuse more (nginx: `large_client_header_buffers`, 4 × 8 KiB).
pub const REQUEST_HEADER_BYTES: usize = 32 << 10;
/// A request's headers, counted. Protects servers that limit it (Apache: `LimitRequestFields`, 100), less the host's own.
pub const REQUEST_HEADER_COUNT: usize = 64;
/// A request's encoded path and query. RFC 9110, section 4.1, recommends that servers take at least 8000 bytes.
pub const TARGET_BYTES: usize = 8 << 10;
/// A response's headers, names and values. Protects the host's memory from a server, and the guest's.
pub const RESPONSE_HEADER_BYTES: usize = 64 << 10;
/// A response's headers, counted, and its trailers. Protects the host from a server.
pub const RESPONSE_HEADER_COUNT: usize = 100;
/// A response's body that is handed to the guest. Protects the host's memory, and the guest's.
pub const RESPONSE_BODY_BYTES: u64 = 8 << 20;
/// A body that is spliced from or into a blob. Protects the host's disk from a server that never ends.
pub const SPLICED_BYTES: u64 = 64 << 30;
/// Resolving, connecting and the TLS handshake together. Protects the caller from a host that drops packets.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// From sending a request to the end of its response. Protects the caller from a slow server.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// The same for a request that splices a blob either way: an image takes its time.
pub const TRANSFER_TIMEOUT: Duration = Duration::from_secs(4 * 60 * 60);
/// From the last part of a request's body that the server took to the head of its response; also between two such parts.
/// Protects a transfer, whose whole time is long, from a server that is stuck; some store an upload before they answer.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// Between two parts of a response's body. Ends a transfer that stalls long before its whole time is over.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The limits of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLimits {
    /// See [`REQUESTS_PER_CALL`].
    pub requests_per_call: u32,
    /// See [`IN_FLIGHT`].
    pub in_flight: usize,
    /// See [`REQUESTS_PER_SECOND`].
    pub requests_per_second: u32,
    /// See [`REQUEST_BODY_BYTES`].
    pub request_body_bytes: u64,
    /// See [`RESPONSE_HEADER_BYTES`].
    pub response_header_bytes: usize,
    /// See [`RESPONSE_BODY_BYTES`].
    pub response_body_bytes: u64,
    /// See [`SPLICED_BYTES`].
    pub spliced_bytes: u64,
    /// See [`CONNECT_TIMEOUT`].
    pub connect_timeout: Duration,
    /// See [`REQUEST_TIMEOUT`].
    pub request_timeout: Duration,
    /// See [`TRANSFER_TIMEOUT`].
    pub transfer_timeout: Duration,
    /// See [`HEAD_TIMEOUT`].
    pub head_timeout: Duration,
    /// See [`STALL_TIMEOUT`].
    pub stall_timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            requests_per_call: REQUESTS_PER_CALL,
            in_flight: IN_FLIGHT,
            requests_per_second: REQUESTS_PER_SECOND,
            request_body_bytes: REQUEST_BODY_BYTES,
            response_header_bytes: RESPONSE_HEADER_BYTES,
            response_body_bytes: RESPONSE_BODY_BYTES,
            spliced_bytes: SPLICED_BYTES,
            connect_timeout: CONNECT_TIMEOUT,
            request_timeout: REQUEST_TIMEOUT,
            transfer_timeout: TRANSFER_TIMEOUT,
            head_timeout: HEAD_TIMEOUT,
            stall_timeout: STALL_TIMEOUT,
        }
    }
}

/// What one call may still do: how many requests, and whether they may change something. Made for each call of a provider
/// and dropped with it.
#[derive(Debug)]
pub struct CallBudget {
    left: AtomicU32,
    total: u32,
    changes: Changes,
}

impl CallBudget {
    /// A full budget.
    #[must_use]
    pub fn new(limits: &HttpLimits) -> Self {
        Self {
            left: AtomicU32::new(limits.requests_per_call),
            total: limits.requests_per_call,
            changes: Changes::default(),
        }
    }

    /// The same for a call whose changes meet this.
    #[must_use]
    pub fn with_changes(self, changes: Changes) -> Self {
        Self { changes, ..self }
    }

    /// What meets its changes.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// How many requests the call may make in all.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Takes one request; false when none is left. Refused requests count too, else probing would be free.
    #[must_use]
    pub fn spend(&self) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_gives_its_requests_and_no_more() {
        let budget = CallBudget::new(&HttpLimits {
            requests_per_call: 2,
            ..HttpLimits::default()
        });
        assert_eq!(
            [budget.spend(), budget.spend(), budget.spend(), budget.spend()],
            [true, true, false, false]
        );
    }
}
