//! The content of an image on its way into a volume: a blob, packed or not, read as often as it must be.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};

use crate::blobs::Blob;
use crate::call::Call;
use crate::contract::{Error, ErrorKind};

use super::error::Fault;
use super::image_format::HEAD_BYTES;
use super::names::printable;
use super::packing::Packing;

/// The least that is worth a hole: what file systems allocate at once.
pub(super) const HOLE_BYTES: usize = 4096;
/// How many blocks are looked at to learn whether a content has holes.
const SAMPLES: u64 = 64;
/// How much is read and sent at once.
const PIECE_BYTES: usize = 1 << 20;
/// The most that a packed file may unpack to. A few bytes can stand for any number of zeros; no disk is larger.
const UNPACKED_BYTES_MAX: u64 = 16 << 40;

/// The content of an image.
pub(super) struct Content {
    /// What it is called, for progress.
    name: String,
    blob: Blob,
    packing: Option<Packing>,
    /// How many bytes it has, unpacked.
    bytes: u64,
    /// The hash that it had when it was looked at, unpacked; none when nobody asked.
    hash: Option<String>,
    call: Call,
}

/// Who looks at the content as it passes.
struct Passing<'a> {
    doing: &'a str,
    cancelled: &'a AtomicBool,
}

impl Content {
    /// Looks at a blob: how it is packed, how large it is, and whether it is what was announced. A packed one is unpacked once
    /// for that, and a hash needs all of it.
    ///
    /// # Errors
    /// `invalid-argument` for a blob that cannot be read or unpacked (`content`), or that is another one (`sha256`).
    pub(super) fn examine(
        name: &str,
        blob: Blob,
        sha256: Option<&str>,
        call: Call,
        cancelled: &AtomicBool,
    ) -> Result<Self, Fault> {
        let packed_bytes = blob.size().map_err(|error| unreadable(&error))?;
        let head = blob.read_at_blocking(0, 8).map_err(|error| unreadable(&error))?;
        let mut content = Self {
            name: name.to_owned(),
            packing: Packing::detect(&head),
            bytes: packed_bytes,
            hash: None,
            blob,
            call,
        };
        if content.packing.is_none() && sha256.is_none() {
            return Ok(content);
        }
        let mut hash = Sha256::new();
        let mut bytes = 0;
        let passing = Passing {
            doing: "checking",
            cancelled,
        };
        content.pass(&passing, |piece| {
            bytes += piece.len() as u64;
            hash.update(piece);
            Ok(())
        })?;
        content.bytes = bytes;
        let Some(expected) = sha256 else {
            return Ok(content);
        };
        let found = hexadecimal(hash);
        // Publishers name the hash of the file that they offer, which may be packed.
        if found != *expected && !(content.packing.is_some() && content.packed_hash(cancelled)? == *expected) {
            return Err(other_hash(&found, expected));
        }
        content.hash = Some(found);
        Ok(content)
    }

    /// How many bytes it has, unpacked.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its beginning, as much as [`super::image_format::detect`] needs.
    pub(super) fn head(&self) -> Result<Vec<u8>, Fault> {
        let mut head = Vec::new();
        let mut reader = self.reader()?.take(HEAD_BYTES as u64);
        reader.read_to_end(&mut head).map_err(|error| unreadable(&error))?;
        Ok(head)
    }

    /// Whether it is unlikely to have zeros worth a hole: none of some blocks all over it is zero. Never of a packed one, where
    /// that cannot be seen without unpacking it.
    ///
    /// # Errors
    /// `invalid-argument` when it cannot be read.
    pub(super) fn is_dense(&self) -> Result<bool, Fault> {
        let step = self.bytes / SAMPLES;
        if self.packing.is_some() || step < HOLE_BYTES as u64 {
            return Ok(false);
        }
        for sample in 0..SAMPLES {
            let block = self.blob.read_at_blocking(sample * step, HOLE_BYTES);
            if is_hole(&block.map_err(|error| unreadable(&error))?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many bytes a file needs that has holes in place of zeros. Reads all of it.
    ///
    /// # Errors
    /// As [`Self::for_each_piece`].
    pub(super) fn data_bytes(&self, cancelled: &AtomicBool) -> Result<u64, Fault> {
        let mut bytes = 0;
        self.for_each_piece("measuring", cancelled, |piece| {
            let blocks = piece.chunks(HOLE_BYTES).filter(|block| !is_hole(block));
            bytes += blocks.map(|block| block.len() as u64).sum::<u64>();
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Hands all of it over in pieces, and looks again whether it still is what was announced: it may be somebody's file.
    ///
    /// # Errors
    /// The work's own; `invalid-argument` when it cannot be read or has changed; `timed-out` when nobody waits any more.
    pub(super) fn for_each_piece(
        &self,
        doing: &str,
        cancelled: &AtomicBool,
        mut work: impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut passed = 0;
        let mut hash = Sha256::new();
        self.pass(&Passing { doing, cancelled }, |piece| {
            passed += piece.len() as u64;
            if self.hash.is_some() {
                hash.update(piece);
            }
            work(piece)
        })?;
        if passed != self.bytes {
            return Err(unreadable(&io::ErrorKind::UnexpectedEof.into()));
        }
        match (&self.hash, hexadecimal(hash)) {
            (Some(expected), found) if found != *expected => Err(other_hash(&found, expected)),
            _ => Ok(()),
        }
    }

    fn pass(&self, passing: &Passing<'_>, mut work: impl FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut reader = self.reader()?;
        let mut buffer = vec![0; PIECE_BYTES];
        let mut passed = 0_u64;
        let mut reported = None;
        loop {
            if passing.cancelled.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorKind::TimedOut, "the upload was given up by its caller").into());
            }
            let length = fill(&mut reader, &mut buffer).map_err(|error| unreadable(&error))?;
            if length == 0 {
                return Ok(());
            }
            passed += length as u64;
            if passed > UNPACKED_BYTES_MAX {
                let message = "the content unpacks to more than 16 TiB, which no disk has";
                return Err(Error::invalid_argument("content", message).into());
            }
            work(buffer.get(..length).unwrap_or_default())?;
            // Before the first pass over a packed file its size is not known.
            let percent = u8::try_from(passed.saturating_mul(100) / self.bytes.max(1))
                .ok()
                .filter(|percent| *percent <= 100);
            if percent != reported {
                let message = format!("{} image {}", passing.doing, self.name);
                self.call.reporter.progress(percent, &message);
                reported = percent;
            }
        }
    }

    fn reader(&self) -> Result<Box<dyn Read + Send>, Fault> {
        let blob = BlobReader {
            blob: self.blob.clone(),
            offset: 0,
        };
        match self.packing {
            None => Ok(Box::new(blob)),
            Some(packing) => packing.unpack(blob).map_err(|error| unreadable(&error)),
        }
    }

    fn packed_hash(&self, cancelled: &AtomicBool) -> Result<String, Fault> {
        let as_it_is = Self {
            name: self.name.clone(),
            blob: self.blob.clone(),
            packing: None,
            bytes: self.blob.size().map_err(|error| unreadable(&error))?,
            hash: None,
            call: self.call.clone(),
        };
        let mut hash = Sha256::new();
        as_it_is.for_each_piece("checking", cancelled, |piece| {
            hash.update(piece);
            Ok(())
        })?;
        Ok(hexadecimal(hash))
    }
}

/// Whether a block is zero everywhere.
pub(super) fn is_hole(block: &[u8]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

/// Reads until the buffer is full or the content ends.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(buffer.get_mut(length..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Reads a blob from its beginning.
struct BlobReader {
    blob: Blob,
    offset: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.blob.read_into_blocking(self.offset, buffer)?;
        self.offset += length as u64;
        Ok(length)
    }
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn other_hash(found: &str, expected: &str) -> Fault {
    let message = format!(
        "the content has the SHA-256 {found}, not {}; nothing was kept",
        printable(expected)
    );
    Error::invalid_argument("sha256", message).into()
}

/// The content cannot be read.
pub(super) fn unreadable(error: &io::Error) -> Fault {
    Error::invalid_argument("content", format!("the content cannot be read: {error}")).into()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn blob(bytes: &[u8]) -> Blob {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Blob::from_file(file)
    }

    fn examine(bytes: &[u8], sha256: Option<&str>) -> Result<Content, Error> {
        let cancelled = AtomicBool::new(false);
        Content::examine("x", blob(bytes), sha256, Call::default(), &cancelled).map_err(|fault| *fault.error)
    }

    const XZ: &[u8] = include_bytes!("golden/hello.xz");

    #[test]
    fn a_packed_file_is_measured_and_read_as_what_is_in_it() {
        let content = examine(XZ, None).unwrap();
        assert_eq!(
            (content.bytes(), content.head().unwrap().as_slice()),
            (6, b"hello\n".as_slice())
        );
        let mut all = Vec::new();
        let never = AtomicBool::new(false);
        content
            .for_each_piece("reading", &never, |piece| {
                all.extend_from_slice(piece);
                Ok(())
            })
            .unwrap();
        assert_eq!(all, b"hello\n");
    }

    #[test]
    fn a_hash_may_be_that_of_the_packed_file_or_of_what_is_in_it() {
        // `printf 'hello\n' | sha256sum`, and that of the packed file.
        let inside = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        let packed = hexadecimal(Sha256::new_with_prefix(XZ));
        for hash in [inside, packed.as_str()] {
            assert_eq!(examine(XZ, Some(hash)).unwrap().bytes(), 6);
        }
        assert_eq!(examine(b"hello\n", Some(inside)).unwrap().bytes(), 6);
        for (bytes, hash) in [(XZ, "00"), (b"hello\n".as_slice(), packed.as_str())] {
            let error = examine(bytes, Some(hash)).map(drop).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidArgument("sha256".into()));
        }
    }

    #[test]
    fn a_content_is_dense_when_no_block_that_is_looked_at_is_zero() {
        let mut bytes = vec![7; 64 * 8192];
        assert!(examine(&bytes, None).unwrap().is_dense().unwrap());
        bytes[63 * 8192..].fill(0);
        assert!(!examine(&bytes, None).unwrap().is_dense().unwrap());
        let measured = |bytes| {
            examine(bytes, None)
                .unwrap()
                .data_bytes(&AtomicBool::new(false))
                .unwrap()
        };
        assert_eq!(measured(&bytes), 63 * 8192);
        // Too small to matter, and packed.
        assert!(!examine(b"hello", None).unwrap().is_dense().unwrap());
        assert!(!examine(XZ, None).unwrap().is_dense().unwrap());
    }

    #[test]
    fn what_cannot_be_unpacked_is_refused_and_who_gives_up_is_heard() {
        let error = examine(&XZ[..20], None).map(drop).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidArgument("content".into()));
        let cancelled = AtomicBool::new(true);
        let given_up = Content::examine("x", blob(XZ), None, Call::default(), &cancelled);
        assert_eq!(given_up.map(drop).unwrap_err().error.kind, ErrorKind::TimedOut);
    }
}
