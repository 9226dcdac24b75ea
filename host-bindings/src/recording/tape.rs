//! A recording that is being made, or one that is given back.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::MAX_RECORDING_BYTES;
use super::line::{Line, VERSION};
use super::redact::Redaction;
use super::replay::Replay;
use crate::contract::{CONTRACT_VERSION, OptionEntry};

/// Why a recording cannot be made or given back.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// There is a file already.
    #[error("there is a file `{0}` already; recordings are not overwritten")]
    Exists(PathBuf),
    /// The file cannot be used.
    #[error("{doing} `{path}`: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds too much.
    #[error("the recording is larger than {} MiB", MAX_RECORDING_BYTES >> 20)]
    TooLarge,
    /// A line is not what it must be.
    #[error("line {line} of the recording is broken: {why}")]
    Broken {
        /// Counted from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// It was made for another contract.
    #[error("the recording is of version {0} of the contract, and this program has {CONTRACT_VERSION}; record again")]
    Contract(String),
    /// It does not know the provider.
    #[error("the recording has no call of provider `{0}`")]
    UnknownProvider(String),
    /// It was made with another build of the provider.
    #[error(
        "the recording was made with another build of provider `{provider}`: {recorded}, not {found}; record again, or take \
         the digest out of the recording's `provider` line if it fits this build too"
    )]
    OtherBuild {
        /// The provider's name.
        provider: String,
        /// The recorded digest.
        recorded: String,
        /// The digest of what is installed.
        found: String,
    },
}

/// A recording. Cloning shares it.
#[derive(Clone)]
pub struct Tape {
    side: Arc<Side>,
}

/// What is done with it.
enum Side {
    Record(Mutex<Recorder>),
    Replay(Mutex<Replay>),
}

/// What of a recording belongs to one connection.
#[derive(Clone, Debug)]
pub struct ConnectionTape {
    pub(super) tape: Tape,
    pub(super) connection: String,
    redaction: Arc<Mutex<Redaction>>,
}

impl ConnectionTape {
    /// Blots a value out of everything that is recorded from now on: a secret that is given for one call. To be said again
    /// when the recording is given back, so that the same request is found.
    pub fn hide(&self, option: &OptionEntry) {
        lock(&self.redaction).hide(option);
    }

    /// What must not be seen.
    pub(super) fn redaction(&self) -> Redaction {
        lock(&self.redaction).clone()
    }
}

impl Tape {
    /// A new recording in a new file that only its owner can read.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn record(path: &Path) -> Result<Self, TapeError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => TapeError::Exists(path.to_owned()),
            _ => io_error("creating", path, source),
        })?;
        let mut recorder = Recorder {
            file,
            path: path.to_owned(),
            bytes: 0,
            calls: 0,
            providers: Vec::new(),
        };
        recorder.write(&Line::Recording {
            version: VERSION,
            contract: CONTRACT_VERSION.to_owned(),
        })?;
        Ok(Self {
            side: Arc::new(Side::Record(Mutex::new(recorder))),
        })
    }

    /// Gives a recording back.
    ///
    /// # Errors
    /// When the file cannot be read, is no recording, or was made for another contract.
    pub fn replay(path: &Path) -> Result<Self, TapeError> {
        let failed = |source| io_error("reading", path, source);
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > MAX_RECORDING_BYTES {
            return Err(TapeError::TooLarge);
        }
        let mut replay = Replay::default();
        for (index, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(failed)?;
            let broken = |why: String| TapeError::Broken { line: index + 1, why };
            if !line.trim().is_empty() {
                let line = serde_json::from_str(&line).map_err(|error| broken(error.to_string()))?;
                replay.take(index + 1, line)?;
            }
        }
        if !replay.is_begun() {
            return Err(TapeError::Broken {
                line: 1,
                why: "it is empty".to_owned(),
            });
        }
        Ok(Self {
            side: Arc::new(Side::Replay(Mutex::new(replay))),
        })
    }

    /// Whether it is given back.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        matches!(&*self.side, Side::Replay(_))
    }

    /// The part of one connection of a provider. `secret` names the options that must not be recorded.
    ///
    /// # Errors
    /// When the recording does not fit the provider, or cannot be written.
    pub fn connect(
        &self,
        connection: &str,
        provider: (&str, &str),
        options: &[OptionEntry],
        secret: &[String],
    ) -> Result<ConnectionTape, TapeError> {
        let (name, digest) = provider;
        match &*self.side {
            Side::Record(recorder) => lock(recorder).provider(name, digest)?,
            Side::Replay(replay) => lock(replay).provider(name, digest)?,
        }
        Ok(ConnectionTape {
            tape: self.clone(),
            connection: connection.to_owned(),
            redaction: Arc::new(Mutex::new(Redaction::of_options(options, secret))),
        })
    }

    /// The recording that is being made; none when one is given back.
    pub(super) fn recorder(&self) -> Option<MutexGuard<'_, Recorder>> {
        match &*self.side {
            Side::Record(recorder) => Some(lock(recorder)),
            Side::Replay(_) => None,
        }
    }

    /// The recording that is given back; none when one is being made.
    pub(super) fn replayed(&self) -> Option<MutexGuard<'_, Replay>> {
        match &*self.side {
            Side::Record(_) => None,
            Side::Replay(replay) => Some(lock(replay)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> TapeError {
    TapeError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tape")
            .field("is_replay", &self.is_replay())
            .finish_non_exhaustive()
    }
}

/// Writes a recording. Each line is written at once: what a killed process leaves is a recording of what it did.
pub(super) struct Recorder {
    file: File,
    path: PathBuf,
    bytes: u64,
    calls: u32,
    providers: Vec<String>,
}

impl Recorder {
    /// Notes a call; answers its number.
    pub(super) fn call(&mut self, connection: &str, function: &str) -> Result<u32, TapeError> {
        self.calls += 1;
        let id = self.calls;
        self.write(&Line::Call {
            id,
            connection: connection.to_owned(),
            function: function.to_owned(),
        })?;
        Ok(id)
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<(), TapeError> {
        let failed = |source| io_error("writing", &self.path, source);
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.bytes += text.len() as u64;
        if self.bytes > MAX_RECORDING_BYTES {
            return Err(TapeError::TooLarge);
        }
        self.file.write_all(&text).map_err(failed)
    }

    fn provider(&mut self, name: &str, digest: &str) -> Result<(), TapeError> {
        if self.providers.iter().any(|known| known == name) {
            return Ok(());
        }
        self.providers.push(name.to_owned());
        self.write(&Line::Provider {
            name: name.to_owned(),
            digest: Some(digest.to_owned()),
        })
    }
}
