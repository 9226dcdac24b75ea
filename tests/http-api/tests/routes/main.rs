//! The HTTP API as a client sees it: a real server on a free port, a real runtime, the simulated provider as a component.
//!
//! One server serves all trials; each trial has a connection of its own, and so a cloud of its own. Files mirror the
//! paths of the API.

#![expect(clippy::unwrap_used, reason = "a step that fails is a trial that fails")]

mod client;
mod connections;
mod disks;
mod fixture;
mod images;
mod joint_vms;
mod networks;
mod openapi;
mod pools;
mod providers;
mod server;
mod snapshots;
mod vms;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use fixture::Fixture;

fn main() -> ExitCode {
    if let Some(code) = stockade::become_child_if_asked() {
        return code;
    }
    let arguments = Arguments::from_args();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => panic!("no runtime for the tests: {error}"),
    };
    let fixture = Arc::new(runtime.block_on(Fixture::start()));
    let mut trials = Vec::new();
    for (noun, claims) in [
        ("connections", connections::trials()),
        ("disks", disks::trials()),
        ("images", images::trials()),
        ("joint_vms", joint_vms::trials()),
        ("networks", networks::trials()),
        ("openapi", openapi::trials()),
        ("pools", pools::trials()),
        ("providers", providers::trials()),
        ("server", server::trials()),
        ("snapshots", snapshots::trials()),
        ("vms", vms::trials()),
    ] {
        for claim in claims {
            let (runtime, fixture) = (Arc::clone(&runtime), Arc::clone(&fixture));
            let (name, work) = claim;
            trials.push(Trial::test(format!("{noun}::{name}"), move || {
                runtime.block_on(work(fixture));
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
