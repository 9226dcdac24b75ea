//! The provider against scripted answers of a real kweb: what it sends, and what it makes of the answers.

use stockade_provider::abilities::*;
use stockade_provider::fake_host::FakeHost;
use stockade_provider::types::*;

use crate::Web;

const OK: &str = r#"{"result":"success"}"#;
const VM_LIST: &str = r#"{"vms":[
  {"name":"web-2","nets":[],"disks":[],"id":"bba39b01-e048-48de-b98f-c3c4c503279f","status":"down","image":"tiny.qcow2","info":"x"},
  {"name":"web-1","nets":[{"device":"eth0","mac":"52:54:00:1A:c9:f5","net":"default","type":"routed"}],"disks":[],
   "id":"d689a1a4-1273-43d3-8f09-57e2683fb1ae","user":"root","image":"tiny.qcow2","plan":"kvirt","profile":"tiny.qcow2",
   "creationdate":"21-11-2026 05:22","ip":"192.168.122.175","status":"up","info":"x"}]}"#;
const VM: &str = r#"{"name":"web-1","nets":[{"device":"eth0","mac":"52:54:00:1a:c9:f5","net":"default","type":"routed"}],
  "disks":[{"device":"vda","size":1,"format":"virtio","type":"qcow2","path":"/var/lib/libvirt/images/web-1_0.img"}],
  "id":"d689a1a4-1273-43d3-8f09-57e2683fb1ae","user":"root","image":"tiny.qcow2","plan":"kvirt","profile":"tiny.qcow2",
  "creationdate":"21-11-2026 05:22","ip":"192.168.122.175","ips":["fe80::1","2001:db8::1","192.168.122.175"],
  "status":"up","autostart":false,"numcpus":1,"memory":256,"snapshots":[{"snapshot":"before","current":true}]}"#;
const POOLS: &str = r#"{"pools":[["second","/var/lib/libvirt/second"],["default","/var/lib/libvirt/images"]]}"#;
const HOST: &str = r#"{"connection":"qemu:///system","host":"vm","vms_running":0,"cpus_total":2,"cpus_used":0,"memory_used":0,
  "memory_total":10842,"storage":["storage: default, type: dir, path: /var/lib/libvirt/images, used_space: 18.84GB, available_space: 233.13GB"],
  "networks":[]}"#;
const NETWORKS: &str = r#"{"networks":{
  "closed":{"cidr":"192.168.78.0/24","dhcp":false,"domain":"closed","type":"routed","mode":"isolated","plan":"kvirt"},
  "default":{"cidr":"192.168.122.0/24","dhcp":true,"domain":"default","type":"routed","mode":"nat","plan":"N/A"}}}"#;
const HTML: &str =
    "<html><head><style>p {}</style></head><body><h1>Error: 500 Internal Server Error</h1></body></html>";

fn failure(reason: &str) -> String {
    format!(r#"{{"result":"failure","reason":"{reason}"}}"#)
}

fn spec(name: &str) -> VmSpec {
    VmSpec {
        name: name.to_owned(),
        image: Some("tiny.qcow2".to_owned()),
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

fn first_page() -> PageRequest {
    PageRequest {
        cursor: None,
        limit: None,
    }
}

fn missing(noun: &str, name: &str) -> ErrorKind {
    ErrorKind::NotFound(Subject::new(noun, name))
}

fn invalid(field: &str) -> ErrorKind {
    ErrorKind::InvalidArgument(field.to_owned())
}

/// Whether a rule of `describe` lets a request pass: literal segments and `*` for one.
fn is_asked_for(request: &Request) -> bool {
    let info = <Web as Info<FakeHost>>::describe();
    info.endpoints
        .iter()
        .filter(|endpoint| endpoint.name == request.endpoint)
        .flat_map(|endpoint| &endpoint.rules)
        .any(|rule| {
            let pattern: Vec<&str> = rule.path.trim_start_matches('/').split('/').collect();
            rule.methods.contains(&request.method)
                && pattern.len() == request.path.len()
                && pattern
                    .iter()
                    .zip(&request.path)
                    .all(|(want, have)| *want == "*" || want == have)
        })
}

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
fn a_new_vm_gets_every_field_and_the_documented_defaults() {
    let host = FakeHost::new()
        .with_route("POST /vms", 200, r#"{"result":"success","vm":"web-1"}"#)
        .with_route("GET /vms/web-1", 200, VM);
    let change = Web::create_vm(&host, spec("web-1")).expect("create");
    assert_eq!(
        change,
        Change {
            id: "d689a1a4-1273-43d3-8f09-57e2683fb1ae".to_owned(),
            pending: None
        }
    );
    assert_eq!(
        host.request_lines()[0],
        r#"POST /vms {"disks":[10],"name":"web-1","nets":["default"],"pool":"default","profile":"tiny.qcow2","start":true}"#
    );

    let host = FakeHost::new()
        .with_option("disk_gib", 3)
        .with_option("network", "lab")
        .with_route("POST /vms", 200, OK)
        .with_route("GET /vms/web-1", 200, VM)
        .with_route("UPDATE /vms/web-1", 200, OK);
    let disk = |size_gib, pool: Option<&str>| VmDiskSpec {
        size_gib,
        pool: pool.map(str::to_owned),
        image: None,
        existing: None,
        bus: None,
        format: Some("qcow2".to_owned()),
    };
    let full = VmSpec {
        image: Some("/var/lib/libvirt/images/tiny.qcow2".to_owned()),
        cpus: Some(1),
        memory_mib: Some(256),
        disks: vec![disk(None, None), disk(Some(5), Some("second"))],
        pool: Some("second".to_owned()),
        ssh_keys: vec!["ssh-ed25519 A".to_owned()],
        hostname: Some("web-1".to_owned()),
        start: false,
        autostart: true,
        metadata: vec![Tag {
            key: "plan".to_owned(),
            value: "p".to_owned(),
        }],
        ..spec("web-1")
    };
    Web::create_vm(&host, full).expect("create");
    let lines = host.request_lines();
    assert_eq!(
        lines[0],
        r#"POST /vms {"disks":[3,{"pool":"second","size":5}],"keys":["ssh-ed25519 A"],"memory":256,"name":"web-1","nets":["lab"],"numcpus":1,"plan":"p","pool":"second","profile":"tiny.qcow2","start":false}"#
    );
    assert!(
        lines.contains(&r#"UPDATE /vms/web-1 {"autostart":true}"#.to_owned()),
        "{lines:?}"
    );
}

#[test]
fn a_field_that_kweb_cannot_honour_is_refused_by_name_before_any_request() {
    let text = || Some("x".to_owned());
    let nic = VmNicSpec {
        network: None,
        subnet: None,
        mac: None,
        model: None,
        address: None,
        gateway: None,
        dns_servers: vec![],
        public: None,
    };
    let disk = VmDiskSpec {
        size_gib: None,
        pool: None,
        image: None,
        existing: None,
        bus: None,
        format: None,
    };
    let option = OptionEntry {
        name: "profil".to_owned(),
        value: "x".into(),
    };
    for (field, spec) in [
        ("name", spec("a b")),
        ("name", spec("")),
        (
            "image",
            VmSpec {
                image: None,
                ..spec("a")
            },
        ),
        (
            "flavor",
            VmSpec {
                flavor: text(),
                ..spec("a")
            },
        ),
        (
            "cpus",
            VmSpec {
                cpus: Some(0),
                ..spec("a")
            },
        ),
        (
            "location",
            VmSpec {
                location: text(),
                ..spec("a")
            },
        ),
        (
            "user-data",
            VmSpec {
                user_data: text(),
                ..spec("a")
            },
        ),
        (
            "hostname",
            VmSpec {
                hostname: text(),
                ..spec("a")
            },
        ),
        (
            "security-groups",
            VmSpec {
                security_groups: vec!["x".to_owned()],
                ..spec("a")
            },
        ),
        (
            "description",
            VmSpec {
                description: text(),
                ..spec("a")
            },
        ),
        (
            "metadata",
            VmSpec {
                metadata: vec![Tag {
                    key: "team".to_owned(),
                    value: String::new(),
                }],
                ..spec("a")
            },
        ),
        (
            "profil",
            VmSpec {
                options: vec![option],
                ..spec("a")
            },
        ),
        (
            "disks.image",
            VmSpec {
                disks: vec![VmDiskSpec {
                    image: text(),
                    ..disk.clone()
                }],
                ..spec("a")
            },
        ),
        (
            "disks.existing",
            VmSpec {
                disks: vec![VmDiskSpec {
                    existing: text(),
                    ..disk.clone()
                }],
                ..spec("a")
            },
        ),
        (
            "disks.bus",
            VmSpec {
                disks: vec![VmDiskSpec {
                    bus: text(),
                    ..disk.clone()
                }],
                ..spec("a")
            },
        ),
        (
            "disks.format",
            VmSpec {
                disks: vec![VmDiskSpec {
                    format: text(),
                    ..disk.clone()
                }],
                ..spec("a")
            },
        ),
        (
            "disks.size-gib",
            VmSpec {
                disks: vec![VmDiskSpec {
                    size_gib: Some(0),
                    ..disk
                }],
                ..spec("a")
            },
        ),
        (
            "nics.mac",
            VmSpec {
                nics: vec![VmNicSpec {
                    mac: text(),
                    ..nic.clone()
                }],
                ..spec("a")
            },
        ),
        (
            "nics.model",
            VmSpec {
                nics: vec![VmNicSpec {
                    model: text(),
                    ..nic.clone()
                }],
                ..spec("a")
            },
        ),
        (
            "nics.public",
            VmSpec {
                nics: vec![VmNicSpec {
                    public: Some(false),
                    ..nic
                }],
                ..spec("a")
            },
        ),
    ] {
        assert_eq!(
            Web::create_vm(&FakeHost::new(), spec).expect_err(field).kind,
            invalid(field)
        );
    }
    let options = VmDeleteOptions {
        keep_disks: true,
        delete_snapshots: false,
    };
    assert_eq!(
        Web::delete_vm(&FakeHost::new(), "a".to_owned(), options)
            .expect_err("keep")
            .kind,
        invalid("keep-disks")
    );
}

#[test]
fn failures_in_an_answer_of_200_are_typed_errors() {
    let exists = || ErrorKind::AlreadyExists(Subject::new("vm", "web-1"));
    for (status, body, expected) in [
        (200, failure("VM web-1 already exists"), exists()),
        (
            200,
            failure("Image absent.qcow2 not found"),
            missing("image", "absent.qcow2"),
        ),
        (200, failure("Invalid network absent"), missing("network", "absent")),
        (
            500,
            HTML.to_owned(),
            ErrorKind::Upstream(UpstreamFault {
                status: Some(500),
                code: None,
            }),
        ),
        (403, "{}".to_owned(), ErrorKind::Denied),
        (
            200,
            "<p>hello</p>".to_owned(),
            ErrorKind::Upstream(UpstreamFault {
                status: Some(200),
                code: None,
            }),
        ),
    ] {
        let host = FakeHost::new().with_route("POST /vms", status, &body);
        let error = Web::create_vm(&host, spec("web-1")).expect_err(&body);
        assert_eq!(error.kind, expected, "{body}");
        assert!(
            error.message.contains("creating vm `web-1`") && !error.message.contains('<'),
            "{}",
            error.message
        );
        assert_eq!(
            host.requests().len(),
            1,
            "a create is sent once and a vm that it did not make is left alone"
        );
    }
}

#[test]
fn a_vm_of_the_wrong_size_is_an_error_and_leaves_nothing() {
    let host = FakeHost::new()
        .with_route("POST /vms", 200, OK)
        .with_route("GET /vms/web-1", 200, VM)
        .with_route("DELETE /vms/web-1", 200, OK);
    let error = Web::create_vm(
        &host,
        VmSpec {
            cpus: Some(8),
            ..spec("web-1")
        },
    )
    .expect_err("1 cpu");
    assert!(error.message.contains("1 instead of 8 for `cpus`"), "{}", error.message);
    assert_eq!(
        host.request_lines().last().map(String::as_str),
        Some(r#"DELETE /vms/web-1 {"snapshots":true}"#)
    );
}

#[test]
fn a_repeated_idempotency_key_creates_once() {
    let host = FakeHost::new()
        .with_route("POST /vms", 200, OK)
        .with_route("GET /vms/web-1", 200, VM);
    let keyed = || VmSpec {
        idempotency_key: Some("k".to_owned()),
        ..spec("web-1")
    };
    let first = Web::create_vm(&host, keyed()).expect("first");
    assert_eq!(Web::create_vm(&host, keyed()).expect("second"), first);
    assert_eq!(
        host.requests()
            .iter()
            .filter(|request| request.method == "POST")
            .count(),
        1
    );
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
    let new = || NetworkSpec {
        name: "lab".to_owned(),
        cidrs: vec!["192.0.2.0/24".to_owned()],
        mode: None,
        dhcp: true,
        domain: None,
        metadata: vec![],
        options: vec![],
    };
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
    let new = |pool: &str| DiskSpec {
        name: None,
        size_gib: 1,
        pool: Some(pool.to_owned()),
        format: None,
        image: None,
        vm: Some("web-1".to_owned()),
        metadata: vec![],
        options: vec![],
    };
    assert_eq!(
        Web::create_disk(&host, new("second")).expect("create").id,
        "/var/lib/libvirt/second/web-1_1.img"
    );
    assert_eq!(
        Web::create_disk(&host, new("absent")).expect_err("pool").kind,
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
        subnet: None,
        mac: None,
        model: Some("e1000".to_owned()),
        address: None,
        gateway: None,
        dns_servers: vec![],
        public: None,
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

#[test]
fn a_rule_is_asked_for_each_request() {
    let host = FakeHost::new()
        .with_route("GET /vms", 200, VM_LIST)
        .with_route("GET /vms/web-1", 200, VM)
        .with_route("GET /vms/web-2", 200, "{}")
        .with_route("GET /pools", 200, POOLS)
        .with_route("GET /host", 200, HOST)
        .with_route("GET /networks", 200, NETWORKS)
        .with_route("GET /images", 200, r#"{"images":["/var/lib/libvirt/images/free"]}"#)
        .with_route("GET /isos", 200, r#"{"isos":[]}"#)
        .with_route("GET /snapshots/web-1", 200, r#"{"snapshots":[]}"#)
        .with_option("delete_attached_disks", true);
    for route in [
        "POST /vms",
        "UPDATE /vms/web-1",
        "DELETE /vms/web-1",
        "POST /vms/web-1/start",
        "POST /vms/web-1/stop",
        "POST /disks/web-1",
        "DELETE /disks/web-1",
        "POST /nics/web-1",
        "DELETE /nics/web-1",
        "POST /snapshots/web-1",
        "DELETE /snapshots/web-1",
        "POST /snapshots/web-1/revert",
        "POST /pools",
        "DELETE /pools/second",
        "POST /networks",
        "UPDATE /networks/default",
        "DELETE /networks/default",
        "DELETE /images/free",
    ] {
        host.set_route(route, 200, OK);
    }
    let vm = || "web-1".to_owned();
    let text = |text: &str| text.to_owned();
    let nic = VmNicSpec {
        network: None,
        subnet: None,
        mac: None,
        model: None,
        address: None,
        gateway: None,
        dns_servers: vec![],
        public: None,
    };
    // Outcomes do not matter here: only that nothing is sent that was not asked for.
    drop(Web::check_connection(&host));
    drop(Web::create_vm(
        &host,
        VmSpec {
            autostart: true,
            ..spec("web-1")
        },
    ));
    drop(Web::restart_vm(&host, vm(), StopMode::Forced));
    drop(Web::delete_vm(
        &host,
        vm(),
        VmDeleteOptions {
            keep_disks: false,
            delete_snapshots: true,
        },
    ));
    drop(Web::set_vm_autostart(&host, vm(), true));
    drop(Web::create_disk(
        &host,
        DiskSpec {
            name: None,
            size_gib: 1,
            pool: None,
            format: None,
            image: None,
            vm: Some(vm()),
            metadata: vec![],
            options: vec![],
        },
    ));
    drop(Web::delete_disk(&host, text("web-1_0.img")));
    drop(Web::add_nic(&host, vm(), nic));
    drop(Web::remove_nic(&host, vm(), text("eth0")));
    drop(Web::list_snapshots(&host, vm(), first_page()));
    drop(Web::create_snapshot(
        &host,
        vm(),
        SnapshotSpec {
            name: text("s"),
            description: None,
            with_memory: true,
            quiesce: false,
        },
    ));
    drop(Web::revert_snapshot(&host, vm(), text("s")));
    drop(Web::delete_snapshot(&host, vm(), text("s"), false));
    drop(Web::list_pools(&host, first_page()));
    drop(Web::create_pool(
        &host,
        PoolSpec {
            name: text("third"),
            type_: None,
            path: Some(text("/p")),
            options: vec![],
        },
    ));
    drop(Web::delete_pool(&host, text("second"), false));
    drop(Web::create_network(
        &host,
        NetworkSpec {
            name: text("n"),
            cidrs: vec![text("192.0.2.0/24")],
            mode: None,
            dhcp: true,
            domain: None,
            metadata: vec![],
            options: vec![],
        },
    ));
    drop(Web::update_network(
        &host,
        text("default"),
        NetworkUpdate {
            dhcp: Some(true),
            mode: None,
            domain: None,
            options: vec![],
        },
    ));
    drop(Web::delete_network(&host, text("default")));
    drop(Web::delete_image(&host, text("free")));
    drop(Web::list_hosts(&host, first_page()));
    let requests = host.requests();
    let mut sent: Vec<String> = requests
        .iter()
        .map(|request| format!("{} {}", request.method, request.path.join("/")))
        .collect();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 27, "the walk reaches every kind of request: {sent:#?}");
    for request in requests {
        assert!(
            is_asked_for(&request),
            "no rule for {} /{}",
            request.method,
            request.path.join("/")
        );
    }
}
