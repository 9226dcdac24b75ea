//! Compiled components on disk: private, authenticated, recompiled when in doubt.
//!
//! An artifact is a file `<component digest>-<engine hash>.cwasm` that ends with an HMAC-SHA256 over its name and its
//! content. The key lies beside it and is readable by its owner only. A file that is a link, belongs to somebody else,
//! can be written by others, or does not authenticate is ignored with a warning, and replaced by a new compilation. A
//! directory or a key of which that is true is refused: there is nothing in it to build on.

use std::fs::DirBuilder;
use std::hash::{Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngCore as _;
use sha2::Sha256;
use wasmtime::component::Component;
use zeroize::Zeroizing;

use super::ArtifactError;
use super::limits::MAX_ARTIFACT_BYTES;
use crate::engine::Engine;
use crate::private_file::PrivateDirectory;

/// Bytes of the key, and of the code that authenticates an artifact.
const KEY_BYTES: usize = 32;
/// The key's file.
const KEY_FILE: &str = "key";

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
        let key = PrivateDirectory::open(directory)
            .and_then(|ours| Key::open(&ours, directory))
            .map_err(failed)?;
        Ok(Self {
            directory: directory.to_owned(),
            key,
        })
    }

    /// Loads an artifact; none when there is none that can be trusted.
    pub(super) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = artifact_name(engine, digest);
        match self.read(engine, &name) {
            Ok(component) => Some(component),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(%error, artifact = name, "the compiled component is not trusted, and compiled again");
                None
            }
        }
    }

    /// Reads an artifact. The directory is looked at each time: others may have got into it since it was opened.
    fn read(&self, engine: &Engine, name: &str) -> io::Result<Component> {
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let bytes = PrivateDirectory::open(&self.directory)?.read(name, MAX_ARTIFACT_BYTES + KEY_BYTES as u64)?;
        let authentic = bytes
            .split_last_chunk::<KEY_BYTES>()
            .filter(|(artifact, code)| self.key.verify(name, artifact, *code).is_some());
        let Some((artifact, _)) = authentic else {
            return Err(invalid("it was not made with this installation's key".to_owned()));
        };
        deserialize(engine, artifact).map_err(|error| invalid(format!("it cannot be loaded: {error:#}")))
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
    /// Reads the key of a directory that was checked, or makes one.
    fn open(ours: &PrivateDirectory, directory: &Path) -> io::Result<Self> {
        match ours.read_secret(KEY_FILE, KEY_BYTES as u64) {
            Ok(bytes) => {
                let key: [u8; KEY_BYTES] = Zeroizing::new(bytes).as_slice().try_into().map_err(|_| {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the file `key` is damaged; remove it, and artifacts are compiled again",
                    )
                })?;
                Ok(Self(Redacted(Zeroizing::new(key))))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(ours, directory),
            Err(error) => Err(error),
        }
    }

    /// Makes a key. When another process makes one at the same time, one of the two is kept and used by both.
    fn create(ours: &PrivateDirectory, directory: &Path) -> io::Result<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        rand::rng().fill_bytes(&mut *key);
        let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(directory)?;
        file.write_all(&*key)?;
        match file.persist_noclobber(directory.join(KEY_FILE)) {
            Ok(_) => Ok(Self(Redacted(key))),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Self::open(ours, directory),
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
