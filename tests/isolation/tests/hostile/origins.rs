//! Other places than the granted one: other origins, other spellings of an origin, other spellings of an address.

use serde_json::json;
use stockade::connections::OptionInput;

use crate::lab::{Lab, Setup, Trial};
use crate::server::Server;

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "an_origin_of_the_guests_own_leads_nowhere_however_it_is_spelt",
        attempts: &["attempt send"],
        run: origins,
    },
    Trial {
        name: "an_address_is_the_same_however_it_is_spelt",
        attempts: &["attempt send"],
        run: addresses,
    },
    Trial {
        name: "a_host_option_cannot_be_more_than_a_host",
        attempts: &["attempt send"],
        run: host_options,
    },
    Trial {
        name: "what_exists_and_what_does_not_are_denied_alike_and_nobody_is_asked",
        attempts: &["attempt send"],
        run: no_oracle,
    },
];

fn origins(lab: &Lab) {
    let (server, other) = (Server::start(), Server::start());
    let (service, _) = lab.connect(&Setup::granted(&server));
    let port = other.port();
    for origin in [
        format!("http://127.0.0.1:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("HTTP://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}@127.0.0.1:{port}", server.port()),
        format!("http://user:password@127.0.0.1:{port}"),
        format!("http://127.0.0.1.:{port}"),
        format!("http://localhost:{port}"),
        format!("http://\u{ff11}\u{ff12}\u{ff17}.0.0.1:{port}"),
        format!("http://xn--.example:{port}"),
        format!("//127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/vms"),
        format!("http://127.0.0.1:{port}#"),
        "file:///etc/passwd".to_owned(),
        "unix:///run/docker.sock".to_owned(),
        String::new(),
    ] {
        let request = json!({ "origin": origin, "path": ["vms"] });
        lab.send(&service, &request);
        // As the name of an endpoint it is no better.
        let outcome = lab.send(&service, &json!({ "endpoint": origin, "path": ["vms"] }));
        assert_eq!(outcome, json!({ "fault": "Denied" }), "{origin}");
    }
    // Whatever came of it, nothing reached another place.
    assert!(other.received().is_empty(), "{:?}", other.received());
    assert_eq!(lab.send(&service, &json!({ "path": ["vms"] }))["status"], 200);
}

/// Connects with this host for an option and this network opened; answers what a request came to. None when the
/// connection is refused.
fn sent_to(lab: &Lab, server: &Server, host: &str, network: &str) -> Option<serde_json::Value> {
    let setup = Setup::granted(server)
        .option("host", OptionInput::Text(host.to_owned()))
        .addresses("api", &[network]);
    let name = format!("spelling-{}-{}", server.port(), hex(host));
    let service = lab
        .wait(lab.runtime().create_connection(&name, &lab.config(&setup)))
        .ok()?;
    Some(lab.send(&service, &json!({ "path": ["vms"] })))
}

fn hex(text: &str) -> String {
    text.bytes().take(20).map(|byte| format!("{byte:02x}")).collect()
}

fn addresses(lab: &Lab) {
    let server = Server::start();
    // Each is loopback to some program, or leads there through a gateway; 203.0.113.0/24 is all that is opened.
    for host in [
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "0.0.0.0",
        "0",
        "localhost.",
        "LOCALHOST",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1%25lo]",
    ] {
        let outcome = sent_to(lab, &server, host, "203.0.113.0/24");
        let reached = outcome.as_ref().is_some_and(|outcome| !outcome["status"].is_null());
        assert!(!reached, "{host}: {outcome:?}");
    }
    assert!(server.received().is_empty(), "{:?}", server.received());
    let outcome = sent_to(lab, &server, "127.0.0.1", "127.0.0.1/32").unwrap();
    assert_eq!(outcome["status"], 200);
}

fn host_options(lab: &Lab) {
    let (server, other) = (Server::start(), Server::start());
    for host in [
        &format!("127.0.0.1:{}@127.0.0.1", other.port()),
        &format!("127.0.0.1:{}/x", other.port()),
        &format!("127.0.0.1:{}#", other.port()),
        &format!("127.0.0.1:{}?", other.port()),
        "127.0.0.1\\@evil.example",
        "user@127.0.0.1",
        "127.0.0.1/..",
        "127.0.0.1\r\nhost: evil.example",
        "127.0.0.1 evil.example",
        "*.example",
        "",
    ] {
        let outcome = sent_to(lab, &server, host, "127.0.0.1/32");
        assert!(outcome.is_none(), "{host:?}: {outcome:?}");
    }
    assert!(other.received().is_empty() && server.received().is_empty());
    assert!(sent_to(lab, &server, "127.0.0.1", "127.0.0.1/32").is_some());
}

fn no_oracle(lab: &Lab) {
    let server = Server::start();
    let (service, recorder) = lab.connect(&Setup::at(&server).rule("GET", "/vms/mine"));
    let denied = json!({ "fault": "Denied" });
    // There, not there, granted to nobody, at an endpoint that exists, at one that does not.
    for request in [
        json!({ "path": ["vms", "theirs"] }),
        json!({ "path": ["vms", "absent"] }),
        json!({ "path": ["vms"] }),
        json!({ "endpoint": "other", "path": ["vms"] }),
        json!({ "endpoint": "absent", "path": ["vms"] }),
        json!({ "method": "DELETE", "path": ["vms", "mine"] }),
    ] {
        assert_eq!(lab.send(&service, &request), denied, "{request}");
    }
    assert!(server.received().is_empty());
    assert_eq!(recorder.denials.lock().unwrap().len(), 6);
    assert_eq!(lab.send(&service, &json!({ "path": ["vms", "mine"] }))["status"], 200);
}
