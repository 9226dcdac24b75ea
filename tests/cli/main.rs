//! The command `stockade` as scripts and people use it: the real binary, its exit code, its two outputs.
//!
//! The provider is the simulated one, a real component; each test has a home of its own. They need
//! `components/dist/fake.wasm`.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot go on is a failed test")]

mod audit;
mod changes;
mod connections;
mod errors;
mod help;
mod output;
mod read_only;
mod replay;
mod serve;
mod services;
mod session;
mod supply;
mod vendor;
mod vms;
