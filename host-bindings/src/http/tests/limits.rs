//! What is too slow, too large, too many or not HTTP.

use super::*;

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
    let server = Server::start(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()).await;
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
            bench.call(),
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
    let unframed = |length: usize| format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(length)).into_bytes();
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
                CallScope {
                    budget: &next_call,
                    observer: &*bench.seen
                }
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
    assert!(matches!(bench.send(&hasty).await, Err(Fault::RateLimited(_))));
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
        assert!(matches!(fault, Err(Fault::Protocol(_))), "{answer:?}: {fault:?}");
    }
}
