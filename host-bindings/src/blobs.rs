//! Byte sequences that the host holds for a provider: images to upload, objects to download.
//!
//! A blob is a file that the caller opened, or an unnamed scratch file. Guests hold handles and read small pieces; whole
//! contents move between files and HTTP or libvirt without passing through a guest's memory.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{sink, stream};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};

use crate::limits::Room;

/// Bytes that are moved at once.
const PIECE_BYTES: usize = 256 << 10;

/// A byte sequence held by the host. Cloning shares it.
#[derive(Clone)]
pub struct Blob {
    inner: Arc<Inner>,
}

/// The number by which a guest's side knows a blob of its call. It means nothing outside the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlobId(u32);

impl BlobId {
    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }
}

struct Inner {
    file: File,
    /// None for a blob that may only be read.
    append: Option<Append>,
}

struct Append {
    /// The length so far; appending holds the lock, so that pieces never interleave.
    length: Mutex<u64>,
    room: Room,
}

impl Drop for Append {
    /// The file goes with the last handle, or was somebody else's from the beginning.
    fn drop(&mut self) {
        let length = self.length.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.room.return_to_whole(*length);
    }
}

impl Blob {
    /// A blob that reads an open file.
    pub fn from_file(file: File) -> Self {
        Self {
            inner: Arc::new(Inner { file, append: None }),
        }
    }

    /// A blob that appends to an open, empty file, as long as there is room.
    pub fn into_file(file: File, room: Room) -> Self {
        Self {
            inner: Arc::new(Inner {
                file,
                append: Some(Append {
                    length: Mutex::new(0),
                    room,
                }),
            }),
        }
    }

    /// An empty blob in an unnamed temporary file; it is gone when the last handle is.
    ///
    /// # Errors
    /// When the temporary directory cannot hold a file.
    pub fn scratch(room: Room) -> io::Result<Self> {
        Ok(Self::into_file(tempfile::tempfile()?, room))
    }

    /// Its size in bytes.
    ///
    /// # Errors
    /// When the file cannot be examined.
    pub fn size(&self) -> io::Result<u64> {
        Ok(self.inner.file.metadata()?.len())
    }

    /// Reads at most `length` bytes from `offset`; fewer only at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let blob = self.clone();
        blocking(move || blob.read_at_blocking(offset, length)).await
    }

    /// As [`Self::read_at`], for callers on a thread that may block.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_at_blocking(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let left = usize::try_from(self.size()?.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut buffer = vec![0; length.min(left)];
        let filled = self.read_into_blocking(offset, &mut buffer)?;
        buffer.truncate(filled);
        Ok(buffer.into())
    }

    /// As [`Self::read_at_blocking`], into a buffer that is used again; answers how much of it was filled.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_into_blocking(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.inner.file.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `PermissionDenied` when the blob may only be read, `FileTooLarge` when there is no room left, otherwise what the file says.
    pub async fn append(&self, bytes: Bytes) -> io::Result<()> {
        let blob = self.clone();
        blocking(move || blob.append_blocking(&bytes)).await
    }

    /// Its content from the beginning, as a stream of bytes with a position of its own.
    pub fn reader(&self) -> impl AsyncRead + Send + 'static {
        self.reader_from(0)
    }

    /// At most `length` bytes of its content from `offset`, in the same way.
    pub fn part_reader(&self, offset: u64, length: u64) -> impl AsyncRead + Send + 'static {
        self.reader_from(offset).take(length)
    }

    fn reader_from(&self, offset: u64) -> impl AsyncRead + Send + 'static {
        let pieces = stream::try_unfold((self.clone(), offset), async |(blob, offset)| {
            let piece = blob.read_at(offset, PIECE_BYTES).await?;
            let next = offset + piece.len() as u64;
            Ok::<_, io::Error>((!piece.is_empty()).then_some((piece, (blob, next))))
        });
        StreamReader::new(Box::pin(pieces))
    }

    /// Appends what is written. Flush it before the blob is used.
    pub fn writer(&self) -> impl AsyncWrite + Send + Unpin + 'static {
        let pieces = sink::unfold(self.clone(), async |blob: Self, piece: Bytes| {
            blob.append(piece).await?;
            Ok::<_, io::Error>(blob)
        });
        SinkWriter::new(CopyToBytes::new(Box::pin(pieces)))
    }

    /// As [`Self::append`], for callers on a thread that may block.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_blocking(&self, bytes: &[u8]) -> io::Result<()> {
        self.grow(bytes.len() as u64, |offset| self.inner.file.write_all_at(bytes, offset))
    }

    /// Appends so many zeros, without writing them: the file has a hole there.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_zeros_blocking(&self, length: u64) -> io::Result<()> {
        self.grow(length, |offset| self.inner.file.set_len(offset.saturating_add(length)))
    }

    fn grow(&self, by: u64, write_at: impl FnOnce(u64) -> io::Result<()>) -> io::Result<()> {
        let append = self.inner.append.as_ref().ok_or(io::ErrorKind::PermissionDenied)?;
        let mut length = append.length.lock().unwrap_or_else(PoisonError::into_inner);
        if !append.room.take(by) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        write_at(*length)?;
        *length += by;
        Ok(())
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Blob")
            .field("writable", &self.inner.append.is_some())
            .finish_non_exhaustive()
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reads_back_what_was_appended_and_nothing_beyond_the_end() {
        let blob = Blob::scratch(Room::new(100)).unwrap();
        blob.append(Bytes::from_static(b"hello ")).await.unwrap();
        blob.append(Bytes::from_static(b"world")).await.unwrap();
        assert_eq!(blob.size().unwrap(), 11);
        assert_eq!(&blob.read_at(6, 100).await.unwrap()[..], b"world");
        assert!(blob.read_at(11, 10).await.unwrap().is_empty());
        assert!(blob.read_at(u64::MAX, usize::MAX).await.unwrap().is_empty());
    }

    #[test]
    fn zeros_take_room_but_no_space() {
        let blob = Blob::scratch(Room::new((1 << 30) + 2)).unwrap();
        blob.append_blocking(b"a").unwrap();
        blob.append_zeros_blocking(1 << 30).unwrap();
        blob.append_blocking(b"b").unwrap();
        assert_eq!(blob.size().unwrap(), (1 << 30) + 2);
        assert_eq!(&blob.read_at_blocking((1 << 30) - 1, 9).unwrap()[..], b"\0\0b");
        assert_eq!(
            blob.append_zeros_blocking(1).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
    }

    #[tokio::test]
    async fn readers_and_writers_move_the_whole_content() {
        let content: Vec<u8> = (0..600_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let (one, other) = (
            Blob::scratch(Room::new(1 << 20)).unwrap(),
            Blob::scratch(Room::new(1 << 20)).unwrap(),
        );
        let mut writer = one.writer();
        tokio::io::AsyncWriteExt::write_all(&mut writer, &content)
            .await
            .unwrap();
        tokio::io::AsyncWriteExt::flush(&mut writer).await.unwrap();
        tokio::io::copy(&mut Box::pin(one.reader()), &mut other.writer())
            .await
            .unwrap();
        assert_eq!(&other.read_at(0, 1 << 20).await.unwrap()[..], &content);
    }

    #[tokio::test]
    async fn parts_begin_and_end_where_they_are_told() {
        let blob = Blob::scratch(Room::new(1 << 20)).unwrap();
        let content: Vec<u8> = (0..600_000_u32).map(|number| number.to_le_bytes()[1]).collect();
        blob.append(Bytes::from(content.clone())).await.unwrap();
        for (offset, length, expected) in [
            (0, 0, &content[..0]),
            (0, 5, &content[..5]),
            (300_000, 262_145, &content[300_000..562_145]),
            (599_999, 10, &content[599_999..]),
            (600_001, 10, &content[..0]),
        ] {
            let mut read = Vec::new();
            tokio::io::copy(&mut Box::pin(blob.part_reader(offset, length)), &mut read)
                .await
                .unwrap();
            assert!(read == expected, "{length} from {offset}: {} came", read.len());
        }
    }

    #[tokio::test]
    async fn refuses_to_grow_beyond_its_limit_and_keeps_what_it_had() {
        let blob = Blob::scratch(Room::new(4)).unwrap();
        blob.append(Bytes::from_static(b"1234")).await.unwrap();
        let error = blob.append(Bytes::from_static(b"5")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(blob.size().unwrap(), 4);
    }

    #[tokio::test]
    async fn what_all_blobs_hold_together_is_limited_and_given_back() {
        let all = Room::new(6);
        let one = Blob::scratch(Room::within(&all, 100)).unwrap();
        let other = Blob::scratch(Room::within(&all, 100)).unwrap();
        one.append(Bytes::from_static(b"1234")).await.unwrap();
        let error = other.append(Bytes::from_static(b"123")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        drop(one);
        other.append(Bytes::from_static(b"123456")).await.unwrap();
    }

    #[tokio::test]
    async fn refuses_to_write_a_file_that_was_opened_to_be_read() {
        let blob = Blob::from_file(tempfile::tempfile().unwrap());
        let error = blob.append(Bytes::from_static(b"x")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}
