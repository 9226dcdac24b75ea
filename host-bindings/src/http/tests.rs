//! The client against real servers on loopback: each protection with its allowed twin.
//!
//! A server here is a script: for each connection it reads requests and writes what it is told, byte for byte, so that it
//! can also misbehave.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
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

    async fn start_with(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self {
            port,
            requests: Arc::default(),
            connections: Arc::default(),
        };
        let (requests, connections) = (
            Arc::clone(&server.requests),
            Arc::clone(&server.connections),
        );
        let answer: Answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (requests, answer, tls) =
                    (Arc::clone(&requests), Arc::clone(&answer), tls.clone());
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
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn grant(origin: &str) -> EndpointGrant {
    let everything = ["GET", "POST", "PUT", "UPDATE", "HEAD"];
    EndpointGrant {
        name: "api".into(),
        origin: origin.parse().unwrap(),
        asked: vec![RequestRule::new(everything, "/**").unwrap()],
        granted: vec![RequestRule::new(everything, "/**").unwrap()],
        credential: None,
        allow_addresses: vec!["127.0.0.0/8".parse().unwrap()],
        tls: TlsProfile::WebRoots,
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
        Self::resolving(grant, limits, Arc::new(SystemResolver))
    }

    fn resolving(grant: EndpointGrant, limits: HttpLimits, resolver: Arc<dyn Resolver>) -> Self {
        let seen = Arc::new(Seen::default());
        let budget = CallBudget::new(&limits);
        let client =
            HttpClient::with_resolver(vec![grant], limits, Arc::clone(&seen) as _, resolver)
                .unwrap();
        Self {
            client,
            seen,
            budget,
        }
    }

    async fn send(&self, request: &Request) -> Result<Response, Fault> {
        self.client
            .send(
                request,
                RequestBody::none(),
                ResponseSink::Buffer,
                &self.budget,
            )
            .await
    }
}

#[tokio::test]
async fn a_request_arrives_as_it_was_allowed_and_connections_are_reused() {
    let server = Server::start(|_| ok("fine")).await;
    let mut grant = grant(&server.origin());
    grant.credential = Some(Credential::Bearer(Secret::new(CANARY)));
    let bench = Bench::new(grant);
    let mut request = call("UPDATE", "/vms/web 1");
    request.query = vec![("a b".into(), "c&d".into())];
    request.headers = vec![("Accept".into(), "application/json".into())];
    let response = bench.send(&request).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"fine"[..]));
    assert_eq!(
        response.headers,
        [("content-length".to_owned(), "4".to_owned())]
    );
    let sent = server.last_request();
    let mut lines: Vec<&str> = sent.trim_end().split("\r\n").collect();
    assert_eq!(lines.remove(0), "UPDATE /vms/web%201?a%20b=c%26d HTTP/1.1");
    lines.sort_unstable();
    let (host, bearer) = (
        format!("host: 127.0.0.1:{}", server.port),
        format!("authorization: Bearer {CANARY}"),
    );
    let agent = format!("user-agent: stockade/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        lines,
        [
            "accept-encoding: identity",
            "accept: application/json",
            &bearer,
            "content-length: 0",
            &host,
            &agent
        ]
    );

    bench.send(&get("/")).await.unwrap();
    assert!(server.last_request().starts_with("GET / HTTP/1.1\r\n"));
    assert!(!server.last_request().contains("content-length"));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    let exchanges = bench.seen.exchanges.lock().unwrap();
    assert_eq!(
        (&*exchanges[0].path, exchanges[0].received_bytes),
        ("/vms/web%201", 4)
    );
    assert!(!format!("{exchanges:?} {:?}", bench.client.grants()).contains("canary"));
}

#[tokio::test]
async fn what_is_not_granted_reaches_no_server() {
    let server = Server::start(|_| ok("fine")).await;
    let mut narrow = grant(&server.origin());
    narrow.granted = vec![RequestRule::new(["GET"], "/vms/*").unwrap()];
    let bench = Bench::new(narrow);
    assert_eq!(bench.send(&get("/users")).await, Err(Fault::Denied));
    let mut sneaky = get("/vms/a");
    sneaky.headers = vec![("host".into(), "internal".into())];
    assert!(matches!(bench.send(&sneaky).await, Err(Fault::Protocol(_))));
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
    assert_eq!(bench.seen.denials.lock().unwrap().len(), 2);
    assert!(bench.seen.outcomes().is_empty());
    assert!(bench.send(&get("/vms/a")).await.is_ok());
}

#[tokio::test]
async fn a_loopback_origin_needs_a_line_whether_literal_or_resolved() {
    let server = Server::start(|_| ok("fine")).await;
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost"] {
        let mut closed = grant(&format!("http://{host}:{}", server.port));
        let open = Bench::new(closed.clone());
        closed.allow_addresses.clear();
        let bench = Bench::new(closed);
        assert_eq!(bench.send(&get("/")).await, Err(Fault::Denied), "{host}");
        let denials = bench.seen.denials.lock().unwrap();
        assert!(
            denials[0].hint().unwrap().contains("127.0.0.1/32"),
            "{host}: {denials:?}"
        );
        assert!(bench.seen.outcomes().is_empty(), "{host}");
        if host == "localhost" {
            continue; // Its allowed twin depends on how this system orders ::1 and 127.0.0.1; the next test has it.
        }
        assert!(open.send(&get("/")).await.is_ok(), "{host}");
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
        Ok(answer
            .into_iter()
            .map(|address| address.parse().unwrap())
            .collect())
    }
}

fn rebinding(answers: &[&[&'static str]]) -> Arc<dyn Resolver> {
    Arc::new(Rebinding(Mutex::new(
        answers.iter().map(|answer| answer.to_vec()).collect(),
    )))
}

#[tokio::test]
async fn each_connection_dials_only_addresses_checked_for_it() {
    // Each answer ends its connection, so that every request resolves anew.
    let server = Server::start(|_| {
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec()
    })
    .await;
    let answers: [&[&str]; 6] = [
        &["127.0.0.1"],
        &["10.9.9.9"],
        &["169.254.169.254"],
        &["::ffff:10.9.9.9", "192.168.9.9", "127.0.0.1"],
        &[],
        &["::ffff:127.0.0.1"],
    ];
    let bench = Bench::resolving(
        grant(&format!("http://cloud.example:{}", server.port)),
        HttpLimits::default(),
        rebinding(&answers),
    );
    let mut ends = Vec::new();
    for _ in 0..7 {
        ends.push(bench.send(&get("/")).await.map(|response| response.status));
    }
    let (denied, dns) = (Err(Fault::Denied), Err(Fault::Dns));
    assert_eq!(
        ends,
        [
            Ok(200),
            denied.clone(),
            denied,
            Ok(200),
            dns.clone(),
            Ok(200),
            dns
        ]
    );
    assert!(
        server
            .last_request()
            .contains(&format!("host: cloud.example:{}\r\n", server.port))
    );
}

#[tokio::test]
async fn redirects_are_responses_and_are_not_followed() {
    let inside = Server::start(|_| ok("secret")).await;
    let target = inside.origin();
    let answer = move |_: &str| {
        format!("HTTP/1.1 302 Found\r\nlocation: {target}/\r\ncontent-length: 0\r\n\r\n")
            .into_bytes()
    };
    let server = Server::start(answer).await;
    let response = Bench::new(grant(&server.origin()))
        .send(&get("/"))
        .await
        .unwrap();
    assert_eq!(response.status, 302);
    assert!(
        response
            .headers
            .contains(&("location".into(), format!("{}/", inside.origin())))
    );
    assert_eq!(inside.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_server_that_does_not_answer_ends_in_a_timeout() {
    let server = Server::start(|request| {
        if request.starts_with("GET /slow") {
            Vec::new()
        } else {
            ok("fine")
        }
    })
    .await;
    let bench = Bench::limited(
        grant(&server.origin()),
        HttpLimits {
            request_timeout: Duration::from_millis(100),
            ..HttpLimits::default()
        },
    );
    assert_eq!(bench.send(&get("/slow")).await, Err(Fault::Timeout));
    let patient = Request {
        timeout: Some(Duration::from_secs(3600)),
        ..get("/slow")
    };
    assert_eq!(
        bench.send(&patient).await,
        Err(Fault::Timeout),
        "a guest cannot raise the limit"
    );
    let generous = Bench::new(grant(&server.origin()));
    let hasty = Request {
        timeout: Some(Duration::from_millis(50)),
        ..get("/slow")
    };
    assert_eq!(generous.send(&hasty).await, Err(Fault::Timeout));
    assert!(generous.send(&get("/")).await.is_ok());
    assert_eq!(
        generous.seen.outcomes(),
        [Outcome::Fault(Fault::Timeout), Outcome::Status(200)]
    );
}

#[tokio::test]
async fn a_body_that_stalls_ends_in_a_timeout_long_before_its_transfer_limit() {
    let server =
        Server::start(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()).await;
    let bench = Bench::limited(
        grant(&server.origin()),
        HttpLimits {
            stall_timeout: Duration::from_millis(50),
            ..HttpLimits::default()
        },
    );
    let mut blob = Vec::new();
    let answer = bench
        .client
        .send(
            &get("/"),
            RequestBody::none(),
            ResponseSink::Splice(&mut blob),
            &bench.budget,
        )
        .await;
    assert_eq!((answer, blob), (Err(Fault::Timeout), b"abc".to_vec()));
}

#[tokio::test]
async fn responses_larger_than_the_limits_are_refused_however_they_are_framed() {
    let limits = HttpLimits {
        response_body_bytes: 1_000,
        response_header_bytes: 9_000,
        ..HttpLimits::default()
    };
    let body = |length: usize| ok(&"x".repeat(length));
    let chunked = |length: usize| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        format!("{head}{length:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(length)).into_bytes()
    };
    let unframed =
        |length: usize| format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(length)).into_bytes();
    let header = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\na: {}\r\n\r\n",
            "x".repeat(length)
        )
        .into_bytes()
    };
    let headers = |count: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{}\r\n",
            "a: b\r\n".repeat(count)
        )
        .into_bytes()
    };
    for (name, answer, fits) in [
        ("1000 bytes", body(1_000), true),
        ("1001 bytes", body(1_001), false),
        (
            "announced",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec(),
            false,
        ),
        ("1000 in chunks", chunked(1_000), true),
        ("1001 in chunks", chunked(1_001), false),
        ("unframed", unframed(200_000), false),
        ("8000 bytes of headers", header(8_000), true),
        ("9500 bytes of headers", header(9_500), false),
        ("a megabyte of headers", header(1 << 20), false),
        ("99 headers", headers(98), true),
        ("101 headers", headers(100), false),
    ] {
        let server = Server::start(move |_| answer.clone()).await;
        let answer = Bench::limited(grant(&server.origin()), limits.clone())
            .send(&get("/"))
            .await;
        let fault = answer.map(drop).err();
        assert_eq!(fault, (!fits).then_some(Fault::TooLarge), "{name}");
    }
}

#[tokio::test]
async fn an_echoing_server_does_not_give_the_guest_its_credential() {
    // Echoes the head of the request: in a header and, byte for byte in its own chunk, in the body.
    let echo = |request: &str| {
        let line = request
            .lines()
            .find(|line| line.starts_with("authorization"))
            .unwrap_or("none")
            .to_owned();
        let chunks: String = line
            .bytes()
            .map(|byte| format!("1\r\n{}\r\n", char::from(byte)))
            .collect();
        let head = format!(
            "HTTP/1.1 200 OK\r\nx-echo: {line}\r\nset-cookie: session=1\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        format!("{head}{chunks}0\r\n\r\n").into_bytes()
    };
    let server = Server::start(echo).await;
    let basic = Credential::Basic {
        user: "me".into(),
        password: Secret::new(CANARY),
    };
    for (credential, expected) in [
        (
            Credential::Bearer(Secret::new(CANARY)),
            "authorization: Bearer [redacted]",
        ),
        (basic, "authorization: Basic [redacted]"),
    ] {
        let mut grant = grant(&server.origin());
        grant.credential = Some(credential);
        let bench = Bench::new(grant);
        let response = bench.send(&get("/")).await.unwrap();
        assert_eq!(
            response.headers,
            [("x-echo".to_owned(), expected.to_owned())]
        );
        assert_eq!(response.body, expected);
        let mut blob = Vec::new();
        let sink = ResponseSink::Splice(&mut blob);
        bench
            .client
            .send(&get("/"), RequestBody::none(), sink, &bench.budget)
            .await
            .unwrap();
        assert_eq!(blob, expected.as_bytes());
        assert!(
            server.last_request().contains("authorization: B"),
            "the server did see the credential"
        );
    }
}

#[tokio::test]
async fn a_compressed_response_is_refused_where_it_could_hide_a_credential() {
    let server = Server::start(|_| {
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b".to_vec()
    })
    .await;
    let mut grant = grant(&server.origin());
    assert_eq!(
        Bench::new(grant.clone())
            .send(&get("/"))
            .await
            .unwrap()
            .body[..],
        b"\x1f\x8b"[..]
    );
    grant.credential = Some(Credential::Bearer(Secret::new(CANARY)));
    assert!(matches!(
        Bench::new(grant).send(&get("/")).await,
        Err(Fault::Protocol(_))
    ));
}

#[tokio::test]
async fn blobs_are_spliced_with_their_length_or_in_chunks() {
    let server = Server::start(|_| ok("stored")).await;
    let limits = HttpLimits {
        spliced_bytes: 10,
        request_body_bytes: 4,
        ..HttpLimits::default()
    };
    let bench = Bench::limited(grant(&server.origin()), limits);
    let put = |reader: &'static [u8], length| {
        let body = RequestBody::stream(reader, length);
        let (client, budget) = (&bench.client, &bench.budget);
        async move {
            client
                .send(&call("PUT", "/image"), body, ResponseSink::Buffer, budget)
                .await
                .map(|response| response.status)
        }
    };
    assert_eq!(put(b"0123456789", Some(10)).await, Ok(200));
    assert!(server.last_request().ends_with("\r\n\r\n0123456789"));
    assert!(server.last_request().contains("content-length: 10\r\n"));
    assert_eq!(put(b"01234", None).await, Ok(200));
    assert!(
        server
            .last_request()
            .ends_with("\r\n\r\n5\r\n01234\r\n0\r\n\r\n")
    );
    assert_eq!(put(b"", Some(0)).await, Ok(200));
    for (reader, length) in [
        (&b"0123456789a"[..], Some(11)),
        (b"0123456789a", None),
        (b"0123", Some(5)),
        (b"0123", Some(3)),
    ] {
        assert!(
            matches!(put(reader, length).await, Err(Fault::Protocol(_))),
            "{reader:?} {length:?}"
        );
    }
    let long = RequestBody::Bytes(Bytes::from_static(b"01234"));
    let answer = bench
        .client
        .send(
            &call("POST", "/"),
            long,
            ResponseSink::Buffer,
            &bench.budget,
        )
        .await;
    assert!(matches!(answer, Err(Fault::Protocol(_))));
    assert_eq!(bench.seen.exchanges.lock().unwrap()[0].sent_bytes, 10);
}

#[tokio::test]
async fn only_the_body_of_a_success_goes_into_a_blob() {
    let server = Server::start(|request| {
        if request.starts_with("GET /missing") {
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone".to_vec()
        } else {
            ok("image!")
        }
    })
    .await;
    let bench = Bench::limited(
        grant(&server.origin()),
        HttpLimits {
            spliced_bytes: 6,
            response_body_bytes: 4,
            ..HttpLimits::default()
        },
    );
    let mut blob = Vec::new();
    let response = bench
        .client
        .send(
            &get("/missing"),
            RequestBody::none(),
            ResponseSink::Splice(&mut blob),
            &bench.budget,
        )
        .await
        .unwrap();
    assert_eq!(
        (response.status, &response.body[..], blob.len()),
        (404, &b"none"[..], 0)
    );
    let response = bench
        .client
        .send(
            &get("/image"),
            RequestBody::none(),
            ResponseSink::Splice(&mut blob),
            &bench.budget,
        )
        .await
        .unwrap();
    assert_eq!(
        (response.status, response.body.len(), &blob[..]),
        (200, 0, &b"image!"[..])
    );
}

#[tokio::test]
async fn a_call_has_its_requests_and_no_more() {
    let server = Server::start(|_| ok("fine")).await;
    let limits = HttpLimits {
        requests_per_call: 2,
        ..HttpLimits::default()
    };
    let mut narrow = grant(&server.origin());
    narrow.granted = vec![RequestRule::new(["GET"], "/a").unwrap()];
    let bench = Bench::limited(narrow, limits.clone());
    let mut ends = Vec::new();
    for path in ["/a", "/b", "/a"] {
        ends.push(bench.send(&get(path)).await.is_ok());
    }
    assert_eq!(ends, [true, false, false], "the denied request counts");
    assert_eq!(
        bench.seen.denials.lock().unwrap()[1].reason,
        DenyReason::BudgetSpent { total: 2 }
    );
    let next_call = CallBudget::new(&limits);
    assert!(
        bench
            .client
            .send(
                &get("/a"),
                RequestBody::none(),
                ResponseSink::Buffer,
                &next_call
            )
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn requests_beyond_those_in_flight_wait_and_then_are_rate_limited() {
    let arrived = Arc::new(Notify::new());
    let signal = Arc::clone(&arrived);
    let server = Server::start(move |request| {
        if request.starts_with("GET /slow") {
            signal.notify_one();
            return Vec::new();
        }
        ok("fine")
    })
    .await;
    let bench = Arc::new(Bench::limited(
        grant(&server.origin()),
        HttpLimits {
            in_flight: 1,
            ..HttpLimits::default()
        },
    ));
    let holder = Arc::clone(&bench);
    let slow = tokio::spawn(async move { holder.send(&get("/slow")).await });
    arrived.notified().await;
    let hasty = Request {
        timeout: Some(Duration::from_millis(50)),
        ..get("/")
    };
    assert!(matches!(
        bench.send(&hasty).await,
        Err(Fault::RateLimited(_))
    ));
    slow.abort();
    assert!(slow.await.is_err());
    assert!(bench.send(&get("/")).await.is_ok());
    let limited = Outcome::Fault(Fault::RateLimited(Duration::from_secs(1)));
    assert_eq!(
        bench.seen.outcomes(),
        [limited, Outcome::Cancelled, Outcome::Status(200)]
    );
}

#[tokio::test]
async fn servers_that_break_http_or_do_not_listen_are_told_apart() {
    let free = TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    assert_eq!(
        Bench::new(grant(&format!("http://127.0.0.1:{free}")))
            .send(&get("/"))
            .await,
        Err(Fault::Connect)
    );
    for answer in [
        &b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    ] {
        let server = Server::start(move |_| answer.to_vec()).await;
        let fault = Bench::new(grant(&server.origin())).send(&get("/")).await;
        assert!(
            matches!(fault, Err(Fault::Protocol(_))),
            "{answer:?}: {fault:?}"
        );
    }
}

/// A private authority and a server certificate for `cloud.example`.
fn private_authority() -> (String, TlsAcceptor) {
    let authority_key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(parameters, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["cloud.example".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
    (authority.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn tls_is_verified_against_the_grants_own_authority_and_name() {
    let (authority, acceptor) = private_authority();
    let (foreign, _) = private_authority();
    let server = Server::start_with(Some(acceptor), |_| ok("fine")).await;
    let plain = Server::start(|_| ok("fine")).await;
    let own = || TlsProfile::Authority(authority.clone());
    for (host, port, tls, trusted) in [
        ("cloud.example", server.port, own(), true),
        ("cloud.example", server.port, TlsProfile::Insecure, true),
        ("other.example", server.port, TlsProfile::Insecure, true),
        ("other.example", server.port, own(), false),
        ("127.0.0.1", server.port, own(), false),
        ("cloud.example", server.port, TlsProfile::WebRoots, false),
        (
            "cloud.example",
            server.port,
            TlsProfile::Authority(foreign),
            false,
        ),
        ("cloud.example", plain.port, TlsProfile::Insecure, false),
    ] {
        let grant = EndpointGrant {
            tls: tls.clone(),
            ..grant(&format!("https://{host}:{port}"))
        };
        let bench = Bench::resolving(grant, HttpLimits::default(), rebinding(&[&["127.0.0.1"]]));
        let answer = bench.send(&get("/")).await;
        match answer {
            Ok(response) => assert!(trusted && response.status == 200, "{host} {tls:?}"),
            Err(fault) => assert!(
                !trusted && matches!(fault, Fault::Tls(_)),
                "{host} {tls:?}: {fault:?}"
            ),
        }
    }
}

#[test]
fn a_client_is_not_made_of_grants_that_cannot_work() {
    let make = |grants| {
        HttpClient::new(grants, HttpLimits::default(), Arc::new(Seen::default())).map(drop)
    };
    let sound = grant("https://api.example");
    assert!(make(vec![sound.clone()]).is_ok());
    assert!(matches!(
        make(vec![sound.clone(), sound.clone()]),
        Err(HttpConfigError::Duplicate(_))
    ));
    let broken = EndpointGrant {
        tls: TlsProfile::Authority(String::new()),
        ..sound.clone()
    };
    assert!(matches!(
        make(vec![broken]),
        Err(HttpConfigError::Tls { .. })
    ));
    let broken = EndpointGrant {
        credential: Some(Credential::Bearer(Secret::new("a\nb"))),
        ..sound
    };
    assert!(matches!(
        make(vec![broken]),
        Err(HttpConfigError::Credential { .. })
    ));
}
