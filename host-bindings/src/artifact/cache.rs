//! Compiled components on disk: private, authenticated, recompiled when in doubt.
//!
//! An artifact is a file `<component digest>-<engine hash>.cwasm` that ends with an HMAC-SHA256 over its name and its
//! content. The key lies beside it and is readable by its owner only. A file that is a link, belongs to somebody else,
//! can be written by others, or does not authenticate is ignored, and replaced by a new compilation.

use std::fs::{DirBuilder, File, OpenOptions};
use std::hash::{Hash as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngCore as _;
use sha2::Sha256;
use wasmtime::component::Component;
use zeroize::Zeroizing;

use super::ArtifactError;
use super::limits::MAX_ARTIFACT_BYTES;
use crate::engine::Engine;

/// Bytes of the key, and of the code that authenticates an artifact.
const KEY_BYTES: usize = 32;

/// The directory of compiled components.
#[derive(Debug)]
pub struct ArtifactCache {
    directory: PathBuf,
    key: Key,
}

impl ArtifactCache {
    /// Opens the cache in a directory, which is created if it is missing.
    ///
    /// # Errors
    /// When the directory or its key cannot be created or read, or belong to somebody else.
    pub fn open(directory: &Path) -> Result<Self, ArtifactError> {
        let failed = |source| ArtifactError::Io {
            doing: format!("opening the artifact cache `{}`", directory.display()),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(failed)?;
        let metadata = std::fs::symlink_metadata(directory).map_err(failed)?;
        if !metadata.is_dir() || !is_ours(&metadata) {
            return Err(failed(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it must be a directory that only you can write",
            )));
        }
        let key = Key::open(&directory.join("key")).map_err(failed)?;
        Ok(Self {
            directory: directory.to_owned(),
            key,
        })
    }

    /// Loads an artifact; none when there is none that can be trusted.
    pub(super) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = artifact_name(engine, digest);
        let bytes = read_private(&self.directory.join(&name), MAX_ARTIFACT_BYTES).ok()?;
        let (artifact, code) = bytes.split_last_chunk::<KEY_BYTES>()?;
        self.key.verify(&name, artifact, code)?;
        deserialize(engine, artifact).ok()
    }

    /// Keeps an artifact that our compiler just made, and loads it. A full disk only costs the next start some time.
    pub(super) fn store(&self, engine: &Engine, digest: &str, artifact: &[u8]) -> Result<Component, ArtifactError> {
        let name = artifact_name(engine, digest);
        if let Err(error) = self.write(&name, artifact) {
            tracing::warn!(%error, artifact = name, "cannot keep the compiled component");
        }
        deserialize(engine, artifact).map_err(|error| ArtifactError::Compile(format!("{error:#}")))
    }

    fn write(&self, name: &str, artifact: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.directory)?;
        file.write_all(artifact)?;
        file.write_all(&self.key.authenticate(name, artifact))?;
        file.persist(self.directory.join(name)).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Loads compiled code.
#[expect(
    unsafe_code,
    reason = "loading compiled code is unsafe by nature; its origin is what this module ensures"
)]
fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are what `Engine::precompile_component` returned in our own child process: either just now, or
    // earlier and authenticated since with a key that only this user can read.
    unsafe { Component::deserialize(engine.wasmtime(), artifact) }
}

/// Loads compiled code from a file of this process, and shares its memory with whoever else loads the file.
#[expect(
    unsafe_code,
    reason = "loading compiled code is unsafe by nature; that the parent's was ensured is what callers promise"
)]
pub(crate) fn load_from_parent(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file is what a process of ours serialised from a component that it had loaded, sealed against changes,
    // and gave to this process when it started it.
    unsafe { Component::deserialize_file(engine.wasmtime(), path) }
}

fn artifact_name(engine: &Engine, digest: &str) -> String {
    // `DefaultHasher::new` is keyed with constants, so the same engine gets the same name in every process.
    let mut hasher = std::hash::DefaultHasher::new();
    engine.wasmtime().precompile_compatibility_hash().hash(&mut hasher);
    format!("{digest}-{:016x}.cwasm", hasher.finish())
}

/// The key that authenticates artifacts.
#[derive(Debug)]
struct Key(Redacted);

struct Redacted(Zeroizing<[u8; KEY_BYTES]>);

impl std::fmt::Debug for Redacted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl Key {
    fn open(path: &Path) -> io::Result<Self> {
        match read_private(path, KEY_BYTES as u64 + 1) {
            Ok(bytes) => {
                let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the file `key` is damaged; remove it, and artifacts are compiled again",
                    )
                })?;
                Ok(Self(Redacted(Zeroizing::new(key))))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(error),
        }
    }

    /// Makes a key. When another process makes one at the same time, one of the two is kept and used by both.
    fn create(path: &Path) -> io::Result<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        rand::rng().fill_bytes(&mut *key);
        let directory = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(directory)?;
        file.write_all(&*key)?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(Self(Redacted(key))),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Self::open(path),
            Err(error) => Err(error.error),
        }
    }

    fn mac(&self, name: &str, artifact: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, section 2)")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0.0).expect("HMAC takes keys of any length");
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(artifact);
        mac
    }

    fn authenticate(&self, name: &str, artifact: &[u8]) -> [u8; KEY_BYTES] {
        self.mac(name, artifact).finalize().into_bytes().into()
    }

    fn verify(&self, name: &str, artifact: &[u8], code: &[u8]) -> Option<()> {
        self.mac(name, artifact).verify_slice(code).ok()
    }
}

/// Reads a file that only we can have written: no link, ours, no write permission for others.
fn read_private(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    let file: File = OpenOptions::new().read(true).custom_flags(no_follow).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.nlink() != 1 || !is_ours(&metadata) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it must be a file that only you can write",
        ));
    }
    let mut bytes = Vec::new();
    file.take(max_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_ours(metadata: &std::fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}
