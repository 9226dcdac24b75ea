//! What the host does to each request beside sending it: deciding, signing, scrubbing.
//!
//! Each is measured alone, in a loop and without a network. Peers are what somebody would write without the host: a copy
//! of the response for scrubbing, a request that is not signed for signing.

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use stockade_host::http::{
    AccessKey, Authenticate as _, Basic, Bearer, Destination, EndpointBounds, EndpointGrant, Fault, HttpLimits, Origin,
    Outgoing, OutgoingBody, OwnRequest, OwnRequests, Request, RequestRule, Response, Scrubber, Secret, Sigv4,
    TlsProfile, decide,
};

use crate::Result;
use crate::statistics::Times;

const RULES: usize = 100;
const RUNS: usize = 200;
const IN_ONE_RUN: u32 = 1_000;

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    decisions()?;
    signatures()?;
    scrubbing();
    Ok(())
}

/// The times of one of many, over runs of many each.
fn times(mut work: impl FnMut()) -> Times {
    let run = |_| {
        let started = Instant::now();
        for _ in 0..IN_ONE_RUN {
            work();
        }
        started.elapsed() / IN_ONE_RUN
    };
    Times::new((0..RUNS).map(run).collect())
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn request(path: &[&str]) -> Request {
    Request {
        endpoint: "api".to_owned(),
        method: "GET".to_owned(),
        path: path.iter().map(|&segment| segment.to_owned()).collect(),
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        ..Request::default()
    }
}

/// A hundred rules asked for and a hundred granted; the request matches the last of each.
fn decisions() -> Result<()> {
    let rules = (0..RULES).map(|number| RequestRule::new(["GET", "POST"], &format!("/v1/noun{number}/*/parts/*")));
    let rules: Vec<RequestRule> = rules.collect::<std::result::Result<_, _>>()?;
    let grants = [EndpointGrant {
        name: "api".to_owned(),
        origin: Destination::Fixed("https://api.example.com".parse()?),
        asked: rules.clone(),
        granted: rules,
        credential: None,
        presign_seconds: None,
        allow_addresses: Vec::new(),
        tls: TlsProfile::default(),
        proxy: None,
        bounds: EndpointBounds::default(),
    }];
    let limits = HttpLimits::default();
    let last = format!("noun{}", RULES - 1);
    let request = request(&["v1", &last, "web-1", "parts", "7"]);
    if decide(&grants, &limits, &request, OutgoingBody::Bytes(&[])).is_err() {
        return Err("the request should be allowed".into());
    }
    let decided = times(|| {
        let _ = black_box(decide(&grants, &limits, black_box(&request), OutgoingBody::Bytes(&[])));
    });
    println!(
        "policy decision: the last of {RULES} asked and {RULES} granted rules\n  median {:.2} µs ({RUNS} × {IN_ONE_RUN} runs; goal: at most 2 µs)\n",
        microseconds(decided.median())
    );
    Ok(())
}

/// Nobody is asked for these credentials.
struct Nobody;

#[async_trait]
impl OwnRequests for Nobody {
    async fn send(&self, _: OwnRequest) -> std::result::Result<Response, Fault> {
        Err(Fault::Denied)
    }
}

fn signatures() -> Result<()> {
    let key = AccessKey {
        id: "AKIDEXAMPLE".to_owned(),
        secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: None,
    };
    let sigv4 = Sigv4::new(key, "ec2", "eu-central-1");
    let bearer = Bearer {
        token: Secret::new("a-token-that-is-long-enough"),
    };
    let origin: Origin = "https://ec2.eu-central-1.example.com".parse()?;
    let body = b"Action=DescribeInstances&Version=2016-11-15&MaxResults=100";
    let threads = tokio::runtime::Builder::new_current_thread().build()?;
    let measure = |credential: Option<&dyn stockade_host::http::Authenticate>| {
        times(|| {
            let (mut path, mut query, mut headers) = ("/".to_owned(), String::new(), HeaderMap::new());
            let mut outgoing = Outgoing {
                origin: &origin,
                method: &Method::POST,
                path: &mut path,
                query: &mut query,
                headers: &mut headers,
                body: OutgoingBody::Bytes(body),
                changes: false,
                now: SystemTime::now(),
                stamp: 0,
                framing: None,
            };
            if let Some(credential) = credential {
                let _ = threads.block_on(credential.attach(&mut outgoing, &Nobody));
            }
            black_box(&headers);
        })
    };
    let plain = measure(None).median();
    for (name, credential) in [
        ("bearer", &bearer as &dyn stockade_host::http::Authenticate),
        ("SigV4", &sigv4),
    ] {
        let signed = measure(Some(credential)).median();
        println!(
            "credential {name}: a small body\n  median {:.2} µs over a plain request (goal: at most 30 µs)\n",
            microseconds(signed.saturating_sub(plain))
        );
    }
    Ok(())
}

/// Bodies in pieces of 64 KiB, as they come from a connection: JSON that holds no secret.
fn scrubbing() {
    const PIECE: usize = 64 << 10;
    const PIECES: usize = 512;
    let text: String = (0..PIECE / 40)
        .map(|number| format!("{{\"id\": \"vm-{number:08}\", \"status\": \"ok\"}},\n"))
        .collect();
    let piece = Bytes::from(text.into_bytes());
    let basic = Basic {
        user: "somebody".to_owned(),
        password: Secret::new("correct horse battery staple"),
    };
    let scrubber = Scrubber::new(basic.secrets());
    let bytes = (piece.len() * PIECES) as f64;
    let rate = |work: &mut dyn FnMut() -> usize| {
        let run = |_| {
            let started = Instant::now();
            black_box(work());
            started.elapsed()
        };
        let times: Vec<Duration> = (0..20).map(run).collect();
        bytes / Times::new(times).median().as_secs_f64() / 1e9
    };
    let scrubbed = rate(&mut || {
        let mut stream = scrubber.stream();
        let passed: usize = (0..PIECES).map(|_| stream.push(black_box(&piece)).len()).sum();
        passed + stream.finish().len()
    });
    let copied = rate(&mut || (0..PIECES).map(|_| black_box(black_box(&piece).to_vec()).len()).sum());
    println!(
        "scrubber: {} MiB without a secret in it\n  {scrubbed:.1} GB/s; copying it {copied:.1} GB/s, ratio {:.2} (goal: at least 1 GB/s)\n",
        (piece.len() * PIECES) >> 20,
        scrubbed / copied
    );
}
