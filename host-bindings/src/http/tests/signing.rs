//! Credentials that sign or are sent in the query: what goes out, what guests may not set, and clocks that differ.

use super::*;

fn sigv4() -> Credential {
    let key = AccessKey {
        id: "AKIA1".into(),
        secret: Secret::new(CANARY),
        session_token: None,
    };
    Arc::new(Sigv4::new(key, "ec2", "us-east-1"))
}

fn shared_key() -> Credential {
    Arc::new(AzureSharedKey::new("account1", Secret::new("Y2FuYXJ5")))
}

fn with(credential: Credential, origin: &str) -> Bench {
    Bench::new(EndpointGrant {
        credential: Some(credential),
        ..grant(origin)
    })
}

/// The date of an HTTP answer, so many seconds from now.
fn date(ahead: i64) -> String {
    let date = time::OffsetDateTime::now_utc() + time::Duration::seconds(ahead);
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    date.format(&format).unwrap()
}

#[tokio::test]
async fn a_key_in_the_query_reaches_the_server_and_nobody_else() {
    let server = Server::start(|request| ok(request.lines().next().unwrap())).await;
    let key = Query {
        name: "key".into(),
        value: Secret::new(CANARY),
    };
    let bench = with(Arc::new(key), &server.origin());
    let mut request = get("/vms");
    request.query = vec![("page".into(), "2".into())];
    let response = bench.send(&request).await.unwrap();
    assert!(
        server
            .last_request()
            .starts_with("GET /vms?page=2&key=canary-Kp7%2F%223x HTTP/1.1")
    );
    assert_eq!(&response.body[..], b"GET /vms?page=2&key=[redacted] HTTP/1.1");
    assert!(!format!("{:?}", bench.seen.exchanges.lock().unwrap()).contains("canary"));
    for name in ["key", "KEY", "Key"] {
        request.query = vec![(name.into(), "guess".into())];
        assert!(matches!(bench.send(&request).await, Err(Fault::Protocol(_))), "{name}");
    }
    assert_eq!(server.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn guests_set_nothing_that_signatures_are_made_of() {
    let server = Server::start(|_| ok("fine")).await;
    let parameters = |name: &str| vec![(name.to_owned(), "guess".to_owned())];
    for (credential, headers, query) in [
        (
            sigv4(),
            vec!["x-amz-date", "X-Amz-Security-Token", "x_amz_content_sha256"],
            vec!["X-Amz-Signature", "x-amz-credential", "X-AMZ-EXPIRES"],
        ),
        (
            shared_key(),
            vec!["x-ms-date", "X_Ms_Date"],
            vec!["sig", "SE", "sp", "sv"],
        ),
        (
            Arc::new(AzureSas {
                query: Secret::new("sv=2022-11-02&sig=canary12"),
            }) as Credential,
            vec![],
            vec!["sig", "SIG", "se", "sp", "sr", "sv"],
        ),
    ] {
        let bench = with(credential, &server.origin());
        for header in headers {
            let mut request = get("/vms");
            request.headers = parameters(header);
            assert!(
                matches!(bench.send(&request).await, Err(Fault::Protocol(_))),
                "{header}"
            );
        }
        for parameter in query {
            let mut request = get("/vms");
            request.query = parameters(parameter);
            assert!(
                matches!(bench.send(&request).await, Err(Fault::Protocol(_))),
                "{parameter}"
            );
        }
        assert_eq!(bench.send(&get("/vms")).await.unwrap().status, 200);
    }
    assert_eq!(server.requests.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_servers_clock_is_learned_from_its_refusal_and_the_request_sent_once_more() {
    for (credential, ahead, attempts) in [
        (sigv4(), 3_600, 2),
        (sigv4(), -3_600, 2),
        (shared_key(), 3_600, 2),
        // No difference that explains it, or one that is not believed.
        (sigv4(), 0, 1),
        (sigv4(), 90_000, 1),
    ] {
        let signed = |request: &str| {
            let lower = request.to_lowercase();
            let line = lower
                .lines()
                .find(|line| line.starts_with("x-amz-date") || line.starts_with("x-ms-date"));
            line.unwrap().to_owned()
        };
        let server = Server::start(move |_| {
            format!(
                "HTTP/1.1 403 Forbidden\r\ndate: {}\r\ncontent-length: 0\r\n\r\n",
                date(ahead)
            )
            .into_bytes()
        })
        .await;
        let bench = with(credential, &server.origin());
        assert_eq!(bench.send(&call("POST", "/vms")).await.unwrap().status, 403);
        let requests = server.requests.lock().unwrap().clone();
        assert_eq!(requests.len(), attempts, "{ahead}");
        if attempts == 2 {
            assert_ne!(signed(&requests[0]), signed(&requests[1]));
        }
        // A server that goes on refusing is asked once for each request.
        assert_eq!(bench.send(&get("/vms")).await.unwrap().status, 403);
        assert_eq!(server.requests.lock().unwrap().len(), attempts + 1, "{ahead}");
    }
}

#[tokio::test]
async fn a_spliced_body_that_cannot_be_signed_is_not_sent() {
    let server = Server::start(|_| ok("fine")).await;
    let bench = with(sigv4(), &server.origin());
    let body = RequestBody::stream(&b"image"[..], Some(5));
    let answer = bench
        .client
        .send(&call("PUT", "/vms"), body, ResponseSink::Buffer, bench.call())
        .await;
    assert!(matches!(answer, Err(Fault::Credential(why)) if why.contains("spliced")));
    assert_eq!(server.requests.lock().unwrap().len(), 0);
}
