//! Builds the trials of the wanted setups and runs them.
//!
//! Setups that need a libvirt run in a second process of this program, inside the private libvirt's namespaces; there they
//! share one world and so run one after the other.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Conclusion, Failed, Trial as TestTrial};
use stockade_test_support::private_libvirt::{WITHOUT_LIBVIRT, is_opted_out};
use tokio::runtime::Handle;

use crate::arguments::SuiteArguments;
use crate::outcome::Outcome;
use crate::setup::{self, ALONE, Faults, IN_PROCESS, INSIDE, Inside, Setup, Stage};
use crate::table;
use crate::trials::{self, FaultTrial, GUESTS_OF_BOTH, Trial};
use crate::world::World;

/// The exit code of a suite that could not run: that of a failed libtest.
const FAILED: u8 = 101;

/// Runs the suite as the process's arguments say.
pub fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(failed) => {
            report(&format!(
                "the conformance suite cannot run: {}",
                failed.message().unwrap_or("no reason is known")
            ));
            ExitCode::from(FAILED)
        }
    }
}

/// Tells the person at the terminal, beside the test results.
fn report(words: &str) {
    use std::io::Write as _;
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{words}");
}

fn run() -> Outcome<bool> {
    let arguments = SuiteArguments::from_process()?;
    arguments.check_names(&[IN_PROCESS, INSIDE, ALONE, &[table::NAME]].concat())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let stage = Stage::new()?;
    match arguments.inside {
        Some(port) => Ok(run_inside(&arguments, &runtime, &stage, port)?.exit_code() == ExitCode::SUCCESS),
        None => {
            let is_well = run_in_process(&arguments, &runtime, &stage)? & run_alone(&arguments, &runtime, &stage)?;
            Ok(start_inside(&arguments, &runtime, &stage)? && is_well)
        }
    }
}

fn has_passed(conclusion: &Conclusion) -> bool {
    !conclusion.has_failed()
}

fn run_in_process(arguments: &SuiteArguments, runtime: &tokio::runtime::Runtime, stage: &Stage) -> Outcome<bool> {
    if !IN_PROCESS
        .iter()
        .chain([&table::NAME])
        .any(|name| arguments.wants(name))
    {
        return Ok(true);
    }
    let mut all = Vec::new();
    if arguments.wants(table::NAME) {
        let up_to_date = table::check(stage);
        all.push(TestTrial::test(format!("{}::{}", table::NAME, table::TRIAL), || {
            up_to_date
        }));
    }
    if arguments.wants(IN_PROCESS[0]) {
        let fake = runtime.block_on(setup::fake(stage))?;
        all.extend(trials_of(fake, runtime.handle()));
    }
    if arguments.wants(IN_PROCESS[1]) {
        let faults = runtime.block_on(setup::web_faults(stage))?;
        all.extend(trials_of_faults(faults, runtime.handle()));
    }
    if arguments.wants(IN_PROCESS[2]) {
        let faults = runtime.block_on(setup::openstack_faults(stage))?;
        all.extend(trials_of_faults(faults, runtime.handle()));
    }
    if arguments.wants(IN_PROCESS[3]) {
        let faults = runtime.block_on(setup::aws_faults(stage))?;
        all.extend(trials_of_faults(faults, runtime.handle()));
    }
    if arguments.wants(IN_PROCESS[4]) {
        let aws = runtime.block_on(setup::aws_moto(stage))?;
        all.extend(trials_of(aws, runtime.handle()));
    }
    if arguments.wants(IN_PROCESS[5]) {
        let aws = runtime.block_on(setup::aws_ministack(stage))?;
        all.extend(trials_of(aws, runtime.handle()));
    }
    Ok(has_passed(&libtest_mimic::run(&arguments.common, all)))
}

/// Runs the setups whose trials share a world, one after the other. They are not listed: their world would have to be made.
fn run_alone(arguments: &SuiteArguments, runtime: &tokio::runtime::Runtime, stage: &Stage) -> Outcome<bool> {
    if arguments.common.list || !arguments.wants(ALONE[0]) {
        return Ok(true);
    }
    let mut common = arguments.common.clone();
    common.test_threads = Some(1);
    let openstack = runtime.block_on(setup::openstack(stage))?;
    let all = trials_of(openstack, runtime.handle());
    Ok(has_passed(&libtest_mimic::run(&common, all)))
}

/// Starts this program again where a libvirt of its own is. True when nothing failed, or nothing of it was wanted.
fn start_inside(arguments: &SuiteArguments, runtime: &tokio::runtime::Runtime, stage: &Stage) -> Outcome<bool> {
    let wanted: Vec<&str> = INSIDE.iter().copied().filter(|name| arguments.wants(name)).collect();
    if wanted.is_empty() {
        return Ok(true);
    }
    if arguments.common.list {
        let setups = runtime.block_on(inside_setups(arguments, stage, 0))?;
        let all = setups
            .into_iter()
            .flat_map(|setup| trials_of(setup, runtime.handle()))
            .collect();
        return Ok(has_passed(&libtest_mimic::run(&arguments.common, all)));
    }
    if is_opted_out() {
        report(&format!(
            "NOT RUN: setups {}, because {WITHOUT_LIBVIRT} is set",
            wanted.join(", ")
        ));
        return Ok(true);
    }
    let refuse = |failed: Failed| {
        let skips = wanted
            .iter()
            .map(|name| format!("--skip-setup {name}"))
            .collect::<Vec<_>>()
            .join(" ");
        format!("{}\nto leave them out: `{skips}`", failed.message().unwrap_or_default())
    };
    let inside = Inside::start(wanted.contains(&INSIDE[1])).map_err(refuse)?;
    let mut passed_on: Vec<String> = wanted
        .iter()
        .flat_map(|name| ["--setup".to_owned(), (*name).to_owned()])
        .collect();
    passed_on.extend(arguments.passed_on.iter().cloned());
    let status = inside.run(&std::env::current_exe()?, &passed_on)?;
    if !status.success() && !inside.kweb_log().is_empty() {
        let log = inside.kweb_log();
        let last: Vec<_> = log.lines().rev().take(60).collect();
        report(&format!(
            "the last of kweb's log:\n{}",
            last.into_iter().rev().collect::<Vec<_>>().join("\n")
        ));
    }
    Ok(status.success())
}

async fn inside_setups(arguments: &SuiteArguments, stage: &Stage, kweb_port: u16) -> Outcome<Vec<Setup>> {
    let mut setups = Vec::new();
    if arguments.wants(INSIDE[0]) {
        setups.push(setup::libvirt(stage)?);
    }
    if arguments.wants(INSIDE[1]) {
        setups.push(setup::web(stage, kweb_port).await?);
    }
    Ok(setups)
}

fn run_inside(
    arguments: &SuiteArguments,
    runtime: &tokio::runtime::Runtime,
    stage: &Stage,
    kweb_port: u16,
) -> Outcome<Conclusion> {
    let mut setups = runtime
        .block_on(inside_setups(arguments, stage, kweb_port))?
        .into_iter();
    let mut all = Vec::new();
    match (setups.next(), setups.next()) {
        (Some(native), Some(other)) => {
            let (native, other) = (Arc::new(native), Arc::new(other));
            all.extend(trials_of_shared(&native, runtime.handle()));
            all.extend(trials_of_shared(&other, runtime.handle()));
            all.push(trial_of_both(native, other, runtime.handle().clone()));
        }
        (Some(one), None) => all.extend(trials_of(one, runtime.handle())),
        _ => {}
    }
    let mut common = arguments.common.clone();
    // They share a libvirt: what one leaves for a moment, another would find.
    common.test_threads = Some(1);
    Ok(libtest_mimic::run(&common, all))
}

fn trials_of(setup: Setup, handle: &Handle) -> Vec<TestTrial> {
    trials_of_shared(&Arc::new(setup), handle)
}

fn trials_of_shared(setup: &Arc<Setup>, handle: &Handle) -> Vec<TestTrial> {
    let fits = |trial: &Trial| {
        trial
            .needs
            .iter()
            .all(|ability| setup.provider.has(*ability) && !setup.gaps.absent.contains(ability))
    };
    let trials = trials::all().into_iter().filter(fits);
    trials
        .map(|trial| {
            let (setup, handle) = (Arc::clone(setup), handle.clone());
            let excuse = setup.gaps.excuse(trial.name);
            if let Some(why) = excuse {
                report(&format!("EXCUSED: {}::{}: {why}", setup.name, trial.name));
            }
            TestTrial::test(format!("{}::{}", setup.name, trial.name), move || {
                handle.block_on(run_trial(&setup, trial))
            })
            .with_ignored_flag(excuse.is_some())
        })
        .collect()
}

/// A connection's name: a trial's own is longer than names may be.
fn connection_name(setup: &str, trial: &str) -> String {
    let words: String = trial
        .split('_')
        .filter_map(|word| word.get(..word.len().min(3)))
        .collect();
    format!("{setup}-{}", words.chars().take(40).collect::<String>())
}

/// Runs a trial, and checks that it left nothing behind.
async fn run_trial(setup: &Setup, trial: Trial) -> Outcome {
    let subject = setup.subject(&connection_name(setup.name, trial.name)).await?;
    let before = World::observe(&subject).await?;
    let outcome = (trial.run)(&subject).await;
    let swept = before.sweep_vms(&subject).await;
    let unchanged = match &swept {
        Ok(()) => before.check_unchanged(&subject).await,
        Err(_) => Ok(()),
    };
    before.force_back(&subject)?;
    outcome?;
    swept?;
    unchanged
}

fn trial_of_both(native: Arc<Setup>, other: Arc<Setup>, handle: Handle) -> TestTrial {
    TestTrial::test(format!("{}+{}::{GUESTS_OF_BOTH}", native.name, other.name), move || {
        handle.block_on(async {
            let (one, two) = (
                native.subject("both-native").await?,
                other.subject("both-component").await?,
            );
            let before = World::observe(&one).await?;
            let outcome = trials::guests_on_both(&native.runtime, &one, &two).await;
            before.force_back(&one)?;
            outcome
        })
    })
}

fn trials_of_faults(faults: Faults, handle: &Handle) -> Vec<TestTrial> {
    let faults = Arc::new(faults);
    let test = |trial: FaultTrial| {
        let (faults, handle) = (Arc::clone(&faults), handle.clone());
        let connection = connection_name(faults.name, trial.name);
        TestTrial::test(format!("{}::{}", faults.name, trial.name), move || {
            handle.block_on((trial.run)(&faults, &connection))
        })
    };
    trials::faults().into_iter().map(test).collect()
}
