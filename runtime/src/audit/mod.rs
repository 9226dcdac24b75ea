//! The audit log: what providers did outside and what they were denied, on which connection, in which call.
//!
//! One JSON document on each line of `audit/audit.jsonl` in the data directory; older files are `audit.1.jsonl` and so on.
//! Never in it: queries, headers, bodies, secrets. Several processes append at once. Writing happens on a thread of its
//! own behind a bounded queue, so that no request waits for a disk; what does not fit is counted and the count written.
//!
//! `AuditLog` takes lines, `CallWitness` makes them for one call, [`AuditQuery`] reads them back. The service
//! layer makes witnesses; `grants` suggests rules from what was read. Nothing here decides on a request.

mod entry;
mod file;
mod log;
mod query;
mod settings;
mod witness;

pub use entry::{AuditEntry, AuditEvent, CallEnd, RequestEnd};
pub(crate) use log::AuditLog;
pub use query::{AuditPage, AuditQuery};
pub use settings::AuditSettings;
pub(crate) use witness::CallWitness;

use std::path::PathBuf;

use crate::home::Home;

/// The log's directory.
fn directory(home: &Home) -> PathBuf {
    home.data.join("audit")
}
