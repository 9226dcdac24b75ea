//! Tokens through the client: obtained, attached, renewed and blotted out.

use std::sync::atomic::AtomicU32;

use super::*;

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

fn request(origin: &str) -> Oauth2Request {
    let service = TokenService {
        endpoint: "api".into(),
        path: vec!["token".into()],
    };
    Oauth2Request {
        url: service.url(&origin.parse().unwrap()),
        service,
        scope: Some("vms read".into()),
        parameters: vec![("audience".into(), "lab&1".into())],
    }
}

fn secret() -> Oauth2Grant {
    Oauth2Grant::ClientSecretBasic {
        client_id: "id:1".into(),
        client_secret: Secret::new("canary secret"),
    }
}

fn bench(server: &Server, grant_of: Oauth2Grant) -> Bench {
    let mut grant = grant(&server.origin());
    grant.credential = Some(Arc::new(Oauth2::new(request(&server.origin()), grant_of)));
    Bench::new(grant)
}

/// A server whose tokens `canary-token-N` are good from this one on, and that echoes all of them.
async fn server(good_from: u32) -> (Server, Arc<AtomicU32>) {
    let logins = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&logins);
    let server = Server::start(move |request| {
        if request.starts_with("POST /token ") {
            // The form-encoded halves, joined: RFC 6749, section 2.3.1.
            assert!(
                request.contains("authorization: Basic aWQlM0ExOmNhbmFyeSUyMHNlY3JldA=="),
                "{request}"
            );
            assert!(
                request.ends_with("grant%5Ftype=client%5Fcredentials&scope=vms%20read&audience=lab%261"),
                "{request}"
            );
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            return ok(&format!(
                r#"{{"access_token": "canary-token-{number}", "token_type": "Bearer", "expires_in": "3600"}}"#
            ));
        }
        let known: String = (1..=count.load(Ordering::SeqCst))
            .map(|number| format!("canary-token-{number} "))
            .collect();
        let is_good = (good_from..100).any(|number| request.contains(&format!("Bearer canary-token-{number}\r\n")));
        let head = format!("x-echo: {known}canary%20secret\r\n");
        match is_good {
            true => answer("200 OK", &head, &format!("{{\"all\": \"{known}\"}}")),
            false => answer("401 Unauthorized", &head, &known),
        }
    })
    .await;
    (server, logins)
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_old_and_the_new_one_are_blotted_out() {
    let (server, logins) = server(2).await;
    let bench = bench(&server, secret());
    let response = bench.send(&get("/vms")).await.unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.body, "{\"all\": \"[redacted] [redacted] \"}");
    assert!(
        response
            .headers
            .contains(&("x-echo".into(), "[redacted] [redacted] [redacted]".into())),
        "{response:?}"
    );
    assert_eq!(logins.load(Ordering::SeqCst), 2);
    assert_eq!(bench.send(&get("/vms")).await.unwrap().status, 200);
    assert_eq!(logins.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_refuses_every_token_causes_two_logins_and_no_storm() {
    let (server, logins) = server(100).await;
    let bench = bench(&server, secret());
    for _ in 0..50 {
        let response = bench.send(&get("/vms")).await.unwrap();
        assert_eq!(response.status, 401);
        assert!(
            !String::from_utf8_lossy(&response.body).contains("canary"),
            "{response:?}"
        );
    }
    assert_eq!(logins.load(Ordering::SeqCst), 2);
    // One more request than the guest made, for its one retry, and the logins.
    assert_eq!(server.requests.lock().unwrap().len(), 50 + 1 + 2);
}

#[tokio::test]
async fn logins_use_the_place_of_the_request_and_not_the_guests_budget() {
    let (server, _) = server(2).await;
    let mut grant = grant(&server.origin());
    grant.credential = Some(Arc::new(Oauth2::new(request(&server.origin()), secret())));
    let limits = HttpLimits {
        in_flight: 1,
        requests_per_call: 2,
        ..HttpLimits::default()
    };
    let bench = Bench::limited(grant, limits);
    // Two logins and a retry for the first, with one request in flight at a time.
    assert_eq!(bench.send(&get("/vms")).await.unwrap().status, 200);
    assert_eq!(bench.send(&get("/vms")).await.unwrap().status, 200);
    assert_eq!(bench.send(&get("/vms")).await, Err(Fault::Denied));
    assert_eq!(
        bench
            .seen
            .exchanges
            .lock()
            .unwrap()
            .iter()
            .filter(|exchange| exchange.path == "/token")
            .count(),
        2
    );
}

#[tokio::test]
async fn a_login_needs_a_granted_rule_and_is_the_hosts_alone() {
    let (server, logins) = server(1).await;
    let mut narrow = grant(&server.origin());
    narrow.granted = vec![RequestRule::new(["GET"], "/**").unwrap()];
    narrow.credential = Some(Arc::new(Oauth2::new(request(&server.origin()), secret())));
    let bench_of = |grant| Bench::new(grant);
    let denied = bench_of(narrow);
    let Err(Fault::Credential(why)) = denied.send(&get("/vms")).await else {
        panic!("it was sent")
    };
    assert!(why.contains("grant the login's request"), "{why}");
    assert_eq!(denied.seen.denials.lock().unwrap()[0].path, "/token".into());
    assert_eq!(logins.load(Ordering::SeqCst), 0);

    let bench = bench(&server, secret());
    for path in ["/token", "/TOKEN", "/token/"] {
        assert_eq!(bench.send(&call("POST", path)).await, Err(Fault::Denied), "{path}");
    }
    assert!(server.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_login_ends_with_the_time_of_the_request_that_needs_it() {
    let server = Server::start(|_| Vec::new()).await;
    let mut grant = grant(&server.origin());
    grant.credential = Some(Arc::new(Oauth2::new(request(&server.origin()), secret())));
    let bench = Bench::new(grant);
    let mut short = get("/vms");
    short.timeout = Some(Duration::from_millis(50));
    assert_eq!(bench.send(&short).await, Err(Fault::Timeout));
}

#[tokio::test]
async fn a_statement_is_dated_by_the_servers_clock_after_it_was_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let issued = |request: &str| -> u64 {
        let body = request
            .split_once("assertion=")
            .unwrap()
            .1
            .replace("%2E", ".")
            .replace("%5F", "_")
            .replace("%2D", "-");
        let claims = URL_SAFE_NO_PAD.decode(body.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            (&claims["iss"], &claims["scope"]),
            (&"robot".into(), &"vms read".into())
        );
        claims["iat"].as_u64().unwrap()
    };
    // The example of RFC 9110, section 5.6.7; a host's clock that is 30 years fast.
    let date = 784_111_777;
    let server = Server::start(move |request| match request.starts_with("POST /token ") {
        true if issued(request).abs_diff(date) < 60 => ok(r#"{"access_token": "canary-token"}"#),
        true => answer(
            "400 Bad Request",
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            r#"{"error": "invalid_grant"}"#,
        ),
        false => ok("in"),
    })
    .await;
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let robot = Oauth2Grant::JwtBearer {
        issuer: "robot".into(),
        subject: None,
        key: SigningKey::from_pem(&key, None).unwrap(),
    };
    assert_eq!(bench(&server, robot).send(&get("/")).await.unwrap().body, "in");
}

#[tokio::test]
async fn a_refresh_token_is_used_while_it_works() {
    let server = Server::start(|request| {
        let token = |name: &str| format!(r#"{{"access_token": "{name}", "refresh_token": "refresh-{name}"}}"#);
        match request {
            first if first.contains("type=password") && first.contains("username=me&password=canary%20password") => {
                ok(&token("one"))
            }
            second if second.contains("refresh%5Ftoken=refresh%2Done") => ok(&token("two")),
            login if login.starts_with("POST /token ") => answer("400 Bad Request", "", ""),
            good if good.contains("Bearer two") => ok("in"),
            _ => answer("401 Unauthorized", "", ""),
        }
    })
    .await;
    let password = Oauth2Grant::Password {
        user: "me".into(),
        password: Secret::new("canary password"),
        client: None,
    };
    assert_eq!(bench(&server, password).send(&get("/")).await.unwrap().body, "in");
}
