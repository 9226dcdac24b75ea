//! Runs the scripts of `tests/support/scripts` and turns their failures into errors that carry their words.
//!
//! The scripts say on standard error what is missing and what to do; that text is the error's.

use crate::{SupportError, artifacts};
use std::path::PathBuf;
use std::process::Command;

/// The path of the script `name`.
pub(crate) fn path(name: &str) -> PathBuf {
    artifacts::workspace_root().join("tests/support/scripts").join(name)
}

/// Runs `command` to its end and returns its standard output, trimmed. `doing` completes "could not".
pub(crate) fn output(doing: &str, command: &mut Command) -> Result<String, SupportError> {
    let output = command.output().map_err(|error| SupportError::new(doing, error))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let why = format!("{}; it ended with {}", words.trim(), output.status);
        return Err(SupportError::new(doing, why));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
