//! A provider that tries every way out, on demand: the guest's side of the isolation tests.
//!
//! It asks for little and is told by the test what to try: `get-vm` takes a command `{"attempt": NAME, …}` for a name, and
//! `upload-image` likewise; the option `list` says how `list-vms` misbehaves; what `describe` does is a text in the
//! component that the test overwrites, because `describe` has nothing else that it could ask. What the guest saw comes
//! back as JSON in the description of a VM.
//!
//! [`names`] lists every attempt. The host's side checks that each has a test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a hostile guest may panic; some attempts consist of it"
)]

mod attempts;
mod command;
mod description;
#[cfg(target_arch = "wasm32")]
mod export;
mod lists;
mod vms;

pub use attempts::{ATTEMPTS, UPLOADS};
pub use description::{DESCRIPTIONS, MARK};
pub use lists::LISTS;

/// The provider.
#[derive(Clone, Copy, Debug)]
pub struct Hostile;

/// Every attempt, with the way by which it is asked for: `attempt panic`, `list endless`.
#[must_use]
pub fn names() -> Vec<String> {
    let kinds = [
        ("attempt", ATTEMPTS),
        ("upload", UPLOADS),
        ("list", LISTS),
        ("describe", DESCRIPTIONS),
    ];
    let each = kinds
        .iter()
        .flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind} {name}")));
    each.collect()
}
