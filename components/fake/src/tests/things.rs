//! Everything else, and the options that make it fail.

use super::*;

#[test]
fn a_new_cloud_has_a_pool_a_network_images_and_flavors() {
    let host = FakeHost::new();
    let names = |names: Vec<String>| names.join(" ");
    assert_eq!(Fake::list_vms(&host, page(None)).expect("vms").items, []);
    assert_eq!(
        Fake::get_network(&host, text("default")).expect("network").cidrs,
        ["192.0.2.0/24"]
    );
    assert_eq!(Fake::list_pools(&host, page(None)).expect("pools").items.len(), 1);
    assert_eq!(
        names(
            Fake::list_images(&host, page(None))
                .expect("images")
                .items
                .into_iter()
                .map(|image| image.name)
                .collect()
        ),
        "debian-12 tiny"
    );
    assert_eq!(
        names(
            Fake::list_flavors(&host, page(None))
                .expect("flavors")
                .items
                .into_iter()
                .map(|flavor| flavor.name)
                .collect()
        ),
        "large medium small"
    );
    // What is deleted stays deleted: the cloud is filled once.
    Fake::delete_image(&host, text("tiny")).expect("delete");
    assert_eq!(
        Fake::get_image(&host, text("tiny")).expect_err("gone").kind,
        missing("image", "tiny")
    );
}

#[test]
fn snapshots_are_a_tree_that_survives_deletion_of_a_node() {
    let host = FakeHost::new();
    let vm = || text("a");
    Fake::create_vm(&host, spec("a")).expect("create");
    let list = || {
        let snapshots = Fake::list_snapshots(&host, vm(), page(None)).expect("list").items;
        snapshots
            .into_iter()
            .map(|have| {
                format!(
                    "{}<{}{}",
                    have.name,
                    have.parent.unwrap_or_default(),
                    if have.current { "*" } else { "" }
                )
            })
            .collect::<Vec<_>>()
    };
    Fake::create_snapshot(&host, vm(), snapshot("one")).expect("one");
    Fake::set_vm_description(&host, vm(), Some(text("later"))).expect("change");
    Fake::create_snapshot(
        &host,
        vm(),
        SnapshotSpec {
            with_memory: true,
            ..snapshot("two")
        },
    )
    .expect("two");
    Fake::revert_snapshot(&host, vm(), text("one")).expect("revert");
    let reverted = Fake::get_vm(&host, vm()).expect("get");
    assert_eq!((reverted.status, reverted.description), (VmStatus::Stopped, None));
    Fake::create_snapshot(&host, vm(), snapshot("three")).expect("three");
    assert_eq!(list(), ["one<", "two<one", "three<one*"]);
    assert_eq!(
        Fake::create_snapshot(&host, vm(), snapshot("one"))
            .expect_err("name")
            .kind,
        ErrorKind::AlreadyExists(Subject::new("snapshot", "one"))
    );
    assert_eq!(
        Fake::create_snapshot(
            &host,
            vm(),
            SnapshotSpec {
                with_memory: true,
                ..snapshot("x")
            }
        )
        .expect_err("stopped")
        .kind,
        ErrorKind::Conflict
    );
    assert_eq!(
        Fake::create_snapshot(
            &host,
            vm(),
            SnapshotSpec {
                quiesce: true,
                ..snapshot("x")
            }
        )
        .expect_err("no agent")
        .kind,
        ErrorKind::Unavailable
    );
    Fake::delete_snapshot(&host, vm(), text("one"), false).expect("middle");
    assert_eq!(list(), ["two<", "three<*"]);
    Fake::revert_snapshot(&host, vm(), text("two")).expect("with memory");
    assert_eq!(Fake::get_vm(&host, vm()).expect("get").status, VmStatus::Running);
    Fake::create_snapshot(&host, vm(), snapshot("four")).expect("four");
    Fake::delete_snapshot(&host, vm(), text("two"), true).expect("branch");
    assert_eq!(list(), ["three<"]);
    assert_eq!(
        Fake::revert_snapshot(&host, vm(), text("two")).expect_err("gone").kind,
        missing("snapshot", "two")
    );
}

#[test]
fn an_image_is_measured_checked_and_kept_only_when_right() {
    let host = FakeHost::new();
    let new = |name: &str| ImageSpec {
        name: text(name),
        pool: None,
        format: None,
        sha256: None,
        options: vec![],
    };
    let qcow2 = FakeBlob::new([b"QFI\xfb".as_slice(), &vec![0; 3 << 20]].concat()).with_unknown_size();
    Fake::upload_image(&host, new("a"), &qcow2).expect("upload");
    let image = Fake::get_image(&host, text("a")).expect("get");
    assert_eq!((image.format.as_deref(), image.size_mib), (Some("qcow2"), Some(4)));
    // SHA-256 of "abc": FIPS 180-2, appendix B.1.
    let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let abc = FakeBlob::new("abc");
    Fake::upload_image(
        &host,
        ImageSpec {
            sha256: Some(text(right)),
            ..new("b")
        },
        &abc,
    )
    .expect("right digest");
    for (field, spec, content) in [
        (
            "sha256",
            ImageSpec {
                sha256: Some(right.replace('b', "c")),
                ..new("c")
            },
            &abc,
        ),
        (
            "format",
            ImageSpec {
                format: Some(text("iso")),
                ..new("c")
            },
            &abc,
        ),
        ("content", new("c"), &FakeBlob::default()),
    ] {
        assert_eq!(
            Fake::upload_image(&host, spec, content).expect_err(field).kind,
            invalid(field)
        );
    }
    assert_eq!(
        Fake::get_image(&host, text("c")).expect_err("nothing left").kind,
        missing("image", "c")
    );
    assert_eq!(
        Fake::upload_image(&host, new("a"), &abc).expect_err("name").kind,
        ErrorKind::AlreadyExists(Subject::new("image", "a"))
    );
    assert_eq!(
        Fake::import_image(&host, new("c"), text("https://a.example"))
            .expect_err("import")
            .kind,
        ErrorKind::Unsupported(text("import-image"))
    );
}

#[test]
fn disks_grow_move_and_are_held_once() {
    let host = FakeHost::new();
    for name in ["a", "b"] {
        Fake::create_vm(&host, spec(name)).expect("vm");
    }
    let id = Fake::create_disk(
        &host,
        DiskSpec {
            vm: Some(text("a")),
            ..disk_spec("data")
        },
    )
    .expect("create")
    .id;
    let attach = |shareable| AttachSpec {
        disk: id.clone(),
        bus: None,
        read_only: false,
        shareable,
    };
    assert_eq!(
        Fake::attach_disk(&host, text("b"), attach(true))
            .expect_err("held")
            .kind,
        ErrorKind::Conflict
    );
    Fake::detach_disk(&host, text("a"), text("vdb")).expect("by device");
    assert_eq!(
        Fake::detach_disk(&host, text("a"), id.clone()).expect_err("free").kind,
        missing("disk", &id)
    );
    for vm in ["a", "b"] {
        Fake::attach_disk(&host, text(vm), attach(true)).expect("shared");
    }
    assert_eq!(
        Fake::get_disk(&host, text("data")).expect("get").attached_to,
        ["a", "b"]
    );
    Fake::resize_disk(&host, text("data"), 3).expect("grow");
    assert_eq!(
        Fake::resize_disk(&host, text("data"), 2).expect_err("shrink").kind,
        invalid("size-gib")
    );
    assert_eq!(
        Fake::create_disk(&host, disk_spec("data")).expect_err("name").kind,
        ErrorKind::AlreadyExists(Subject::new("disk", "data"))
    );
}

#[test]
fn interfaces_networks_and_clones_get_addresses_of_their_own() {
    let host = FakeHost::new();
    let network = |name: &str, cidrs: &[&str]| NetworkSpec {
        name: text(name),
        cidrs: cidrs.iter().map(|cidr| text(cidr)).collect(),
        mode: None,
        dhcp: true,
        domain: None,
        metadata: vec![],
        options: vec![],
    };
    Fake::create_network(&host, network("lab", &["198.51.100.7/24"])).expect("network");
    for cidrs in [&["x"][..], &["192.0.2.0/24", "198.51.100.0/24"], &["192.0.2.0/31"]] {
        assert_eq!(
            Fake::create_network(&host, network("bad", cidrs))
                .expect_err("cidrs")
                .kind,
            invalid("cidrs")
        );
    }
    Fake::create_vm(&host, spec("a")).expect("vm");
    let added = Fake::add_nic(
        &host,
        text("a"),
        VmNicSpec {
            network: Some(text("lab")),
            ..nic()
        },
    )
    .expect("add")
    .id;
    assert_eq!(
        Fake::get_vm(&host, text("a")).expect("get").ips,
        ["192.0.2.10", "198.51.100.10"]
    );
    Fake::update_nic(&host, text("a"), added.clone(), text("default")).expect("move");
    Fake::clone_vm(
        &host,
        text("a"),
        VmCloneSpec {
            name: text("b"),
            linked: true,
            snapshot: None,
            start: true,
        },
    )
    .expect("clone");
    let copy = Fake::get_vm(&host, text("b")).expect("copy");
    assert_eq!(copy.ips, ["192.0.2.12", "192.0.2.13"]);
    let original_disk = Fake::get_vm(&host, text("a")).expect("original").disks.expect("disks")[0]
        .id
        .clone();
    assert_eq!(copy.disks.expect("disks")[0].backing, original_disk);
    Fake::remove_nic(&host, text("a"), added).expect("remove");
    assert_eq!(
        Fake::delete_vm(&host, text("a"), EVERYTHING).expect("delete").pending,
        None
    );
}

#[test]
fn pages_follow_the_caller_then_the_connection() {
    let host = FakeHost::new().with_option("page_size", 2);
    for name in ["a", "b", "c", "d"] {
        Fake::create_vm(&host, spec(name)).expect("vm");
    }
    let first = Fake::list_vms(&host, page(None)).expect("first");
    assert_eq!((first.items.len(), first.next.is_some()), (2, true));
    let second = Fake::list_vms(
        &host,
        PageRequest {
            cursor: first.next,
            limit: None,
        },
    )
    .expect("second");
    assert_eq!(
        (second.items[0].name.as_str(), second.items.len(), second.next),
        ("c", 2, None)
    );
    assert_eq!(Fake::list_vms(&host, page(Some(4))).expect("all").items.len(), 4);
}

#[test]
fn it_fails_and_waits_as_the_connection_says() {
    let rules = vec![text("create-vm:quota-exceeded:2"), text("list-vms:rate-limited")];
    let host = FakeHost::new()
        .with_option("fail_on", rules)
        .with_option("latency_ms", 30);
    for _ in 0..2 {
        assert_eq!(
            Fake::create_vm(&host, spec("a")).expect_err("told to").kind,
            ErrorKind::QuotaExceeded(Some(text("simulated")))
        );
    }
    Fake::create_vm(&host, spec("a")).expect("third");
    assert_eq!(host.sleeps(), [30, 30, 30]);
    for _ in 0..3 {
        assert_eq!(
            Fake::list_vms(&host, page(None)).expect_err("always").kind,
            ErrorKind::RateLimited(Some(10))
        );
    }
    for rule in ["create-vm", "create-vm:nonsense", "create-vm:denied:x", "a:denied:1:2"] {
        let host = FakeHost::new().with_option("fail_on", vec![text(rule)]);
        assert_eq!(Fake::check_connection(&host).expect_err(rule).kind, invalid("fail_on"));
    }
}
