//! A body in signed chunks, for object storage in plain text.
//!
//! ```text
//! 10000;chunk-signature=…\r\n 65,536 bytes \r\n … 0;chunk-signature=…\r\n\r\n
//! ```
//!
//! Each chunk's signature covers the one before it, and the first covers that of the request's head:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>. The length in this form is known before.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::super::BodyReader;
use super::super::hash::{Tag, hex, hmac_sha256, sha256_hex};

/// How much of the body one signature covers. At least 8 KiB; 64 KiB are recommended (see above).
const CHUNK_BYTES: usize = 64 << 10;
const SIGNATURE: &str = ";chunk-signature=";
/// A signature's hexadecimal digits.
const SIGNATURE_BYTES: u64 = 64;
const END_OF_LINE: &[u8] = b"\r\n";

/// How long a body of `length` bytes is in signed chunks.
pub(super) fn framed_length(length: u64) -> u64 {
    let chunk = |bytes: u64| {
        let digits = u64::from(bytes.checked_ilog2().unwrap_or(0) / 4 + 1);
        digits + SIGNATURE.len() as u64 + SIGNATURE_BYTES + bytes + 2 * END_OF_LINE.len() as u64
    };
    let (whole, rest) = (length / CHUNK_BYTES as u64, length % CHUNK_BYTES as u64);
    whole * chunk(CHUNK_BYTES as u64) + if rest > 0 { chunk(rest) } else { 0 } + chunk(0)
}

/// Signs one chunk after the other.
pub(super) struct ChunkSigner {
    key: Tag,
    moment: String,
    scope: String,
    /// The signature before.
    previous: String,
}

impl ChunkSigner {
    /// Continues after the signature of the request's head.
    pub(super) fn new(key: Tag, moment: String, scope: String, seed: String) -> Self {
        Self {
            key,
            moment,
            scope,
            previous: seed,
        }
    }

    /// A chunk as it is sent.
    fn frame(&mut self, chunk: &[u8]) -> Vec<u8> {
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}",
            self.moment,
            self.scope,
            self.previous,
            sha256_hex(&[]),
            sha256_hex(chunk)
        );
        self.previous = hex(&*hmac_sha256(&*self.key, text.as_bytes()));
        let head = format!("{:x}{SIGNATURE}{}", chunk.len(), self.previous);
        [head.as_bytes(), END_OF_LINE, chunk, END_OF_LINE].concat()
    }
}

/// Reads a body and gives it in signed chunks.
pub(super) struct SignedChunks {
    body: BodyReader,
    /// What of the body is still to be read.
    owed: u64,
    signer: ChunkSigner,
    /// The chunk that is being read: its buffer and how much of it is filled.
    chunk: Vec<u8>,
    filled: usize,
    /// What is ready, and how much of it was given.
    framed: Vec<u8>,
    given: usize,
    ended: bool,
}

impl SignedChunks {
    /// Reads `length` bytes of `body`.
    pub(super) fn new(body: BodyReader, length: u64, signer: ChunkSigner) -> Self {
        let mut chunks = Self {
            body,
            owed: length,
            signer,
            chunk: Vec::new(),
            filled: 0,
            framed: Vec::new(),
            given: 0,
            ended: false,
        };
        chunks.expect_next();
        chunks
    }

    fn expect_next(&mut self) {
        self.filled = 0;
        let next = usize::try_from(self.owed).map_or(CHUNK_BYTES, |owed| owed.min(CHUNK_BYTES));
        self.chunk.resize(next, 0);
    }

    /// Reads until the next chunk is whole and frames it. The chunk without bytes is the last.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.filled < self.chunk.len() {
            let mut into = ReadBuf::new(&mut self.chunk[self.filled..]);
            ready!(self.body.as_mut().poll_read(context, &mut into))?;
            match into.filled().len() {
                0 => {
                    let short = io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than announced");
                    return Poll::Ready(Err(short));
                }
                read => self.filled += read,
            }
        }
        self.ended = self.chunk.is_empty();
        self.owed -= self.chunk.len() as u64;
        self.framed = self.signer.frame(&self.chunk);
        self.given = 0;
        self.expect_next();
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for SignedChunks {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.given == this.framed.len() && !this.ended {
            ready!(this.poll_frame(context))?;
        }
        let rest = &this.framed[this.given..];
        let next = rest.len().min(into.remaining());
        into.put_slice(&rest[..next]);
        this.given += next;
        Poll::Ready(Ok(()))
    }
}
