//! Tests of copies on libvirt's test driver: whatever step fails, nothing is left and the original is as it was.

use super::*;
use crate::libvirt::create::make_fail;
use crate::libvirt::delete::delete_vm;
use crate::libvirt::test_host::{TestHost, vm_xml};

fn volume_xml(name: &str) -> String {
    format!(
        "<volume type='file'><name>{name}</name><capacity unit='bytes'>1048576</capacity><allocation unit='bytes'>0</allocation>\
         <target><path>/default-pool/{name}</path><format type='qcow2'/></target></volume>"
    )
}

/// A host with a stopped VM of two disks and a medium.
fn host() -> TestHost {
    let vm = vm_xml(
        "web",
        &[
            ("disk", "/default-pool/web_0.img"),
            ("disk", "/default-pool/web_1.img"),
            ("cdrom", "/default-pool/base.qcow2"),
        ],
        "default",
    );
    let host = TestHost::new(&vm);
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    for name in ["web_0.img", "web_1.img"] {
        drop(Owned::new(StorageVol::create_xml(&pool, &volume_xml(name), 0).unwrap()));
    }
    host
}

fn spec(linked: bool) -> VmCloneSpec {
    VmCloneSpec {
        name: "copy".into(),
        linked,
        snapshot: None,
        start: true,
    }
}

fn definition(host: &TestHost, vm: &str) -> DomainFacts {
    let domain = lookup::find_domain(&host.connect, vm).unwrap();
    DomainFacts::from_xml(&domain.get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE).unwrap()).unwrap()
}

fn paths(host: &TestHost, vm: &str) -> Vec<String> {
    definition(host, vm)
        .disks
        .into_iter()
        .filter_map(|disk| disk.path)
        .collect()
}

/// Names of VMs and volumes, and where the original's disks are.
fn contents(host: &TestHost) -> (Vec<String>, Vec<String>, Vec<String>) {
    let domains = host.connect.list_all_domains(0).unwrap();
    let domains: Vec<_> = domains.into_iter().map(Owned::new).collect();
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    let mut volumes = pool.list_volumes().unwrap();
    volumes.sort();
    (
        domains.iter().map(|domain| domain.get_name().unwrap()).collect(),
        volumes,
        paths(host, "web"),
    )
}

#[test]
fn a_full_copy_runs_on_disks_of_its_own_and_goes_without_the_originals() {
    let host = host();
    let before = contents(&host);
    let change = clone_vm(&host.connect, "web", &spec(false)).unwrap();
    let expected = [
        "/default-pool/copy_0.img",
        "/default-pool/copy_1.img",
        "/default-pool/base.qcow2",
    ];
    assert_eq!(paths(&host, &change.id), expected);
    let copy = definition(&host, "copy");
    let names: Vec<_> = copy
        .metadata
        .volumes
        .iter()
        .map(|volume| volume.name.as_str())
        .collect();
    assert!(copy.metadata.ours && names == ["copy_0.img", "copy_1.img"], "{names:?}");
    assert_ne!(copy.nics[0].mac, definition(&host, "web").nics[0].mac);
    assert!(lookup::find_domain(&host.connect, "copy").unwrap().is_active().unwrap());
    let whole = crate::contract::VmDeleteOptions {
        keep_disks: false,
        delete_snapshots: false,
    };
    delete_vm(&host.connect, "copy", &whole).unwrap();
    assert_eq!(contents(&host), before);
}

#[test]
fn a_linked_copy_and_its_original_both_stand_on_what_was_the_originals_disk() {
    let host = host();
    clone_vm(&host.connect, "web", &spec(true)).unwrap();
    let original = paths(&host, "web");
    assert!(original[0].starts_with("/default-pool/web_vda.") && original[1].starts_with("/default-pool/web_vdb."));
    for path in [original[0].as_str(), "/default-pool/copy_0.img"] {
        let volume = Volume::read("disk", lookup::find_volume(&host.connect, "disk", path).unwrap()).unwrap();
        assert_eq!(
            volume.facts.backing_path.as_deref(),
            Some("/default-pool/web_0.img"),
            "{path}"
        );
    }
}

#[test]
fn whichever_step_fails_nothing_is_left_and_the_original_is_as_it_was() {
    for (linked, step, times) in [
        (false, "copy", 0),
        (false, "copy", 1),
        (false, "define", 0),
        (false, "start", 0),
        (true, "copy", 1),
        (true, "overlay", 0),
        (true, "overlay", 1),
        (true, "redefine", 0),
        (true, "start", 0),
    ] {
        let host = host();
        let before = contents(&host);
        make_fail(Some((step, times)));
        let error = clone_vm(&host.connect, "web", &spec(linked)).unwrap_err().error;
        make_fail(None);
        assert_eq!(error.message, format!("injected at {step}"), "{linked}");
        assert_eq!(contents(&host), before, "{linked} {step} {times}");
        clone_vm(&host.connect, "web", &spec(linked)).unwrap();
    }
}

#[test]
fn what_cannot_be_copied_is_refused_before_anything_is_made() {
    let host = host();
    let before = contents(&host);
    for (kind, vm, spec) in [
        ("not-found", "absent", spec(false)),
        (
            "already-exists",
            "web",
            VmCloneSpec {
                name: "web".into(),
                ..spec(false)
            },
        ),
        (
            "invalid-argument",
            "web",
            VmCloneSpec {
                name: "a/b".into(),
                ..spec(false)
            },
        ),
        (
            "not-found",
            "web",
            VmCloneSpec {
                snapshot: Some("absent".into()),
                ..spec(false)
            },
        ),
    ] {
        let error = clone_vm(&host.connect, vm, &spec).unwrap_err().error;
        assert_eq!(error.kind.name(), kind, "{error}");
    }
    lookup::find_domain(&host.connect, "web").unwrap().create().unwrap();
    let error = clone_vm(&host.connect, "web", &spec(false)).unwrap_err().error;
    assert_eq!(error.kind.name(), "conflict");
    assert_eq!(contents(&host), before);
}

#[test]
fn snapshots_are_not_cut_off_by_a_linked_copy() {
    let host = host();
    let snapshot = crate::contract::SnapshotSpec {
        name: "s".into(),
        description: None,
        with_memory: false,
        quiesce: false,
    };
    crate::libvirt::snapshots::create_snapshot(&host.connect, "web", &snapshot).unwrap();
    let error = clone_vm(&host.connect, "web", &spec(true)).unwrap_err().error;
    assert_eq!(error.kind.name(), "conflict");
    let of_snapshot = VmCloneSpec {
        snapshot: Some("s".into()),
        ..spec(false)
    };
    let error = clone_vm(&host.connect, "web", &of_snapshot).unwrap_err().error;
    assert_eq!(error.kind.name(), "unsupported", "{error}");
}

#[test]
fn a_volume_in_the_way_is_reported_and_kept() {
    let host = host();
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    drop(Owned::new(
        StorageVol::create_xml(&pool, &volume_xml("copy_1.img"), 0).unwrap(),
    ));
    let before = contents(&host);
    let error = clone_vm(&host.connect, "web", &spec(false)).unwrap_err().error;
    assert_eq!(error.kind.name(), "already-exists", "{error}");
    assert_eq!(contents(&host), before);
}
