//! `--read-only` and `--dry-run`: nothing is changed, and it is told what would have been.

use serde_json::json;

use crate::session::Session;

#[test]
fn a_read_only_command_or_connection_changes_nothing() {
    let session = Session::with_lab();
    session.done("create vm a --no-start");
    let before = session.json("list vm");
    let refused = session.fails(1, "start vm a --read-only");
    assert!(refused.contains("only reads"), "{refused}");
    assert_eq!(session.json("--read-only list vm"), before);

    let file = session.connection_file("lab");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("read_only = true\n{text}")).unwrap();
    let refused = session.fails(1, "delete vm a --yes");
    assert!(refused.contains("only reads"), "{refused}");
    assert_eq!(session.json("list vm"), before);
    assert_eq!(session.json("info connection lab")["read_only"], json!(true));

    std::fs::write(&file, text).unwrap();
    session.done("start vm a");
    assert_ne!(session.json("list vm"), before);
}

#[test]
fn a_dry_run_stops_tells_and_has_an_exit_code_of_its_own() {
    let session = Session::with_lab();
    let before = session.json("list vm");
    let stopped = session.run("create vm a --dry-run -o json");
    assert_eq!(stopped.code, Some(4), "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("dry run: stopped the call `create-vm`"),
        "{}",
        stopped.stderr
    );
    let plan: serde_json::Value = serde_json::from_str(&stopped.stdout).unwrap();
    assert_eq!(
        plan,
        json!({ "dry_run": { "stopped": [{ "call": { "function": "create-vm" } }], "left_out": 0 } })
    );
    assert_eq!(session.json("list vm"), before);

    let reads = session.run("list vm --dry-run");
    assert_eq!(reads.code, Some(0), "{}", reads.stderr);
    // Where nothing would be stopped, a dry run must not look like one.
    session.fails(2, "delete connection lab --yes --dry-run");
    session.fails(2, "list vm --dry-run --read-only");
    assert_eq!(session.json("list connection").as_array().unwrap().len(), 1);
}
