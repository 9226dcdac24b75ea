//! Files that images come packed in, and how they are unpacked while they are read.
//!
//! Recognised by how they begin: gzip (RFC 1952), bzip2, xz (its file format, section 2.1.1.1) and Zstandard (RFC 8878,
//! section 3.1.1). A file may hold several streams one after the other, as parallel packers write them.

use std::io::{self, BufRead, BufReader, Read};

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// Zstandard.
    Zstandard,
}

impl Packing {
    /// Tells it from the beginning of a file; none when it is not packed.
    pub(super) fn detect(head: &[u8]) -> Option<Self> {
        const KNOWN: [(&[u8], Packing); 4] = [
            (b"\x1f\x8b\x08", Packing::Gzip),
            (b"BZh", Packing::Bzip2),
            (b"\xfd7zXZ\0", Packing::Xz),
            (b"\x28\xb5\x2f\xfd", Packing::Zstandard),
        ];
        let found = KNOWN.iter().find(|(magic, _)| head.starts_with(magic));
        found.map(|(_, packing)| *packing)
    }

    /// The content of a packed file.
    ///
    /// # Errors
    /// When the file does not begin as it should.
    pub(super) fn unpack(self, packed: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        let packed = BufReader::with_capacity(1 << 18, packed);
        Ok(match self {
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new(packed, true)),
            Self::Zstandard => Box::new(Frames {
                frame: None,
                rest: Some(packed),
            }),
        })
    }
}

type Frame<R> = ruzstd::decoding::StreamingDecoder<R, ruzstd::decoding::FrameDecoder>;

/// All frames of a Zstandard file, where the decoder reads one.
struct Frames<R: BufRead> {
    frame: Option<Box<Frame<R>>>,
    rest: Option<R>,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
                // The decoder computes the checksum and leaves it to us (RFC 8878, section 3.1.1).
                let (said, found) = (
                    frame.decoder.get_checksum_from_data(),
                    frame.decoder.get_calculated_checksum(),
                );
                if said.is_some_and(|said| found.is_some_and(|found| said != found)) {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "a frame's checksum does not match",
                    ));
                }
                self.rest = self.frame.take().map(|frame| frame.into_inner());
            }
            let Some(mut rest) = self.rest.take() else {
                return Ok(0);
            };
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.frame = Some(Box::new(Frame::new(rest).map_err(io::Error::other)?));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hello\n`, packed by the usual programs.
    const GZIP: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a\x36\x06\x00\x00\x00";

    fn unpacked(packing: Packing, packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        packing
            .unpack(io::Cursor::new(packed.to_vec()))?
            .read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn packed_files_are_told_by_their_beginning_and_unpacked_to_the_last_stream() {
        for (packing, packed) in [
            (Packing::Gzip, GZIP),
            (Packing::Bzip2, include_bytes!("golden/hello.bz2").as_slice()),
            (Packing::Xz, include_bytes!("golden/hello.xz").as_slice()),
            (Packing::Zstandard, include_bytes!("golden/hello.zst").as_slice()),
        ] {
            assert_eq!(Packing::detect(packed), Some(packing));
            assert_eq!(unpacked(packing, packed).unwrap(), b"hello\n", "{packing:?}");
            let twice = [packed, packed].concat();
            assert_eq!(unpacked(packing, &twice).unwrap(), b"hello\nhello\n", "{packing:?}");
        }
        assert_eq!(Packing::detect(b"QFI\xfb"), None);
        assert_eq!(Packing::detect(b""), None);
    }

    #[test]
    fn a_file_that_ends_early_or_is_changed_is_an_error_and_not_short() {
        for (packing, packed) in [
            (Packing::Gzip, GZIP),
            (Packing::Bzip2, include_bytes!("golden/hello.bz2").as_slice()),
            (Packing::Xz, include_bytes!("golden/hello.xz").as_slice()),
            (Packing::Zstandard, include_bytes!("golden/hello.zst").as_slice()),
        ] {
            let half = &packed[..packed.len() - 6];
            assert!(unpacked(packing, half).is_err(), "{packing:?}");
            let mut changed = packed.to_vec();
            let middle = changed.len() - 5;
            changed[middle] ^= 0x55;
            assert!(unpacked(packing, &changed).is_err(), "{packing:?}");
        }
    }
}
