//! `completions`: what a shell needs to complete our commands.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::cli::failure::Outcome;
use crate::cli::output;

/// Which shell.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// Prints the completions of this tree of commands.
pub(crate) fn run(arguments: &Completions, mut command: Command) -> Outcome {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, name, &mut script);
    Ok(output::print(&String::from_utf8_lossy(&script))?)
}
