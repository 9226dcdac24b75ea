//! What one endpoint may use, discovered origins, and changes: with the client and a server.

use std::num::NonZeroU32;

use futures_util::future::join_all;

use super::*;
use crate::http::channels::DISCOVERED_CHANNELS;

fn bounded(origin: &str, bounds: EndpointBounds) -> EndpointGrant {
    EndpointGrant {
        bounds,
        ..grant(origin)
    }
}

#[tokio::test]
async fn a_response_may_be_narrower_at_an_endpoint_than_its_connection() {
    let server = Server::start(|request| {
        let length = if request.contains("/long") { 9 } else { 8 };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nx-internal: 1\r\nx-public: 2\r\n\r\n");
        format!("{head}{}", "x".repeat(length)).into_bytes()
    })
    .await;
    let bounds = EndpointBounds {
        response_headers: HeaderRule::Allow(vec![HeaderRule::pattern("X-Public").unwrap()]),
        response_body_bytes: Some(8),
        ..EndpointBounds::default()
    };
    let bench = Bench::new(bounded(&server.origin(), bounds));
    let response = bench.send(&get("/short")).await.unwrap();
    assert_eq!(response.headers, [("x-public".to_owned(), "2".to_owned())]);
    assert_eq!(bench.send(&get("/long")).await, Err(Fault::TooLarge));
    let mut blob = Vec::new();
    let spliced = bench
        .client
        .send(
            &get("/long"),
            RequestBody::none(),
            ResponseSink::Splice(&mut blob),
            bench.call(),
        )
        .await;
    assert_eq!(spliced, Err(Fault::TooLarge));

    let all = Bench::new(grant(&server.origin()));
    assert_eq!(all.send(&get("/long")).await.unwrap().headers.len(), 3);
}

#[tokio::test]
async fn requests_beyond_an_endpoints_pace_wait_or_are_told_when_to_come_back() {
    let server = Server::start(|_| ok("fine")).await;
    let bounds = EndpointBounds {
        requests_per_second: NonZeroU32::new(2),
        ..EndpointBounds::default()
    };
    // The turns are taken one right after the other, before anything is sent: of five, two come at once, one within the
    // time that it has, and two do not.
    let patient = Request {
        timeout: Some(Duration::from_millis(700)),
        ..get("/")
    };
    let bench = Bench::new(bounded(&server.origin(), bounds));
    let answers = join_all((0..5).map(|_| bench.send(&patient))).await;
    let limited =
        |answer: &Result<Response, Fault>| matches!(answer, Err(Fault::RateLimited(delay)) if !delay.is_zero());
    assert_eq!(
        answers.iter().map(limited).collect::<Vec<_>>(),
        [false, false, false, true, true]
    );

    let free = Bench::new(grant(&server.origin()));
    let plain = get("/");
    let answers = join_all((0..5).map(|_| free.send(&plain))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn requests_beyond_those_in_flight_at_an_endpoint_wait_for_a_place() {
    let server = Server::start(|request| {
        if request.contains("/hang") {
            Vec::new()
        } else {
            ok("fine")
        }
    })
    .await;
    let bounds = EndpointBounds {
        requests_in_flight: NonZeroU32::new(1),
        ..EndpointBounds::default()
    };
    let bench = Bench::new(bounded(&server.origin(), bounds));
    let soon = Request {
        timeout: Some(Duration::from_millis(50)),
        ..get("/")
    };
    let hanging = get("/hang");
    {
        let hang = bench.send(&hanging);
        tokio::pin!(hang);
        // The first takes the place when it is first polled, and keeps it.
        let second = tokio::select! { biased; _ = &mut hang => None, answer = bench.send(&soon) => Some(answer) };
        assert!(matches!(second, Some(Err(Fault::RateLimited(_)))), "{second:?}");
    }
    assert!(
        bench.send(&get("/")).await.is_ok(),
        "the place is free when its holder is gone"
    );
}

#[tokio::test]
async fn ways_to_discovered_origins_are_few_and_each_origins_own() {
    let server = Server::start(|_| ok("fine")).await;
    let grant = EndpointGrant {
        origin: Destination::Discovered {
            asked: "http://*:*".parse().unwrap(),
            granted: vec!["http://127.0.0.0/8:*".parse().unwrap()],
        },
        ..grant(&server.origin())
    };
    let bench = Bench::new(grant);
    let at = |host: u8, port: u16| Request {
        origin: Some(format!("http://127.0.0.{host}:{port}")),
        ..get("/")
    };
    for _ in 0..2 {
        assert!(bench.send(&at(1, server.port)).await.is_ok());
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1, "the way is used again");
    for host in 0..=255 {
        // Port 9 discards, where anything listens at all.
        let _ = bench.send(&at(host, 9)).await;
    }
    assert_eq!(bench.client.discovered_channels(), DISCOVERED_CHANNELS);
    assert!(bench.send(&at(1, server.port)).await.is_ok());
    assert_eq!(server.connections.load(Ordering::SeqCst), 2, "the first was dropped");
}

#[tokio::test]
async fn where_changes_are_refused_only_reads_leave() {
    let server = Server::start(|_| ok("fine")).await;
    for changes in [Changes::Refused, Changes::Rehearsed(DryRun::new())] {
        let mut bench = Bench::new(grant(&server.origin()));
        bench.budget = CallBudget::new(bench.client.limits()).with_changes(changes);
        assert_eq!(bench.send(&call("POST", "/vms")).await, Err(Fault::Denied));
        assert_eq!(bench.send(&call("UPDATE", "/vms")).await, Err(Fault::Denied));
        assert!(bench.send(&get("/vms")).await.is_ok());
        assert_eq!(bench.seen.denials.lock().unwrap().len(), 2);
        let exchanges = bench.seen.exchanges.lock().unwrap();
        assert_eq!(exchanges.len(), 1);
        assert_eq!(exchanges[0].asked, RequestRule::new(["GET"], "/**").unwrap());
    }
    assert!(
        server
            .requests
            .lock()
            .unwrap()
            .iter()
            .all(|request| request.starts_with("GET "))
    );
}

/// Logs in with a POST of the host's own, before each request.
#[derive(Debug)]
struct Login;

#[async_trait]
impl Authenticate for Login {
    fn check(&self) -> Result<(), CredentialError> {
        Ok(())
    }

    async fn attach(&self, _: &mut Outgoing<'_>, host: &dyn OwnRequests) -> Result<(), CredentialError> {
        let answer = host
            .send(OwnRequest {
                request: call("POST", "/login"),
                headers: ::http::HeaderMap::new(),
                body: Bytes::from_static(CANARY.as_bytes()),
            })
            .await;
        answer.map(drop).map_err(|_| CredentialError::Value)
    }

    fn secrets(&self) -> Vec<Spelling> {
        Vec::new()
    }
}

#[tokio::test]
async fn the_hosts_own_logins_are_changes_unless_the_operator_says_otherwise() {
    let server = Server::start(|_| ok("fine")).await;
    let login = |effect| RequestRule::new(["POST"], "/login").unwrap().that(effect);
    for (effect, expected) in [(None, false), (Some(Effect::Read), true)] {
        let mut own = grant(&server.origin());
        own.granted = vec![RequestRule::new(["GET"], "/**").unwrap(), login(effect)];
        own.credential = Some(Arc::new(Login));
        let mut bench = Bench::new(own);
        bench.budget = CallBudget::new(bench.client.limits()).with_changes(Changes::Refused);
        assert_eq!(bench.send(&get("/vms")).await.is_ok(), expected, "{effect:?}");
    }
}

#[tokio::test]
async fn a_dry_run_tells_of_a_login_and_not_its_secret() {
    let server = Server::start(|_| ok("fine")).await;
    let mut own = grant(&server.origin());
    own.credential = Some(Arc::new(Login));
    let mut bench = Bench::new(own);
    let dry_run = DryRun::new();
    bench.budget = CallBudget::new(bench.client.limits()).with_changes(Changes::Rehearsed(Arc::clone(&dry_run)));
    assert!(bench.send(&get("/vms")).await.is_err());
    let plan = dry_run.plan();
    let [Planned::Request(login)] = plan.stopped.as_slice() else {
        panic!("{plan:?}")
    };
    assert_eq!(
        (login.path.as_str(), login.body_bytes),
        ("/login", Some(CANARY.len() as u64))
    );
    assert!(!format!("{plan:?}").contains(CANARY), "{plan:?}");
    assert!(server.requests.lock().unwrap().is_empty());
}
