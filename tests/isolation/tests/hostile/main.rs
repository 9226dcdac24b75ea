//! Hostile guests: each way out is tried by a guest and refused by the host, and works where it is granted.
//!
//! The guest is `tests/isolation/guests`; components that Rust cannot express are written as text in `generated.rs`. A
//! trial names the attempts that it makes. The suite fails when an attempt of the guest has no trial, and when a trial does
//! not make the attempts that it names. Each trial runs twice: with the guests in this process, and with each call in a
//! process of its own. It does not test the policy functions one by one: that is done beside them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod artifacts;
mod blobs;
mod canary;
mod description;
mod generated;
mod lab;
mod leaks;
mod limits;
mod lists;
mod requests;
mod server;
mod state;
mod wall;
mod words;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use lab::{Lab, Shared, Trial};
use leaks::Trace;
use libtest_mimic::{Arguments, Failed};
use stockade::connections::Isolation;

fn all_trials() -> impl Iterator<Item = &'static Trial> {
    [
        artifacts::TRIALS,
        blobs::TRIALS,
        canary::TRIALS,
        description::TRIALS,
        generated::TRIALS,
        limits::TRIALS,
        lists::TRIALS,
        requests::TRIALS,
        state::TRIALS,
        wall::TRIALS,
        words::TRIALS,
    ]
    .into_iter()
    .flatten()
}

/// Every attempt of the guest has a trial, and every trial names attempts that there are.
fn every_attempt_has_a_trial() -> Result<(), Failed> {
    let tried: BTreeSet<String> = all_trials()
        .flat_map(|trial| trial.attempts)
        .map(|name| (*name).to_owned())
        .collect();
    let known: BTreeSet<String> = stockade_hostile::names().into_iter().collect();
    if tried == known {
        return Ok(());
    }
    Err(format!(
        "without a trial: {:?}; unknown to the guest: {:?}",
        known.difference(&tried).collect::<Vec<_>>(),
        tried.difference(&known).collect::<Vec<_>>()
    )
    .into())
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
        "every_attempt_has_a_trial",
        every_attempt_has_a_trial,
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
