//! Follows one allowed request to its end and reports it, also when the call is dropped on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::decide::Allowed;
use super::observer::{Exchange, Observer, Outcome};

/// Reports an exchange exactly once: when it ends, or as cancelled when it is dropped before.
pub(super) struct Watch<'a> {
    observer: &'a dyn Observer,
    /// None once it is reported.
    exchange: Option<Exchange>,
    began: Instant,
    /// Counts the request's body.
    pub(super) sent: Arc<AtomicU64>,
    /// Counts the response's body.
    pub(super) received: u64,
}

impl<'a> Watch<'a> {
    pub(super) fn begin(observer: &'a dyn Observer, allowed: &Allowed<'_>) -> Self {
        let exchange = Exchange {
            endpoint: allowed.grant.name.clone(),
            origin: allowed.origin.clone(),
            method: allowed.method.to_string(),
            path: allowed.path.clone(),
            asked: allowed.asked.for_method(allowed.method.as_str()),
            outcome: Outcome::Cancelled,
            sent_bytes: 0,
            received_bytes: 0,
            duration: Duration::ZERO,
        };
        Self {
            observer,
            exchange: Some(exchange),
            began: Instant::now(),
            sent: Arc::default(),
            received: 0,
        }
    }

    pub(super) fn end(mut self, outcome: Outcome) {
        self.report(outcome);
    }

    /// Ends without a report: a denial is reported instead.
    pub(super) fn forget(mut self) {
        self.exchange = None;
    }

    fn report(&mut self, outcome: Outcome) {
        if let Some(mut exchange) = self.exchange.take() {
            exchange.outcome = outcome;
            exchange.sent_bytes = self.sent.load(Ordering::Relaxed);
            exchange.received_bytes = self.received;
            exchange.duration = self.began.elapsed();
            self.observer.exchange(&exchange);
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.report(Outcome::Cancelled);
    }
}
