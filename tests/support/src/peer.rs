//! A server that others wrote, installed from its registry, on a loopback port of its own.
//!
//! [`Peer`] installs, starts, waits and stops; what a peer is told and asked is its own file's matter, in `tests/peers`.
//! Versions are pinned by `tests/support/scripts/install-peer`. A peer that cannot be installed or started is an error:
//! a test without it has tested nothing.

use crate::{SupportError, artifacts, script, wait_for};
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long a peer may take to listen: several seconds alone, more beside a build; a whole cloud needs the most.
const START_TIMEOUT: Duration = Duration::from_secs(300);
/// How often a peer is started again because another program took its port first.
const ATTEMPTS: u32 = 5;

/// A running server; it ends with its value.
pub struct Peer {
    process: Child,
    home: TempDir,
    port: u16,
}

/// Where a peer lives, for building its command.
pub struct Place<'a> {
    /// Where it was installed: a virtual environment of Python, or a prefix of npm.
    pub installation: &'a Path,
    /// An empty directory for its state; also its working directory and `HOME`.
    pub home: &'a Path,
    /// The port that it is to listen on, at 127.0.0.1.
    pub port: u16,
}

impl Place<'_> {
    /// A program of its Python environment.
    #[must_use]
    pub fn python(&self, program: &str) -> Command {
        Command::new(self.installation.join("bin").join(program))
    }

    /// A program of its npm packages.
    #[must_use]
    pub fn npm(&self, program: &str) -> Command {
        Command::new(self.installation.join("node_modules/.bin").join(program))
    }
}

impl Peer {
    /// Starts the peer `name` of `install-peer`, installing it first where it is not, and returns when it takes
    /// connections.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub fn start(name: &str, command: impl Fn(&Place<'_>) -> Command) -> Result<Self, SupportError> {
        let installation = Self::install(name)?;
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            let mut peer = Self::spawn(name, &installation, &command)?;
            let port = peer.port;
            // Either it takes a connection or it has ended; both end the wait.
            wait_for(&format!("{name} to listen"), START_TIMEOUT, || {
                let ended = peer.process.try_wait().is_ok_and(|status| status.is_some());
                (ended || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()).then_some(())
            });
            match peer.process.try_wait() {
                Ok(None) => return Ok(peer),
                _ => log = peer.log(),
            }
        }
        Err(SupportError::new(format!("start {name}"), log))
    }

    /// Installs the peer `name` of `install-peer` where it is not; answers where it is.
    pub(crate) fn install(name: &str) -> Result<PathBuf, SupportError> {
        let installation = Self::installation(name);
        script::output(
            &format!("install {name}"),
            Command::new(script::path("install-peer")).arg(name).arg(&installation),
        )?;
        Ok(installation)
    }

    /// Where the peer `name` is installed.
    pub(crate) fn installation(name: &str) -> PathBuf {
        artifacts::cache_directory("peers").join(name)
    }

    fn spawn(name: &str, installation: &Path, command: &impl Fn(&Place<'_>) -> Command) -> Result<Self, SupportError> {
        let spawn = || -> std::io::Result<Self> {
            let home = TempDir::with_prefix(format!("stockade-{name}-"))?;
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            let log = File::create(home.path().join("peer.log"))?;
            let place = Place {
                installation,
                home: home.path(),
                port,
            };
            let process = command(&place)
                .current_dir(home.path())
                .env("HOME", home.path())
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()?;
            Ok(Self { process, home, port })
        };
        spawn().map_err(|error| SupportError::new(format!("start {name}"), error))
    }

    /// The port that it listens on, at 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its own directory, where its state is.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("peer.log")).unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
