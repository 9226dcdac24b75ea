//! Creating VMs: what is sent, and that a failure leaves nothing.

use super::*;

const FLAVORS: &str = r#"{"flavors": [{"id": "f", "name": "small", "vcpus": 1, "ram": 256, "disk": 1}]}"#;
const PORT: &str = r#"{"port": {"id": "p", "network_id": "n"}}"#;
const OK: &str = "{}";

pub(super) fn spec() -> VmSpec {
    VmSpec {
        name: "web-1".to_owned(),
        image: Some("tiny".to_owned()),
        flavor: None,
        cpus: Some(1),
        memory_mib: Some(256),
        disks: vec![],
        nics: vec![VmNicSpec {
            network: Some("default".to_owned()),
            subnet: None,
            mac: Some("52:54:00:00:00:01".to_owned()),
            model: None,
            address: None,
            gateway: None,
            dns_servers: vec![],
            public: Some(true),
        }],
        pool: None,
        location: None,
        user_data: Some("#cloud-config".to_owned()),
        ssh_keys: vec!["ssh-ed25519 AAAA a".to_owned(), "ssh-ed25519 BBBB b".to_owned()],
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

pub(super) fn furnished() -> FakeHost {
    furnished_with(202, &format!(r#"{{"server": {{"id": "{ID}"}}}}"#))
}

/// A cloud in which a VM can be created, with this answer to the creation.
fn furnished_with(status: u16, created: &str) -> FakeHost {
    let images = format!(
        r#"{{"images": [{{"id": "{OTHER_ID}", "name": "tiny", "status": "active", "size": 5, "disk_format": "raw"}}]}}"#
    );
    cloud()
        .with_option("external_network", "outside")
        .with_route("GET /v2.1/servers/detail", 200, r#"{"servers": []}"#)
        .with_route("GET /v2/images", 200, &images)
        .with_route("GET /v2.1/flavors/detail", 200, FLAVORS)
        .with_route(
            "GET /v2.0/networks",
            200,
            r#"{"networks": [{"id": "n", "name": "default"}, {"id": "o", "name": "outside", "router:external": true}]}"#,
        )
        .with_route("POST /v2.0/ports", 201, PORT)
        .with_route(
            "POST /v2.0/floatingips",
            201,
            r#"{"floatingip": {"id": "i", "floating_ip_address": "203.0.113.5"}}"#,
        )
        .with_route("POST /v2.1/os-keypairs", 201, OK)
        .with_route("POST /v2.1/servers", status, created)
}

/// The methods and paths of changes, with the digits of the key pair's name left out.
fn steps(host: &FakeHost) -> Vec<String> {
    let step = |line: String| {
        let step = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        match step.split_once("/stockade-") {
            Some((before, _)) => format!("{before}/*"),
            None => step,
        }
    };
    changes(host).into_iter().map(step).collect()
}

#[test]
fn a_boot_makes_its_parts_first_and_removes_the_key_pair_at_once() {
    let host = furnished().with_route(&format!("GET /v2.1/servers/{ID}"), 200, &server("ACTIVE"));
    host.set_route(&key_pair_route(), 202, OK);
    let tags = OptionEntry {
        name: "tags".to_owned(),
        value: OptionValue::TextList(vec!["blue".to_owned()]),
    };
    let spec = VmSpec {
        options: vec![tags],
        ..spec()
    };
    let change = Openstack::create_vm(&host, spec).expect("a vm");
    assert_eq!((change.id.as_str(), change.pending), (ID, None));
    assert_eq!(
        steps(&host),
        [
            "POST /v2.0/ports",
            "POST /v2.0/floatingips",
            "POST /v2.1/os-keypairs",
            "POST /v2.1/servers",
            "DELETE /v2.1/os-keypairs/*",
        ]
    );
    let all = changes(&host).join("\n");
    for part in [
        r#""mac_address":"52:54:00:00:00:01""#,
        r#""floating_network_id":"o""#,
        r"ssh-ed25519 AAAA a\nssh-ed25519 BBBB b",
        r#""user_data":"I2Nsb3VkLWNvbmZpZw==""#,
        r#""networks":[{"port":"p"}]"#,
        r#""flavorRef":"f""#,
        r#""tags":["blue"]"#,
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
}

/// The fake clock starts at a known time, so that the name is known, too.
fn key_pair_route() -> String {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest("web-1 2026-01-01T00:00:00.000Z");
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("DELETE /v2.1/os-keypairs/stockade-{digits}")
}

#[test]
fn a_boot_that_nova_gives_up_leaves_nothing_and_tells_why() {
    let host = furnished()
        .with_route(&format!("GET /v2.1/servers/{ID}"), 200, &server("ERROR"))
        .with_route(&format!("GET /v2.1/servers/{ID}"), 404, OK)
        .with_route(&format!("DELETE /v2.1/servers/{ID}"), 204, "")
        .with_route("DELETE /v2.0/floatingips/i", 204, "")
        .with_route("DELETE /v2.0/ports/p", 204, "");
    host.set_route(&key_pair_route(), 202, OK);
    let error = Openstack::create_vm(&host, spec()).expect_err("no host");
    assert_eq!(error.kind, ErrorKind::QuotaExceeded(Some("host".to_owned())));
    assert!(error.message.contains("No valid host was found"), "{}", error.message);
    assert_eq!(
        steps(&host)[4..],
        [
            "DELETE /v2.1/os-keypairs/*",
            "DELETE /v2.1/servers/9a666c61-21c3-40ae-9a5b-3bdb475abcdf",
            "DELETE /v2.0/floatingips/i",
            "DELETE /v2.0/ports/p",
        ]
    );
}

#[test]
fn a_boot_that_is_refused_leaves_nothing() {
    let quota = r#"{"forbidden": {"code": 403, "message": "Quota exceeded for cores: Requested 1, but already used 1 of 1 cores"}}"#;
    let host = furnished_with(403, quota)
        .with_route("DELETE /v2.0/floatingips/i", 204, "")
        .with_route("DELETE /v2.0/ports/p", 204, "");
    host.set_route(&key_pair_route(), 202, OK);
    let error = Openstack::create_vm(&host, spec()).expect_err("quota");
    assert_eq!(error.kind, ErrorKind::QuotaExceeded(Some("cores".to_owned())));
    let steps = steps(&host);
    assert!(
        steps.ends_with(&[
            "DELETE /v2.1/os-keypairs/*".to_owned(),
            "DELETE /v2.0/floatingips/i".to_owned(),
            "DELETE /v2.0/ports/p".to_owned(),
        ]),
        "{steps:?}"
    );
}

#[test]
fn what_cannot_be_honoured_is_refused_before_anything_is_made() {
    let refusal = |change: fn(&mut VmSpec)| {
        let host = furnished();
        let mut spec = spec();
        change(&mut spec);
        let error = Openstack::create_vm(&host, spec).expect_err("refused");
        assert!(changes(&host).is_empty(), "{:?}", changes(&host));
        error.kind
    };
    let invalid = |field: &str| ErrorKind::InvalidArgument(field.to_owned());
    assert_eq!(refusal(|spec| spec.autostart = true), invalid("autostart"));
    assert_eq!(refusal(|spec| spec.cpus = Some(0)), invalid("cpus"));
    assert_eq!(refusal(|spec| spec.cpus = Some(64)), invalid("memory-mib"));
    assert_eq!(refusal(|spec| spec.name = " web".to_owned()), invalid("name"));
    assert_eq!(
        refusal(|spec| spec.nics[0].model = Some("e1000".to_owned())),
        invalid("nics.model")
    );
    assert_eq!(
        refusal(|spec| spec.nics[0].mac = Some("x".to_owned())),
        invalid("nics.mac")
    );
    assert_eq!(
        refusal(|spec| spec.user_data = Some("x".repeat(50_000))),
        invalid("user-data")
    );
    assert_eq!(
        refusal(|spec| spec.metadata = vec![Tag {
            key: "a/b".to_owned(),
            value: String::new()
        }]),
        invalid("metadata")
    );
    assert_eq!(
        refusal(|spec| spec.image = Some("absent".to_owned())),
        ErrorKind::NotFound(Subject::new("image", "absent"))
    );
}
