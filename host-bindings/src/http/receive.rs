//! Receives a response: counts and limits its headers and body, blots out the credential, and puts the body where it
//! belongs.

use std::io;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::failure::Failure;
use super::fault::Fault;
use super::header_rule::HeaderRule;
use super::headers::is_withheld;
use super::limits::{HttpLimits, RESPONSE_HEADER_COUNT};
use super::request::{Response, ResponseSink};
use super::scrub::Scrubber;

/// Receives the response of one request.
pub(super) struct Receiver<'a> {
    pub(super) limits: &'a HttpLimits,
    /// The headers that the guest may see.
    pub(super) visible: &'a HeaderRule,
    pub(super) scrubber: &'a Scrubber,
    /// Whether a credential was attached, which a compressed body could hide.
    pub(super) authenticated: bool,
    /// Whether the host itself reads it: then it sees session cookies, too.
    pub(super) is_hosts_own: bool,
}

impl Receiver<'_> {
    /// Receives it whole; `received` counts the body's bytes as they come.
    pub(super) async fn receive(
        &self,
        response: http::Response<Incoming>,
        sink: ResponseSink<'_>,
        received: &mut u64,
    ) -> Result<Response, Failure> {
        let (head, body) = response.into_parts();
        self.check(head.status, &head.headers)?;
        let mut buffer = Vec::new();
        let (writer, limit): (&mut (dyn AsyncWrite + Send + Unpin), u64) = match sink {
            ResponseSink::Splice(writer) if head.status.is_success() => (writer, self.limits.spliced_bytes),
            _ => (&mut buffer, self.limits.response_body_bytes),
        };
        let written = self.copy(body, writer, limit, received).await?;
        let headers = self.headers(&head.headers, written == *received);
        Ok(Response {
            status: head.status.as_u16(),
            headers,
            body: Bytes::from(buffer),
        })
    }

    fn check(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), Failure> {
        if status.is_informational() {
            return Err(Failure::protocol("the server switched to another protocol"));
        }
        let bytes: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        // HTTP/2 limits the bytes of headers only.
        if bytes > self.limits.response_header_bytes || headers.len() > RESPONSE_HEADER_COUNT {
            return Err(Failure::Fault(Fault::TooLarge));
        }
        let encoded = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .any(|coding| coding != "identity");
        if self.authenticated && encoded {
            return Err(Failure::protocol(
                "the server compressed its response though `identity` was asked for",
            ));
        }
        Ok(())
    }

    /// Copies a body, and answers how many bytes came out.
    async fn copy(
        &self,
        mut body: Incoming,
        writer: &mut (dyn AsyncWrite + Send + Unpin),
        limit: u64,
        received: &mut u64,
    ) -> Result<u64, Failure> {
        if body.size_hint().lower() > limit {
            return Err(Failure::Fault(Fault::TooLarge));
        }
        let mut scrubbed = self.scrubber.stream();
        let mut written = 0;
        while let Some(frame) = self.next(&mut body).await? {
            *received += frame.len() as u64;
            if *received > limit {
                return Err(Failure::Fault(Fault::TooLarge));
            }
            let clean = scrubbed.push(&frame);
            written += clean.len() as u64;
            writer.write_all(&clean).await.map_err(|error| unwritable(&error))?;
        }
        let clean = scrubbed.finish();
        written += clean.len() as u64;
        writer.write_all(&clean).await.map_err(|error| unwritable(&error))?;
        writer.flush().await.map_err(|error| unwritable(&error))?;
        Ok(written)
    }

    /// The next bytes of a body; none at its end. Trailers are dropped.
    async fn next(&self, body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = timeout(self.limits.stall_timeout, body.frame());
            match frame.await.map_err(|_| Failure::Fault(Fault::Timeout))? {
                None => return Ok(None),
                Some(Err(error)) => return Err(Failure::of(&error)),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    fn headers(&self, headers: &HeaderMap, length_holds: bool) -> Vec<(String, String)> {
        let passed = headers
            .iter()
            .filter(|(name, _)| self.is_hosts_own || (!is_withheld(name) && self.visible.passes(name)))
            .filter(|(name, _)| length_holds || *name != CONTENT_LENGTH);
        let text = |value: &[u8]| String::from_utf8_lossy(&self.scrubber.scrub(value)).into_owned();
        passed
            .map(|(name, value)| (text(name.as_str().as_bytes()), text(value.as_bytes())))
            .collect()
    }
}

fn unwritable(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::FileTooLarge | io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Failure::Fault(Fault::TooLarge)
        }
        _ => Failure::protocol(format!("the response's body could not be written: {error}")),
    }
}
