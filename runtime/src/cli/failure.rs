//! How a command fails, what is printed then, and the process's exit code.

use std::io;
use std::process::ExitCode;

use crate::cli::terminal;

/// Exit code: it is done.
pub(crate) const DONE: u8 = 0;
/// Exit code: it was refused, or it failed.
pub(crate) const REFUSED: u8 = 1;
/// Exit code: the arguments are wrong.
pub(crate) const USAGE: u8 = 2;
/// Exit code: a defect of this program.
pub(crate) const DEFECT: u8 = 3;

/// Exit code: a dry run stopped what may change something.
pub(crate) const STOPPED: u8 = 4;

/// What a command's work ends with.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// How a command fails.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was typed cannot be carried out, whatever the state of the world.
    Usage {
        /// What is wrong with it.
        message: String,
        /// What to type instead.
        hint: String,
    },
    /// The library refused or failed.
    Refused(stockade::Error),
    /// Some of several failed, and each was told.
    Told,
    /// A dry run stopped something, and it was told what.
    Stopped,
    /// Standard output could not be written.
    Output(io::Error),
}

impl Failure {
    /// A failure of what was typed.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// A change of nothing; `choices` is what can be changed.
    pub(crate) fn nothing_to_change(choices: &str) -> Self {
        Self::usage("there is nothing to change", format!("give {choices}"))
    }
}

impl From<stockade::Error> for Failure {
    fn from(error: stockade::Error) -> Self {
        Self::Refused(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Tells of an error on standard error.
pub(crate) fn tell(error: &stockade::Error) {
    terminal::error(&error.to_string(), error.hints());
}

/// Tells how it ended, and makes it an exit code.
pub(crate) fn exit(outcome: Outcome) -> ExitCode {
    let code = match outcome {
        Ok(()) => DONE,
        Err(Failure::Usage { message, hint }) => {
            terminal::error(&message, &[hint]);
            USAGE
        }
        Err(Failure::Refused(error)) => {
            tell(&error);
            REFUSED
        }
        Err(Failure::Told) => REFUSED,
        Err(Failure::Stopped) => STOPPED,
        // Whoever reads has read enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => DONE,
        Err(Failure::Output(error)) => {
            terminal::error(&format!("cannot write the answer: {error}"), &[]);
            REFUSED
        }
    };
    ExitCode::from(code)
}
