//! Reading and changing VMs.

use super::*;

#[test]
fn a_list_is_one_request_and_keeps_unknown_apart_from_empty() {
    let host = FakeHost::new().with_route("GET /vms", 200, VM_LIST);
    let page = Web::list_vms(&host, first_page()).expect("list");
    assert_eq!(host.request_lines(), ["GET /vms"]);
    let names: Vec<_> = page
        .items
        .iter()
        .map(|vm| (vm.name.as_str(), vm.status, vm.vendor_status.as_str()))
        .collect();
    assert_eq!(
        names,
        [("web-1", VmStatus::Running, "up"), ("web-2", VmStatus::Stopped, "down")]
    );
    let vm = &page.items[0];
    assert_eq!((vm.cpus, vm.memory_mib, &vm.disks), (None, None, &None));
    assert_eq!(vm.ips, ["192.168.122.175"]);
    assert_eq!(vm.created_at.as_deref(), Some("2026-11-21T05:22:00Z"));
    assert_eq!(
        vm.nics.as_ref().map(|nics| nics[0].mac.clone()),
        Some(Some("52:54:00:1a:c9:f5".to_owned()))
    );
}

#[test]
fn a_list_is_paged_and_an_empty_one_is_no_error() {
    let host = FakeHost::new().with_route("GET /vms", 200, VM_LIST);
    let first = Web::list_vms(
        &host,
        PageRequest {
            cursor: None,
            limit: Some(1),
        },
    )
    .expect("first");
    let second = Web::list_vms(
        &host,
        PageRequest {
            cursor: first.next,
            limit: Some(1),
        },
    )
    .expect("second");
    assert_eq!((second.items[0].name.as_str(), second.next), ("web-2", None));
    let host = FakeHost::new().with_route("GET /vms", 200, r#"{"vms":[]}"#);
    assert_eq!(Web::list_vms(&host, first_page()).expect("empty").items, []);
}

#[test]
fn a_vm_is_found_by_name_and_by_id_with_all_details() {
    let host = FakeHost::new()
        .with_route("GET /vms", 200, VM_LIST)
        .with_route("GET /vms/web-1", 200, VM)
        .with_route("GET /pools", 200, POOLS);
    let vm = Web::get_vm(&host, "web-1".to_owned()).expect("by name");
    assert_eq!(
        (vm.cpus, vm.memory_mib, vm.autostart),
        (Some(1), Some(256), Some(false))
    );
    assert_eq!(vm.ips, ["192.168.122.175", "2001:db8::1"]);
    let disk = &vm.disks.as_ref().expect("disks")[0];
    assert_eq!(
        (
            disk.pool.as_deref(),
            disk.size_gib,
            disk.bus.as_deref(),
            disk.format.as_deref()
        ),
        (Some("default"), Some(1), Some("virtio"), Some("qcow2"))
    );
    assert_eq!(
        vm.metadata
            .expect("metadata")
            .iter()
            .map(|tag| tag.key.clone())
            .collect::<Vec<_>>(),
        ["plan", "profile", "user"]
    );
    assert_eq!(Web::get_vm(&host, vm.id.to_uppercase()).expect("by id").name, "web-1");
}

#[test]
fn quirks_of_a_missing_vm_become_not_found_and_change_nothing() {
    let host = FakeHost::new().with_route("GET /vms/absent", 200, "{}");
    let vm = || "absent".to_owned();
    let options = VmDeleteOptions {
        keep_disks: false,
        delete_snapshots: false,
    };
    let resize = VmResizeSpec {
        cpus: Some(2),
        memory_mib: None,
        flavor: None,
        apply: ApplyWhen::NextStart,
    };
    let snapshot = SnapshotSpec {
        name: "s".to_owned(),
        description: None,
        with_memory: false,
        quiesce: false,
    };
    let kinds = [
        Web::get_vm(&host, vm()).expect_err("get").kind,
        Web::delete_vm(&host, vm(), options).expect_err("delete").kind,
        Web::start_vm(&host, vm()).expect_err("start").kind,
        Web::stop_vm(&host, vm(), StopMode::Forced).expect_err("stop").kind,
        Web::resize_vm(&host, vm(), resize).expect_err("resize").kind,
        Web::set_vm_autostart(&host, vm(), true).expect_err("autostart").kind,
        Web::list_snapshots(&host, vm(), first_page())
            .expect_err("snapshots")
            .kind,
        Web::create_snapshot(&host, vm(), snapshot).expect_err("snapshot").kind,
        Web::remove_nic(&host, vm(), "eth0".to_owned()).expect_err("nic").kind,
    ];
    assert!(kinds.iter().all(|kind| *kind == missing("vm", "absent")), "{kinds:?}");
    assert!(
        host.requests().iter().all(|request| request.method == "GET"),
        "{:?}",
        host.request_lines()
    );
    for name in ["a/b", "..", ""] {
        assert_eq!(
            Web::get_vm(&FakeHost::new(), name.to_owned())
                .expect_err("no request")
                .kind,
            missing("vm", name)
        );
    }
}

#[test]
fn kweb_only_cuts_the_power() {
    let graceful = StopMode::Graceful(5);
    let running = || {
        FakeHost::new()
            .with_route("GET /vms/web-1", 200, VM)
            .with_route("POST /vms/web-1/stop", 200, OK)
            .with_route("POST /vms/web-1/start", 200, OK)
    };
    let stopped = || {
        FakeHost::new()
            .with_route("GET /vms/web-1", 200, &VM.replace(r#""up""#, r#""down""#))
            .with_route("POST /vms/web-1/start", 200, OK)
    };
    let vm = || "web-1".to_owned();
    assert_eq!(
        Web::stop_vm(&running(), vm(), graceful).expect_err("stop").kind,
        ErrorKind::Unsupported("stop-vm".to_owned())
    );
    assert_eq!(
        Web::restart_vm(&running(), vm(), graceful).expect_err("restart").kind,
        ErrorKind::Unsupported("restart-vm".to_owned())
    );
    let posts = |host: &FakeHost| {
        host.requests()
            .iter()
            .filter(|request| request.method == "POST")
            .map(|request| request.path[2].clone())
            .collect::<Vec<_>>()
    };
    let host = running();
    Web::restart_vm(&host, vm(), StopMode::Forced).expect("forced restart");
    assert_eq!(posts(&host), ["stop", "start"]);
    let host = stopped();
    Web::stop_vm(&host, vm(), graceful).expect("nothing to stop");
    Web::restart_vm(&host, vm(), graceful).expect("a stopped vm is started");
    assert_eq!(posts(&host), ["start"]);
}

#[test]
fn a_success_that_changed_nothing_is_an_error() {
    let host = FakeHost::new()
        .with_route("GET /vms/web-1", 200, &VM.replace(r#""up""#, r#""down""#))
        .with_route("UPDATE /vms/web-1", 200, OK)
        .with_route("GET /networks", 200, NETWORKS)
        .with_route("UPDATE /networks/default", 200, OK);
    let resize = VmResizeSpec {
        cpus: Some(2),
        memory_mib: None,
        flavor: None,
        apply: ApplyWhen::Now,
    };
    let update = NetworkUpdate {
        dhcp: Some(false),
        mode: None,
        domain: None,
        options: vec![],
    };
    let plan = vec![MetadataChange {
        key: "plan".to_owned(),
        value: Some("p2".to_owned()),
    }];
    for error in [
        Web::resize_vm(&host, "web-1".to_owned(), resize).expect_err("resize"),
        Web::set_vm_autostart(&host, "web-1".to_owned(), true).expect_err("autostart"),
        Web::update_vm_metadata(&host, "web-1".to_owned(), plan).expect_err("plan"),
        Web::update_network(&host, "default".to_owned(), update).expect_err("network"),
    ] {
        assert!(
            matches!(error.kind, ErrorKind::Upstream(_)) && error.message.contains("reported success"),
            "{error:?}"
        );
    }
}

#[test]
fn a_running_vm_is_resized_at_its_next_start_only() {
    let host = FakeHost::new()
        .with_route("GET /vms/web-1", 200, VM)
        .with_route("UPDATE /vms/web-1", 200, OK);
    let resize = |apply| VmResizeSpec {
        cpus: Some(2),
        memory_mib: Some(384),
        flavor: None,
        apply,
    };
    assert_eq!(
        Web::resize_vm(&host, "web-1".to_owned(), resize(ApplyWhen::Now))
            .expect_err("now")
            .kind,
        ErrorKind::Conflict
    );
    Web::resize_vm(&host, "web-1".to_owned(), resize(ApplyWhen::NextStart)).expect("next start");
    assert!(
        host.request_lines()
            .contains(&r#"UPDATE /vms/web-1 {"memory":384,"numcpus":2}"#.to_owned())
    );
}

#[test]
fn an_overloaded_kweb_is_asked_again_and_a_broken_one_is_quoted() {
    let host = FakeHost::new()
        .with_route("GET /vms", 503, "busy")
        .with_route("GET /vms", 200, VM_LIST);
    assert_eq!(
        Web::list_vms(&host, first_page()).expect("second attempt").items.len(),
        2
    );
    assert_eq!(host.sleeps().len(), 1);
    let host = FakeHost::new();
    host.answer(Err(Fault::Connect));
    assert_eq!(
        Web::check_connection(&host).expect_err("down").kind,
        ErrorKind::Unavailable
    );
}
