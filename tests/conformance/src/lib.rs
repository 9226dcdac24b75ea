//! One conformance suite for every provider.
//!
//! A *setup* is a provider with something real behind it: a simulated cloud, a kweb on a libvirt, a libvirt daemon. A
//! *trial* is a claim of the contract. Every trial runs on every setup whose provider exports the abilities that it needs,
//! through the same [`stockade::Service`] that the command line and the HTTP API use. What the claims are is in `trials`;
//! what a setup needs and documents is in `setup`.
//!
//! After each trial the world must be as it was before: whatever is left behind fails it, even when its claim held.
//!
//! ```text
//! conformance [--setup NAME]... [--skip-setup NAME]... [libtest arguments]
//! ```
//!
//! `STOCKADE_CONFORMANCE=NAME,...` does what `--setup` does. A setup that cannot run here fails the suite unless it is skipped by name.

mod arguments;
mod outcome;
mod setup;
mod ssh;
mod subject;
mod suite;
mod table;
mod trials;
mod world;

pub use suite::main;
