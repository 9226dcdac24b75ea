//! The command as a process: what starting, loading the cached component and ending cost.

use std::process::{Command, Stdio};
use std::time::Instant;

use stockade_test_support::artifacts;

use crate::statistics::{Times, print_ratio};
use crate::{Result, component, native};

const RUNS: usize = 200;

/// Times a process from its start to its end.
pub(crate) fn time_process(runs: usize, mut command: impl FnMut() -> Command) -> Result<Times> {
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let mut command = command();
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let started = Instant::now();
        let status = command.status()?;
        times.push(started.elapsed());
        if !status.success() {
            return Err(format!("{command:?} failed").into());
        }
    }
    Ok(Times::new(times))
}

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let server = native::ten_vms()?;
    let home = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(component::connect(home.path(), "bench", &server.url()))?;
    let this = std::env::current_exe()?;
    let stockade = || {
        let mut command = Command::new(artifacts::stockade());
        command.env("STOCKADE_HOME", home.path()).args(["list", "vm"]);
        command
    };
    let native = || {
        let mut command = Command::new(&this);
        command.args([native::FLAG, &server.url()]);
        command
    };
    time_process(RUNS / 10, stockade)?;
    let ours = time_process(RUNS, stockade)?;
    let theirs = time_process(RUNS, native)?;
    print_ratio(
        "command list: 10 VMs, whole process",
        "at most 10 ms more",
        &ours,
        ("native client", &theirs),
    );
    Ok(())
}
