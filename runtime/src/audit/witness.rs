//! Sees one call, and writes down what it does outside and how it ends.
//!
//! The service layer makes one for each activity: everything that is done for one command or one request of the HTTP API
//! has the same id, whichever functions of the provider it takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use stockade_host::call::Auditor;
use stockade_host::component::Function;
use stockade_host::contract::ErrorKind;
use stockade_host::http::{Denial, Exchange};

use super::entry::{AuditEntry, AuditEvent, CallEnd, short_digest, timestamp};
use super::log::AuditLog;
use crate::error::Result;
use crate::registry::InstalledProvider;

/// Denials of one call that get a line; further ones are counted in the call's. A guest can cause denials as fast as it
/// can call, and would otherwise push everything else out of the log. Requests that are allowed always get a line: their
/// number is limited (`requests_per_call`).
const DENIALS_PER_CALL: u64 = 100;

/// Sees one call. Its last line is written when it is dropped.
pub(crate) struct CallWitness {
    log: AuditLog,
    connection: String,
    provider: String,
    digest: String,
    call: String,
    doing: String,
    began: Instant,
    end: Mutex<CallEnd>,
    requests: AtomicU64,
    denied: AtomicU64,
}

impl CallWitness {
    /// A call that begins. Where the log is required, that is on the disk when this returns.
    ///
    /// # Errors
    /// `unavailable` when the log is required and cannot be written.
    pub(crate) fn begin(log: &AuditLog, connection: &str, provider: &InstalledProvider, doing: &str) -> Result<Self> {
        let witness = Self {
            log: log.clone(),
            connection: connection.to_owned(),
            provider: provider.info.name.clone(),
            digest: short_digest(&provider.digest),
            call: format!("{:016x}", rand::random::<u64>()),
            doing: doing.to_owned(),
            began: Instant::now(),
            end: Mutex::new(CallEnd::Cancelled),
            requests: AtomicU64::new(0),
            denied: AtomicU64::new(0),
        };
        if log.is_required() {
            witness.record(AuditEvent::begin(doing));
            log.flush()
                .map_err(|error| error.hint("`required` in `audit.toml` refuses calls that cannot be written down"))?;
        }
        Ok(witness)
    }

    /// It goes on after an answer: when it is dropped now, it was cancelled.
    pub(crate) fn go_on(&self) {
        self.set_end(CallEnd::Cancelled);
    }

    /// It has answered.
    pub(crate) fn answered(&self, failure: Option<&ErrorKind>) {
        self.set_end(failure.map_or(CallEnd::Done, |kind| CallEnd::Failed {
            error: kind.name().to_owned(),
        }));
    }

    fn set_end(&self, end: CallEnd) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }

    fn record(&self, event: AuditEvent) {
        self.log.record(AuditEntry {
            time: timestamp(SystemTime::now()),
            connection: self.connection.clone(),
            provider: self.provider.clone(),
            digest: self.digest.clone(),
            call: self.call.clone(),
            event,
        });
    }
}

impl Auditor for CallWitness {
    fn exchange(&self, function: Function, exchange: &Exchange) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.record(AuditEvent::of_exchange(function.to_string(), exchange));
    }

    fn denied(&self, function: Function, denial: &Denial) {
        if self.denied.fetch_add(1, Ordering::Relaxed) < DENIALS_PER_CALL {
            self.record(AuditEvent::of_denial(function.to_string(), denial));
        }
    }
}

impl Drop for CallWitness {
    fn drop(&mut self) {
        let end = self.end.get_mut().unwrap_or_else(PoisonError::into_inner).clone();
        let counts = (*self.requests.get_mut(), *self.denied.get_mut());
        self.record(AuditEvent::call(&self.doing, end, counts, self.began.elapsed()));
    }
}
