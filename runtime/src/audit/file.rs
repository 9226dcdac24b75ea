//! The log's files: appended to by several processes at once, rotated by size.
//!
//! A line is one write to a file that was opened for appending, which the system puts at the end whole (POSIX, `write`,
//! `O_APPEND`). Before each line the writer looks whether its file is still the one of that name, because another process
//! may have rotated. Only rotation takes the lock.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::home::create_private_directory;

/// The lock that rotation takes and reading shares.
const LOCK: &str = "lock";

/// The file with this age: 0 is written, higher numbers are older.
pub(super) fn path(directory: &Path, age: u32) -> PathBuf {
    directory.join(match age {
        0 => "audit.jsonl".to_owned(),
        age => format!("audit.{age}.jsonl"),
    })
}

/// Opens the lock's file.
pub(super) fn lock_file(directory: &Path) -> io::Result<File> {
    private().read(true).write(true).open(directory.join(LOCK))
}

/// Files that only their owner can read, and that are not somewhere else.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .create(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Appends lines.
#[derive(Debug)]
pub(super) struct AuditFile {
    directory: PathBuf,
    /// How large a file grows.
    file_bytes: u64,
    /// How many files are kept.
    files: u32,
    open: Option<Open>,
}

/// The file that is written.
#[derive(Debug)]
struct Open {
    file: File,
    /// Whether it ends within a line: a process or the computer stopped in mid-write.
    is_torn: bool,
}

impl AuditFile {
    pub(super) fn new(directory: PathBuf, file_bytes: u64, files: u32) -> Self {
        Self {
            directory,
            file_bytes,
            files,
            open: None,
        }
    }

    /// Appends a line, without its line break.
    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        let (mut open, size) = self.current(line.len() as u64 + 1)?;
        let break_before = if open.is_torn && size > 0 { "\n" } else { "" };
        let text = format!("{break_before}{line}\n");
        let written = open.file.write(text.as_bytes())?;
        open.is_torn = written < text.len();
        let is_torn = open.is_torn;
        self.open = Some(open);
        if is_torn {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }

    /// The file to write into and its size, rotated when the line has no room in it.
    fn current(&mut self, line_bytes: u64) -> io::Result<(Open, u64)> {
        let path = path(&self.directory, 0);
        let mut open = match self.open.take() {
            Some(open) if is_at(&open.file, &path)? => open,
            _ => self.open_at(&path)?,
        };
        let mut size = open.file.metadata()?.len();
        if size > 0 && size + line_bytes > self.file_bytes {
            self.rotate(&open.file)?;
            open = self.open_at(&path)?;
            size = open.file.metadata()?.len();
        }
        Ok((open, size))
    }

    fn open_at(&self, path: &Path) -> io::Result<Open> {
        create_private_directory(&self.directory).map_err(io::Error::other)?;
        let file = private().append(true).read(true).open(path)?;
        let metadata = file.metadata()?;
        if metadata.mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        let mut last = [b'\n'];
        if metadata.len() > 0 {
            file.read_exact_at(&mut last, metadata.len() - 1)?;
        }
        Ok(Open {
            file,
            is_torn: last != [b'\n'],
        })
    }

    /// Makes every file one older, unless another process has just done so.
    fn rotate(&self, full: &File) -> io::Result<()> {
        let lock = lock_file(&self.directory)?;
        lock.lock()?;
        if !is_at(full, &path(&self.directory, 0))? {
            return Ok(());
        }
        let oldest = self.files - 1;
        if oldest == 0 {
            return std::fs::remove_file(path(&self.directory, 0));
        }
        for age in (0..oldest).rev() {
            match std::fs::rename(path(&self.directory, age), path(&self.directory, age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether an open file is the one of this name.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn lines(directory: &Path, files: u32) -> Vec<String> {
        let text = |age| std::fs::read_to_string(path(directory, age)).unwrap_or_default();
        let texts = (0..files).rev().map(text).collect::<String>();
        texts.lines().map(str::to_owned).collect()
    }

    #[test]
    fn files_rotate_by_size_and_the_oldest_goes() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("audit");
        let mut file = AuditFile::new(directory.clone(), 20, 3);
        for number in 0..10 {
            file.append(&format!("line {number}")).unwrap();
        }
        // Two lines of seven bytes fit into twenty, three do not.
        assert_eq!(
            lines(&directory, 9),
            ["line 4", "line 5", "line 6", "line 7", "line 8", "line 9"]
        );
        for age in 0..3 {
            let metadata = std::fs::metadata(path(&directory, age)).unwrap();
            assert!(metadata.len() <= 20);
            assert_eq!(metadata.mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn writers_that_rotate_under_each_other_lose_no_line_and_tear_none() {
        let home = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let directory = home.path().to_owned();
                scope.spawn(move || {
                    let mut file = AuditFile::new(directory, 2_000, 100);
                    for number in 0..500 {
                        file.append(&format!("writer {writer} line {number:03}")).unwrap();
                    }
                });
            }
        });
        let found = lines(home.path(), 100);
        let expected =
            (0..4).flat_map(|writer| (0..500).map(move |number| format!("writer {writer} line {number:03}")));
        assert_eq!(found.len(), 2_000);
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected.collect());
        assert!(path(home.path(), 10).exists(), "nothing was rotated");
    }

    #[test]
    fn what_another_process_has_rotated_is_not_rotated_again() {
        let home = tempfile::tempdir().unwrap();
        let mut file = AuditFile::new(home.path().to_owned(), 1_000, 4);
        file.append("line").unwrap();
        let full = File::open(path(home.path(), 0)).unwrap();
        file.rotate(&full).unwrap();
        file.append("next").unwrap();
        file.rotate(&full).unwrap();
        assert!(path(home.path(), 0).exists() && path(home.path(), 1).exists());
        assert!(!path(home.path(), 2).exists(), "a file that is not full was rotated");
    }

    #[test]
    fn a_torn_line_costs_no_other() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(path(home.path(), 0), "whole\nto").unwrap();
        let mut file = AuditFile::new(home.path().to_owned(), 1_000, 2);
        file.append("next").unwrap();
        file.append("last").unwrap();
        assert_eq!(lines(home.path(), 1), ["whole", "to", "next", "last"]);
        let mode = std::fs::metadata(path(home.path(), 0)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "a file that others could read stays so");
    }

    #[test]
    fn a_link_in_the_files_place_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = home.path().join("elsewhere");
        std::fs::write(&elsewhere, "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, path(home.path(), 0)).unwrap();
        let mut file = AuditFile::new(home.path().to_owned(), 1_000, 2);
        assert!(file.append("line").is_err());
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "");
    }
}
