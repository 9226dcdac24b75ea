//! The guest's side of every import: takes a guest's words, asks the host (`host_calls`), gives the guest the answer.
//!
//! The linker holds these interfaces and nothing else. Nothing is decided here: this code runs in the guest's process.

mod blobs;
mod clock;
mod connection;
mod floor;
mod http;
mod log;
mod progress;
mod sources;
mod state;

use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings;
use crate::component::CallState;

pub(crate) use floor::link_floor;
pub(crate) use sources::wasi_context;

/// The host interfaces of the contract.
const HOST_INTERFACES: &[&str] = &[
    "http",
    "presign",
    "blobs",
    "state",
    "log",
    "progress",
    "clock",
    "connection",
];

/// Links the contract's host interfaces.
pub(crate) fn link(linker: &mut Linker<CallState>) -> Result<()> {
    bindings::Imports::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)
}

/// Whether an import is one of the contract's host interfaces, in any compatible version.
pub(crate) fn is_host_interface(import: &str) -> bool {
    import
        .strip_prefix("stockade:provider/")
        .and_then(|rest| rest.split('@').next())
        .is_some_and(|name| HOST_INTERFACES.contains(&name))
}
