//! Everything that is not a VM.

use super::*;

#[test]
fn snapshots_are_listed_taken_and_refused_as_kweb_can() {
    let stopped = VM.replace(r#""up""#, r#""down""#);
    let host = FakeHost::new()
        .with_route("GET /vms/web-1", 200, &stopped)
        .with_route("GET /snapshots/web-1", 200, r#"{"snapshots":["result","before"]}"#)
        .with_route("POST /snapshots/web-1", 200, OK)
        .with_route(
            "DELETE /snapshots/web-1",
            200,
            &failure("Snapshot absent doesn't exist"),
        );
    let vm = || "web-1".to_owned();
    let page = Web::list_snapshots(&host, vm(), first_page()).expect("list");
    assert_eq!(
        page.items
            .iter()
            .map(|have| (have.name.as_str(), have.current))
            .collect::<Vec<_>>(),
        [("before", true), ("result", false)]
    );
    let take = |with_memory, quiesce| SnapshotSpec {
        name: "s".to_owned(),
        description: None,
        with_memory,
        quiesce,
    };
    Web::create_snapshot(&host, vm(), take(false, false)).expect("take");
    assert_eq!(
        Web::create_snapshot(&host, vm(), take(true, false))
            .expect_err("no memory")
            .kind,
        ErrorKind::Conflict
    );
    assert_eq!(
        Web::create_snapshot(&host, vm(), take(false, true))
            .expect_err("quiesce")
            .kind,
        invalid("quiesce")
    );
    assert_eq!(
        Web::delete_snapshot(&host, vm(), "absent".to_owned(), false)
            .expect_err("absent")
            .kind,
        missing("snapshot", "absent")
    );
    assert_eq!(
        Web::delete_snapshot(&host, vm(), "before".to_owned(), true)
            .expect_err("children")
            .kind,
        invalid("children")
    );
}

#[test]
fn pools_carry_their_usage_and_traps_of_creation_are_closed() {
    let host = FakeHost::new()
        .with_route("GET /pools", 200, POOLS)
        .with_route("GET /host", 200, HOST);
    let pools = Web::list_pools(&host, first_page()).expect("pools").items;
    assert_eq!(
        (pools[0].type_.as_str(), pools[0].capacity_gib, pools[0].available_gib),
        ("dir", Some(251), Some(233))
    );
    assert_eq!((pools[1].type_.as_str(), pools[1].capacity_gib), ("unknown", None));
    let new = |name: &str| PoolSpec {
        name: name.to_owned(),
        type_: None,
        path: Some("/p".to_owned()),
        options: vec![],
    };
    let error = Web::create_pool(&host, new("default")).expect_err("kweb would answer success");
    assert_eq!(error.kind, ErrorKind::AlreadyExists(Subject::new("pool", "default")));
    let host = FakeHost::new()
        .with_route("GET /pools", 200, POOLS)
        .with_route("POST /pools", 200, OK);
    assert!(
        Web::create_pool(&host, new("third"))
            .expect_err("not there afterwards")
            .message
            .contains("no such pool")
    );
}

#[test]
fn a_pool_with_content_is_not_removed() {
    let host = FakeHost::new()
        .with_route("GET /pools", 200, POOLS)
        .with_route("GET /vms", 200, VM_LIST)
        .with_route("GET /vms/web-1", 200, VM)
        .with_route("GET /vms/web-2", 200, "{}")
        .with_route("GET /images", 200, r#"{"images":[]}"#)
        .with_route("GET /isos", 200, r#"{"isos":[]}"#)
        .with_route("DELETE /pools/second", 200, OK);
    let error = Web::delete_pool(&host, "default".to_owned(), false).expect_err("a disk is in it");
    assert!(
        error.kind == ErrorKind::Conflict && error.message.contains("web-1_0.img"),
        "{error:?}"
    );
    Web::delete_pool(&host, "second".to_owned(), false).expect("empty pool");
    assert_eq!(
        Web::delete_pool(&host, "absent".to_owned(), false)
            .expect_err("absent")
            .kind,
        missing("pool", "absent")
    );
}

#[test]
fn a_bridge_of_the_host_has_unknown_dhcp_and_hides_no_other_network() {
    // As recorded in tests/fixtures/web/networks.json.
    let answer = r#"{"networks":{"br0":{"cidr":"N/A","dhcp":"N/A","type":"bridged","mode":"N/A"},
      "default":{"cidr":"192.168.122.0/24","dhcp":true,"type":"routed","mode":"nat"}}}"#;
    let host = FakeHost::new().with_route("GET /networks", 200, answer);
    let networks = Web::list_networks(&host, first_page()).expect("networks").items;
    let dhcp: Vec<_> = networks.iter().map(|have| (have.name.as_str(), have.dhcp)).collect();
    assert_eq!(dhcp, [("br0", None), ("default", Some(true))]);
}

#[test]
fn a_name_with_control_characters_is_not_found_and_not_sent() {
    let host = FakeHost::new();
    let error = Web::get_vm(&host, "a\0b".to_owned()).expect_err("no such vm");
    assert_eq!(error.kind, Error::not_found("vm", "a\0b").kind);
    assert!(host.request_lines().is_empty());
}

#[test]
fn networks_are_read_created_and_refused_as_kweb_can() {
    let host = FakeHost::new()
        .with_route("GET /networks", 200, NETWORKS)
        .with_route("POST /networks", 200, OK);
    let networks = Web::list_networks(&host, first_page()).expect("networks").items;
    assert_eq!(
        networks
            .iter()
            .map(|have| (have.name.as_str(), have.mode.as_str(), have.metadata.len()))
            .collect::<Vec<_>>(),
        [("closed", "isolated", 1), ("default", "nat", 0)]
    );
    let new = || network_spec("lab");
    Web::create_network(&host, new()).expect("create");
    assert_eq!(
        host.request_lines().last().map(String::as_str),
        Some(r#"POST /networks {"cidr":"192.0.2.0/24","dhcp":true,"isolated":false,"network":"lab"}"#)
    );
    for (field, spec) in [
        ("cidrs", NetworkSpec { cidrs: vec![], ..new() }),
        (
            "mode",
            NetworkSpec {
                mode: Some("bridge".to_owned()),
                ..new()
            },
        ),
        (
            "domain",
            NetworkSpec {
                domain: Some("a".to_owned()),
                ..new()
            },
        ),
    ] {
        assert_eq!(Web::create_network(&host, spec).expect_err(field).kind, invalid(field));
    }
    assert_eq!(
        Web::get_network(&host, "absent".to_owned()).expect_err("absent").kind,
        missing("network", "absent")
    );
}

#[test]
fn an_image_under_a_vm_is_not_deleted() {
    let images = r#"{"images":["/var/lib/libvirt/images/tiny.qcow2","/var/lib/libvirt/second/free"]}"#;
    let host = FakeHost::new()
        .with_route("GET /images", 200, images)
        .with_route("GET /isos", 200, r#"{"isos":["/var/lib/libvirt/images/cd.iso"]}"#)
        .with_route("GET /pools", 200, POOLS)
        .with_route("GET /vms", 200, VM_LIST)
        .with_route("DELETE /images/free", 200, OK);
    let listed = Web::list_images(&host, first_page()).expect("images").items;
    assert_eq!(
        listed
            .iter()
            .map(|image| (image.name.as_str(), image.pool.as_deref(), image.format.as_deref()))
            .collect::<Vec<_>>(),
        [
            ("cd.iso", Some("default"), Some("iso")),
            ("tiny.qcow2", Some("default"), Some("qcow2")),
            ("free", Some("second"), None)
        ]
    );
    assert_eq!(
        Web::delete_image(&host, "tiny.qcow2".to_owned())
            .expect_err("in use")
            .kind,
        ErrorKind::Conflict
    );
    Web::delete_image(&host, "free".to_owned()).expect("delete");
    assert_eq!(
        host.request_lines().last().map(String::as_str),
        Some(r#"DELETE /images/free {"pool":"second"}"#)
    );
}

#[test]
fn disks_are_those_of_vms_and_deleted_only_when_the_operator_says_so() {
    let two = VM.replace(
        r#"_0.img"}],"#,
        r#"_0.img"},{"device":"vdb","size":"N/A","path":"/var/lib/libvirt/second/web-1_1.img"}],"#,
    );
    let base = || {
        FakeHost::new()
            .with_route("GET /vms", 200, VM_LIST)
            .with_route("GET /vms/web-2", 200, "{}")
            .with_route("GET /pools", 200, POOLS)
    };
    let host = base().with_route("GET /vms/web-1", 200, &two);
    let disks = Web::list_disks(&host, first_page()).expect("disks").items;
    assert_eq!(
        disks
            .iter()
            .map(|disk| (disk.name.as_str(), disk.pool.as_deref()))
            .collect::<Vec<_>>(),
        [("web-1_0.img", Some("default")), ("web-1_1.img", Some("second"))]
    );
    assert_eq!(
        Web::delete_disk(&host, "web-1_1.img".to_owned())
            .expect_err("attached")
            .kind,
        ErrorKind::Conflict
    );
    let host = base()
        .with_option("delete_attached_disks", true)
        .with_route("GET /vms/web-1", 200, &two)
        .with_route("DELETE /disks/web-1", 200, OK);
    Web::delete_disk(&host, "web-1_1.img".to_owned()).expect("allowed");
    assert_eq!(
        host.request_lines().last().map(String::as_str),
        Some(r#"DELETE /disks/web-1 {"disk":"vdb"}"#)
    );

    let host = base()
        .with_route("GET /vms/web-1", 200, VM)
        .with_route("GET /vms/web-1", 200, &two)
        .with_route("POST /disks/web-1", 200, OK);
    assert_eq!(
        Web::create_disk(&host, disk_spec(Some("second"))).expect("create").id,
        "/var/lib/libvirt/second/web-1_1.img"
    );
    assert_eq!(
        Web::create_disk(&host, disk_spec(Some("absent")))
            .expect_err("pool")
            .kind,
        missing("pool", "absent")
    );
}

#[test]
fn interfaces_are_named_by_device_and_mac() {
    let two = VM.replace(
        r#""type":"routed"}],"#,
        r#""type":"routed"},{"device":"eth1","mac":"52:54:00:c7:cc:ba","net":"lab"}],"#,
    );
    let host = FakeHost::new()
        .with_route("GET /vms/web-1", 200, VM)
        .with_route("GET /vms/web-1", 200, &two)
        .with_route("POST /nics/web-1", 200, OK)
        .with_route("DELETE /nics/web-1", 500, HTML);
    let nic = VmNicSpec {
        network: Some("lab".to_owned()),
        model: Some("e1000".to_owned()),
        ..nic()
    };
    assert_eq!(Web::add_nic(&host, "web-1".to_owned(), nic).expect("add").id, "eth1");
    assert!(
        host.request_lines()
            .contains(&r#"POST /nics/web-1 {"model":"e1000","network":"lab"}"#.to_owned())
    );
    let error =
        Web::remove_nic(&host, "web-1".to_owned(), "52:54:00:C7:CC:BA".to_owned()).expect_err("kweb's exception");
    assert_eq!(
        error.kind,
        ErrorKind::Upstream(UpstreamFault {
            status: Some(500),
            code: None
        })
    );
    assert_eq!(
        host.request_lines().last().map(String::as_str),
        Some(r#"DELETE /nics/web-1 {"nic":"eth1"}"#)
    );
    assert_eq!(
        Web::remove_nic(&host, "web-1".to_owned(), "eth9".to_owned())
            .expect_err("absent")
            .kind,
        missing("nic", "eth9")
    );
}
