//! What kweb is sent for a new VM, and what is refused.

use super::*;

#[test]
fn a_new_vm_gets_every_field_and_the_documented_defaults() {
    let host = FakeHost::new()
        .with_route("POST /vms", 200, r#"{"result":"success","vm":"web-1"}"#)
        .with_route("GET /vms/web-1", 200, "{}")
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
        host.request_lines()[1],
        r#"POST /vms {"disks":[10],"name":"web-1","nets":["default"],"pool":"default","profile":"tiny.qcow2","start":true}"#
    );

    let host = FakeHost::new()
        .with_option("disk_gib", 3)
        .with_option("network", "lab")
        .with_route("POST /vms", 200, OK)
        .with_route("GET /vms/web-1", 200, "{}")
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
        lines[1],
        r#"POST /vms {"disks":[3,{"pool":"second","size":5}],"keys":["ssh-ed25519 A"],"memory":256,"name":"web-1","nets":["lab"],"numcpus":1,"plan":"p","pool":"second","profile":"tiny.qcow2","start":false}"#
    );
    assert!(
        lines.contains(&r#"UPDATE /vms/web-1 {"autostart":true}"#.to_owned()),
        "{lines:?}"
    );
}

/// A field's name, and a spec's change that asks for something that kweb cannot do there.
type Refused = (&'static str, fn(&mut VmSpec));

fn x() -> Option<String> {
    Some("x".to_owned())
}

fn with_disk(spec: &mut VmSpec, change: impl Fn(&mut VmDiskSpec)) {
    let mut disk = VmDiskSpec {
        size_gib: None,
        pool: None,
        image: None,
        existing: None,
        bus: None,
        format: None,
    };
    change(&mut disk);
    spec.disks = vec![disk];
}

fn with_nic(spec: &mut VmSpec, change: impl Fn(&mut VmNicSpec)) {
    let mut nic = nic();
    change(&mut nic);
    spec.nics = vec![nic];
}

const REFUSED: &[Refused] = &[
    ("name", |spec| spec.name = "a b".to_owned()),
    ("name", |spec| spec.name = String::new()),
    ("image", |spec| spec.image = None),
    ("flavor", |spec| spec.flavor = x()),
    ("cpus", |spec| spec.cpus = Some(0)),
    ("memory-mib", |spec| spec.memory_mib = Some(0)),
    ("location", |spec| spec.location = x()),
    ("user-data", |spec| spec.user_data = x()),
    ("hostname", |spec| spec.hostname = x()),
    ("security-groups", |spec| spec.security_groups = vec!["x".to_owned()]),
    ("description", |spec| spec.description = x()),
    ("metadata", |spec| spec.metadata = vec![tag("team", "x")]),
    ("profil", |spec| spec.options = vec![text_option("profil", "x")]),
    ("profile", |spec| {
        spec.options = vec![text_option("profile", "beside the image")]
    }),
    ("disks.image", |spec| with_disk(spec, |disk| disk.image = x())),
    ("disks.existing", |spec| with_disk(spec, |disk| disk.existing = x())),
    ("disks.bus", |spec| with_disk(spec, |disk| disk.bus = x())),
    ("disks.format", |spec| with_disk(spec, |disk| disk.format = x())),
    ("disks.size-gib", |spec| with_disk(spec, |disk| disk.size_gib = Some(0))),
    ("nics.subnet", |spec| with_nic(spec, |nic| nic.subnet = x())),
    ("nics.mac", |spec| with_nic(spec, |nic| nic.mac = x())),
    ("nics.model", |spec| with_nic(spec, |nic| nic.model = x())),
    ("nics.address", |spec| with_nic(spec, |nic| nic.address = x())),
    ("nics.gateway", |spec| with_nic(spec, |nic| nic.gateway = x())),
    ("nics.dns-servers", |spec| {
        with_nic(spec, |nic| nic.dns_servers = vec!["x".to_owned()])
    }),
    ("nics.public", |spec| with_nic(spec, |nic| nic.public = Some(false))),
];

#[test]
fn a_field_that_kweb_cannot_honour_is_refused_by_name_before_any_request() {
    for (field, change) in REFUSED {
        let mut bad = spec("a");
        change(&mut bad);
        let host = FakeHost::new();
        assert_eq!(Web::create_vm(&host, bad).expect_err(field).kind, invalid(field));
        assert!(host.requests().is_empty(), "{field}");
    }
    let options = VmDeleteOptions {
        keep_disks: true,
        delete_snapshots: false,
    };
    let error = Web::delete_vm(&FakeHost::new(), "a".to_owned(), options).expect_err("keep");
    assert_eq!(error.kind, invalid("keep-disks"));
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
        let host = FakeHost::new()
            .with_route("POST /vms", status, &body)
            .with_route("GET /vms/web-1", 200, "{}");
        let error = Web::create_vm(&host, spec("web-1")).expect_err(&body);
        assert_eq!(error.kind, expected, "{body}");
        assert!(
            error.message.contains("creating vm `web-1`") && !error.message.contains('<'),
            "{}",
            error.message
        );
        let changes = host.requests().iter().filter(|request| !request.is_safe()).count();
        assert_eq!(changes, 1, "a create is sent once");
    }
}

#[test]
fn a_vm_that_was_there_before_is_left_alone() {
    let host = FakeHost::new().with_route("GET /vms/web-1", 200, VM);
    let error = Web::create_vm(&host, spec("web-1")).expect_err("exists");
    assert_eq!(error.kind, ErrorKind::AlreadyExists(Subject::new("vm", "web-1")));
    assert_eq!(host.request_lines(), ["GET /vms/web-1"]);
}

#[test]
fn a_creation_that_fails_leaves_nothing() {
    let stopped = VM.replace(r#""up""#, r#""down""#);
    let eight_cpus: fn(&mut VmSpec) = |spec| spec.cpus = Some(8);
    for (create, after, change, words) in [
        ((200, OK), VM, eight_cpus, "1 instead of 8 for `cpus`"),
        ((200, OK), &stopped, |_| {}, "does not run"),
        ((500, HTML), &stopped, |_| {}, "500"),
    ] {
        let host = FakeHost::new()
            .with_route("GET /vms/web-1", 200, "{}")
            .with_route("GET /vms/web-1", 200, after)
            .with_route("POST /vms", create.0, create.1)
            .with_route("DELETE /vms/web-1", 200, OK);
        let mut wanted = spec("web-1");
        change(&mut wanted);
        let error = Web::create_vm(&host, wanted).expect_err(words);
        assert!(error.message.contains(words), "{}", error.message);
        let last = host.request_lines().pop();
        assert_eq!(last.as_deref(), Some(r#"DELETE /vms/web-1 {"snapshots":true}"#));
    }
}

#[test]
fn an_unanswered_creation_is_not_undone() {
    let host = FakeHost::new().with_route("GET /vms/web-1", 200, "{}");
    host.answer(Err(Fault::Timeout));
    let error = Web::create_vm(&host, spec("web-1")).expect_err("no answer");
    assert_eq!(error.kind, ErrorKind::TimedOut);
    assert_eq!(host.requests().len(), 2);
}

#[test]
fn a_repeated_idempotency_key_creates_once() {
    let host = FakeHost::new()
        .with_route("POST /vms", 200, OK)
        .with_route("GET /vms/web-1", 200, "{}")
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
