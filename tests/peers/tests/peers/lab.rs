//! A connection's client at one peer, and what its observer saw.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use stockade_host::http::{
    CallBudget, CallScope, Credential, Denial, EndpointGrant, Exchange, Fault, HttpClient, HttpLimits, Observer,
    Request, RequestBody, RequestRule, Response, ResponseSink, TlsProfile,
};

/// Everything that an operator could read of the requests, as text.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn exchange(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(format!("{exchange:?}"));
    }

    fn denied(&self, denial: &Denial) {
        self.0.lock().unwrap().push(format!("{denial:?}"));
    }
}

/// A client whose one endpoint `api` leads to a peer.
pub(crate) struct Lab {
    client: HttpClient,
    seen: Arc<Seen>,
    budget: CallBudget,
}

impl Lab {
    /// A client that may do everything at `origin`, authenticated so.
    pub(crate) fn new(origin: &str, credential: Option<Credential>) -> Self {
        Self::granted(grant(origin, credential))
    }

    /// A client with this grant.
    pub(crate) fn granted(grant: EndpointGrant) -> Self {
        let limits = HttpLimits::default();
        Self {
            budget: CallBudget::new(&limits),
            client: HttpClient::new(vec![grant], limits).unwrap(),
            seen: Arc::default(),
        }
    }

    pub(crate) fn call(&self) -> CallScope<'_> {
        CallScope {
            budget: &self.budget,
            observer: &*self.seen,
        }
    }

    pub(crate) async fn send(&self, request: &Request, body: RequestBody) -> Result<Response, Fault> {
        self.client.send(request, body, ResponseSink::Buffer, self.call()).await
    }

    /// A URL for others.
    pub(crate) async fn presign(&self, request: &Request, valid: Duration) -> Result<String, Fault> {
        self.client.presign(request, valid, self.call()).await
    }

    /// What the observer was told.
    pub(crate) fn seen(&self) -> String {
        self.seen.0.lock().unwrap().join("\n")
    }
}

/// A grant of everything at `origin`.
pub(crate) fn grant(origin: &str, credential: Option<Credential>) -> EndpointGrant {
    let everything = || vec![RequestRule::new(["GET", "HEAD", "PUT", "POST", "DELETE"], "/**").unwrap()];
    EndpointGrant {
        name: "api".into(),
        origin: origin.parse().unwrap(),
        asked: everything(),
        granted: everything(),
        credential,
        presign_seconds: None,
        allow_addresses: vec!["127.0.0.0/8".parse().unwrap()],
        tls: TlsProfile::default(),
    }
}

/// A request to the endpoint `api`, by its segments.
pub(crate) fn request(method: &str, path: &[&str]) -> Request {
    Request {
        endpoint: "api".into(),
        method: method.into(),
        path: path.iter().map(|&segment| segment.to_owned()).collect(),
        ..Request::default()
    }
}

/// A response's body as text.
pub(crate) fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}

/// Sends a request as a stranger would who was given a URL: over a socket of its own, knowing nothing else. Answers the
/// status and the body.
pub(crate) fn fetch(method: &str, url: &str, body: &str) -> (u16, String) {
    let (status, _, body) = exchange(method, url, &[], body);
    (status, body)
}

/// The same with the headers of the answer.
pub(crate) fn exchange(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> (u16, HeaderMap, String) {
    let (host, target) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let head = format!(
        "{method} /{target} HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    (status, headers.collect(), body.to_owned())
}
