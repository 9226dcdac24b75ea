//! A look inside a guest: a command through ssh, with a key of the trial's own.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::Command;

use crate::outcome::Outcome;

/// How long a guest may take to boot and to answer: ten seconds under emulation, when there is nothing else to run.
const BOOT_LIMIT: Duration = Duration::from_secs(240);
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// A key that guests accept.
pub(crate) struct Key {
    directory: TempDir,
    /// Its public half, as a line of `authorized_keys`.
    pub(crate) public: String,
}

impl Key {
    /// Makes one.
    pub(crate) async fn new() -> Outcome<Self> {
        let directory = TempDir::with_prefix("stockade-key-")?;
        let path = directory.path().join("key");
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "conformance", "-f"])
            .arg(&path);
        let output = command.output().await?;
        if !output.status.success() {
            return Err(format!("ssh-keygen: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let public = std::fs::read_to_string(path.with_extension("pub"))?.trim().to_owned();
        Ok(Self { directory, public })
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("key")
    }

    /// Runs a command in the guest at this address, as soon as it answers; what it printed.
    pub(crate) async fn run(&self, address: &str, command: &str) -> Outcome<String> {
        let start = Instant::now();
        loop {
            let mut ssh = Command::new("ssh");
            ssh.arg("-i").arg(self.path()).args([
                "-oBatchMode=yes",
                "-oConnectTimeout=10",
                // The guest's key is made at each of its starts.
                "-oStrictHostKeyChecking=no",
                "-oUserKnownHostsFile=/dev/null",
                "-oLogLevel=ERROR",
            ]);
            let output = ssh.arg(format!("root@{address}")).arg(command).output().await?;
            if output.status.success() {
                return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
            }
            // What ssh itself cannot do it says with 255 (ssh(1), "EXIT STATUS"); everything else is the command's.
            if output.status.code() != Some(255) || start.elapsed() > BOOT_LIMIT {
                let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                return Err(format!("`{command}` in the guest at {address}: {} {words}", output.status).into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
