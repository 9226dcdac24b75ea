//! Five hundred domains on a real libvirt, twenty of them running: the command against `virsh` and kcli, and the server.
//!
//! This program starts itself again inside the private libvirt's namespaces, so that every process that is timed there
//! starts as directly as on a real host. Goals: issue 4.

mod domains;
mod processes;
mod serving;

use std::path::Path;
use std::process::Command;

use stockade_test_support::kcli::Kcli;
use stockade_test_support::private_libvirt::PrivateLibvirt;
use stockade_test_support::{artifacts, tiny_guest};

use crate::Result;
use domains::Notes;

/// By this flag the program measures inside.
pub(crate) const FLAG: &str = "--inside-libvirt";

/// Domains of the list in a command.
const DOMAINS: usize = 500;
/// Domains of the list in a server.
const SERVED: usize = 100;
/// Domains that run, paused: QEMU is there and takes no processor.
const RUNNING: usize = 20;

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    // Both need the network, which a private libvirt does not have.
    Kcli::install()?;
    let image = tiny_guest::image()?;
    for notes in [Notes::Ours, Notes::Kclis, Notes::Nobodys] {
        let libvirt = PrivateLibvirt::start()?;
        let mut command = libvirt.command(std::env::current_exe()?);
        let status = command.args([FLAG, notes.name()]).arg(&image).status()?;
        if !status.success() {
            return Err(format!("inside it ended with {status}").into());
        }
    }
    Ok(())
}

/// What is measured inside.
pub(crate) fn run_inside(notes: &str, image: &str) -> Result<()> {
    let notes = Notes::from_name(notes).ok_or("these notes are nobody's")?;
    let home = tempfile::tempdir()?;
    Kcli::configure(home.path())?;
    let kcli = Kcli::install()?;
    expect_success(stockade(
        home.path(),
        &["create", "connection", "bench", "--provider", "libvirt"],
    ))?;
    domains::define(home.path(), 0..SERVED, notes)?;
    domains::start(0..RUNNING)?;
    if notes == Notes::Ours {
        serving::run(home.path())?;
    }
    domains::define(home.path(), SERVED..DOMAINS, notes)?;
    processes::list(home.path(), &kcli, notes)?;
    if notes == Notes::Ours {
        processes::create(home.path(), Path::new(image))?;
        processes::upload(home.path())?;
    }
    Ok(())
}

/// The command with these arguments.
fn stockade(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(artifacts::stockade());
    command.env("STOCKADE_HOME", home.join("stockade")).args(arguments);
    command
}

/// `virsh` with these arguments.
fn virsh(arguments: &[&str]) -> Command {
    let mut command = Command::new("virsh");
    command.args(["--quiet", "--connect", "qemu:///system"]).args(arguments);
    command
}

fn expect_success(mut command: Command) -> Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
