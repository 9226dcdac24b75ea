//! A connection's own store: what its provider keeps between calls.
//!
//! One file for each key, in a directory that belongs to one connection; the directory is a capability (`cap_std::fs::Dir`),
//! so no key can name anything outside it. Writes are atomic (a new file takes the old one's name) and conditional on the
//! version that was read. Writers of several processes exclude each other by a lock file.

mod key;

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use sha2::{Digest as _, Sha256};

use key::{file_name, key_of};

/// What may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateQuota {
    /// All values together, in bytes.
    pub max_bytes: u64,
    /// Keys.
    pub max_keys: u32,
}

/// A connection's store. Cloning shares it.
#[derive(Clone)]
pub struct StateStore {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Dir,
    quota: StateQuota,
}

/// A stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The bytes.
    pub value: Vec<u8>,
    /// Derived from the bytes; changes with them.
    pub version: String,
}

/// Why the store refused.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It would exceed the quota.
    #[error("the connection's state would exceed its quota")]
    OverQuota,
    /// The entry is not at the expected version.
    #[error("somebody else changed the entry")]
    Conflict,
    /// The key cannot be used.
    #[error("a state key is 1 to 200 bytes of letters, digits and `._-/`, and does not start with `/`")]
    InvalidKey,
    /// The directory cannot be used.
    #[error("the state directory cannot be used")]
    Io(#[from] io::Error),
}

/// The lock file. No key maps to it: file names of keys have an ending.
const LOCK: &str = "lock";
/// The file that a value is written to before it takes its name.
const SCRATCH: &str = "scratch";

impl StateStore {
    /// Uses an open directory as a connection's store.
    pub fn new(directory: Dir, quota: StateQuota) -> Self {
        Self {
            inner: Arc::new(Inner { directory, quota }),
        }
    }

    /// Reads an entry; none when there is none.
    ///
    /// # Errors
    /// When the key is invalid or the directory cannot be read.
    pub fn get(&self, key: &str) -> Result<Option<Entry>, StateError> {
        self.read(&file_name(key)?)
    }

    /// Writes an entry if it is still at the expected version; none expects that there is none.
    ///
    /// # Errors
    /// When the key is invalid, the version is another, the quota would be exceeded, or the directory cannot be written.
    pub fn replace(&self, key: &str, expected: Option<&str>, value: &[u8]) -> Result<(), StateError> {
        let name = file_name(key)?;
        let _lock = self.lock()?;
        let current = self.read(&name)?;
        if current.as_ref().map(|entry| entry.version.as_str()) != expected {
            return Err(StateError::Conflict);
        }
        self.check_quota(current.as_ref(), value)?;
        let directory = &self.inner.directory;
        let mut file = directory.open_with(SCRATCH, private().write(true).create(true).truncate(true))?;
        file.write_all(value)?;
        file.sync_data()?;
        directory.rename(SCRATCH, directory, name)?;
        Ok(())
    }

    /// Removes an entry if it is still at the expected version.
    ///
    /// # Errors
    /// When the key is invalid, the version is another, or the directory cannot be written.
    pub fn remove(&self, key: &str, expected: &str) -> Result<(), StateError> {
        let name = file_name(key)?;
        let _lock = self.lock()?;
        match self.read(&name)? {
            Some(entry) if entry.version == expected => Ok(self.inner.directory.remove_file(name)?),
            _ => Err(StateError::Conflict),
        }
    }

    /// Lists the keys that start with a prefix, sorted.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list_keys(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        let mut keys = Vec::new();
        for entry in self.inner.directory.entries()? {
            if let Some(key) = entry?.file_name().to_str().and_then(key_of)
                && key.starts_with(prefix)
            {
                keys.push(key);
            }
        }
        keys.sort();
        Ok(keys)
    }

    fn read(&self, name: &str) -> Result<Option<Entry>, StateError> {
        let mut file = match self.inner.directory.open(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut value = Vec::new();
        file.read_to_end(&mut value)?;
        let version = version_of(&value);
        Ok(Some(Entry { value, version }))
    }

    fn check_quota(&self, current: Option<&Entry>, value: &[u8]) -> Result<(), StateError> {
        let (mut bytes, mut keys) = (value.len() as u64, u32::from(current.is_none()));
        for entry in self.inner.directory.entries()? {
            let entry = entry?;
            if entry.file_name().to_str().and_then(key_of).is_some() {
                bytes += entry.metadata()?.len();
                keys += 1;
            }
        }
        bytes -= current.map_or(0, |entry| entry.value.len() as u64);
        let quota = self.inner.quota;
        if bytes > quota.max_bytes || keys > quota.max_keys {
            Err(StateError::OverQuota)
        } else {
            Ok(())
        }
    }

    /// Excludes other writers, of this process and of others, until the file is closed.
    fn lock(&self) -> Result<std::fs::File, StateError> {
        let file = self
            .inner
            .directory
            .open_with(LOCK, private().write(true).create(true))?
            .into_std();
        file.lock()?;
        Ok(file)
    }
}

impl fmt::Debug for StateStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StateStore")
            .field("quota", &self.inner.quota)
            .finish_non_exhaustive()
    }
}

/// Files that only their owner can read: a provider's state may describe a private cloud.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn version_of(value: &[u8]) -> String {
    let digest = Sha256::digest(value);
    digest[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(max_bytes: u64, max_keys: u32) -> (tempfile::TempDir, StateStore) {
        let directory = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(directory.path(), cap_std::ambient_authority()).unwrap();
        (directory, StateStore::new(dir, StateQuota { max_bytes, max_keys }))
    }

    #[test]
    fn writes_are_conditional_on_the_version_that_was_read() {
        let (_directory, store) = store(100, 10);
        store.replace("vm/a", None, b"1").unwrap();
        assert!(matches!(store.replace("vm/a", None, b"2"), Err(StateError::Conflict)));
        let entry = store.get("vm/a").unwrap().unwrap();
        store.replace("vm/a", Some(&entry.version), b"2").unwrap();
        assert!(matches!(
            store.replace("vm/a", Some(&entry.version), b"3"),
            Err(StateError::Conflict)
        ));
        assert!(matches!(
            store.remove("vm/a", &entry.version),
            Err(StateError::Conflict)
        ));
        let entry = store.get("vm/a").unwrap().unwrap();
        assert_eq!(entry.value, b"2");
        store.remove("vm/a", &entry.version).unwrap();
        assert_eq!(store.get("vm/a").unwrap(), None);
    }

    #[test]
    fn lists_keys_with_a_prefix_sorted_and_nothing_else_of_the_directory() {
        let (_directory, store) = store(100, 10);
        for key in ["vm/b", "vm/a", "disk/a", "vm"] {
            store.replace(key, None, b"x").unwrap();
        }
        assert_eq!(store.list_keys("vm/").unwrap(), ["vm/a", "vm/b"]);
        assert_eq!(store.list_keys("").unwrap().len(), 4);
    }

    #[test]
    fn bytes_and_keys_are_limited_and_replacing_counts_once() {
        let (_directory, store) = store(10, 2);
        store.replace("a", None, &[0; 10]).unwrap();
        assert!(matches!(store.replace("b", None, &[0; 1]), Err(StateError::OverQuota)));
        let entry = store.get("a").unwrap().unwrap();
        store.replace("a", Some(&entry.version), &[1; 8]).unwrap();
        store.replace("b", None, &[0; 2]).unwrap();
        assert!(matches!(store.replace("c", None, &[]), Err(StateError::OverQuota)));
    }

    #[test]
    fn a_key_cannot_leave_the_directory() {
        let (_directory, store) = store(100, 10);
        for key in ["", "/etc/passwd", "a\0b", "ä", "a b", &"x".repeat(201)] {
            assert!(matches!(store.get(key), Err(StateError::InvalidKey)), "{key:?}");
        }
        store.replace("../../escape", None, b"inside").unwrap();
        assert_eq!(store.list_keys("").unwrap(), ["../../escape"]);
    }
}
