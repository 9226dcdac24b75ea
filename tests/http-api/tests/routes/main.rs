//! The HTTP API as a client sees it: a real server on a free port, a real runtime, the simulated provider as a component.
//!
//! One server serves all trials; each trial has a connection of its own, and so a cloud of its own. Files mirror the
//! paths of the API.

#![expect(clippy::unwrap_used, reason = "a step that fails is a trial that fails")]

mod buckets;
mod client;
mod connections;
mod disks;
mod dns;
mod fixture;
mod guests;
mod images;
mod joint_vms;
mod load_balancers;
mod networks;
mod offers;
mod openapi;
mod pools;
mod providers;
mod security_groups;
mod server;
mod snapshots;
mod subnets;
mod vm_changes;
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
        ("buckets", buckets::trials()),
        ("connections", connections::trials()),
        ("disks", disks::trials()),
        ("dns", dns::trials()),
        ("guests", guests::trials()),
        ("images", images::trials()),
        ("joint_vms", joint_vms::trials()),
        ("load_balancers", load_balancers::trials()),
        ("networks", networks::trials()),
        ("offers", offers::trials()),
        ("openapi", openapi::trials()),
        ("pools", pools::trials()),
        ("providers", providers::trials()),
        ("security_groups", security_groups::trials()),
        ("server", server::trials()),
        ("snapshots", snapshots::trials()),
        ("subnets", subnets::trials()),
        ("vm_changes", vm_changes::trials()),
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
