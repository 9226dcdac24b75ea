//! Responses that begin slowly, never end, or are larger than they look.

use super::*;

/// Answers the first request with `beginning`, then with `rest` again and again until the client hangs up.
async fn endless(beginning: &'static [u8], rest: &'static [u8]) -> Server {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let server = Server {
        port: listener.local_addr().unwrap().port(),
        requests: Arc::default(),
        connections: Arc::default(),
    };
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                read_request(&mut stream).await?;
                stream.write_all(beginning).await?;
                while !rest.is_empty() {
                    stream.write_all(rest).await?;
                }
                // Silent, but there.
                stream.read_u8().await
            });
        }
    });
    server
}

#[tokio::test]
async fn a_response_that_does_not_begin_or_end_is_given_up() {
    let short = HttpLimits {
        response_body_bytes: 10_000,
        head_timeout: Duration::from_millis(100),
        stall_timeout: Duration::from_millis(100),
        ..HttpLimits::default()
    };
    let hasty = HttpLimits {
        request_timeout: Duration::from_millis(300),
        ..HttpLimits::default()
    };
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (name, beginning, rest, limits, expected) in [
        ("no answer", &b""[..], &b""[..], &short, Fault::Timeout),
        ("half a status line", b"HTTP/1.1 2", b"", &short, Fault::Timeout),
        ("half a head", b"HTTP/1.1 200 OK\r\na: b", b"", &short, Fault::Timeout),
        (
            "half a chunk",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
            b"",
            &short,
            Fault::Timeout,
        ),
        (
            "endless header",
            b"HTTP/1.1 200 OK\r\na: ",
            b"xxxxxxxxxxxxxxxx",
            &short,
            Fault::TooLarge,
        ),
        (
            "endless headers",
            b"HTTP/1.1 200 OK\r\n",
            b"a: b\r\n",
            &short,
            Fault::TooLarge,
        ),
        ("endless chunks", chunked, b"4\r\nabcd\r\n", &short, Fault::TooLarge),
        (
            "endless hints",
            b"",
            b"HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n",
            &hasty,
            Fault::Timeout,
        ),
    ] {
        let server = endless(beginning, rest).await;
        let answer = Bench::limited(grant(&server.origin()), limits.clone())
            .send(&get("/"))
            .await;
        assert_eq!(answer.map(drop), Err(expected), "{name}");
    }
}

#[tokio::test]
async fn an_upload_that_the_server_does_not_take_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let limits = HttpLimits {
        head_timeout: Duration::from_millis(200),
        ..HttpLimits::default()
    };
    let bench = Bench::limited(grant(&origin), limits);
    // The kernel takes the connection and a part of the body; nobody reads it.
    let body = RequestBody::stream(tokio::io::repeat(b'x'), Some(1 << 30));
    let put = call("PUT", "/image");
    let answer = bench.client.send(&put, body, ResponseSink::Buffer, bench.call()).await;
    assert_eq!(answer.map(drop), Err(Fault::Timeout));
    assert!(bench.seen.exchanges.lock().unwrap()[0].sent_bytes < 1 << 30);
}

#[tokio::test]
async fn trailers_are_dropped_and_limited() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n";
    for (name, trailers, fits) in [
        ("few", "x-sum: 1\r\n".to_owned(), true),
        ("many", "x-sum: 1\r\n".repeat(200), false),
        ("long", format!("x-sum: {}\r\n", "1".repeat(100_000)), false),
    ] {
        let answer = format!("{chunked}{trailers}\r\n").into_bytes();
        let server = Server::start(move |_| answer.clone()).await;
        match Bench::new(grant(&server.origin())).send(&get("/")).await {
            Ok(response) => {
                assert!(fits, "{name}");
                assert_eq!(&response.body[..], b"fine");
                assert!(response.headers.iter().all(|(header, _)| header != "x-sum"));
            }
            Err(fault) => assert!(
                !fits && matches!(fault, Fault::Protocol(_) | Fault::TooLarge),
                "{name}: {fault:?}"
            ),
        }
    }
}

/// 1 MiB of zeros, compressed by gzip to 1040 bytes, is cut short here: what matters is that nobody unpacks it.
#[tokio::test]
async fn a_compressed_response_stays_as_large_as_it_came() {
    const BOMB: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a";
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
            BOMB.len()
        );
        let answer = [head.as_bytes(), BOMB].concat();
        let server = Server::start(move |_| answer.clone()).await;
        let response = Bench::new(grant(&server.origin())).send(&get("/")).await.unwrap();
        assert_eq!(&response.body[..], BOMB, "{coding}");
        assert!(server.last_request().contains("accept-encoding: identity\r\n"));
    }
}
