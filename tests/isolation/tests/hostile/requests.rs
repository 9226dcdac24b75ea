//! Requests that were not granted, that try to be others than they look, or that are too many or too large.

use std::io::Write as _;

use serde_json::{Value, json};
use stockade::Service;
use stockade::connections::{CredentialConfig, OptionInput, SecretSource, TextSource};
use stockade::contract::ErrorKind;

use crate::lab::{Lab, Setup, Trial, greet};
use crate::server::Server;

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "without_a_grant_no_request_leaves",
        attempts: &["attempt send"],
        run: without_a_grant,
    },
    Trial {
        name: "an_endpoint_that_is_not_granted_or_not_declared_is_denied",
        attempts: &["attempt send"],
        run: other_endpoints,
    },
    Trial {
        name: "without_one_rule_exactly_its_operation_fails_and_only_the_operator_learns_why",
        attempts: &["attempt operate", "attempt send"],
        run: without_one_rule,
    },
    Trial {
        name: "a_path_cannot_leave_its_rule",
        attempts: &["attempt send"],
        run: paths,
    },
    Trial {
        name: "methods_and_headers_cannot_smuggle",
        attempts: &["attempt send"],
        run: methods_and_headers,
    },
    Trial {
        name: "a_url_for_others_needs_a_grant_of_its_own",
        attempts: &["attempt presign"],
        run: presigned,
    },
    Trial {
        name: "a_redirect_is_an_answer_and_is_not_followed",
        attempts: &["attempt send"],
        run: redirect,
    },
    Trial {
        name: "addresses_that_are_not_global_need_a_line_of_their_own",
        attempts: &["attempt send"],
        run: addresses,
    },
    Trial {
        name: "requests_of_a_call_are_counted",
        attempts: &["attempt send-many"],
        run: too_many,
    },
    Trial {
        name: "a_flood_of_denials_does_not_flood_the_operator",
        attempts: &["attempt send-many"],
        run: denial_flood,
    },
    Trial {
        name: "responses_that_are_too_large_do_not_arrive",
        attempts: &["attempt send", "attempt send-many"],
        run: huge_responses,
    },
    Trial {
        name: "a_request_that_is_too_large_does_not_leave",
        attempts: &["attempt send-huge"],
        run: huge_request,
    },
];

fn get(path: &[&str]) -> Value {
    json!({ "path": path })
}

fn denied() -> Value {
    json!({ "fault": "Denied" })
}

/// A request that may be sent may not be handed out for that reason, and one that may not be sent may not be handed out.
fn presigned(lab: &Lab) {
    let server = Server::start();
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(b"canary-secret-key").unwrap();
    let credential = CredentialConfig::Sigv4 {
        access_key: TextSource::Text("AKIA1".to_owned()),
        secret_key: SecretSource::File(secret.path().display().to_string()),
        session_token: None,
    };
    let presign = |service: &Service, path: &str, seconds: u32| {
        let arguments = json!({ "request": get(&["free", path]), "seconds": seconds });
        lab.attempt(service, "presign", arguments).unwrap()
    };
    let setup = || Setup::at(&server).rule("GET", "/free/a").credential(credential.clone());
    let (may_send, recorder) = lab.connect(&setup());
    assert_eq!(presign(&may_send, "a", 60), denied());
    let (_, hint) = recorder.denials.lock().unwrap()[0].clone();
    assert!(hint.unwrap().contains("`presign_seconds = 3600`"));

    let (may_hand_out, _) = lab.connect(&setup().presign_seconds(90));
    let url = presign(&may_hand_out, "a", 4_000_000_000);
    let url = url["url"].as_str().unwrap();
    let place = format!("http://127.0.0.1:{}/free/a?X-Amz-", server.port());
    assert!(
        url.starts_with(&place) && url.contains("&X-Amz-Expires=90&") && !url.contains("canary"),
        "{url}"
    );
    assert_eq!(presign(&may_hand_out, "b", 60), denied());
    assert!(server.received().is_empty());
}

fn without_a_grant(lab: &Lab) {
    let server = Server::start();
    let (nothing, recorder) = lab.connect(&Setup::at(&server));
    assert_eq!(lab.send(&nothing, &get(&["vms"])), denied());
    assert!(server.received().is_empty());
    let (denial, hint) = recorder.denials.lock().unwrap()[0].clone();
    assert!(denial.contains("nothing is granted at this endpoint"), "{denial}");
    assert!(hint.unwrap().contains(r#"{ methods = ["GET"], path = "/vms" }"#));

    let (granted, _) = lab.connect(&Setup::granted(&server));
    assert_eq!(lab.send(&granted, &get(&["vms"]))["status"], 200);
    assert_eq!(server.received()[0].target, "/vms");
}

fn other_endpoints(lab: &Lab) {
    let (server, other) = (Server::start(), Server::start());
    let port = OptionInput::Integer(other.port().into());
    let setup = || Setup::granted(&server).option("other_port", port.clone());
    let (service, _) = lab.connect(&setup());
    for endpoint in ["other", "nowhere", "", "API", "127.0.0.1"] {
        let request = json!({ "endpoint": endpoint, "path": ["vms"] });
        assert_eq!(lab.send(&service, &request), denied(), "{endpoint}");
    }
    assert!(server.received().is_empty() && other.received().is_empty());

    let granted = setup()
        .rule_of("other", "GET", "/vms")
        .addresses("other", &["127.0.0.1/32"]);
    let (service, _) = lab.connect(&granted);
    let request = json!({ "endpoint": "other", "path": ["vms"] });
    assert_eq!(lab.send(&service, &request)["status"], 200);
    assert_eq!(other.received().len(), 1);
}

fn without_one_rule(lab: &Lab) {
    let server = Server::start();
    let (whole, _) = lab.connect(&Setup::granted(&server));
    let (narrow, _) = lab.connect(&Setup::granted(&server).without_rule("/vms/*", "DELETE"));
    let operations = [
        json!({ "method": "GET", "path": ["vms"] }),
        json!({ "method": "GET", "path": ["vms", "a"] }),
        json!({ "method": "DELETE", "path": ["vms", "a"] }),
        json!({ "method": "POST", "path": ["vms"] }),
    ];
    for operation in &operations {
        let arguments = json!({ "request": operation });
        lab.attempt(&whole, "operate", arguments.clone()).unwrap();
        let answer = lab.attempt(&narrow, "operate", arguments);
        assert_eq!(
            answer.is_err(),
            operation["method"] == "DELETE",
            "{operation}: {answer:?}"
        );
        let Err(error) = answer else { continue };
        assert_eq!(*error.kind(), ErrorKind::Denied);
        let hints = error.hints().join("\n");
        for told in [
            "`DELETE /vms/a`",
            r#"{ methods = ["DELETE"], path = "/vms/*" }"#,
            "endpoint `api`",
        ] {
            assert!(hints.contains(told), "{told} is not in: {hints}");
        }
        assert_eq!(lab.send(&narrow, operation), denied(), "all that the guest learns");
    }
    let deletions = server
        .received()
        .iter()
        .filter(|received| received.method == "DELETE")
        .count();
    assert_eq!(deletions, 1, "of the connection that may");
}

fn paths(lab: &Lab) {
    let server = Server::start();
    let (service, _) = lab.connect(&Setup::at(&server).rule("GET", "/vms/*"));
    for path in [
        &["vms", ".."][..],
        &["vms", "."],
        &["vms", "%2e%2e"],
        &["vms", "%252E%252e"],
        &["vms", "..;x=1"],
        &["vms", "a/../../free/x"],
        &["vms", "a\\..\\..\\free"],
        &["vms", "%2e%2e%2ffree%2fx"],
        &["vms", "a/b"],
        &["vms", "a%2fb"],
        &["vms", "a\r\nhost: evil.example"],
        &["vms", "a%0d%0ax"],
        &["vms", "a\0"],
        &["vms", "", "a"],
        &["", "vms", "a"],
        &["", "evil.example", "vms", "a"],
        &["vms", "a", "console"],
        &["vms"],
        &["VMS", "a"],
        &["free", "x"],
        &[],
    ] {
        let outcome = lab.send(&service, &get(path));
        assert!(
            outcome["fault"].is_string() || outcome["fault"]["Protocol"].is_string(),
            "{path:?}: {outcome}"
        );
    }
    assert!(server.received().is_empty(), "{:?}", server.received());

    for (name, target) in [
        ("a b?c#d&e=f", "/vms/a%20b%3Fc%23d&e=f"),
        ("..a", "/vms/..a"),
        ("50%", "/vms/50%25"),
    ] {
        assert_eq!(lab.send(&service, &get(&["vms", name]))["status"], 200, "{name}");
        let arrived = server.received().pop().unwrap().target;
        assert_eq!(arrived.replace("%26", "&").replace("%3D", "="), target);
    }
    let query = json!({ "path": ["vms", "a"], "query": [["x", "1&y=2 HTTP/1.1\r\nhost: evil.example"]] });
    assert_eq!(lab.send(&service, &query)["status"], 200);
    let received = server.received().pop().unwrap();
    assert_eq!(
        received.target,
        "/vms/a?x=1%26y%3D2%20HTTP%2F1.1%0D%0Ahost%3A%20evil.example"
    );
    assert_eq!(
        received.header("host"),
        Some(format!("127.0.0.1:{}", server.port()).as_str())
    );
}

fn methods_and_headers(lab: &Lab) {
    let server = Server::start();
    let (service, _) = lab.connect(&Setup::granted(&server));
    for method in [
        "get",
        "CONNECT",
        "GET /free/x HTTP/1.1\r\nx:",
        "G ET",
        "",
        "PATCH",
        "PUT",
    ] {
        let outcome = lab.send(&service, &json!({ "method": method, "path": ["vms"] }));
        assert!(outcome["status"].is_null(), "{method}: {outcome}");
    }
    for (name, value) in [
        ("authorization", "Bearer guess"),
        ("Authorization", "Bearer guess"),
        ("proxy-authorization", "Basic x"),
        ("cookie", "session=1"),
        ("host", "evil.example"),
        ("Host", "evil.example"),
        ("transfer-encoding", "chunked"),
        ("Transfer_Encoding", "chunked"),
        ("content-length", "0"),
        ("connection", "upgrade"),
        ("upgrade", "h2c"),
        ("x-forwarded-host", "evil.example"),
        ("x-http-method-override", "DELETE"),
        ("x-original-url", "/free/x"),
        ("x-fine", "a\r\nhost: evil.example"),
        ("x-fine\r\nhost", "evil.example"),
        ("x fine", "a"),
        ("", "a"),
    ] {
        let request = json!({ "path": ["vms"], "headers": [[name, value]] });
        let outcome = lab.send(&service, &request);
        assert!(outcome["fault"]["Protocol"].is_string(), "{name:?}: {outcome}");
    }
    assert!(server.received().is_empty(), "{:?}", server.received());

    let request = json!({ "path": ["vms"], "headers": [["X-Fine", "a, b"]] });
    assert_eq!(lab.send(&service, &request)["status"], 200);
    assert_eq!(server.received()[0].header("x-fine"), Some("a, b"));
}

fn redirect(lab: &Lab) {
    let (server, other) = (Server::start(), Server::start());
    let (service, _) = lab.connect(&Setup::granted(&server));
    let port = other.port().to_string();
    let outcome = lab.send(&service, &get(&["free", "redirect", &port]));
    assert_eq!(outcome["status"], 302);
    assert!(
        outcome["headers"]
            .to_string()
            .contains(&format!("http://127.0.0.1:{port}/free/taken"))
    );
    assert!(other.received().is_empty());
    assert_eq!(server.received().len(), 1);
    // The twin: to a place that is granted, the guest goes by itself.
    assert_eq!(lab.send(&service, &get(&["free", "taken"]))["status"], 200);
}

fn addresses(lab: &Lab) {
    let server = Server::start();
    let at = |host: &str| Setup::granted(&server).option("host", OptionInput::Text(host.to_owned()));
    for (host, allowed) in [
        ("127.0.0.1", &[][..]),
        ("127.0.0.1", &["10.0.0.0/8", "127.0.0.2/32"]),
        ("localhost", &[]),
        ("[::1]", &[]),
        ("[::ffff:127.0.0.1]", &[]),
        ("10.255.255.254", &[]),
        // A network that merely contains a metadata service does not open it.
        ("169.254.169.254", &["0.0.0.0/0"]),
    ] {
        let (service, recorder) = lab.connect(&at(host).addresses("api", allowed));
        assert_eq!(lab.send(&service, &get(&["vms"])), denied(), "{host}");
        let (denial, hint) = recorder.denials.lock().unwrap()[0].clone();
        assert!(denial.contains("leads to"), "{denial}");
        assert!(hint.unwrap().contains("allow_addresses"));
    }
    assert!(server.received().is_empty());

    let (service, _) = lab.connect(&at("127.0.0.1").addresses("api", &["127.0.0.0/8"]));
    assert_eq!(lab.send(&service, &get(&["vms"]))["status"], 200);
}

fn too_many(lab: &Lab) {
    let server = Server::start();
    let limited = Setup::granted(&server).limits(|limits| limits.requests_per_call = 50);
    let (service, recorder) = lab.connect(&limited);
    let many = json!({ "times": 52, "request": { "path": ["vms"] } });
    let counted = lab.attempt(&service, "send-many", many.clone()).unwrap();
    assert_eq!(counted, json!({ "200": 50, "Fault::Denied": 2 }));
    assert_eq!(server.received().len(), 50);
    let (denial, hint) = recorder.denials.lock().unwrap()[0].clone();
    assert!(denial.contains("has made its 50 requests"), "{denial}");
    assert!(hint.unwrap().contains("requests_per_call"));
    // With more granted, the same is allowed.
    let (generous, _) = lab.connect(&Setup::granted(&server));
    assert_eq!(lab.attempt(&generous, "send-many", many).unwrap(), json!({ "200": 52 }));
    // The budget is the call's: the next call has its own.
    let few = json!({ "times": 2, "parallel": 2, "request": { "path": ["vms"] } });
    assert_eq!(lab.attempt(&service, "send-many", few).unwrap(), json!({ "200": 2 }));
}

fn denial_flood(lab: &Lab) {
    let (service, recorder) = lab.connect(&Setup::nothing().limits(|limits| limits.log_lines = 20));
    let many = json!({ "times": 3_000, "request": { "path": ["vms"] } });
    let counted = lab.attempt(&service, "send-many", many).unwrap();
    assert_eq!(counted, json!({ "Fault::Denied": 3_000 }));
    assert_eq!(recorder.denials.lock().unwrap().len(), 20);
    let lines = recorder.lines.lock().unwrap();
    assert!(lines.iter().any(|(_, line)| line.contains("2980 denials")), "{lines:?}");
}

fn huge_responses(lab: &Lab) {
    let server = Server::start();
    let (service, _) = lab.connect(&Setup::granted(&server));
    for path in [&["free", "big", "8193"][..], &["free", "endless"]] {
        assert_eq!(
            lab.send(&service, &get(path)),
            json!({ "fault": "TooLarge" }),
            "{path:?}"
        );
    }
    let outcome = lab.send(&service, &get(&["free", "big", "2048"]));
    assert_eq!(outcome["body"].as_str().unwrap().len(), 2048 << 10);
    let (small, _) = lab.connect(&Setup::granted(&server).limits(|limits| limits.response_body_mib = 1));
    assert_eq!(
        lab.send(&small, &get(&["free", "big", "2048"])),
        json!({ "fault": "TooLarge" })
    );

    // Together they must fit beside the guest's own memory, before they reach it.
    let (narrow, _) = lab.connect(&Setup::granted(&server).limits(|limits| limits.memory_mib = 32));
    let many = json!({ "times": 40, "parallel": 8, "request": { "path": ["free", "big", "1024"] } });
    let counted = lab.attempt(&narrow, "send-many", many).unwrap();
    assert_eq!(
        counted["200"], 15,
        "half of the memory, less what the heads take: {counted}"
    );
    assert_eq!(counted["Fault::TooLarge"], 25);
    lab.wait(greet(&service));
}

fn huge_request(lab: &Lab) {
    let server = Server::start();
    let send = |limit: u32, mib: u32| {
        let setup = Setup::granted(&server).limits(|limits| limits.request_body_mib = limit);
        let (service, recorder) = lab.connect(&setup);
        let arguments = json!({ "mib": mib, "request": { "method": "POST", "path": ["vms"] } });
        let outcome = lab.attempt(&service, "send-huge", arguments).unwrap();
        let hint = recorder
            .denials
            .lock()
            .unwrap()
            .first()
            .and_then(|(_, hint)| hint.clone());
        (outcome, hint.unwrap_or_default())
    };
    let (outcome, hint) = send(2, 3);
    assert!(
        outcome["fault"]["Protocol"]
            .as_str()
            .unwrap()
            .contains("more than 2097152"),
        "{outcome}"
    );
    assert!(hint.contains("request_body_mib"), "{hint}");
    assert!(server.received().is_empty());
    assert_eq!(send(2, 1).0["status"], 200);
    assert_eq!(server.received()[0].header("content-length"), Some("1048576"));
}
