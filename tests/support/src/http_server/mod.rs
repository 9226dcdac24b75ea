//! A scripted HTTP/1.1 server on a free loopback port.
//!
//! A test says what each method and path answers, once or always; what is not scripted answers 404 with a text that names
//! the request. Every request is remembered, with its headers and body, in the order of arrival. It runs on a thread of
//! its own, so tests may block. It knows nothing of any vendor and ends with its value.

mod answer;

pub use answer::{Answer, Fault};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::{HashMap, VecDeque};
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `GET`, `POST`, or whatever was sent.
    pub method: String,
    /// The path as sent: still percent-encoded.
    pub path: String,
    /// The query as sent, empty when there was none.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Recorded {
    /// The body as JSON, `null` when it is not.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether it is what this key of a script stands for: its path, or its path, a space, and a field of its form as sent:
    /// `/ Action=List`.
    #[must_use]
    pub fn answers_to(&self, path: &str) -> bool {
        match path.split_once(' ') {
            None => self.path == path,
            Some((path, field)) => self.path == path && self.form_fields().any(|have| have == field),
        }
    }

    /// The fields of its form as sent, none when it has another body.
    fn form_fields(&self) -> impl Iterator<Item = &str> {
        let is_form = self
            .header("content-type")
            .starts_with("application/x-www-form-urlencoded");
        let body = std::str::from_utf8(&self.body)
            .ok()
            .filter(|_| is_form)
            .unwrap_or_default();
        body.split('&').filter(|field| !field.is_empty())
    }

    /// A header as text, empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

#[derive(Default)]
struct Script {
    once: HashMap<(String, String), VecDeque<Answer>>,
    always: HashMap<(String, String), Answer>,
    requests: Vec<Recorded>,
}

/// The server; it stops when dropped.
pub struct HttpServer {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    runtime: Option<Runtime>,
}

impl HttpServer {
    /// Starts a server on 127.0.0.1 and a free port.
    ///
    /// # Errors
    /// When no port or no thread is to be had.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let address = listener.local_addr()?;
        let script = Arc::new(Mutex::new(Script::default()));
        runtime.spawn(accept(listener, Arc::clone(&script)));
        Ok(Self {
            address,
            script,
            runtime: Some(runtime),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers every `method` to `path` (as sent, without the query) so, from now on. A path may name a field of a form, see
    /// [`Recorded::answers_to`].
    pub fn always(&self, method: &str, path: &str, answer: Answer) {
        lock(&self.script).always.insert(key(method, path), answer);
    }

    /// Answers one such request so, before what [`always`](Self::always) says; several queue up.
    pub fn once(&self, method: &str, path: &str, answer: Answer) {
        let mut script = lock(&self.script);
        script.once.entry(key(method, path)).or_default().push_back(answer);
    }

    /// All requests so far, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.script).requests.clone()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        // Also from async tests, where waiting for the runtime's threads is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn key(method: &str, path: &str) -> (String, String) {
    (method.to_owned(), path.to_owned())
}

/// A test that panicked while it held the lock has failed already; its server may go on.
fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, script: Arc<Mutex<Script>>) {
    while let Ok((connection, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        tokio::spawn(async move {
            let service = service_fn(|request| respond(request, &script));
            // A client that goes away, or a fault that was asked for, ends in an error here: that is no news.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
    }
}

/// An error closes the connection without an answer.
async fn respond(request: Request<Incoming>, script: &Mutex<Script>) -> Result<Response<BoxBody<Bytes, Error>>> {
    let (head, body) = request.into_parts();
    let recorded = Recorded {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.collect().await.map_err(Error::other)?.to_bytes().to_vec(),
    };
    let answer = record_and_choose(recorded, script);
    tokio::time::sleep(answer.delay).await;
    if answer.fault == Some(Fault::Disconnect) {
        return Err(Error::other("the script says to disconnect"));
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    if answer.fault != Some(Fault::Endless) {
        response = response.header("content-length", answer.body.len());
    }
    response.body(body_of(answer)).map_err(Error::other)
}

fn record_and_choose(request: Recorded, script: &Mutex<Script>) -> Answer {
    let mut script = lock(script);
    // What names a field of the form goes before what names the path alone.
    let fields = request.form_fields().map(|field| format!("{} {field}", request.path));
    let paths: Vec<String> = fields.chain([request.path.clone()]).collect();
    let keys: Vec<_> = paths.iter().map(|path| key(&request.method, path)).collect();
    script.requests.push(request);
    let queued = keys
        .iter()
        .find_map(|key| script.once.get_mut(key).and_then(VecDeque::pop_front));
    let standing = || keys.iter().find_map(|key| script.always.get(key).cloned());
    queued.or_else(standing).unwrap_or_else(|| {
        let words: Vec<String> = keys.iter().map(|(method, path)| format!("{method} {path}")).collect();
        Answer::bytes(404, format!("no answer is scripted for {}", words.join(" or ")))
    })
}

fn body_of(answer: Answer) -> BoxBody<Bytes, Error> {
    let whole = Bytes::from(answer.body);
    let frame = |bytes: &Bytes| Ok(Frame::data(bytes.clone()));
    match answer.fault {
        Some(Fault::Endless) => BoxBody::new(StreamBody::new(stream::repeat_with(move || frame(&whole)))),
        Some(Fault::Truncate(length)) => {
            let part = whole.slice(..length.min(whole.len()));
            // hyper sends what it has when the body has nothing more for now, and drops it when the body fails at once.
            let broken = stream::once(async {
                tokio::task::yield_now().await;
                Err(Error::other("the script says to truncate"))
            });
            BoxBody::new(StreamBody::new(stream::iter([frame(&part)]).chain(broken)))
        }
        Some(Fault::Disconnect) | None => BoxBody::new(StreamBody::new(stream::iter([frame(&whole)]))),
    }
}
