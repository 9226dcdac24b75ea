//! Connections and the providers behind them: what is asked for, what is granted, several at once.

use crate::session::{Session, component};

#[test]
fn providers_are_inspected_added_and_removed() {
    let session = Session::empty();
    let file = component("fake");
    let inspected = session.json(&format!("provider inspect {}", file.display()));
    assert_eq!(inspected["info"]["name"], "fake");
    assert!(inspected["abilities"].as_array().unwrap().contains(&"vms".into()));
    let before = session.json("provider list");

    let added = session.json(&format!("provider add {} --yes", file.display()));
    assert_eq!(added, inspected);
    assert_eq!(session.json("provider inspect fake"), inspected);
    session.done(&format!("provider add {}", file.display()));

    session.done("create connection lab --provider fake --grant-all");
    let used = session.fails(1, "provider remove fake --yes");
    assert!(used.contains("lab"), "{used}");
    session.done("delete connection lab --yes");
    session.done("provider remove fake --yes");
    assert_eq!(session.json("provider list"), before);
}

#[test]
fn grants_are_asked_for_and_never_assumed() {
    let session = Session::empty();
    session.done(&format!("provider add {} --yes", component("fake").display()));
    let refused = session.run("create connection lab --provider fake");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    for expected in ["keep up to 16384 KiB", "hint: add `--grant-all` or `--grant-none`"] {
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }
    assert_eq!(session.json("list connection"), serde_json::json!([]));

    let none = session.json("create connection none --provider fake --grant-none");
    assert_eq!(
        none["state"],
        serde_json::json!({"asked_kib": 16384, "granted_kib": null, "effective_kib": null})
    );
    assert!(session.fails(1, "create vm a -c none").contains("connection `none`"));

    let all = session.json("create connection all-of-it --provider fake --grant-all");
    assert_eq!(all["state"]["effective_kib"], 16384);
    let file = std::fs::read_to_string(session.connection_file("all-of-it")).unwrap();
    assert!(file.contains("state_kib = 16384"), "{file}");
}

#[test]
fn asked_granted_and_effective_are_shown_for_each_endpoint() {
    let session = Session::empty();
    session.done(&format!("provider add {} --yes", component("web").display()));
    let inspected = session.json("provider inspect web");
    let endpoint = &inspected["info"]["endpoints"][0];
    let (name, asked) = (
        endpoint["name"].as_str().unwrap(),
        endpoint["rules"].as_array().unwrap(),
    );
    let file = session.connection_file("kweb");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let rules = |rules: &str| {
        let options = "[options]\nhost = \"192.0.2.1\"\n";
        let grants = format!("[grants.endpoints.{name}]\nrules = [{rules}]\n");
        std::fs::write(&file, format!("provider = \"web\"\n{options}{grants}")).unwrap();
        session.json("info connection kweb")["endpoints"][0].clone()
    };

    let nothing = rules("");
    assert_eq!(
        (&nothing["endpoint"], &nothing["asked"]),
        (&name.into(), &endpoint["rules"])
    );
    assert_eq!(nothing["effective"], serde_json::json!([]));
    let all: Vec<_> = asked
        .iter()
        .map(|rule| format!("{{ methods = {}, path = {} }}", rule["methods"], rule["path"]))
        .collect();
    assert_eq!(
        rules(&all.join(", "))["effective"].as_array().unwrap().len(),
        asked.len()
    );
    let narrow = rules("{ methods = [\"GET\", \"PATCH\"], path = \"/vms/web-1\" }");
    assert_eq!(
        narrow["effective"],
        serde_json::json!([{"methods": ["GET"], "path": "/vms/web-1"}])
    );
    let shown = session.done("info connection kweb");
    assert!(shown.contains("effective GET /vms/web-1"), "{shown}");
}

#[test]
fn a_connection_that_does_not_work_is_not_kept() {
    let session = Session::with_lab();
    let arguments = "create connection broken --provider fake --grant-all -P fail_on=check-connection:unavailable";
    let refused = session.fails(1, arguments);
    assert!(refused.contains("hint: nothing was created; `--no-check`"), "{refused}");
    assert_eq!(session.done("list connection -o name"), "lab\n");

    session.done(&format!("{arguments} --no-check"));
    let checked = session.run("info connection broken --check -o json");
    assert_eq!(checked.code, Some(1));
    let report: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(report["check"]["works"], false);
    assert_eq!(session.json("info connection lab --check")["check"]["works"], true);
}

#[test]
fn one_broken_connection_does_not_hide_the_others() {
    let session = Session::with_lab();
    session.done("create connection second --provider fake --grant-all");
    session.done("create connection failing --provider fake --grant-all --no-check -P fail_on=list-vms:unavailable");
    session.done("create vm a -c lab");
    session.done("create vm b -c second");
    std::fs::write(session.connection_file("torn"), "provider = \"fake\"\n[grants\n").unwrap();

    let listed = session.run("list vm -c all -o json");
    assert_eq!(listed.code, Some(1));
    let vms: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    let found: Vec<_> = vms
        .as_array()
        .unwrap()
        .iter()
        .map(|vm| (&vm["connection"], &vm["name"]))
        .collect();
    assert_eq!(found, [(&"lab".into(), &"a".into()), (&"second".into(), &"b".into())]);
    for expected in ["connection `failing`", "connection `torn`", "line 2"] {
        assert!(listed.stderr.contains(expected), "{expected}: {}", listed.stderr);
    }
    assert_eq!(session.done("list vm -c second,lab -o name"), "b\na\n");
    let connections = session.run("list connection -o name");
    assert_eq!(
        (connections.code, connections.stdout.as_str()),
        (Some(1), "failing\nlab\nsecond\n")
    );
    session.done("delete connection torn --yes");
    session.done("list connection");
}

#[test]
fn the_connection_is_chosen_and_never_guessed() {
    let session = Session::with_lab();
    session.done("list vm");
    session.done("create connection second --provider fake --grant-all");
    let unclear = session.fails(2, "list vm");
    assert!(unclear.contains("lab, second"), "{unclear}");
    assert!(session.fails(2, "create vm a -c all").contains("needs one connection"));
    let mut by_environment = session.command("list vm -o json");
    assert!(
        by_environment
            .env("STOCKADE_CONNECTION", "second")
            .output()
            .unwrap()
            .status
            .success()
    );
    session.fails(2, "provider list -c lab");
}

#[test]
fn a_cloud_that_other_clients_know_becomes_a_connection_whose_secret_is_in_a_file_of_its_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let session = Session::empty();
    session.done(&format!("provider add {} --yes", component("openstack").display()));
    let clouds = session.path().join("clouds.yaml");
    std::fs::write(
        &clouds,
        "clouds:\n  lab:\n    region_name: one\n    auth:\n      auth_url: https://cloud.example:5000/v3\n      \
         username: ann\n      password: canary-password\n      project_name: lab\n",
    )
    .unwrap();
    let create = "create connection lab --provider openstack --cloud lab --grant-all --no-check";
    std::fs::set_permissions(&clouds, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = session.fails(1, create);
    assert!(
        refused.contains("others can read its secret") && !refused.contains("canary"),
        "{refused}"
    );
    std::fs::set_permissions(&clouds, std::fs::Permissions::from_mode(0o600)).unwrap();
    let created = session.done(&format!("{create} -P interface=internal"));
    let file = std::fs::read_to_string(session.connection_file("lab")).unwrap();
    assert!(
        !created.contains("canary") && !file.contains("canary"),
        "{created}\n{file}"
    );
    for expected in [
        "host = \"cloud.example\"",
        "port = \"5000\"",
        "region = \"one\"",
        "interface = \"internal\"",
        "user = \"ann\"",
        "\"https://cloud.example:*\"",
    ] {
        assert!(file.contains(expected), "{expected} in {file}");
    }
    let secret = session.path().join("config/secrets/lab/keystone");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "canary-password");
    assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let twice = session.fails(1, create);
    assert!(twice.contains("lab"), "{twice}");
    assert!(secret.exists(), "it is the first one's");
    session.done("delete connection lab --yes");
    assert!(!secret.exists());

    let absent = session.fails(
        1,
        "create connection lab --provider openstack --cloud absent --grant-all",
    );
    assert!(
        absent.contains("no cloud `absent`") && absent.contains("hint: it has: lab"),
        "{absent}"
    );
}
