//! A request's body as the HTTP client reads it: counted, limited, and of the announced length.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::ReadBuf;

use super::credential::{BodyReader, Framing, OutgoingBody};
use super::request::RequestBody;

/// How much is read from a blob at a time: a few TLS records.
const CHUNK_BYTES: usize = 64 << 10;

/// A spliced body that could not be read, or broke its announced length.
#[derive(Debug, thiserror::Error)]
#[error("the request's body could not be read: {0}")]
pub(super) struct UnreadableBody(io::Error);

/// The body of one request.
pub(super) struct Payload {
    source: Source,
    sent: Arc<AtomicU64>,
}

enum Source {
    Bytes(Bytes),
    Stream {
        reader: BodyReader,
        /// What is still owed, where the length was announced.
        owed: Option<u64>,
        /// What may still come, where it was not.
        allowance: u64,
        buffer: Vec<u8>,
    },
}

impl RequestBody {
    /// The same body again; none when it can be read only once.
    pub(super) fn repeatable(&self) -> Option<Self> {
        match self {
            Self::Bytes(bytes) => Some(Self::Bytes(bytes.clone())),
            Self::Stream { .. } => None,
        }
    }

    /// What a decision sees of it.
    pub(super) fn view(&self) -> OutgoingBody<'_> {
        match self {
            Self::Bytes(bytes) => OutgoingBody::Bytes(bytes),
            Self::Stream { length, .. } => OutgoingBody::Spliced(*length),
        }
    }
}

impl Payload {
    /// Prepares a body; `limit` holds for one of unknown length, and `sent` counts.
    pub(super) fn new(body: RequestBody, limit: u64, sent: Arc<AtomicU64>) -> Self {
        let source = match body {
            RequestBody::Bytes(bytes) => Source::Bytes(bytes),
            RequestBody::Stream { length: Some(0), .. } => Source::Bytes(Bytes::new()),
            RequestBody::Stream { reader, length } => Source::Stream {
                reader,
                owed: length,
                allowance: limit,
                buffer: vec![0; CHUNK_BYTES],
            },
        };
        Self { source, sent }
    }

    /// The same body in another form; one of bytes stays as it is.
    pub(super) fn framed(mut self, framing: Framing) -> Self {
        if let Source::Stream { reader, buffer, .. } = self.source {
            self.source = Source::Stream {
                reader: (framing.frame)(reader),
                owed: Some(framing.length),
                allowance: 0,
                buffer,
            };
        }
        self
    }
}

impl Source {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            Self::Stream { owed: Some(0), .. } => Poll::Ready(None),
            Self::Stream {
                reader,
                owed,
                allowance,
                buffer,
            } => {
                let mut into = ReadBuf::new(buffer);
                let read = ready!(reader.as_mut().poll_read(context, &mut into));
                Poll::Ready(match read {
                    Err(error) => Some(Err(error)),
                    Ok(()) => account(into.filled(), owed, allowance).transpose(),
                })
            }
        }
    }
}

fn account(read: &[u8], owed: &mut Option<u64>, allowance: &mut u64) -> io::Result<Option<Bytes>> {
    let length = read.len() as u64;
    match owed {
        Some(_) if length == 0 => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "it is shorter than announced",
        )),
        Some(owed) if length > *owed => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is longer than announced",
        )),
        Some(owed) => {
            *owed -= length;
            Ok(Some(Bytes::copy_from_slice(read)))
        }
        None if length == 0 => Ok(None),
        None => {
            let left = allowance.checked_sub(length);
            *allowance = left.ok_or_else(|| {
                io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than the connection allows")
            })?;
            Ok(Some(Bytes::copy_from_slice(read)))
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = UnreadableBody;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UnreadableBody>>> {
        let this = self.get_mut();
        let chunk = ready!(this.source.poll_chunk(context));
        Poll::Ready(chunk.map(|chunk| {
            let chunk = chunk.map_err(UnreadableBody)?;
            this.sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            Ok(Frame::data(chunk))
        }))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Bytes(bytes) => bytes.is_empty(),
            Source::Stream { owed, .. } => *owed == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Stream { owed: Some(owed), .. } => SizeHint::with_exact(*owed),
            Source::Stream { .. } => SizeHint::default(),
        }
    }
}
