//! The command line: translates what was typed into calls of the library, and answers into text.
//!
//! It decides nothing about providers: whatever can be refused is refused by the library, for the HTTP API as well.
//! Standard output carries data only, in one of the formats of [`output`]; everything else goes to standard error.
//!
//! [`verbs`] is the tree of commands; one module for each noun says what its commands take and do. Called by `main`.

mod arguments;
mod audit;
mod bucket;
mod bucket_file;
mod change;
mod completions;
mod connection;
mod context;
mod disk;
mod dns;
mod dry_run;
mod events;
mod failure;
mod flavor;
mod grants;
mod guest;
mod host;
mod image;
mod load_balancer;
mod network;
mod new_file;
mod nic;
mod noun;
mod order;
mod output;
mod panics;
mod pool;
mod provider;
mod reporter;
mod security_group;
mod serve;
mod snapshot;
mod subnet;
mod terminal;
mod verbs;
mod vm;

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use failure::{Failure, Outcome};
use verbs::Arguments;

/// Runs the command that was typed.
pub(crate) fn run(typed: impl IntoIterator<Item = OsString>) -> ExitCode {
    panics::explain();
    let typed: Vec<OsString> = typed.into_iter().collect();
    std::panic::catch_unwind(|| run_typed(typed)).unwrap_or(ExitCode::from(failure::DEFECT))
}

fn run_typed(typed: Vec<OsString>) -> ExitCode {
    let mut command = Arguments::command();
    let typed = order::verb_before_noun(&command, typed);
    let matches = command.try_get_matches_from_mut(typed);
    let arguments = match matches.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help was asked for, or the arguments are wrong; clap knows which. A closed pipe is nobody's failure.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() {
                failure::USAGE
            } else {
                failure::DONE
            });
        }
    };
    failure::exit(verbs::run(arguments))
}

/// Runs a command's work on this thread alone: starting more of them takes longer than most commands.
fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::from(stockade::Error::io("starting", &error)))?;
    let outcome = runtime.block_on(work);
    // A call that was given up, to a libvirt that hangs for example, must not keep the command from ending.
    runtime.shutdown_background();
    outcome
}
