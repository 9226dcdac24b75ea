//! A complete `qemu:///system` for one test, in its own mount, network, pid and host-name namespaces.
//!
//! It has a NAT network `default` with DHCP and a directory pool `default`. Guests run under emulation. Programs that
//! talk to it, or to its guests, run inside ([`PrivateLibvirt::command`]): from outside it cannot be reached, and it
//! cannot reach the machine's network. Needs root, and the packages that `tests/support/scripts/setup` installs.
//! It ends with its value, and with this process however that ends: it watches a pipe that we hold.

use crate::{SupportError, script};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Set to anything by a person whose machine has no libvirt: the suites then report their libvirt trials as ignored.
/// Without it, a libvirt that does not start is a failure, never a silent pass.
pub const WITHOUT_LIBVIRT: &str = "STOCKADE_TEST_WITHOUT_LIBVIRT";

/// Whether [`WITHOUT_LIBVIRT`] is set.
#[must_use]
pub fn is_opted_out() -> bool {
    std::env::var_os(WITHOUT_LIBVIRT).is_some()
}

/// A running libvirt of one's own.
pub struct PrivateLibvirt {
    daemon: Child,
    directory: TempDir,
}

impl PrivateLibvirt {
    /// Starts one (0.6 s) and returns when it answers, with its network and its pool active.
    ///
    /// # Errors
    /// When this user may not make namespaces, a package is missing or libvirtd does not come up; the message carries
    /// libvirtd's words.
    pub fn start() -> Result<Self, SupportError> {
        const DOING: &str = "start a private libvirt";
        let directory = TempDir::with_prefix("stockade-libvirt-").map_err(|error| SupportError::new(DOING, error))?;
        let mut daemon = Command::new(script::path("private-libvirt"))
            .arg("run")
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| SupportError::new(DOING, error))?;
        let mut first_line = String::new();
        if let Some(stdout) = daemon.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut first_line)
                .map_err(|error| SupportError::new(DOING, error))?;
        }
        if first_line.trim() == "ready" {
            return Ok(Self { daemon, directory });
        }
        // It has ended, or it would have said `ready`: what it says is complete.
        let said = daemon.wait_with_output().map(|output| output.stderr);
        let log = std::fs::read_to_string(directory.path().join("log")).unwrap_or_default();
        let words = format!("{}{log}", String::from_utf8_lossy(&said.unwrap_or_default()));
        Err(SupportError::new(
            DOING,
            format!(
                "{}; without libvirt on this machine, set {WITHOUT_LIBVIRT}=1",
                words.trim()
            ),
        ))
    }

    /// A command that runs `program` inside, in the current directory of the [`Command`]. It dies with its caller.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(script::path("private-libvirt"));
        command.arg("exec").arg(self.directory.path()).arg(program);
        command
    }

    /// Runs `virsh` inside and returns what it prints. For a second opinion in tests, never for what is under test.
    ///
    /// # Errors
    /// When virsh refuses; the message carries its words.
    pub fn virsh(&self, arguments: &[&str]) -> Result<String, SupportError> {
        let mut command = self.command("virsh");
        command.args(["--quiet", "--connect", "qemu:///system"]).args(arguments);
        script::output(&format!("run `virsh {}`", arguments.join(" ")), &mut command)
    }

    /// The directory of the pool `default`, as seen from outside.
    #[must_use]
    pub fn pool_directory(&self) -> PathBuf {
        self.directory.path().join("var/lib/images")
    }

    /// Copies `file` into the pool `default` as `name`.
    ///
    /// # Errors
    /// When it cannot be copied or the pool does not refresh.
    pub fn add_image(&self, file: &Path, name: &str) -> Result<(), SupportError> {
        std::fs::copy(file, self.pool_directory().join(name))
            .map_err(|error| SupportError::new(format!("copy `{}` into the pool", file.display()), error))?;
        self.virsh(&["pool-refresh", "default"]).map(drop)
    }

    /// The names of the files in the pool `default`, sorted: what is there, not what libvirt remembers.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn pool_files(&self) -> Result<Vec<String>, SupportError> {
        let entries = std::fs::read_dir(self.pool_directory())
            .map_err(|error| SupportError::new("read the pool's directory", error))?;
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        Ok(names)
    }
}

impl Drop for PrivateLibvirt {
    fn drop(&mut self) {
        // The end of its input ends it, also where sudo stands between and a signal would not arrive.
        drop(self.daemon.stdin.take());
        let _ = self.daemon.wait();
    }
}
