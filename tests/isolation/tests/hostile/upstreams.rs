//! Servers that are hostile, slow or talkative, and calls that are given up while a server is working.

use serde_json::{Value, json};
use stockade::connections::OptionInput;
use stockade::contract::ErrorKind;

use crate::lab::{Lab, Setup, Trial};
use crate::raw_server::RawServer;

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "a_response_cannot_smuggle_another_one",
        attempts: &["attempt send"],
        run: smuggled_responses,
    },
    Trial {
        name: "headers_without_end_do_not_arrive",
        attempts: &["attempt send"],
        run: many_headers,
    },
    Trial {
        name: "a_compressed_response_is_not_unpacked",
        attempts: &["attempt send"],
        run: compressed,
    },
    Trial {
        name: "cookies_caches_and_sockets_are_not_shared",
        attempts: &["attempt send"],
        run: shared_by_nobody,
    },
    Trial {
        name: "a_server_that_never_answers_is_left_with_the_call",
        attempts: &["attempt send"],
        run: never_answers,
    },
    Trial {
        name: "a_call_that_is_given_up_leaves_its_server_and_gives_everything_back",
        attempts: &["attempt send"],
        run: given_up,
    },
    Trial {
        name: "requests_in_a_second_are_limited",
        attempts: &["attempt send-many"],
        run: request_rate,
    },
];

fn at(server: &RawServer) -> Setup {
    Setup::nothing()
        .option("port", OptionInput::Integer(server.port().into()))
        .addresses("api", &["127.0.0.1/32"])
        .rule("GET", "/vms")
        .rule("GET POST", "/free/**")
}

fn get(path: &[&str]) -> Value {
    json!({ "path": path })
}

fn response(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn smuggled_responses(lab: &Lab) {
    let server = RawServer::start(|line| {
        const FORGED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged";
        let framing = match line.split(' ').nth(1).unwrap() {
            "/free/surplus" => "content-length: 2\r\n\r\n{}",
            "/free/both" => "content-length: 60\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "/free/twice" => "content-length: 2\r\ncontent-length: 50\r\n\r\n{}",
            "/free/unknown" => "transfer-encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "/free/negative" => "content-length: -1\r\n\r\n",
            _ => return response("", b"{}"),
        };
        format!("HTTP/1.1 200 OK\r\n{framing}{FORGED}").into_bytes()
    });
    let (service, _) = lab.connect(&at(&server));
    for trick in ["surplus", "both", "twice", "unknown", "negative"] {
        lab.send(&service, &get(&["free", trick]));
        let next = lab.send(&service, &get(&["vms"]));
        assert_eq!(
            (&next["status"], &next["body"]),
            (&json!(200), &json!("{}")),
            "{trick}: {next}"
        );
    }
}

fn many_headers(lab: &Lab) {
    let server = RawServer::start(|line| match line.split(' ').nth(1).unwrap() {
        "/free/many" => response(&"x-many: 1\r\n".repeat(10_000), b"{}"),
        "/free/long" => response(&format!("x-long: {}\r\n", "x".repeat(1 << 20)), b"{}"),
        _ => response(&"x-few: 1\r\n".repeat(50), b"{}"),
    });
    let (service, _) = lab.connect(&at(&server));
    for path in [&["free", "many"][..], &["free", "long"]] {
        let outcome = lab.send(&service, &get(path));
        assert!(outcome["status"].is_null(), "{path:?}");
    }
    assert_eq!(lab.send(&service, &get(&["vms"]))["status"], 200);
}

/// 10,000 zeros, as gzip packs them.
const PACKED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 1, 13, 0, 0, 0, 194, 160, 74, 239, 159, 206, 28, 110, 64, 1, 0, 0, 0, 0,
    0, 0, 0, 0, 192, 191, 1, 105, 88, 24, 10, 16, 39, 0, 0,
];

fn compressed(lab: &Lab) {
    let server = RawServer::start(|_| response("content-encoding: gzip\r\n", PACKED));
    let (service, _) = lab.connect(&at(&server));
    let outcome = lab.send(&service, &get(&["vms"]));
    assert_eq!(outcome["status"], 200);
    let body = outcome["body"].as_str().unwrap();
    assert!(body.chars().count() <= PACKED.len(), "{} characters", body.len());
    assert!(
        !server.requests()[0].1.contains("gzip"),
        "nothing compressed is asked for"
    );
}

fn shared_by_nobody(lab: &Lab) {
    let server = RawServer::start(|_| {
        response(
            "set-cookie: session=stolen\r\netag: \"1\"\r\ncache-control: public, max-age=1000\r\n",
            b"{}",
        )
    });
    let (one, _) = lab.connect(&at(&server));
    let (other, _) = lab.connect(&at(&server));
    for service in [&one, &one, &other, &other] {
        assert_eq!(lab.send(service, &get(&["vms"]))["status"], 200);
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 4, "nothing came from a cache");
    for (_, head) in &requests {
        for kept in ["cookie", "if-none-match", "stolen"] {
            assert!(!head.contains(kept), "{head}");
        }
    }
    let ports = |two: &[(u16, String)]| [two[0].0, two[1].0];
    let (ones, others) = (ports(&requests[..2]), ports(&requests[2..]));
    assert!(ones.iter().all(|port| !others.contains(port)), "{ones:?} {others:?}");
    // The twin: a connection does use its own socket again.
    assert_eq!(ones[0], ones[1]);
}

fn silent_about_hang(line: &str) -> Vec<u8> {
    if line.contains("/free/hang") {
        return Vec::new();
    }
    response("", b"{}")
}

fn never_answers(lab: &Lab) {
    let server = RawServer::start(silent_about_hang);
    let (service, _) = lab.connect(&at(&server).seconds(1));
    let arguments = json!({ "request": get(&["free", "hang"]) });
    let error = lab.attempt(&service, "send", arguments).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TimedOut);
    // The executor runs again, and closes what was left.
    assert_eq!(lab.send(&service, &get(&["vms"]))["status"], 200);
    server.wait_for_closed(1);
}

fn given_up(lab: &Lab) {
    let server = RawServer::start(silent_about_hang);
    let narrow = at(&server).limits(|limits| {
        limits.concurrent_calls = 1;
        limits.requests_in_flight = 1;
    });
    let (service, _) = lab.connect(&narrow);
    for times in 1..=3 {
        let arguments = json!({ "request": get(&["free", "hang"]) });
        let watch = server.clone();
        lab.wait(async {
            // On another thread, so that the call goes on meanwhile.
            let arrived = tokio::task::spawn_blocking(move || watch.wait_for_requests(2 * times - 1));
            tokio::select! {
                answer = lab.start(&service, "send", arguments) => panic!("the server does not answer: {answer:?}"),
                arrived = arrived => arrived.unwrap(),
            }
        });
        // The only turn and the only request in flight are free again, and the server was left.
        assert_eq!(lab.send(&service, &get(&["vms"]))["status"], 200);
        server.wait_for_closed(times);
    }
}

fn request_rate(lab: &Lab) {
    let server = RawServer::start(|_| response("", b"{}"));
    let slow = at(&server).limits(|limits| limits.requests_per_second = 1);
    let (service, _) = lab.connect(&slow);
    let hasty = json!({ "times": 30, "request": { "path": ["vms"], "timeout_ms": 100 } });
    let counted = lab.attempt(&service, "send-many", hasty.clone()).unwrap();
    let sent = counted["200"].as_u64().unwrap();
    assert_eq!(sent as usize, server.requests().len());
    assert!((1..30).contains(&sent), "{counted}");
    assert!(counted.to_string().contains("RateLimited"), "{counted}");
    // The twin: with the usual rate all of them leave.
    let (service, _) = lab.connect(&at(&server));
    let hasty = json!({ "times": 30, "request": { "path": ["vms"] } });
    assert_eq!(lab.attempt(&service, "send-many", hasty).unwrap(), json!({ "200": 30 }));
}
