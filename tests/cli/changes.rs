//! Changes of existing VMs, and what is made of them.

use crate::session::Session;

#[test]
fn vms_are_held_and_let_go() {
    let session = Session::with_lab();
    let status = || session.json("info vm a")["status"].clone();
    session.done("create vm a");
    for (verb, done, expected) in [
        ("pause", "paused", "paused"),
        ("resume", "resumed", "running"),
        ("suspend", "suspended", "suspended"),
        ("resume", "resumed", "running"),
        ("reset", "reset", "running"),
    ] {
        assert_eq!(session.json(&format!("{verb} vm a"))["change"], done);
        assert_eq!(status(), expected, "after {verb}");
    }
    session.done("stop vm a --force");
    session.fails(1, "pause vm a");
}

#[test]
fn one_update_changes_everything_that_is_named_and_nothing_else() {
    let session = Session::with_lab();
    session.done("create vm a --no-start --metadata keep=1 --metadata drop=2");
    let mut iso = vec![0_u8; 40_000];
    iso[32_769..32_774].copy_from_slice(b"CD001");
    std::fs::write(session.path().join("disc.iso"), iso).unwrap();
    let image = session.json("create image disc --file disc.iso");

    session.done(
        "update vm a --cpus 3 --memory 2g --metadata plan=blue --remove-metadata drop --description changed \
         --autostart on --iso disc",
    );
    let vm = session.json("info vm a");
    assert_eq!((&vm["cpus"], &vm["memory_mib"]), (&3.into(), &2048.into()));
    assert_eq!(
        (&vm["description"], &vm["autostart"]),
        (&"changed".into(), &true.into())
    );
    assert_eq!(
        vm["metadata"],
        serde_json::json!([{"key": "keep", "value": "1"}, {"key": "plan", "value": "blue"}])
    );
    let drive = |vm: &serde_json::Value| vm["disks"][0].clone();
    assert_eq!(
        (&drive(&vm)["device"], &drive(&vm)["id"]),
        (&"cdrom".into(), &image["id"])
    );

    session.done("update vm a --flavor medium --description= --no-iso");
    let vm = session.json("info vm a");
    assert_eq!((&vm["flavor"], &vm["cpus"]), (&"medium".into(), &2.into()));
    assert!(vm["description"].is_null() && drive(&vm)["id"].is_null(), "{vm}");

    let told = session.fails(2, "update vm a");
    assert!(told.contains("there is nothing to change"), "{told}");
    session.fails(2, "update vm a --autostart maybe");
    session.fails(1, "update vm absent --cpus 2");
    assert!(
        session
            .fails(1, "update vm a --hardware")
            .contains("upgrade-vm-hardware")
    );
}

#[test]
fn a_vm_is_copied_exported_and_moved() {
    let session = Session::with_lab();
    session.done("create vm a --image tiny");
    let copy = session.json("clone vm b --base a --start");
    assert_eq!((&copy["name"], &copy["status"]), (&"b".into(), &"running".into()));
    session.fails(1, "clone vm b --base a");

    assert!(session.fails(1, "export vm a").contains("must be stopped"));
    session.done("stop vm a --force");
    let image = session.json("export vm a --image golden --format raw");
    assert_eq!((&image["name"], &image["format"]), (&"golden".into(), &"raw".into()));
    session.done("create vm c --image golden");
    // A file of which nothing came is not left behind.
    assert!(
        session
            .fails(1, "export vm a --file disk.img")
            .contains("download-vm-disk")
    );
    assert!(!session.path().join("disk.img").exists());

    let target = |vm: &str| session.json(&format!("info vm {vm}"))["location"].clone();
    session.done("migrate vm b --target zone-b --live");
    assert_eq!(target("b"), "zone-b");
    session.fails(1, "migrate vm b --target zone-c --live");
    assert_eq!(session.json("info host zone-b")["vms_running"], 1);
    session.fails(1, "info host zone-c");
    assert_eq!(session.done("list flavor -o name"), "large\nmedium\nsmall\n");
}

#[test]
fn disks_and_interfaces_come_and_go_while_their_vm_stays() {
    let session = Session::with_lab();
    session.done("create vm a --image tiny");
    session.done("create disk data --size 10");
    session.done("attach disk data --vm a");
    assert_eq!(session.json("info disk data")["attached_to"], serde_json::json!(["a"]));
    session.fails(1, "delete disk data --yes");
    session.done("update disk data --size 20");
    session.fails(1, "update disk data --size 10");
    session.done("detach disk data --vm a");
    assert_eq!(session.json("info disk data")["size_gib"], 20);

    session.done("create network other --cidr 198.51.100.0/24");
    let added = session.json("create vm-nic default --vm a");
    assert_eq!((&added["name"], &added["change"]), (&"eth1".into(), &"added".into()));
    session.done("update nic eth1 --vm a --network other");
    let nics = session.json("info vm a")["nics"].clone();
    assert_eq!(nics[1]["network"], "other");
    session.fails(2, "delete nic eth1 --vm a");
    session.done("delete nic eth1 --vm a --yes");
    session.fails(1, "delete nic eth1 --vm a --yes");
    session.done("update network other --domain example.org --dhcp off");
    assert_eq!(session.json("info network other")["domain"], "example.org");
    session.fails(2, "update network other");
}

#[test]
fn a_console_is_shown_or_refused_and_its_log_is_clean() {
    let session = Session::with_lab();
    session.done("create vm a --image tiny");
    assert_eq!(session.done("console vm a --log"), "a login:\n");
    assert_eq!(session.json("console vm a --log")["log"], "a login:\n");
    assert!(session.fails(1, "console vm a --serial").contains("open-vm-console"));
    session.fails(1, "console vm a --screenshot picture.png");
    assert!(!session.path().join("picture.png").exists());
    session.fails(1, "console vm absent --log");
}

#[test]
fn guests_are_asked_frozen_and_given_keys() {
    let session = Session::with_lab();
    session.done("create vm a --image tiny");
    assert_eq!(session.json("guest info a")["hostname"], "a");
    assert_eq!(session.json("info guest a"), session.json("guest info a"));
    assert_eq!(session.json("guest freeze a")["change"], "frozen");
    session.fails(1, "guest freeze a");
    session.done("guest thaw a");
    std::fs::write(session.path().join("keys"), "ssh-ed25519 AAAA me\n").unwrap();
    session.done("guest set-ssh-keys a cloud --ssh-key keys");
    session.fails(1, "guest set-ssh-keys a root --no-keys");
    session.fails(2, "guest set-ssh-keys a cloud");
    assert!(
        session
            .fails(1, "guest exec a -- /bin/true")
            .contains("run-guest-command")
    );
    std::fs::write(session.path().join("password"), "correct horse\n").unwrap();
    let told = session.fails(1, "guest set-password a cloud --password-file password");
    assert!(!told.contains("correct horse"), "{told}");
    std::fs::write(session.path().join("password"), "two\nlines\n").unwrap();
    session.fails(2, "guest set-password a cloud --password-file password");
}

#[test]
fn events_are_lines_with_the_cursor_to_go_on_from() {
    let session = Session::with_lab();
    session.done("create vm a");
    let lines = session.done("events --cursor 0 --for 0 -o json");
    let events: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let created = events
        .iter()
        .find(|event| event["kind"] == "created" && event["subject"]["noun"] == "vm")
        .unwrap_or_else(|| panic!("{lines}"));
    assert_eq!(
        (&created["subject"]["name"], &created["connection"]),
        (&"a".into(), &"lab".into())
    );
    let cursor = created["cursor"].as_str().unwrap();
    assert_eq!(session.done(&format!("events --cursor {cursor} --for 0 -o json")), "");
    session.done("stop vm a --force");
    let people = session.run(&format!("events --cursor {cursor} --for 0"));
    assert!(people.stdout.contains("vm changed `a`"), "{people:?}");
    assert!(people.stderr.contains("go on with `--cursor "), "{people:?}");
    session.fails(1, "events --cursor nonsense --for 0");
}
