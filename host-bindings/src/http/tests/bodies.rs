//! Bodies: scrubbed, spliced, and never hidden from the scrubber.

use super::*;

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
        let head =
            format!("HTTP/1.1 200 OK\r\nx-echo: {line}\r\nset-cookie: session=1\r\ntransfer-encoding: chunked\r\n\r\n");
        format!("{head}{chunks}0\r\n\r\n").into_bytes()
    };
    let server = Server::start(echo).await;
    let bearer = Bearer {
        token: Secret::new(CANARY),
    };
    let basic = Basic {
        user: "me".into(),
        password: Secret::new(CANARY),
    };
    let credentials: [(Credential, &str); 2] = [
        (Arc::new(bearer), "authorization: Bearer [redacted]"),
        (Arc::new(basic), "authorization: Basic [redacted]"),
    ];
    for (credential, expected) in credentials {
        let mut grant = grant(&server.origin());
        grant.credential = Some(credential);
        let bench = Bench::new(grant);
        let response = bench.send(&get("/")).await.unwrap();
        assert_eq!(response.headers, [("x-echo".to_owned(), expected.to_owned())]);
        assert_eq!(response.body, expected);
        let mut blob = Vec::new();
        let sink = ResponseSink::Splice(&mut blob);
        bench
            .client
            .send(&get("/"), RequestBody::none(), sink, bench.call())
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
    let server =
        Server::start(|_| b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b".to_vec())
            .await;
    let mut grant = grant(&server.origin());
    assert_eq!(
        Bench::new(grant.clone()).send(&get("/")).await.unwrap().body[..],
        b"\x1f\x8b"[..]
    );
    grant.credential = Some(Arc::new(Bearer {
        token: Secret::new(CANARY),
    }));
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
        let (client, call_scope) = (&bench.client, bench.call());
        async move {
            client
                .send(&call("PUT", "/image"), body, ResponseSink::Buffer, call_scope)
                .await
                .map(|response| response.status)
        }
    };
    assert_eq!(put(b"0123456789", Some(10)).await, Ok(200));
    assert!(server.last_request().ends_with("\r\n\r\n0123456789"));
    assert!(server.last_request().contains("content-length: 10\r\n"));
    assert_eq!(put(b"01234", None).await, Ok(200));
    assert!(server.last_request().ends_with("\r\n\r\n5\r\n01234\r\n0\r\n\r\n"));
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
        .send(&call("POST", "/"), long, ResponseSink::Buffer, bench.call())
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
            bench.call(),
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
            bench.call(),
        )
        .await
        .unwrap();
    assert_eq!(
        (response.status, response.body.len(), &blob[..]),
        (200, 0, &b"image!"[..])
    );
}
