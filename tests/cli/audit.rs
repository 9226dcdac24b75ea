//! The audit log, and what is asked about grants: `audit list`, `grants show`, `grants explain`, `grants suggest`.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::session::Session;
use crate::vendor;

/// What may be done in these tests.
const READING: &str = r#"{ methods = ["GET"], path = "/vms/**" }, { methods = ["GET"], path = "/host" }"#;

/// A home with the connection `lab`, on which something was done and something denied.
fn used() -> Session {
    let session = Session::empty();
    vendor::connect(&session, "lab", vendor::start(), READING);
    session.done("list vm -c lab");
    session.fails(1, "list network -c lab");
    session
}

fn events<'a>(entries: &'a Value, event: &str) -> Vec<&'a Value> {
    entries
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["event"] == event)
        .collect()
}

#[test]
fn every_request_and_every_denial_is_written_down_with_its_call() {
    let session = used();
    let entries = session.json("audit list");
    let requests = events(&entries, "request");
    let (denials, calls) = (events(&entries, "denied"), events(&entries, "call"));
    assert_eq!(calls.len(), 2, "{entries:#}");
    let list = requests.iter().find(|request| request["path"] == "/vms").unwrap();
    assert_eq!(list["call"], calls[0]["call"]);
    for (key, expected) in [
        ("connection", Value::from("lab")),
        ("provider", "web".into()),
        ("function", "vms/list-vms".into()),
        ("endpoint", "api".into()),
        ("method", "GET".into()),
        ("outcome", "status".into()),
        ("status", 200.into()),
        ("received_bytes", 11.into()),
        ("rule", serde_json::json!({"methods": ["GET"], "path": "/vms"})),
    ] {
        assert_eq!(list[key], expected, "{key}");
    }
    assert!(list["origin"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert_eq!(
        (calls[0]["outcome"].as_str(), calls[0]["doing"].as_str()),
        (Some("done"), Some("list vms"))
    );
    assert_eq!(calls[1]["outcome"], "failed");

    assert_eq!(denials.len(), 1, "{entries:#}");
    assert_eq!(
        (&denials[0]["method"], &denials[0]["path"]),
        (&"GET".into(), &"/networks".into())
    );
    assert_eq!(denials[0]["call"], calls[1]["call"]);
    assert_eq!(session.json("audit list --denied"), serde_json::json!(denials));

    let table = session.done("audit list --denied");
    assert!(
        table.contains("GET api/networks") && table.contains("DENIED"),
        "{table}"
    );
    let call = calls[0]["call"].as_str().unwrap();
    assert!(
        session
            .done(&format!("audit list --call {call} -o name"))
            .lines()
            .all(|name| name == call)
    );
}

#[test]
fn the_log_is_private_and_broken_lines_are_told() {
    let session = used();
    let file = session.path().join("data/audit/audit.jsonl");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let before = session.json("audit list").as_array().unwrap().len();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}{}", &text[..20])).unwrap();
    let listed = session.run("audit list -o json");
    assert!(
        listed.stderr.contains("1 lines of the log could not be read"),
        "{listed:?}"
    );
    session.done("list vm -c lab");
    assert!(session.json("audit list").as_array().unwrap().len() > before);

    let limited = session.run("audit list --limit 1 -o json");
    assert_eq!(
        serde_json::from_str::<Value>(&limited.stdout)
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(limited.stderr.contains("`--limit 0` shows all"), "{limited:?}");
    assert_eq!(session.json("audit list -c other"), serde_json::json!([]));
    assert_eq!(
        session.json("audit list --since 1h --until 1970-01-01T00:00:00Z"),
        serde_json::json!([])
    );
    session.fails(2, "audit list --since yesterday");
}

#[test]
fn a_log_that_cannot_be_written_is_told_and_refuses_calls_only_where_it_is_required() {
    let session = Session::with_lab();
    let data = session.path().join("data");
    std::fs::remove_dir_all(data.join("audit")).unwrap();
    std::fs::write(data.join("audit"), "in the way").unwrap();
    let ended = session.run("list vm");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stderr.contains("warning: the audit log could not be written"),
        "{ended:?}"
    );

    let settings = session.path().join("config/audit.toml");
    std::fs::write(&settings, "required = true").unwrap();
    let refused = session.fails(1, "list vm");
    assert!(refused.contains("the audit log could not be written"), "{refused}");
    std::fs::remove_file(data.join("audit")).unwrap();
    session.done("list vm");
    let entries = session.json("audit list");
    assert_eq!(events(&entries, "begin")[0]["doing"], "list vms");
    std::fs::write(&settings, "requird = true").unwrap();
    assert!(session.fails(1, "list vm").contains("requird"));
}

#[test]
fn a_request_is_explained_by_its_rules_or_by_the_line_that_would_allow_it() {
    let session = Session::empty();
    vendor::connect(&session, "lab", 1, READING);
    let allowed = session.json("grants explain lab GET api/vms/web-1?x=1");
    assert_eq!(allowed["allowed"], true);
    assert_eq!(
        allowed["asked"],
        serde_json::json!({"methods": ["GET"], "path": "/vms/*"})
    );
    assert_eq!(
        allowed["granted"],
        serde_json::json!({"methods": ["GET"], "path": "/vms/**"})
    );
    assert_eq!(allowed["origin"], "http://127.0.0.1:1");

    let ended = session.run("grants explain lab DELETE api/vms/web-1 -o json");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let denied: Value = serde_json::from_str(&ended.stdout).unwrap();
    let line = r#"{ methods = ["DELETE"], path = "/vms/*" }"#;
    assert!(denied["hint"].as_str().unwrap().contains(line), "{denied}");
    // The hint is true: with that line, the request is allowed.
    vendor::connect(&session, "wider", 1, &format!("{READING}, {line}"));
    assert_eq!(
        session.json("grants explain wider DELETE api/vms/web-1")["allowed"],
        true
    );

    for (request, reason) in [
        ("GET api/users", "does not ask"),
        ("GET other/vms", "no such endpoint"),
        ("GET api/vms/..", "dot segment"),
        ("GET api/vms --header host=x", "`host` is the host's"),
    ] {
        let ended = session.run(&format!("grants explain lab {request} -o json"));
        assert_eq!(ended.code, Some(1), "{request}: {ended:?}");
        let denied: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert!(
            denied["reason"].as_str().unwrap().contains(reason),
            "{request}: {denied}"
        );
    }
    session.fails(2, "grants explain lab GET");
    session.fails(1, "grants explain lab GET https://api.example.com/vms");
    let shown = session.done("grants show lab");
    for expected in ["effective GET /vms/*", "addresses 127.0.0.0/8", "cpu_ms = "] {
        assert!(shown.contains(expected), "{shown}");
    }
    session.fails(2, "grants show lab -c lab");
}

#[test]
fn suggested_grants_allow_what_was_done_and_nothing_else() {
    let session = used();
    let suggested = session.done("grants suggest lab");
    assert!(suggested.contains("allow_addresses = [\"127.0.0.0/8\"]"), "{suggested}");
    assert!(
        suggested.contains(r#"{ methods = ["GET"], path = "/vms" }"#),
        "{suggested}"
    );
    let file = session.connection_file("lab");
    let paste = |grants: &str| {
        let text = std::fs::read_to_string(&file).unwrap();
        let (before, _) = text.split_once("[grants").unwrap();
        std::fs::write(&file, format!("{before}{grants}")).unwrap();
    };
    let with_denied = session.done("grants suggest lab --denied");
    paste(&suggested);
    session.done("list vm -c lab");
    assert_eq!(session.run("grants explain lab GET api/host").code, Some(1));
    assert_eq!(session.run("grants explain lab GET api/networks").code, Some(1));
    paste(&with_denied);
    session.done("grants explain lab GET api/networks");
    assert_eq!(session.run("grants explain lab POST api/networks").code, Some(1));
    let nothing = session.run("grants suggest lab --since 2999-01-01T00:00:00Z");
    assert_eq!(
        (nothing.code, nothing.stdout.as_str()),
        (Some(0), "[grants]\n"),
        "{nothing:?}"
    );
}
