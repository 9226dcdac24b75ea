//! Requests of one call: converts them for [`crate::http`], which decides and sends.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::io::AsyncWriteExt as _;

use super::{CallHost, count};
use crate::bindings::stockade::provider::http_types::{Fault, Request, Response};
use crate::blobs::BlobId;
use crate::call::Call;
use crate::component::Function;
use crate::http::{self, CallScope, Denial, Exchange, Observer, RequestBody, ResponseSink};
use crate::limits::Room;

impl CallHost {
    pub(super) async fn send(&self, request: Request) -> Result<Response, Fault> {
        self.sender().exchange(request).await
    }

    pub(super) async fn send_many(&self, requests: Vec<Request>, parallel: u8) -> Vec<Result<Response, Fault>> {
        let sender = self.sender();
        // All answers are held until the last has come, and must then fit into the guest beside what it holds already.
        let room = Room::new(u64::from(self.connection.limits.memory_mib) << 19);
        let answers = stream::iter(requests)
            .map(|request| async {
                // Denied requests wait for nothing: without this, many of them would keep the thread to themselves.
                tokio::task::yield_now().await;
                fitting(sender.exchange(request).await?, &room)
            })
            .buffered(usize::from(parallel.max(1)));
        answers.collect().await
    }

    pub(super) async fn presign(&self, request: Request, valid_seconds: u32) -> Result<String, Fault> {
        if !request.body.is_empty() {
            return Err(Fault::Protocol("a request that is presigned has no body".to_owned()));
        }
        let (request, _) = split(request);
        let (sender, valid) = (self.sender(), Duration::from_secs(valid_seconds.into()));
        sender
            .client
            .presign(&request, valid, sender.scope())
            .await
            .map_err(fault)
    }

    pub(super) async fn send_blob(&self, request: Request, body: BlobId) -> Result<Response, Fault> {
        let blob = self.blob(body).map_err(|_| Fault::Denied)?;
        let body = RequestBody::stream(blob.reader(), blob.size().ok());
        self.send_stream(request, body).await
    }

    pub(super) async fn send_blob_part(
        &self,
        request: Request,
        body: BlobId,
        offset: u64,
        length: u64,
    ) -> Result<Response, Fault> {
        let blob = self.blob(body).map_err(|_| Fault::Denied)?;
        let end = offset.checked_add(length);
        if !end.is_some_and(|end| blob.size().is_ok_and(|size| end <= size)) {
            return Err(Fault::Protocol("the blob ends before the part does".to_owned()));
        }
        let body = RequestBody::stream(blob.part_reader(offset, length), Some(length));
        self.send_stream(request, body).await
    }

    async fn send_stream(&self, request: Request, body: RequestBody) -> Result<Response, Fault> {
        if !request.body.is_empty() {
            return Err(Fault::Protocol(
                "the request has a body of its own beside the blob".to_owned(),
            ));
        }
        let (request, _) = split(request);
        self.sender().send(&request, body, ResponseSink::Buffer).await
    }

    pub(super) async fn send_into_blob(&self, request: Request, into: BlobId) -> Result<Response, Fault> {
        let mut writer = self.blob(into).map_err(|_| Fault::Denied)?.writer();
        let (request, body) = split(request);
        let answer = self
            .sender()
            .send(&request, RequestBody::Bytes(body), ResponseSink::Splice(&mut writer))
            .await;
        if answer.is_ok() && writer.flush().await.is_err() {
            return Err(Fault::TooLarge);
        }
        answer
    }

    fn sender(&self) -> Sender<'_> {
        Sender {
            client: &self.connection.http,
            budget: &self.budget,
            observer: ReportDenials {
                call: &self.call,
                function: self.function,
                told: &self.denials,
                most: self.connection.limits.log_lines,
            },
        }
    }
}

/// One call's way out.
struct Sender<'a> {
    client: &'a http::HttpClient,
    budget: &'a http::CallBudget,
    observer: ReportDenials<'a>,
}

impl Sender<'_> {
    fn scope(&self) -> CallScope<'_> {
        CallScope {
            budget: self.budget,
            observer: &self.observer,
        }
    }

    async fn exchange(&self, request: Request) -> Result<Response, Fault> {
        let (request, body) = split(request);
        self.send(&request, RequestBody::Bytes(body), ResponseSink::Buffer)
            .await
    }

    async fn send(
        &self,
        request: &http::Request,
        body: RequestBody,
        sink: ResponseSink<'_>,
    ) -> Result<Response, Fault> {
        let response = self
            .client
            .send(request, body, sink, self.scope())
            .await
            .map_err(fault)?;
        Ok(Response {
            status: response.status,
            headers: response.headers,
            body: response.body.to_vec(),
        })
    }
}

/// Tells the operator about denials, the trace about exchanges, and the auditor about both.
struct ReportDenials<'a> {
    call: &'a Call,
    function: Function,
    /// Denials so far, and how many of them are told: a guest can cause them as fast as it can call.
    told: &'a AtomicU32,
    most: u32,
}

impl Observer for ReportDenials<'_> {
    fn exchange(&self, exchange: &Exchange) {
        tracing::debug!(
            endpoint = exchange.endpoint,
            origin = %exchange.origin,
            method = exchange.method,
            path = exchange.path,
            outcome = ?exchange.outcome,
            sent_bytes = exchange.sent_bytes,
            received_bytes = exchange.received_bytes,
            duration_ms = exchange.duration.as_millis(),
            "request"
        );
        self.call.auditor.exchange(self.function, exchange);
    }

    fn denied(&self, denial: &Denial) {
        self.call.auditor.denied(self.function, denial);
        if count(self.told, self.most) {
            self.call.reporter.denied(&denial.to_string(), denial.hint().as_deref());
        }
    }
}

/// An answer, if there is room for it beside the others.
fn fitting(response: Response, room: &Room) -> Result<Response, Fault> {
    let heads: usize = response
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    let bytes = (response.body.len() + heads) as u64;
    room.take(bytes).then_some(response).ok_or(Fault::TooLarge)
}

fn split(request: Request) -> (http::Request, Bytes) {
    let body = Bytes::from(request.body);
    let request = http::Request {
        endpoint: request.endpoint,
        origin: request.origin,
        method: request.method,
        path: request.path,
        query: request.query,
        headers: request.headers,
        timeout: request
            .timeout_ms
            .map(|milliseconds| Duration::from_millis(milliseconds.into())),
    };
    (request, body)
}

fn fault(fault: http::Fault) -> Fault {
    match fault {
        http::Fault::Denied => Fault::Denied,
        http::Fault::Credential(_) => Fault::Credential,
        http::Fault::RateLimited(delay) => Fault::RateLimited(u32::try_from(delay.as_millis()).unwrap_or(u32::MAX)),
        http::Fault::Dns => Fault::Dns,
        http::Fault::Connect => Fault::Connect,
        http::Fault::Tls(how) => Fault::Tls(how),
        http::Fault::Timeout => Fault::Timeout,
        http::Fault::TooLarge => Fault::TooLarge,
        http::Fault::Protocol(how) => Fault::Protocol(how),
    }
}
