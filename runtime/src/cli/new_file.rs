//! A file that a download makes: there whole, or not at all.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use stockade::Error;
use stockade::blobs::Blob;
use stockade::limits::Room;

/// A new file, which goes again unless it is kept.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    file: File,
    is_kept: bool,
}

impl NewFile {
    /// Makes a file. One that exists is not touched.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        match file {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                file,
                is_kept: false,
            }),
            Err(error) => Err(Error::io(format_args!("creating `{}`", path.display()), &error)
                .hint("name another file, or remove this one; a download replaces nothing")),
        }
    }

    /// The file as something to fill. The file system is its limit.
    pub(crate) fn blob(&self) -> Result<Blob, Error> {
        let file = self.file.try_clone();
        let file = file.map_err(|error| Error::io(format_args!("opening `{}`", self.path.display()), &error))?;
        Ok(Blob::into_file(file, Room::new(u64::MAX)))
    }

    /// It stays.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // The failure that led here is told; a part of a file that stays is the lesser news.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_finished_goes_and_what_was_there_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        drop(NewFile::create(&path).unwrap());
        assert!(!path.exists());
        NewFile::create(&path).unwrap().keep();
        assert!(path.exists());
        assert!(NewFile::create(&path).is_err());
        assert!(path.exists());
    }
}
