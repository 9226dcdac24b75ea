//! Where the runtime keeps its files, and how it reads and writes them.
//!
//! Configuration is written by people and by us; data is ours; the cache can be deleted at any time. The places follow the
//! XDG base directory specification; `STOCKADE_HOME` puts everything below one directory.

use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use stockade_host::contract::ErrorKind;
use stockade_host::private_file::{self, Doubt};

use crate::error::{Error, Result};

/// Puts everything below one directory.
pub const HOME_VARIABLE: &str = "STOCKADE_HOME";

/// The runtime's directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// `connections/NAME.toml`, `providers.lock`, `trust.toml`.
    pub config: PathBuf,
    /// Installed components, provider state, the API token.
    pub data: PathBuf,
    /// Compiled components.
    pub cache: PathBuf,
}

impl Home {
    /// The directories that the environment names.
    ///
    /// # Errors
    /// When neither `STOCKADE_HOME` nor `HOME` is set.
    pub fn from_environment() -> Result<Self> {
        let variable = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        if let Some(home) = variable(HOME_VARIABLE) {
            return Ok(Self::below(&home));
        }
        let home = variable("HOME").ok_or_else(|| {
            Error::invalid(HOME_VARIABLE, format!("neither `{HOME_VARIABLE}` nor `HOME` is set"))
                .hint(format!("set `{HOME_VARIABLE}`"))
        })?;
        let place = |name: &str, default: &str| variable(name).unwrap_or_else(|| home.join(default)).join("stockade");
        Ok(Self {
            config: place("XDG_CONFIG_HOME", ".config"),
            data: place("XDG_DATA_HOME", ".local/share"),
            cache: place("XDG_CACHE_HOME", ".cache"),
        })
    }

    /// Everything below one directory.
    pub fn below(directory: &Path) -> Self {
        Self {
            config: directory.join("config"),
            data: directory.join("data"),
            cache: directory.join("cache"),
        }
    }

    /// Waits until nobody else changes what is installed or trusted; others wait until the value is dropped. Readers do
    /// not wait: files are replaced whole.
    pub(crate) fn lock(&self) -> Result<File> {
        create_private_directory(&self.data)?;
        let path = self.data.join(".lock");
        let lock = || {
            let file = File::options().write(true).create(true).truncate(false).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|error: io::Error| Error::io(format_args!("locking `{}`", path.display()), &error))
    }
}

/// Creates a directory that only its owner can enter, with its parents.
pub(crate) fn create_private_directory(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Error::io(format_args!("creating `{}`", path.display()), &error))
}

/// Writes a file that only its owner can read, so that a crash leaves the old content or the new one.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    create_private_directory(directory)?;
    let write = || -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
        file.write_all(content)?;
        file.as_file().sync_data()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(|error| Error::io(format_args!("writing `{}`", path.display()), &error))
}

/// Reads a text file; none when there is none.
pub(crate) fn read_optional(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format_args!("reading `{}`", path.display()), &error)),
    }
}

/// Reads a file that only we may write; none when there is none.
///
/// # Errors
/// `denied` when others could have written it.
pub(crate) fn read_private(path: &Path, max_bytes: u64) -> Result<Option<Vec<u8>>> {
    match private_file::read(path, max_bytes) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => match error.get_ref().and_then(|cause| cause.downcast_ref::<Doubt>()) {
            Some(doubt) => Err(Error::new(ErrorKind::Denied, format!("it cannot be trusted: {doubt}"))),
            None => Err(Error::io(format_args!("reading `{}`", path.display()), &error)),
        },
    }
}

/// As [`read_private`], of a text.
pub(crate) fn read_private_text(path: &Path, max_bytes: u64) -> Result<Option<String>> {
    let Some(bytes) = read_private(path, max_bytes)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes);
    text.map(Some)
        .map_err(|_| Error::invalid("file", format!("`{}` is not text in UTF-8", path.display())))
}

/// Names that become file names: letters, digits, `-`, `_` and `.`, beginning with a letter or digit, at most 63.
pub(crate) fn check_name(noun: &str, name: &str) -> Result<()> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= 63 && name.chars().all(is_valid) {
        return Ok(());
    }
    Err(Error::invalid(
        "name",
        format!(
            "`{name}` cannot be the name of a {noun}: use at most 63 letters, digits, `-`, `_` and `.`, beginning with a letter or digit"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_directory() {
        for name in ["", ".", "..", "../x", "a/b", "-x", "a\0", "ä", &"x".repeat(64)] {
            assert!(check_name("connection", name).is_err(), "{name:?}");
        }
        for name in ["a", "web-1", "A.b_c"] {
            check_name("connection", name).unwrap();
        }
    }

    #[test]
    fn writing_replaces_the_whole_file_and_keeps_it_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/file");
        write_private(&path, b"one").unwrap();
        write_private(&path, b"2").unwrap();
        assert_eq!(read_optional(&path).unwrap().as_deref(), Some("2"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_optional(&directory.path().join("absent")).unwrap(), None);
    }
}
