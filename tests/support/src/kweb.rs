//! A real kweb, kcli's HTTP server, beside a private libvirt.
//!
//! kweb listens on every address without authentication; so it runs inside the private network namespace, where only
//! programs that run there too reach it. Installed once from PyPI by `tests/support/scripts/install-kweb`.

use crate::kcli::Kcli;
use crate::private_libvirt::PrivateLibvirt;
use crate::{SupportError, wait_for};
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// kweb's port: any will do, since each private libvirt has a network of its own. One kweb per libvirt.
const PORT: u16 = 18_000;

/// A running kweb; it ends with its value.
pub struct Kweb {
    process: Child,
    home: TempDir,
}

impl Kweb {
    /// Starts kweb inside `libvirt`, installing it first where it is not (10 s), and returns when it takes connections.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub fn start(libvirt: &PrivateLibvirt) -> Result<Self, SupportError> {
        let kcli = Kcli::install()?;
        let start = |home: &TempDir| -> std::io::Result<Child> {
            let log = File::create(home.path().join("log"))?;
            libvirt
                .command("env")
                .arg(format!("HOME={}", home.path().display()))
                .arg(format!("KWEB_PORT={PORT}"))
                .arg(kcli.program("kweb"))
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()
        };
        let home = TempDir::with_prefix("stockade-kweb-").map_err(|error| SupportError::new("start kweb", error))?;
        Kcli::configure(home.path())?;
        let process = start(&home).map_err(|error| SupportError::new("start kweb", error))?;
        let mut kweb = Self { process, home };
        // Either it takes a connection or it has ended; both end the wait.
        wait_for("kweb to listen", Duration::from_secs(60), || {
            let ended = kweb.process.try_wait().is_ok_and(|status| status.is_some());
            (ended || is_listening(libvirt)).then_some(())
        });
        match kweb.process.try_wait() {
            Ok(None) => Ok(kweb),
            _ => Err(SupportError::new("start kweb", kweb.log())),
        }
    }

    /// The URL for programs that run inside the same libvirt's namespaces.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{PORT}")
    }

    /// What kweb has written so far: its request log and tracebacks.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Kweb {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_listening(libvirt: &PrivateLibvirt) -> bool {
    let probe = format!("exec 3<>/dev/tcp/127.0.0.1/{PORT}");
    let mut command = libvirt.command("bash");
    command.args(["-c", &probe]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
