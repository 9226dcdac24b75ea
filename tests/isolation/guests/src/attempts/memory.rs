//! The guest's own memory: what is left in it from other calls, and whether a secret ever got into it.

#![expect(
    unsafe_code,
    reason = "a guest that searches its whole memory reads what no reference of Rust covers"
)]

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;
use serde_json::{Value, json};
use stockade_provider::host::Host;
use stockade_provider::types::{Error, Vm};

use crate::command::{WantedRequest, arguments, outcome, told};

static CALLS: AtomicU32 = AtomicU32::new(0);

/// Counts its own runs in a global variable, twice in each call.
pub(super) fn remember<H: Host>(_host: &H, _command: &Value) -> Result<Vm, Error> {
    CALLS.fetch_add(1, Ordering::Relaxed);
    Ok(told(&json!(CALLS.fetch_add(1, Ordering::Relaxed) + 1)))
}

#[derive(Deserialize)]
struct Search {
    requests: Vec<WantedRequest>,
    /// What to look for, each byte combined with [`MASK`], so that the search does not find what it looks for in its
    /// own arguments.
    masked: Vec<Vec<u8>>,
}

/// What each byte of a text to look for is combined with.
const MASK: u8 = 0xa5;

/// Sends requests, keeps what comes, and looks through its whole memory; answers how often it found each text.
pub(super) fn search<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let search: Search = arguments(command)?;
    let requests = search.requests.into_iter().map(WantedRequest::into_request);
    let kept: Vec<_> = requests.map(|request| host.send(request)).collect();
    let options = host.connection_options();
    let found: Vec<usize> = search.masked.iter().map(|masked| occurrences(masked)).collect();
    black_box((kept, options));
    Ok(told(&json!({ "found": found, "searched_bytes": memory_bytes() })))
}

fn occurrences(masked: &[u8]) -> usize {
    let last = memory_bytes().saturating_sub(masked.len());
    let matches = |start: usize| {
        masked
            .iter()
            .enumerate()
            .all(|(offset, byte)| byte_at(start + offset) == byte ^ MASK)
    };
    // From 1: Rust has no pointer to 0.
    (1..last).filter(|&start| matches(start)).count()
}

fn byte_at(address: usize) -> u8 {
    // SAFETY: `address` lies below the memory's size, so the read cannot trap; a volatile read of any byte of a linear
    // memory is only a load. Natively this is never called: there `memory_bytes` is 0.
    unsafe { std::ptr::with_exposed_provenance::<u8>(address).read_volatile() }
}

#[cfg(target_arch = "wasm32")]
fn memory_bytes() -> usize {
    std::arch::wasm32::memory_size::<0>() << 16
}

#[cfg(not(target_arch = "wasm32"))]
fn memory_bytes() -> usize {
    0
}

#[derive(Deserialize)]
struct Dump {
    requests: Vec<WantedRequest>,
}

/// Everything that the host tells it.
pub(super) fn dump<H: Host>(host: &H, command: &Value) -> Result<Vm, Error> {
    let dump: Dump = arguments(command)?;
    let requests = dump.requests.into_iter().map(WantedRequest::into_request);
    let answers: Vec<Value> = requests.map(|request| outcome(&host.send(request))).collect();
    Ok(told(&json!({
        "answers": answers,
        "name": host.connection_name(),
        "options": host.connection_options(),
        "state": host.state_list_keys(""),
        "now": host.now(),
    })))
}
