//! This program, started again as something less: a compiler, or the process of one guest.
//!
//! A program that loads components calls [`become_child_if_asked`] first thing in `main`. Its parent asks by an
//! environment variable, the only one that a child has. What a child may do is in [`crate::lockdown`].

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{artifact, guest_process};

/// The variable by which a parent asks.
const ASK: &str = "STOCKADE_CHILD";

/// Whether this program can become a child: it has called [`become_child_if_asked`].
static READY: AtomicBool = AtomicBool::new(false);

/// What a child is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildRole {
    /// It compiles one component.
    Compiler,
    /// It runs one call of one guest.
    Guest,
}

impl ChildRole {
    const fn name(self) -> &'static str {
        match self {
            Self::Compiler => "compiler",
            Self::Guest => "guest",
        }
    }
}

/// Turns this process into a child if its parent asked for one; the exit code is then `main`'s. To be called first thing
/// in `main`, before any file is opened or thread started, by every program that loads components.
#[must_use]
pub fn become_child_if_asked() -> Option<ExitCode> {
    READY.store(true, Ordering::Relaxed);
    let asked = std::env::var_os(ASK)?;
    if asked == ChildRole::Compiler.name() {
        Some(artifact::compile_standard_input())
    } else if asked == ChildRole::Guest.name() {
        Some(guest_process::run_guest())
    } else {
        Some(ExitCode::FAILURE)
    }
}

/// A command that starts this program as a child: without the parent's environment, and in no particular directory.
///
/// # Errors
/// When the program did not call [`become_child_if_asked`], or its path is unknown.
pub(crate) fn command(role: ChildRole) -> io::Result<Command> {
    // A child that starts itself as a child would never end.
    if !READY.load(Ordering::Relaxed) || std::env::var_os(ASK).is_some() {
        return Err(io::Error::other(
            "this program did not heed `become_child_if_asked` at the start of `main`, so it cannot start itself safely",
        ));
    }
    // The running program, even when its file has been replaced by an upgrade meanwhile.
    let running = PathBuf::from("/proc/self/exe");
    let program = if running.exists() {
        running
    } else {
        std::env::current_exe()?
    };
    let mut command = Command::new(program);
    command.env_clear().env(ASK, role.name()).current_dir("/");
    Ok(command)
}
