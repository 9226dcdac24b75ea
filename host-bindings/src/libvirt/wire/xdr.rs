//! XDR, as far as libvirt's protocol needs it: <https://www.rfc-editor.org/rfc/rfc4506>.

use std::io;

/// Writes values one after another.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// The bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A signed 32-bit number.
    pub(super) fn int(mut self, value: i32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// An unsigned 32-bit number.
    pub(super) fn uint(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// Bytes whose number both sides know.
    pub(super) fn fixed(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// A text.
    ///
    /// # Errors
    /// When it is longer than 4 GiB.
    pub(super) fn text(self, text: &str) -> io::Result<Self> {
        let length = u32::try_from(text.len()).map_err(|_| malformed("a text of 4 GiB"))?;
        Ok(self.uint(length).fixed(text.as_bytes()))
    }

    /// A text that could be missing.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub(super) fn optional_text(self, text: Option<&str>) -> io::Result<Self> {
        match text {
            None => Ok(self.uint(0)),
            Some(text) => self.uint(1).text(text),
        }
    }
}

/// Reads values one after another. What does not fit is an error, never a panic and never more memory than there are
/// bytes.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads these bytes.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// A signed 32-bit number.
    pub(super) fn int(&mut self) -> io::Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// An unsigned 32-bit number.
    pub(super) fn uint(&mut self) -> io::Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A signed 64-bit number.
    pub(super) fn hyper(&mut self) -> io::Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// As many bytes as the array has; a multiple of four.
    pub(super) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>().ok_or_else(|| malformed("its end"))?;
        self.0 = rest;
        Ok(*array)
    }

    /// A text.
    pub(super) fn text(&mut self) -> io::Result<&'a str> {
        let length = usize::try_from(self.uint()?).unwrap_or(usize::MAX);
        let padded = length.checked_next_multiple_of(4).unwrap_or(usize::MAX);
        let (bytes, rest) = self.0.split_at_checked(padded).ok_or_else(|| malformed("a text"))?;
        self.0 = rest;
        std::str::from_utf8(&bytes[..length]).map_err(|_| malformed("a text that is not UTF-8"))
    }

    /// A text that could be missing.
    pub(super) fn optional_text(&mut self) -> io::Result<Option<&'a str>> {
        match self.uint()? {
            0 => Ok(None),
            1 => self.text().map(Some),
            _ => Err(malformed("whether there is a text")),
        }
    }

    /// A list of what `item` reads.
    pub(super) fn list<T>(&mut self, item: impl Fn(&mut Self) -> io::Result<T>) -> io::Result<Vec<T>> {
        // Grows with what is really there: the number is the other side's word.
        let mut items = Vec::new();
        for _ in 0..self.uint()? {
            items.push(item(self)?);
        }
        Ok(items)
    }
}

/// What libvirt sent is not what its protocol says.
pub(super) fn malformed(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("libvirt's answer is malformed at {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let writer = Writer::default().int(-2).uint(7).text("abcde").unwrap();
        let writer = writer.optional_text(None).unwrap().optional_text(Some("")).unwrap();
        let bytes = writer.uint(2).uint(5).uint(6).fixed(&[1; 16]).into_bytes();
        assert_eq!(bytes.len() % 4, 0);
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.int().unwrap(), reader.uint().unwrap()), (-2, 7));
        assert_eq!(reader.text().unwrap(), "abcde");
        assert_eq!(reader.optional_text().unwrap(), None);
        assert_eq!(reader.optional_text().unwrap(), Some(""));
        assert_eq!(reader.list(Reader::uint).unwrap(), [5, 6]);
        assert_eq!(reader.array::<16>().unwrap(), [1; 16]);
        assert!(reader.uint().is_err());
    }

    #[test]
    fn lying_lengths_are_errors() {
        for bytes in [
            &[0, 0, 0, 5, b'a'][..],
            &[0xff; 8],
            &[0, 0, 0, 1, 0xff, 0, 0, 0],
            &[0, 0],
        ] {
            assert!(Reader::new(bytes).text().is_err(), "{bytes:?}");
        }
        assert!(Reader::new(&[0, 0, 0, 2, 0, 0, 0, 0]).optional_text().is_err());
        assert!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1])
                .list(Reader::uint)
                .is_err()
        );
    }
}
