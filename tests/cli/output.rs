//! The formats of answers: shapes that programs rely on, tables that people read.

use std::process::Stdio;

use serde_json::Value;

use crate::session::Session;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn json_is_one_document_of_a_stable_shape() {
    let session = Session::with_lab();
    assert_eq!(session.json("list vm"), Value::Array(Vec::new()));
    session.done("create vm a --no-start");
    session.done("create vm b --no-start");
    let (list, one) = (session.json("list vm"), session.json("info vm a"));
    let several = session.json("info vm a b");
    assert!(one.is_object());
    assert_eq!(
        (list.as_array().unwrap().len(), several.as_array().unwrap().len()),
        (2, 2)
    );
    assert_eq!(several[0], one);
    assert_eq!(keys(&list[0]), keys(&one));
    let text = session.done("info vm a -o json");
    assert!(text.starts_with("{\n  \"connection\": \"lab\",\n  \"id\": "), "{text}");

    let started = session.json("start vm a");
    assert_eq!(
        started,
        serde_json::json!({"connection": "lab", "noun": "vm", "name": "a", "id": one["id"], "change": "started"})
    );
    assert!(session.json("stop vm a b").is_array());
}

#[test]
fn a_missing_one_of_several_is_told_beside_the_others() {
    let session = Session::with_lab();
    session.done("create vm a --no-start");
    let ended = session.run("info vm a missing -o json");
    assert_eq!(ended.code, Some(1));
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["name"]), (1, &"a".into()));
    assert!(ended.stderr.contains("there is no vm `missing`"), "{}", ended.stderr);

    let ended = session.run("start vm missing a");
    assert_eq!(ended.code, Some(1));
    assert_eq!(session.json("info vm a")["status"], "running");
}

#[test]
fn yaml_says_what_json_says() {
    let session = Session::with_lab();
    session.done("create vm a --no-start --metadata odd=true --description multi:line");
    for command in ["list vm", "info vm a", "list connection", "provider inspect fake"] {
        let yaml = session.done(&format!("{command} -o yaml"));
        let read: Value = serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{error}: {yaml}"));
        assert_eq!(read, session.json(command), "{command}");
    }
}

#[test]
fn tables_have_a_header_and_wide_ones_more_columns() {
    let session = Session::with_lab();
    assert_eq!(
        session.done("list vm"),
        "NAME  STATUS  IPS  CPUS  MEMORY  IMAGE  CONNECTION\n"
    );
    session.done("create vm a --no-start --cpus 1 --memory 512 --image debian-12");
    let table = session.done("list vm");
    insta::assert_snapshot!("table", table);
    let wide = session.done("list vm -o wide");
    for title in ["ID", "VENDOR STATUS", "LOCATION", "CREATED"] {
        assert!(wide.contains(title) && !table.contains(title), "{title}");
    }
    assert!(!wide.contains('\u{1b}'), "{wide}");
}

#[test]
fn success_prints_nothing_but_data() {
    let session = Session::with_lab();
    for command in [
        "create vm a",
        "list vm",
        "info vm a",
        "list image",
        "info connection lab --check",
    ] {
        let ended = session.run(&format!("{command} -o json"));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{command}");
        serde_json::from_str::<Value>(&ended.stdout).unwrap();
    }
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let session = Session::with_lab();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    for arguments in ["provider list -o json", "--help", "completions bash"] {
        let mut command = session.command(arguments);
        let ended = command
            .stdout(writer.try_clone().unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(0), "{arguments}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{arguments}");
    }
}
