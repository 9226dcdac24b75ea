//! Presigned URLs: who may have one, for what and for how long. That servers take them is shown by `tests/peers`.

use super::*;

fn signing_grant(origin: &str, presign_seconds: Option<u32>) -> EndpointGrant {
    let key = AccessKey {
        id: "AKIA1".into(),
        secret: Secret::new(CANARY),
        session_token: None,
    };
    EndpointGrant {
        credential: Some(Arc::new(Sigv4::new(key, "s3", "us-east-1"))),
        granted: vec![RequestRule::new(["GET"], "/bucket/*").unwrap()],
        presign_seconds,
        ..grant(origin)
    }
}

async fn presign(bench: &Bench, request: &Request, seconds: u64) -> Result<String, Fault> {
    let valid = Duration::from_secs(seconds);
    bench.client.presign(request, valid, bench.call()).await
}

#[tokio::test]
async fn a_url_is_signed_only_where_that_is_granted_and_for_no_longer() {
    let server = Server::start(|_| ok("fine")).await;
    let request = get("/bucket/a b");
    let denied = Bench::new(signing_grant(&server.origin(), None));
    assert_eq!(presign(&denied, &request, 60).await, Err(Fault::Denied));
    let denial = denied.seen.denials.lock().unwrap()[0].clone();
    assert_eq!(denial.reason, DenyReason::PresignNotGranted);
    assert!(denial.hint().unwrap().contains("`presign_seconds = 3600`"));

    let bench = Bench::new(signing_grant(&server.origin(), Some(300)));
    for (asked, valid) in [(60, 60), (300, 300), (3_600, 300)] {
        let url = presign(&bench, &request, asked).await.unwrap();
        assert!(url.starts_with(&format!("{}/bucket/a%20b?X-Amz-Algorithm=", server.origin())));
        assert!(url.contains(&format!("&X-Amz-Expires={valid}&")), "{url}");
        assert!(!url.contains("canary"));
        let expected = Outcome::Presigned(Duration::from_secs(valid));
        assert_eq!(bench.seen.outcomes().last(), Some(&expected));
    }
    // What an operator reads of it lets nobody use it.
    assert!(!format!("{:?}", bench.seen.exchanges.lock().unwrap()).contains("Signature"));
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_url_is_decided_like_the_request_itself() {
    let bench = Bench::new(signing_grant("https://storage.example", Some(300)));
    for request in [call("PUT", "/bucket/a"), get("/other/a"), get("/bucket")] {
        assert_eq!(presign(&bench, &request, 60).await, Err(Fault::Denied), "{request:?}");
    }
    let mut own = get("/bucket/a");
    own.query = vec![("x-amz-signature".into(), "guess".into())];
    assert!(matches!(presign(&bench, &own, 60).await, Err(Fault::Protocol(_))));
    let mut with_header = get("/bucket/a");
    with_header.headers = vec![("range".into(), "bytes=0-1".into())];
    assert!(matches!(
        presign(&bench, &with_header, 60).await,
        Err(Fault::Protocol(_))
    ));
    assert!(matches!(
        presign(&bench, &get("/bucket/a"), 0).await,
        Err(Fault::Protocol(_))
    ));
    assert!(presign(&bench, &get("/bucket/a"), 1).await.is_ok());

    let limits = HttpLimits {
        requests_per_call: 1,
        ..HttpLimits::default()
    };
    let bench = Bench::limited(signing_grant("https://storage.example", Some(300)), limits);
    assert!(presign(&bench, &get("/bucket/a"), 1).await.is_ok());
    assert_eq!(presign(&bench, &get("/bucket/a"), 1).await, Err(Fault::Denied));
}

#[tokio::test]
async fn kinds_that_sign_no_urls_give_nothing_away() {
    for credential in [
        None,
        Some(Arc::new(Bearer {
            token: Secret::new(CANARY),
        }) as Credential),
        Some(Arc::new(AzureSas {
            query: Secret::new("sv=2022-11-02&sig=canary12"),
        })),
        Some(Arc::new(Query {
            name: "key".into(),
            value: Secret::new(CANARY),
        })),
    ] {
        let bench = Bench::new(EndpointGrant {
            credential,
            ..signing_grant("https://storage.example", Some(300))
        });
        match presign(&bench, &get("/bucket/a"), 60).await {
            Err(Fault::Protocol(how)) => assert!(how.contains("no URL can be signed") && !how.contains("canary")),
            other => panic!("{other:?}"),
        }
    }
}
