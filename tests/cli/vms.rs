//! The life of VMs and of what belongs to them.

use std::io::Write as _;
use std::process::Stdio;

use crate::session::{Session, finish};

#[test]
fn a_created_vm_has_what_was_asked_for() {
    let session = Session::with_lab();
    let vm = session.json(
        "create vm web-1 --image debian-12 --cpus 2 --memory 1g --disk 20,pool=default --nic default \
         --metadata b=2 --metadata a=1 --description test --wait-ip 10",
    );
    assert_eq!(vm["connection"], "lab");
    assert_eq!(
        (&vm["name"], &vm["cpus"], &vm["memory_mib"]),
        (&"web-1".into(), &2.into(), &1024.into())
    );
    assert_eq!(
        (&vm["status"], &vm["image"], &vm["description"]),
        (&"running".into(), &"debian-12".into(), &"test".into())
    );
    assert_eq!(
        (&vm["disks"][0]["size_gib"], &vm["disks"][0]["pool"]),
        (&20.into(), &"default".into())
    );
    assert_eq!(vm["nics"][0]["network"], "default");
    assert_eq!(
        vm["metadata"],
        serde_json::json!([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    );
    assert_ne!(vm["ips"], serde_json::json!([]));
    assert_eq!(session.json("info vm web-1"), vm);
}

#[test]
fn vms_are_stopped_started_restarted_and_deleted() {
    let session = Session::with_lab();
    let status = |name: &str| session.json(&format!("info vm {name}"))["status"].clone();
    session.done("create vm a --no-start");
    session.done("create vm b");
    assert_eq!((status("a"), status("b")), ("stopped".into(), "running".into()));

    session.done("start vm a b");
    assert_eq!(status("a"), "running");
    let changed = session.json("stop vm a b --timeout 5");
    assert_eq!(changed[1]["change"], "stopped");
    assert_eq!((status("a"), status("b")), ("stopped".into(), "stopped".into()));
    session.done("restart vm b --force");
    assert_eq!(status("b"), "running");

    let ended = session.run("delete vm a b --yes");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert_eq!(ended.stderr, "vm `a` deleted\nvm `b` deleted\n");
    assert_eq!(session.json("list vm"), serde_json::json!([]));
    assert_eq!(session.json("list disk"), serde_json::json!([]));
}

#[test]
fn both_orders_and_the_aliases_do_the_same() {
    let session = Session::with_lab();
    session.done("vm add one");
    session.done("run vm two");
    let expected = "one\ntwo\n";
    for command in ["list vm", "vm list", "get vms", "vms get"] {
        assert_eq!(session.done(&format!("{command} -o name")), expected, "{command}");
    }
    assert_eq!(session.json("show vm one"), session.json("vm info one"));
    session.done("remove vm one -y");
    assert_eq!(session.done("list vm -o name"), "two\n");
    assert_eq!(session.json("list client"), session.json("connection list"));
    assert_eq!(session.json("list provider"), session.json("provider list"));
}

#[test]
fn snapshots_are_taken_gone_back_to_and_deleted() {
    let session = Session::with_lab();
    session.done("create vm a");
    let snapshot = session.json("create snapshot before --vm a --description test");
    assert_eq!(
        (&snapshot["connection"], &snapshot["name"]),
        (&"lab".into(), &"before".into())
    );
    assert_eq!(session.done("list vm-snapshot --vm a -o name"), "before\n");
    session.fails(2, "revert snapshot before --vm a");
    session.done("revert snapshot before --vm a --yes");

    let kept = session.fails(1, "delete vm a --yes");
    assert!(kept.contains("snapshot"), "{kept}");
    session.done("delete snapshot before --vm a --yes");
    session.done("delete vm a --yes");
}

#[test]
fn disks_networks_pools_and_images_are_created_listed_and_deleted() {
    let session = Session::with_lab();
    std::fs::write(session.path().join("disk.img"), vec![0_u8; 2 << 20]).unwrap();
    for (noun, arguments) in [
        ("disk", "--size 10"),
        ("network", "--cidr 192.0.2.0/24"),
        ("pool", "--type dir"),
        ("image", "--file disk.img --format raw"),
    ] {
        let created = session.json(&format!("create {noun} mine {arguments}"));
        assert_eq!(
            (&created["connection"], &created["name"]),
            (&"lab".into(), &"mine".into()),
            "{noun}"
        );
        assert_eq!(session.json(&format!("info {noun} mine")), created);
        let names = session.done(&format!("list {noun} -o name"));
        assert!(names.lines().any(|name| name == "mine"), "{noun}: {names}");
        session.fails(2, &format!("delete {noun} mine"));
        session.done(&format!("delete {noun} mine --yes"));
        session.fails(1, &format!("info {noun} mine"));
    }
}

#[test]
fn user_data_is_read_from_standard_input() {
    let session = Session::with_lab();
    let mut command = session.command("create vm a --user-data -");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"#cloud-config\n").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    let missing = finish(&mut session.command("create vm b --user-data no-such-file"));
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert_eq!(session.done("list vm -o name"), "a\n");
}
