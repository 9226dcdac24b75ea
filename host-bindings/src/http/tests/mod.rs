//! The client against real servers on loopback: each protection with its allowed twin.
//!
//! A server here is a script: for each connection it reads requests and writes what it is told, byte for byte, so that it
//! can also misbehave.

mod bodies;
mod limits;
mod policy;
mod presign;
mod signing;
mod tls;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::*;

const CANARY: &str = "canary-Kp7/\"3x";

/// What the observer saw.
#[derive(Default)]
struct Seen {
    exchanges: Mutex<Vec<Exchange>>,
    denials: Mutex<Vec<Denial>>,
}

impl Observer for Seen {
    fn exchange(&self, exchange: &Exchange) {
        self.exchanges.lock().unwrap().push(exchange.clone());
    }

    fn denied(&self, denial: &Denial) {
        self.denials.lock().unwrap().push(denial.clone());
    }
}

impl Seen {
    fn outcomes(&self) -> Vec<Outcome> {
        self.exchanges
            .lock()
            .unwrap()
            .iter()
            .map(|exchange| exchange.outcome.clone())
            .collect()
    }
}

/// A server that answers every request by a function of its text.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

type Answer = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

impl Server {
    async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start_with(None, answer).await
    }

    async fn start_with(tls: Option<TlsAcceptor>, answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self {
            port,
            requests: Arc::default(),
            connections: Arc::default(),
        };
        let (requests, connections) = (Arc::clone(&server.requests), Arc::clone(&server.connections));
        let answer: Answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (requests, answer, tls) = (Arc::clone(&requests), Arc::clone(&answer), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &requests, &answer).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &requests, &answer).await,
                            Err(_) => Ok(()),
                        },
                    }
                });
            }
        });
        server
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn last_request(&self) -> String {
        self.requests.lock().unwrap().last().cloned().unwrap()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    requests: &Mutex<Vec<String>>,
    answer: &Answer,
) -> io::Result<()> {
    while let Some(request) = read_request(&mut stream).await? {
        let response = answer(&request);
        requests.lock().unwrap().push(request);
        if response.is_empty() {
            // A server that never answers: it waits until the client gives up.
            stream.read_u8().await?;
        }
        stream.write_all(&response).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// One request as text: head and body, chunked bodies as they came. None at the end of the connection.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            let chunked = head.contains("transfer-encoding: chunked");
            if if chunked {
                body.ends_with("0\r\n\r\n")
            } else {
                body.len() >= length.unwrap_or(0)
            } {
                return Ok(Some(text));
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn grant(origin: &str) -> EndpointGrant {
    let everything = ["GET", "POST", "PUT", "UPDATE", "HEAD"];
    EndpointGrant {
        name: "api".into(),
        origin: origin.parse().unwrap(),
        asked: vec![RequestRule::new(everything, "/**").unwrap()],
        granted: vec![RequestRule::new(everything, "/**").unwrap()],
        credential: None,
        presign_seconds: None,
        allow_addresses: vec!["127.0.0.0/8".parse().unwrap()],
        tls: TlsProfile::default(),
    }
}

fn get(path: &str) -> Request {
    call("GET", path)
}

fn call(method: &str, path: &str) -> Request {
    let path = path.split('/').skip(1).map(Into::into).collect();
    Request {
        endpoint: "api".into(),
        method: method.into(),
        path,
        ..Request::default()
    }
}

/// A client with its observer and budget.
struct Bench {
    client: HttpClient,
    seen: Arc<Seen>,
    budget: CallBudget,
}

impl Bench {
    fn new(grant: EndpointGrant) -> Self {
        Self::limited(grant, HttpLimits::default())
    }

    fn limited(grant: EndpointGrant, limits: HttpLimits) -> Self {
        let system: Arc<dyn Resolver> = Arc::new(SystemResolver);
        Self::resolving(grant, limits, &system)
    }

    fn resolving(grant: EndpointGrant, limits: HttpLimits, resolver: &Arc<dyn Resolver>) -> Self {
        let seen = Arc::new(Seen::default());
        let budget = CallBudget::new(&limits);
        let client = HttpClient::with_resolver(vec![grant], limits, resolver).unwrap();
        Self { client, seen, budget }
    }

    fn call(&self) -> CallScope<'_> {
        CallScope {
            budget: &self.budget,
            observer: &*self.seen,
        }
    }

    async fn send(&self, request: &Request) -> Result<Response, Fault> {
        self.client
            .send(request, RequestBody::none(), ResponseSink::Buffer, self.call())
            .await
    }
}

/// Answers one list of addresses after the other, as a name that rebinds.
struct Rebinding(Mutex<VecDeque<Vec<&'static str>>>);

#[async_trait]
impl Resolver for Rebinding {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let answer = self
            .0
            .lock()
            .unwrap()
            .pop_front()
            .ok_or_else(|| io::Error::other("no such name"))?;
        Ok(answer.into_iter().map(|address| address.parse().unwrap()).collect())
    }
}

fn rebinding(answers: &[&[&'static str]]) -> Arc<dyn Resolver> {
    Arc::new(Rebinding(Mutex::new(
        answers.iter().map(|answer| answer.to_vec()).collect(),
    )))
}
