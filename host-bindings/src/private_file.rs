//! Reading files that only we may write: no links, ours, not writable by others.
//!
//! What a file says is worth as much as the list of those who can write it. Compiled code, installed components and what
//! is said about whom to trust are read by this module alone. A directory is opened first and checked, and its files are
//! opened relative to it, so that what was checked is what is read. The artifact cache and the runtime's registry call
//! this. It does not write: new files are made in such a directory and renamed.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

/// Permission of others, or of a group, to write (`inode(7)`).
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// Any permission of others, or of a group.
const ACCESSIBLE_TO_OTHERS: u32 = 0o077;

/// Why a file or directory is not taken for ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Its name leads to something else.
    #[error("`{0}` is a link, and links are not followed here: put the file itself there")]
    Link(PathBuf),
    /// It is a directory, a pipe, a device.
    #[error("`{0}` is not a regular file")]
    NotAFile(PathBuf),
    /// It is a file, or a link.
    #[error("`{0}` is not a directory, or is a link to one")]
    NotADirectory(PathBuf),
    /// It can be changed under another name.
    #[error(
        "`{0}` has {1} names (hard links), so it can be changed under another one: copy it, and remove the old file"
    )]
    ManyNames(PathBuf, u64),
    /// It belongs to neither us nor root.
    #[error("`{0}` belongs to user {1}, who can change it: run `chown {us}` on it, if you trust what it says", us = rustix::process::geteuid().as_raw())]
    Foreign(PathBuf, u32),
    /// Others can write it.
    #[error("others can write `{path}` (mode {mode:04o}): check what it says, and run `chmod {right} {path}`", path = .0.display(), mode = .1, right = .2)]
    Writable(PathBuf, u32, &'static str),
    /// Others can read it, and it is a secret.
    #[error("others can read `{path}` (mode {mode:04o}): remove it, and a new one is made", path = .0.display(), mode = .1)]
    Readable(PathBuf, u32),
    /// It is larger than any honest one.
    #[error("`{0}` is larger than {1} bytes")]
    TooLarge(PathBuf, u64),
}

impl From<Doubt> for io::Error {
    fn from(doubt: Doubt) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, doubt)
    }
}

/// A directory whose entries only we may change.
#[derive(Debug)]
pub struct PrivateDirectory {
    handle: OwnedFd,
    path: PathBuf,
}

impl PrivateDirectory {
    /// Opens a directory. Its parents may be links: whoever can change those is not kept out by us.
    ///
    /// # Errors
    /// `NotFound` when there is none; [`Doubt`] when others could change what is in it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(Doubt::NotADirectory(path.to_owned()).into()),
            handle => handle?,
        };
        let directory = File::from(handle);
        check(path, &directory.metadata()?, "700")?;
        Ok(Self {
            handle: directory.into(),
            path: path.to_owned(),
        })
    }

    /// Reads a file of the directory, at most `max_bytes` long.
    ///
    /// # Errors
    /// `NotFound` when there is none; [`Doubt`] when others could have written it, or when it is longer.
    pub fn read(&self, name: &str, max_bytes: u64) -> io::Result<Vec<u8>> {
        self.read_checked(name, max_bytes, |_, _| Ok(()))
    }

    /// Reads a file that others must not be able to read either.
    ///
    /// # Errors
    /// As [`Self::read`], and when others can read it.
    pub fn read_secret(&self, name: &str, max_bytes: u64) -> io::Result<Vec<u8>> {
        self.read_checked(name, max_bytes, |path, mode| match mode & ACCESSIBLE_TO_OTHERS {
            0 => Ok(()),
            _ => Err(Doubt::Readable(path.to_owned(), mode)),
        })
    }

    fn read_checked(
        &self,
        name: &str,
        max_bytes: u64,
        check_mode: impl FnOnce(&Path, u32) -> Result<(), Doubt>,
    ) -> io::Result<Vec<u8>> {
        let path = self.path.join(name);
        // Without `NONBLOCK`, opening a pipe would wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.handle, name, flags, Mode::empty()) {
            Err(Errno::LOOP) => return Err(Doubt::Link(path).into()),
            handle => File::from(handle?),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(Doubt::NotAFile(path).into());
        }
        if metadata.nlink() != 1 {
            return Err(Doubt::ManyNames(path, metadata.nlink()).into());
        }
        check(&path, &metadata, "go-w")?;
        check_mode(&path, metadata.mode() & 0o7777)?;
        let mut bytes = Vec::new();
        file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > max_bytes {
            true => Err(Doubt::TooLarge(path, max_bytes).into()),
            false => Ok(bytes),
        }
    }
}

/// Reads a file that only we may write, in a directory that only we may write.
///
/// # Errors
/// As [`PrivateDirectory::open`] and [`PrivateDirectory::read`].
pub fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    PrivateDirectory::open(directory)?.read(name, max_bytes)
}

/// Ours or root's, who can change everything anyway; and writable by nobody else.
fn check(path: &Path, metadata: &std::fs::Metadata, right: &'static str) -> Result<(), Doubt> {
    let owner = metadata.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(Doubt::Foreign(path.to_owned(), owner));
    }
    let mode = metadata.mode() & 0o7777;
    match mode & WRITABLE_BY_OTHERS {
        0 => Ok(()),
        _ => Err(Doubt::Writable(path.to_owned(), mode, right)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn refusal(path: &Path) -> String {
        read(path, 10).unwrap_err().to_string()
    }

    #[test]
    fn only_a_file_that_nobody_else_may_write_is_read() {
        let home = tempfile::tempdir().unwrap();
        let (file, other) = (home.path().join("file"), home.path().join("other"));
        let fresh = || {
            let _ = std::fs::remove_file(&file).or_else(|_| std::fs::remove_dir(&file));
            let _ = std::fs::remove_file(&other);
            std::fs::write(&file, b"content").unwrap();
            set_mode(&file, 0o644);
        };
        fresh();
        assert_eq!(read(&file, 7).unwrap(), b"content");
        assert!(read(&file, 6).unwrap_err().to_string().contains("larger than 6"));
        for mode in [0o664, 0o646, 0o666] {
            set_mode(&file, mode);
            assert!(refusal(&file).contains(&format!("(mode {mode:04o})")), "{mode:o}");
        }
        fresh();
        std::fs::hard_link(&file, &other).unwrap();
        assert!(refusal(&file).contains("2 names"));
        fresh();
        std::fs::rename(&file, &other).unwrap();
        symlink(&other, &file).unwrap();
        assert!(refusal(&file).contains("is a link"));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(read(&file, 10).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::create_dir(&file).unwrap();
        assert!(refusal(&file).contains("not a regular file"));
        std::fs::remove_dir(&file).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(
            refusal(&file).contains("not a regular file"),
            "and it did not wait for a writer"
        );
        fresh();
        // Only root can give files away; others run the rest.
        if rustix::process::geteuid().is_root() {
            chown(&file, Some(12_345), None).unwrap();
            assert!(refusal(&file).contains("belongs to user 12345"));
        }
    }

    #[test]
    fn a_secret_is_read_by_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("key"), b"secret").unwrap();
        let directory = PrivateDirectory::open(home.path()).unwrap();
        for (mode, is_read) in [
            (0o600, true),
            (0o400, true),
            (0o640, false),
            (0o604, false),
            (0o610, false),
        ] {
            set_mode(&home.path().join("key"), mode);
            assert_eq!(directory.read_secret("key", 10).is_ok(), is_read, "{mode:o}");
        }
    }

    #[test]
    fn a_directory_in_which_others_can_write_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let (directory, link) = (home.path().join("directory"), home.path().join("link"));
        std::fs::create_dir(&directory).unwrap();
        symlink(&directory, &link).unwrap();
        for mode in [0o770, 0o702, 0o1777] {
            set_mode(&directory, mode);
            let refused = PrivateDirectory::open(&directory).unwrap_err().to_string();
            assert!(refused.contains("run `chmod 700 "), "{refused}");
        }
        set_mode(&directory, 0o755);
        PrivateDirectory::open(&directory).unwrap();
        let refused = PrivateDirectory::open(&link).unwrap_err().to_string();
        assert!(refused.contains("is a link to one"), "{refused}");
        if rustix::process::geteuid().is_root() {
            chown(&directory, Some(12_345), None).unwrap();
            assert!(
                PrivateDirectory::open(&directory)
                    .unwrap_err()
                    .to_string()
                    .contains("12345")
            );
        }
    }
}
