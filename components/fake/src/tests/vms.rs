//! The life of VMs.

use super::*;

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

/// The expected error, and a spec's change that causes it.
type Refused = (fn() -> ErrorKind, fn(&mut VmSpec));

fn x() -> Option<String> {
    Some(text("x"))
}

fn with_disk(spec: &mut VmSpec, change: impl Fn(&mut VmDiskSpec)) {
    let mut disk = disk();
    change(&mut disk);
    spec.disks = vec![disk];
}

fn with_nic(spec: &mut VmSpec, change: impl Fn(&mut VmNicSpec)) {
    let mut nic = nic();
    change(&mut nic);
    spec.nics = vec![nic];
}

const REFUSED: &[Refused] = &[
    (|| invalid("name"), |spec| spec.name = text("")),
    (|| invalid("name"), |spec| spec.name = "x".repeat(61)),
    (|| missing("image", "x"), |spec| spec.image = x()),
    (|| missing("flavor", "x"), |spec| spec.flavor = x()),
    (
        || invalid("cpus"),
        |spec| (spec.flavor, spec.cpus) = (Some(text("small")), Some(1)),
    ),
    (|| invalid("memory-mib"), |spec| spec.memory_mib = Some(0)),
    (|| missing("pool", "x"), |spec| spec.pool = x()),
    (|| invalid("location"), |spec| spec.location = x()),
    (
        || missing("security-group", "x"),
        |spec| spec.security_groups = vec![text("x")],
    ),
    (
        || invalid("metadata"),
        |spec| {
            spec.metadata = vec![
                Tag {
                    key: text("a"),
                    value: text("")
                };
                2
            ]
        },
    ),
    (
        || invalid("x"),
        |spec| {
            spec.options = vec![OptionEntry {
                name: text("x"),
                value: true.into(),
            }]
        },
    ),
    (
        || invalid("user-data"),
        |spec| spec.user_data = Some("x".repeat(20_000)),
    ),
    (
        || invalid("disks.size-gib"),
        |spec| {
            spec.image = Some(text("debian-12"));
            with_disk(spec, |disk| disk.size_gib = Some(1));
        },
    ),
    (|| invalid("disks.bus"), |spec| with_disk(spec, |disk| disk.bus = x())),
    (
        || missing("disk", "x"),
        |spec| with_disk(spec, |disk| disk.existing = x()),
    ),
    (
        || missing("network", "x"),
        |spec| with_nic(spec, |nic| nic.network = x()),
    ),
    (|| missing("subnet", "x"), |spec| with_nic(spec, |nic| nic.subnet = x())),
    (
        || invalid("nics.address"),
        |spec| with_nic(spec, |nic| nic.gateway = x()),
    ),
    (|| invalid("nics.mac"), |spec| with_nic(spec, |nic| nic.mac = x())),
    (
        || ErrorKind::QuotaExceeded(Some(text("pool"))),
        |spec| with_disk(spec, |disk| disk.size_gib = Some(20_000)),
    ),
];

#[test]
fn a_refused_field_is_named_and_leaves_nothing() {
    let host = FakeHost::new();
    for (kind, change) in REFUSED {
        let mut bad = spec("a");
        change(&mut bad);
        assert_eq!(Fake::create_vm(&host, bad).expect_err("refused").kind, kind());
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
    Fake::start_vm(&host, vm()).expect("a paused one continues");
    assert_eq!(status(), VmStatus::Running);
    Fake::pause_vm(&host, vm()).expect("pause");
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
