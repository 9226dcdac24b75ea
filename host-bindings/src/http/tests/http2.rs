//! HTTP/2: the same protections as over HTTP/1.1, and servers that break it.

use std::net::SocketAddr;

use h2::Reason;
use h2::server::SendResponse;
use http::HeaderMap;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::tls::Authority;
use super::*;

const NAME: &str = "cloud.example";

/// A server that speaks HTTP/2 only: what it does on a connection is a function of it.
struct Http2 {
    authority: Authority,
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Http2 {
    async fn start<F: Future<Output = ()> + Send + 'static>(
        serve: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::new();
        let acceptor = authority.issue(NAME, 30).acceptor(None, rustls::ALL_VERSIONS, &["h2"]);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let serve = Arc::new(serve);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (acceptor, serve) = (acceptor.clone(), Arc::clone(&serve));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream).await;
                    }
                });
            }
        });
        Self {
            authority,
            address,
            connections,
        }
    }

    fn bench(&self, limits: HttpLimits) -> Bench {
        let mut grant = grant(&format!("https://{NAME}:{}", self.address.port()));
        grant.tls = self.authority.trusted();
        grant.credential = Some(Arc::new(Bearer {
            token: Secret::new(CANARY),
        }));
        Bench::resolving(grant, limits, &rebinding(&[&["127.0.0.1"][..]; 20]))
    }
}

/// Answers requests by their path.
async fn by_path(stream: TlsStream<TcpStream>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request.into_parts().0, respond));
    }
}

async fn answer(request: http::request::Parts, mut respond: SendResponse<Bytes>) -> Option<()> {
    let mut response = http::Response::new(());
    let headers = response.headers_mut();
    match request.uri.path() {
        "/redirect" => {
            headers.insert("location", "https://127.0.0.1/".parse().unwrap());
            *response.status_mut() = http::StatusCode::FOUND;
        }
        "/many-headers" => headers.extend((0..150).map(|n| {
            let name = format!("x-{n}").parse::<http::HeaderName>().unwrap();
            (Some(name), "x".parse().unwrap())
        })),
        "/long-headers" => {
            headers.insert("x-long", "x".repeat(100_000).parse().unwrap());
        }
        "/echo" => {
            headers.insert("x-echo", request.headers["authorization"].clone());
            headers.insert("x-uri", request.uri.to_string().parse().unwrap());
        }
        "/reset" => {
            respond.send_reset(Reason::INTERNAL_ERROR);
            return Some(());
        }
        "/silent" => std::future::pending().await,
        _ => {}
    }
    let mut body = respond.send_response(response, false).ok()?;
    match request.uri.path() {
        "/echo" => {
            for byte in request.headers["authorization"].as_bytes() {
                body.send_data(Bytes::copy_from_slice(&[*byte]), false).ok()?;
            }
            body.send_data(Bytes::new(), true).ok()?;
        }
        "/trailers" | "/long-trailers" => {
            let length = if request.uri.path() == "/trailers" { 10 } else { 100_000 };
            body.send_data(Bytes::from_static(b"fine"), false).ok()?;
            let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "x".repeat(length).parse().unwrap())]);
            body.send_trailers(trailers).ok()?;
        }
        "/endless" => loop {
            body.reserve_capacity(1 << 14);
            std::future::poll_fn(|context| body.poll_capacity(context))
                .await?
                .ok()?;
            body.send_data(Bytes::from(vec![b'x'; body.capacity()]), false).ok()?;
        },
        "/half" => {
            body.send_data(Bytes::from_static(b"half"), false).ok()?;
            body.send_reset(Reason::INTERNAL_ERROR);
        }
        _ => body.send_data(Bytes::from_static(b"fine"), true).ok()?,
    }
    Some(())
}

#[tokio::test]
async fn requests_share_one_connection_and_no_other_client_does() {
    let server = Http2::start(by_path).await;
    let bench = server.bench(HttpLimits::default());
    let response = bench.send(&get("/echo")).await.unwrap();
    let uri = format!("https://{NAME}:{}/echo", server.address.port());
    let header = |name: &str| {
        response
            .headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(header("x-uri"), Some(uri));
    assert_eq!(header("x-echo").as_deref(), Some("Bearer [redacted]"));
    assert_eq!(&response.body[..], b"Bearer [redacted]");
    for _ in 0..3 {
        let (a, b) = (get("/"), get("/b"));
        let (one, two) = tokio::join!(bench.send(&a), bench.send(&b));
        assert!(one.is_ok() && two.is_ok());
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    assert!(server.bench(HttpLimits::default()).send(&get("/")).await.is_ok());
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn limits_and_refusals_hold_over_http2() {
    let server = Http2::start(by_path).await;
    let limits = HttpLimits {
        response_body_bytes: 100_000,
        head_timeout: Duration::from_millis(100),
        ..HttpLimits::default()
    };
    for (path, expected) in [
        ("/", "200"),
        ("/redirect", "302"),
        ("/trailers", "200"),
        ("/many-headers", "too large"),
        ("/long-headers", "protocol"),
        // The library keeps none that is beyond the limit, and all are dropped here.
        ("/long-trailers", "200"),
        ("/endless", "too large"),
        ("/reset", "protocol"),
        ("/half", "protocol"),
        ("/silent", "timeout"),
        ("/after-all-that", "200"),
    ] {
        let end = match server.bench(limits.clone()).send(&get(path)).await {
            Ok(response) => response.status.to_string(),
            Err(Fault::TooLarge) => "too large".to_owned(),
            Err(Fault::Protocol(_)) => "protocol".to_owned(),
            Err(Fault::Timeout) => "timeout".to_owned(),
            Err(other) => format!("{other:?}"),
        };
        assert_eq!(end, expected, "{path}");
    }
}

/// A frame: RFC 9113, section 4.1.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

const SETTINGS: u8 = 4;

#[tokio::test]
async fn a_server_that_breaks_http2_ends_in_a_fault() {
    let (headers, reset, goaway, continuation, data, push) = (1, 3, 7, 9, 0, 5);
    // `:status: 200` is entry 8 of the static table: RFC 7541, appendix A.
    let status = [0x88];
    let many = |first: Vec<u8>, rest: Vec<u8>| [first, rest.repeat(20_000)].concat();
    for (name, bytes) in [
        (
            "plain text",
            b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine".to_vec(),
        ),
        ("no status", frame(headers, 5, 1, &[])),
        ("broken compression", frame(headers, 5, 1, &[0xff; 20])),
        ("status twice", frame(headers, 5, 1, &[0x88, 0x88])),
        ("a stream that nobody opened", frame(headers, 5, 3, &status)),
        ("a pushed stream", frame(push, 4, 1, &[0, 0, 0, 2, 0x82])),
        ("data before headers", frame(data, 1, 1, b"fine")),
        ("frame beyond the agreed size", frame(data, 0, 1, &[0; 20_000])),
        (
            "continuation flood",
            many(frame(headers, 0, 1, &status), frame(continuation, 0, 1, &[])),
        ),
        (
            "long continuation flood",
            many(
                frame(headers, 0, 1, &status),
                // A literal header without indexing, named `a`, with 100 bytes.
                frame(continuation, 0, 1, &[&[0, 1, b'a', 100], &[b'x'; 100][..]].concat()),
            ),
        ),
        ("reset flood", many(Vec::new(), frame(reset, 0, 1, &[0, 0, 0, 8]))),
        (
            "empty data flood",
            many(frame(headers, 4, 1, &status), frame(data, 0, 1, &[])),
        ),
        ("settings flood", many(Vec::new(), frame(SETTINGS, 0, 0, &[]))),
        ("goaway", frame(goaway, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 1])),
    ] {
        let script = Arc::new(if name == "plain text" {
            bytes
        } else {
            [frame(SETTINGS, 0, 0, &[]), bytes].concat()
        });
        let server = Http2::start(move |mut stream| {
            let script = Arc::clone(&script);
            async move {
                let mut read = [0; 1024];
                // The client's preface and first request come before anything else of it.
                let _ = stream.read(&mut read).await;
                let _ = stream.write_all(&script).await;
                let _ = stream.flush().await;
                while stream.read(&mut read).await.is_ok_and(|length| length > 0) {}
            }
        })
        .await;
        let limits = HttpLimits {
            head_timeout: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(1),
            ..HttpLimits::default()
        };
        let answer = server.bench(limits).send(&get("/")).await;
        assert!(answer.is_err(), "{name}: {answer:?}");
    }
}
