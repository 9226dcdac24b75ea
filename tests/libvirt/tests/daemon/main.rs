//! What needs a real libvirt daemon, and no particular trial of the conformance suite: hosts reached by ssh and TLS, a
//! server's list that follows events, VMs that hang or move, kcli beside us, and that nothing else is started.
//!
//! Each test has a private libvirt of its own and runs inside its namespaces (`lab`): it changes and breaks it as it likes.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and prints for people"
)]

mod bad_input;
mod children;
mod daemon;
mod devices;
mod guests;
mod hung;
mod interop;
mod lab;
mod lists;
mod moves;
mod remote;
mod second;
mod server;
mod serving;
mod sshd;
