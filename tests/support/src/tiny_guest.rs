//! The guest that tests boot: a real Debian kernel, ssh, a guest agent and a NoCloud reader on 17 MB.
//!
//! Its files are in `tests/support/guest`, its recipe in `tests/support/scripts/build-tiny-guest`. Under emulation it has
//! an address about 9 s after start, where a distribution's cloud image takes a minute.

use crate::{SupportError, artifacts, script};
use std::path::PathBuf;
use std::process::Command;

/// The guest's disk image (qcow2, bootable by BIOS), built once per kernel version and kept under `target/tiny-guest`.
///
/// # Errors
/// When a tool or a package is missing; the message says which and what to run.
pub fn image() -> Result<PathBuf, SupportError> {
    let cache = artifacts::cache_directory("tiny-guest");
    let mut command = Command::new(script::path("build-tiny-guest"));
    script::output("build the tiny guest", command.arg(cache)).map(PathBuf::from)
}
