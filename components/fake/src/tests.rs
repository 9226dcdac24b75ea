//! The simulated cloud in its own words: what it promises to those who test against it.

use stockade_provider::abilities::*;
use stockade_provider::fake_host::{FakeBlob, FakeHost};
use stockade_provider::types::*;

use crate::Fake;

fn spec(name: &str) -> VmSpec {
    VmSpec {
        name: name.to_owned(),
        image: Some("tiny".to_owned()),
        flavor: None,
        cpus: None,
        memory_mib: None,
        disks: vec![],
        nics: vec![],
        pool: None,
        location: None,
        user_data: None,
        ssh_keys: vec![],
        hostname: None,
        security_groups: vec![],
        start: true,
        autostart: false,
        description: None,
        metadata: vec![],
        idempotency_key: None,
        options: vec![],
    }
}

fn nic() -> VmNicSpec {
    VmNicSpec {
        network: None,
        subnet: None,
        mac: None,
        model: None,
        address: None,
        gateway: None,
        dns_servers: vec![],
        public: None,
    }
}

fn disk() -> VmDiskSpec {
    VmDiskSpec {
        size_gib: None,
        pool: None,
        image: None,
        existing: None,
        bus: None,
        format: None,
    }
}

fn disk_spec(name: &str) -> DiskSpec {
    DiskSpec {
        name: Some(name.to_owned()),
        size_gib: 2,
        pool: None,
        format: None,
        image: None,
        vm: None,
        metadata: vec![],
        options: vec![],
    }
}

fn snapshot(name: &str) -> SnapshotSpec {
    SnapshotSpec {
        name: name.to_owned(),
        description: None,
        with_memory: false,
        quiesce: false,
    }
}

fn page(limit: Option<u32>) -> PageRequest {
    PageRequest { cursor: None, limit }
}

fn text(text: &str) -> String {
    text.to_owned()
}

const EVERYTHING: VmDeleteOptions = VmDeleteOptions {
    keep_disks: false,
    delete_snapshots: true,
};

fn missing(noun: &str, name: &str) -> ErrorKind {
    ErrorKind::NotFound(Subject::new(noun, name))
}

fn invalid(field: &str) -> ErrorKind {
    ErrorKind::InvalidArgument(text(field))
}

fn disk_names(host: &FakeHost) -> Vec<String> {
    Fake::list_disks(host, page(None))
        .expect("disks")
        .items
        .into_iter()
        .map(|disk| disk.name)
        .collect()
}

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
fn a_vm_has_what_its_spec_asked_for_and_the_same_spec_gives_the_same_vm() {
    let make = || {
        let host = FakeHost::new();
        let full = VmSpec {
            flavor: Some(text("medium")),
            disks: vec![
                disk(),
                VmDiskSpec {
                    size_gib: Some(5),
                    bus: Some(text("scsi")),
                    format: Some(text("raw")),
                    ..disk()
                },
            ],
            nics: vec![
                nic(),
                VmNicSpec {
                    mac: Some(text("02:AA:00:00:00:01")),
                    address: Some(text("192.0.2.77/24")),
                    ..nic()
                },
            ],
            location: Some(text("zone-b")),
            autostart: true,
            description: Some(text("a test")),
            metadata: vec![
                Tag {
                    key: text("b"),
                    value: text("2"),
                },
                Tag {
                    key: text("a"),
                    value: text("1"),
                },
            ],
            ..spec("a b/%ä")
        };
        let id = Fake::create_vm(&host, full).expect("create").id;
        Fake::get_vm(&host, id).expect("get")
    };
    let vm = make();
    assert_eq!(
        (vm.name.as_str(), vm.status, vm.vendor_status.as_str()),
        ("a b/%ä", VmStatus::Running, "RUNNING")
    );
    assert_eq!(
        (vm.cpus, vm.memory_mib, vm.flavor.as_deref()),
        (Some(2), Some(4096), Some("medium"))
    );
    assert_eq!(
        (vm.location.as_deref(), vm.autostart, vm.description.as_deref()),
        (Some("zone-b"), Some(true), Some("a test"))
    );
    assert_eq!(vm.ips, ["192.0.2.10", "192.0.2.77"]);
    assert_eq!(vm.metadata.as_ref().map(|tags| tags[0].key.as_str()), Some("a"));
    let disks = vm.disks.clone().expect("disks");
    assert_eq!(
        disks
            .iter()
            .map(|disk| (disk.name.as_str(), disk.size_gib, disk.bus.as_deref()))
            .collect::<Vec<_>>(),
        [("vda", Some(1), Some("virtio")), ("vdb", Some(5), Some("scsi"))]
    );
    assert!(disks[0].backing.is_some() && disks[1].backing.is_none());
    assert_eq!(
        vm.nics.as_ref().and_then(|nics| nics[1].mac.clone()).as_deref(),
        Some("02:aa:00:00:00:01")
    );
    assert_eq!(make(), vm);
}

#[test]
fn two_vms_never_share_an_address_or_a_name() {
    let host = FakeHost::new();
    Fake::create_vm(
        &host,
        VmSpec {
            nics: vec![nic(), nic()],
            ..spec("a")
        },
    )
    .expect("a");
    Fake::create_vm(&host, spec("b")).expect("b");
    let vms = Fake::list_vms(&host, page(None)).expect("list").items;
    let ips: std::collections::BTreeSet<_> = vms.iter().flat_map(|vm| vm.ips.clone()).collect();
    assert_eq!(ips.len(), 3);
    let before = disk_names(&host);
    let error = Fake::create_vm(&host, spec("a")).expect_err("name");
    assert_eq!(error.kind, ErrorKind::AlreadyExists(Subject::new("vm", "a")));
    let fixed = VmNicSpec {
        address: Some(text("192.0.2.10/24")),
        ..nic()
    };
    assert_eq!(
        Fake::create_vm(
            &host,
            VmSpec {
                nics: vec![fixed],
                ..spec("c")
            }
        )
        .expect_err("address")
        .kind,
        ErrorKind::Conflict
    );
    assert_eq!(disk_names(&host), before);
}

#[test]
fn a_refused_field_is_named_and_leaves_nothing() {
    let host = FakeHost::new();
    let option = OptionEntry {
        name: text("x"),
        value: true.into(),
    };
    for (kind, bad) in [
        (invalid("name"), spec("")),
        (
            missing("image", "x"),
            VmSpec {
                image: Some(text("x")),
                ..spec("a")
            },
        ),
        (
            missing("flavor", "x"),
            VmSpec {
                flavor: Some(text("x")),
                ..spec("a")
            },
        ),
        (
            invalid("cpus"),
            VmSpec {
                flavor: Some(text("small")),
                cpus: Some(1),
                ..spec("a")
            },
        ),
        (
            invalid("memory-mib"),
            VmSpec {
                memory_mib: Some(0),
                ..spec("a")
            },
        ),
        (
            missing("pool", "x"),
            VmSpec {
                pool: Some(text("x")),
                ..spec("a")
            },
        ),
        (
            invalid("location"),
            VmSpec {
                location: Some(text("x")),
                ..spec("a")
            },
        ),
        (
            invalid("security-groups"),
            VmSpec {
                security_groups: vec![text("x")],
                ..spec("a")
            },
        ),
        (
            invalid("metadata"),
            VmSpec {
                metadata: vec![
                    Tag {
                        key: text("a"),
                        value: text("")
                    };
                    2
                ],
                ..spec("a")
            },
        ),
        (
            invalid("x"),
            VmSpec {
                options: vec![option],
                ..spec("a")
            },
        ),
        (
            invalid("user-data"),
            VmSpec {
                user_data: Some("x".repeat(20_000)),
                ..spec("a")
            },
        ),
        (
            invalid("disks.size-gib"),
            VmSpec {
                image: Some(text("debian-12")),
                disks: vec![VmDiskSpec {
                    size_gib: Some(1),
                    ..disk()
                }],
                ..spec("a")
            },
        ),
        (
            invalid("disks.bus"),
            VmSpec {
                disks: vec![VmDiskSpec {
                    bus: Some(text("x")),
                    ..disk()
                }],
                ..spec("a")
            },
        ),
        (
            missing("disk", "x"),
            VmSpec {
                disks: vec![VmDiskSpec {
                    existing: Some(text("x")),
                    ..disk()
                }],
                ..spec("a")
            },
        ),
        (
            missing("network", "x"),
            VmSpec {
                nics: vec![VmNicSpec {
                    network: Some(text("x")),
                    ..nic()
                }],
                ..spec("a")
            },
        ),
        (
            invalid("nics.subnet"),
            VmSpec {
                nics: vec![VmNicSpec {
                    subnet: Some(text("x")),
                    ..nic()
                }],
                ..spec("a")
            },
        ),
        (
            invalid("nics.address"),
            VmSpec {
                nics: vec![VmNicSpec {
                    gateway: Some(text("192.0.2.1")),
                    ..nic()
                }],
                ..spec("a")
            },
        ),
        (
            invalid("nics.mac"),
            VmSpec {
                nics: vec![VmNicSpec {
                    mac: Some(text("x")),
                    ..nic()
                }],
                ..spec("a")
            },
        ),
        (
            ErrorKind::QuotaExceeded(Some(text("pool"))),
            VmSpec {
                disks: vec![VmDiskSpec {
                    size_gib: Some(20_000),
                    ..disk()
                }],
                ..spec("a")
            },
        ),
    ] {
        assert_eq!(Fake::create_vm(&host, bad).expect_err("refused").kind, kind);
    }
    assert_eq!(Fake::list_vms(&host, page(None)).expect("vms").items, []);
    assert!(disk_names(&host).is_empty());
}

#[test]
fn power_goes_from_state_to_state_as_the_contract_says() {
    let host = FakeHost::new();
    let vm = || text("a");
    Fake::create_vm(
        &host,
        VmSpec {
            start: false,
            ..spec("a")
        },
    )
    .expect("create");
    let status = || Fake::get_vm(&host, vm()).expect("get").status;
    assert_eq!(
        (status(), Fake::get_vm(&host, vm()).expect("get").ips),
        (VmStatus::Stopped, vec![])
    );
    assert_eq!(
        Fake::pause_vm(&host, vm()).expect_err("stopped").kind,
        ErrorKind::Conflict
    );
    assert_eq!(
        Fake::reset_vm(&host, vm()).expect_err("stopped").kind,
        ErrorKind::Conflict
    );
    Fake::restart_vm(&host, vm(), StopMode::Forced).expect("a stopped vm is started");
    Fake::start_vm(&host, vm()).expect("a running one stays");
    assert_eq!(status(), VmStatus::Running);
    Fake::pause_vm(&host, vm()).expect("pause");
    assert_eq!(
        Fake::start_vm(&host, vm()).expect_err("paused").kind,
        ErrorKind::Conflict
    );
    Fake::resume_vm(&host, vm()).expect("resume");
    Fake::suspend_vm(&host, vm()).expect("suspend");
    assert_eq!(status(), VmStatus::Suspended);
    Fake::start_vm(&host, vm()).expect("start");
    let bigger = |apply| VmResizeSpec {
        cpus: Some(4),
        memory_mib: None,
        flavor: None,
        apply,
    };
    Fake::resize_vm(&host, vm(), bigger(ApplyWhen::NextStart)).expect("resize");
    assert_eq!(Fake::get_vm(&host, vm()).expect("get").cpus, Some(1));
    for _ in 0..2 {
        Fake::stop_vm(&host, vm(), StopMode::Graceful(1)).expect("stop");
    }
    Fake::start_vm(&host, vm()).expect("start");
    assert_eq!(
        (status(), Fake::get_vm(&host, vm()).expect("get").cpus),
        (VmStatus::Running, Some(4))
    );
}

#[test]
fn deleting_a_vm_takes_its_own_disks_and_nothing_else() {
    let host = FakeHost::new();
    let data = Fake::create_disk(&host, disk_spec("data")).expect("disk").id;
    let existing = VmDiskSpec {
        existing: Some(data.clone()),
        ..disk()
    };
    Fake::create_vm(
        &host,
        VmSpec {
            disks: vec![disk(), existing],
            ..spec("a")
        },
    )
    .expect("create");
    assert_eq!(
        Fake::delete_disk(&host, data.clone()).expect_err("attached").kind,
        ErrorKind::Conflict
    );
    assert_eq!(
        Fake::delete_image(&host, text("tiny")).expect_err("in use").kind,
        ErrorKind::Conflict
    );
    assert_eq!(
        Fake::delete_network(&host, text("default")).expect_err("in use").kind,
        ErrorKind::Conflict
    );
    assert_eq!(
        Fake::delete_pool(&host, text("default"), true)
            .expect_err("in use")
            .kind,
        ErrorKind::Conflict
    );
    Fake::create_snapshot(&host, text("a"), snapshot("s")).expect("snapshot");
    let careful = VmDeleteOptions {
        keep_disks: false,
        delete_snapshots: false,
    };
    assert_eq!(
        Fake::delete_vm(&host, text("a"), careful).expect_err("snapshots").kind,
        ErrorKind::Conflict
    );
    Fake::delete_vm(&host, text("a"), EVERYTHING).expect("delete");
    assert_eq!(disk_names(&host), ["data"]);
    assert!(Fake::get_disk(&host, data).expect("kept").attached_to.is_empty());
    assert_eq!(
        Fake::delete_vm(&host, text("a"), EVERYTHING).expect_err("again").kind,
        missing("vm", "a")
    );
    Fake::create_vm(&host, spec("a")).expect("the name is free");
    Fake::delete_vm(
        &host,
        text("a"),
        VmDeleteOptions {
            keep_disks: true,
            ..EVERYTHING
        },
    )
    .expect("keep");
    assert_eq!(disk_names(&host), ["a-disk-0", "data"]);
    Fake::delete_network(&host, text("default")).expect("not in use any more");
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

#[test]
fn a_pending_change_ends_after_its_polls_or_is_taken_back() {
    let host = FakeHost::new().with_option("pending_polls", 2);
    let change = Fake::create_vm(&host, spec("a")).expect("create");
    let token = change.pending.expect("pending");
    assert_eq!(
        Fake::get_vm(&host, change.id.clone()).expect("get").status,
        VmStatus::Provisioning
    );
    assert_eq!(
        Fake::start_vm(&host, text("a")).expect_err("busy").kind,
        ErrorKind::Conflict
    );
    let poll = || Fake::poll_operation(&host, token.clone()).expect("poll");
    assert_eq!([poll().percent, poll().percent], [Some(50), Some(100)]);
    assert_eq!(Fake::get_vm(&host, change.id).expect("get").status, VmStatus::Running);
    assert!(poll().done, "an answer that was lost can be asked for again");
    let stop = Fake::stop_vm(&host, text("a"), StopMode::Forced)
        .expect("stop")
        .pending
        .expect("pending");
    Fake::cancel_operation(&host, stop).expect("cancel");
    assert_eq!(Fake::get_vm(&host, text("a")).expect("get").status, VmStatus::Running);
    let create = Fake::create_vm(&host, spec("b"))
        .expect("create")
        .pending
        .expect("pending");
    Fake::cancel_operation(&host, create).expect("cancel");
    assert_eq!(
        Fake::get_vm(&host, text("b")).expect_err("gone").kind,
        missing("vm", "b")
    );
    assert_eq!(disk_names(&host), ["a-disk-0"]);
}

#[test]
fn writers_at_the_same_time_lose_no_change_and_keys_create_once() {
    let host = FakeHost::new();
    let keyed = || VmSpec {
        idempotency_key: Some(text("k")),
        ..spec("a")
    };
    let first = Fake::create_vm(&host, keyed()).expect("first");
    assert_eq!(Fake::create_vm(&host, keyed()).expect("second").id, first.id);
    assert_eq!(
        Fake::create_vm(
            &host,
            VmSpec {
                idempotency_key: Some(text("k")),
                ..spec("b")
            }
        )
        .expect_err("other name")
        .kind,
        invalid("idempotency-key")
    );
    host.conflict_next_writes(3);
    Fake::set_vm_autostart(&host, text("a"), true).expect("after three conflicts");
    assert_eq!(Fake::get_vm(&host, text("a")).expect("get").autostart, Some(true));
    host.conflict_next_writes(1000);
    assert_eq!(
        Fake::set_vm_autostart(&host, text("a"), false)
            .expect_err("never ours")
            .kind,
        ErrorKind::Conflict
    );
}
