//! Read-only connections and dry runs: a guest that may change things finds that it cannot.

use serde_json::{Value, json};
use stockade::contract::ErrorKind;
use stockade::dry_run::{DryRun, Planned};

use crate::lab::{Lab, Setup, Trial};
use crate::server::Server;

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "a_read_only_connection_sends_nothing_that_may_change_something",
        attempts: &["attempt send"],
        run: read_only,
    },
    Trial {
        name: "a_dry_run_stops_changes_and_tells_what_they_would_have_been",
        attempts: &["attempt send"],
        run: dry_run,
    },
];

fn claims() -> Value {
    json!({ "endpoint": "verbs", "method": "POST", "path": ["claims"] })
}

fn verbs(effect: &str) -> String {
    format!("allow_addresses = [\"127.0.0.1/32\"]\nrules = [{{ methods = [\"POST\"], path = \"/claims\"{effect} }}]")
}

fn read_only(lab: &Lab) {
    let server = Server::start();
    let denied = json!({ "fault": "Denied" });
    let (service, recorder) = lab.connect(&Setup::granted(&server).grants("verbs", &verbs("")).read_only());
    for (method, path) in [
        ("POST", &["vms"][..]),
        ("DELETE", &["vms", "a"]),
        ("POST", &["free", "x"]),
    ] {
        let request = json!({ "method": method, "path": path });
        assert_eq!(lab.send(&service, &request), denied, "{request}");
    }
    // The provider calls it a read; the operator did not.
    assert_eq!(lab.send(&service, &claims()), denied);
    assert!(server.received().is_empty(), "{:?}", server.received());
    let (denial, hint) = recorder.denials.lock().unwrap()[0].clone();
    assert!(denial.contains("only reads"), "{denial}");
    assert!(hint.unwrap().contains("effect = \"read\""));

    assert_eq!(lab.send(&service, &json!({ "path": ["vms"] }))["status"], 200);
    let believed = Setup::granted(&server)
        .grants("verbs", &verbs(", effect = \"read\""))
        .read_only();
    let (service, _) = lab.connect(&believed);
    assert!(lab.send(&service, &claims())["status"].is_u64());
    assert_eq!(server.received().len(), 2);

    // Functions that change something are not even called.
    let error = lab.wait(service.start_vm("a")).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Denied, "{error}");
}

fn dry_run(lab: &Lab) {
    let server = Server::start();
    let (service, _) = lab.connect(&Setup::granted(&server));
    let plan = DryRun::new();
    let rehearsed = service.with_dry_run(std::sync::Arc::clone(&plan));
    let change = json!({
        "method": "POST",
        "path": ["vms"],
        "query": [["token", "a-value-that-is-not-told"]],
        "headers": [["content-type", "application/json"]],
        "body": "{\"name\":\"a\"}\u{1b}[2J",
    });
    assert_eq!(lab.send(&rehearsed, &change), json!({ "fault": "Denied" }));
    assert_eq!(lab.send(&rehearsed, &json!({ "path": ["vms"] }))["status"], 200);
    assert_eq!(server.received().len(), 1, "the one that reads");
    let stopped = plan.plan().stopped;
    let [Planned::Request(request)] = stopped.as_slice() else {
        panic!("{stopped:?}")
    };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/vms"));
    assert_eq!(
        (request.query.as_slice(), request.body_bytes),
        (&["token".to_owned()][..], Some(16))
    );
    assert_eq!(request.body.as_deref(), Some("{\"name\":\"a\"} [2J"));

    // The same connection, not rehearsed: it arrives.
    assert_eq!(lab.send(&service, &change)["status"], 200);
    assert_eq!(server.received().len(), 2);
}
