//! Hostile guests: each way out is tried by a guest and refused by the host, and works where it is granted.
//!
//! The guest is `tests/isolation/guests`; components that Rust cannot express are written as text in `generated.rs`. A
//! trial names the attempts that it makes. The suite does not compile when an attempt of the guest has no trial, and
//! fails when a trial does not make the attempts that it names. Each trial runs twice: with the guests in this process, and
//! with each call in a process of its own. It does not test the policy functions one by one: that is done beside them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod abi;
mod artifacts;
mod blobs;
mod bombs;
mod canary;
mod conditions;
mod coverage;
mod description;
mod discovered;
mod documented;
mod generated;
mod lab;
mod leaks;
mod limits;
mod lists;
mod origins;
mod raw_server;
mod read_only;
mod requests;
mod revocation;
mod server;
mod sharing;
mod state;
mod supply;
mod upstreams;
mod wall;
mod words;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use lab::{Lab, Shared, Trial};
use leaks::Trace;
use libtest_mimic::{Arguments, Failed};
use stockade::connections::Isolation;

const SUITES: &[&[Trial]] = &[
    abi::TRIALS,
    artifacts::TRIALS,
    blobs::TRIALS,
    bombs::TRIALS,
    canary::TRIALS,
    conditions::TRIALS,
    description::TRIALS,
    discovered::TRIALS,
    documented::TRIALS,
    generated::TRIALS,
    limits::TRIALS,
    lists::TRIALS,
    origins::TRIALS,
    read_only::TRIALS,
    requests::TRIALS,
    revocation::TRIALS,
    sharing::TRIALS,
    state::TRIALS,
    supply::TRIALS,
    upstreams::TRIALS,
    wall::TRIALS,
    words::TRIALS,
];

fn all_trials() -> impl Iterator<Item = &'static Trial> {
    SUITES.iter().copied().flatten()
}

/// Every trial names attempts that there are. That each attempt has a trial is seen to by `coverage`.
fn every_trial_names_known_attempts() -> Result<(), Failed> {
    let known: BTreeSet<String> = stockade_hostile::names().into_iter().collect();
    let tried = all_trials().flat_map(|trial| trial.attempts);
    let unknown: Vec<_> = tried.filter(|name| !known.contains(**name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!("unknown to the guest: {unknown:?}").into())
}

fn main() -> ExitCode {
    if let Some(code) = stockade::become_child_if_asked() {
        return code;
    }
    if let Some(code) = wall::attempt_if_asked() {
        return code;
    }
    let arguments = Arguments::from_args();
    let trace = Trace::install();
    let mut trials = vec![libtest_mimic::Trial::test(
        "every_trial_names_known_attempts",
        every_trial_names_known_attempts,
    )];
    for (isolation, suffix) in [(Isolation::InProcess, ""), (Isolation::Process, "_in_a_process")] {
        let shared = Arc::new(Shared::new(isolation, trace.clone()));
        trials.extend(all_trials().map(|trial| {
            let shared = Arc::clone(&shared);
            libtest_mimic::Trial::test(format!("{}{suffix}", trial.name), move || {
                Lab::new(shared).run(trial);
                Ok(())
            })
        }));
    }
    let measure = move || {
        let lab = |isolation| Lab::new(Arc::new(Shared::new(isolation, trace.clone())));
        wall::measure(&[
            ("in this process", lab(Isolation::InProcess)),
            ("in a process", lab(Isolation::Process)),
        ]);
        Ok(())
    };
    trials.push(libtest_mimic::Trial::test("what_a_call_costs", measure).with_ignored_flag(true));
    libtest_mimic::run(&arguments, trials).exit_code()
}
