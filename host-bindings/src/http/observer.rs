//! What the host reports about a connection's requests, for audit, traces and the operator's messages.
//!
//! Reports hold no query, header, body or secret: a query may carry a vendor's token. The runtime implements
//! [`Observer`]; this module only says what there is to see.

use std::time::Duration;

use super::denial::Denial;
use super::fault::Fault;
use super::origin::Origin;
use super::rule::RequestRule;

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A complete response with this status.
    Status(u16),
    /// No complete response.
    Fault(Fault),
    /// It was not sent: a URL was signed by which whoever holds it can send it for this long.
    Presigned(Duration),
    /// The call was dropped before the response was complete; the server may have acted on the request.
    Cancelled,
}

/// One request that was allowed, however it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The endpoint's name.
    pub endpoint: String,
    /// Where it led.
    pub origin: Origin,
    /// The method.
    pub method: String,
    /// The encoded path, without the query.
    pub path: String,
    /// The asked rule that matched, for this method alone.
    pub asked: RequestRule,
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes of the request's body that were handed to the connection.
    pub sent_bytes: u64,
    /// Bytes of the response's body that were received.
    pub received_bytes: u64,
    /// From the decision to the end.
    pub duration: Duration,
}

/// Sees every exchange and every denial of a connection.
///
/// Called once for each, from whatever task sent the request, also while that task is being dropped. An implementation
/// must return at once: it may queue, but not wait.
pub trait Observer: Send + Sync {
    /// An allowed request ended.
    fn exchange(&self, exchange: &Exchange);

    /// A request was denied: before it was sent, or because of the address to which its name led.
    fn denied(&self, denial: &Denial);
}
