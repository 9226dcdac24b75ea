//! What a guest may ask the host for, and the host's side of it: the one boundary between a guest and the world.
//!
//! Everything that a guest can cause outside its own memory is a [`HostCall`]: plain data, answered with plain data. The
//! host's side of one call of a provider, [`CallHost`], holds the connection and decides. It runs in the host's own
//! process wherever the guest runs: `imports` (and the WASI floor's clocks and random numbers) ask through [`Host`],
//! directly or, from a process of the guest's own, by messages.
//!
//! [`CallHost::perform`] is the single place through which all of it passes: what wants to see, record or replace what
//! guests do belongs there. Not here: wasmtime, guest memory, handles of the guest's (`component`, `imports`).

mod blobs;
mod floor;
mod http;
mod state;
mod table;
mod words;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) use blobs::MAX_READ_BYTES;
pub(crate) use table::{HostAnswer, HostCall};

use crate::blobs::{Blob, BlobId};
use crate::call::{Call, LogLevel};
use crate::component::Function;
use crate::connection::Connection;
use crate::guest_process::Parent;
use crate::http::CallBudget;
use crate::limits::Room;

/// Who a guest asks. Cloning shares it.
#[derive(Clone)]
pub(crate) enum Host {
    /// The host is in this process.
    Here(Arc<CallHost>),
    /// This is a guest's process, and the host is its parent.
    Parent(Arc<Parent>),
}

impl Host {
    /// Has the host do something, and waits for its answer.
    async fn ask(&self, call: HostCall) -> wasmtime::Result<HostAnswer> {
        match self {
            Self::Here(host) => Ok(host.perform(call).await),
            Self::Parent(parent) => parent.ask(call),
        }
    }
}

/// The host's side of one call of a provider. It ends with the call.
pub(crate) struct CallHost {
    connection: Arc<Connection>,
    call: Call,
    function: Function,
    budget: CallBudget,
    /// What is left for blobs that the guest fills.
    scratch: Room,
    blobs: Mutex<HashMap<BlobId, Blob>>,
    /// The number of the next blob: numbers are never used twice.
    next_blob: AtomicU32,
    /// So far, with those that were not passed on: atomic, because requests of one call run at the same time.
    log_lines: AtomicU32,
    progress_reports: AtomicU32,
    denials: AtomicU32,
}

impl CallHost {
    pub(crate) fn new(connection: Arc<Connection>, call: Call, function: Function) -> Self {
        Self {
            budget: CallBudget::new(connection.http.limits()),
            scratch: Room::new(u64::from(connection.limits.scratch_mib) << 20),
            blobs: Mutex::default(),
            next_blob: AtomicU32::new(0),
            log_lines: AtomicU32::new(0),
            progress_reports: AtomicU32::new(0),
            denials: AtomicU32::new(0),
            connection,
            call,
            function,
        }
    }

    /// Says at the end of a call what was kept from the operator.
    pub(crate) fn finish(&self) {
        let most = self.connection.limits.log_lines;
        for (count, what) in [
            (&self.log_lines, "log lines beyond the limit"),
            (&self.denials, "denials beyond the limit of log lines"),
        ] {
            let dropped = count.load(Ordering::Relaxed).saturating_sub(most);
            if dropped > 0 {
                let message = format!("{dropped} {what} were dropped");
                self.call.reporter.log(LogLevel::Warn, &message);
            }
        }
    }
}

/// Counts one more; whether it is still within the limit.
fn count(counter: &AtomicU32, most: u32) -> bool {
    let before = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_add(1));
    before.is_ok_and(|before| before < most)
}
