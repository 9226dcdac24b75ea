//! Tests of `create` and `delete` on libvirt's test driver: whatever step fails, nothing is left.

use std::cell::RefCell;
use std::io::Write as _;

use super::*;
use crate::contract::{ErrorKind, VmDeleteOptions, VmSpec};
use crate::libvirt::delete::delete_vm;
use crate::libvirt::options::Options;

/// Makes the n-th time fail that a step is reached on this thread; none makes no step fail.
pub(in crate::libvirt) fn make_fail(step: Option<(&'static str, usize)>) {
    FAILING.set(step);
}

thread_local! {
    static FAILING: RefCell<Option<(&'static str, usize)>> = const { RefCell::new(None) };
}

/// Fails at the n-th time that the asked-for step is reached.
pub(in crate::libvirt) fn reached(step: &str) -> Result<(), Fault> {
    FAILING.with_borrow_mut(|failing| match failing {
        Some((wanted, 0)) if *wanted == step => Err(Error::internal(format!("injected at {step}")).into()),
        Some((wanted, left)) if *wanted == step => {
            *left -= 1;
            Ok(())
        }
        _ => Ok(()),
    })
}

/// A host of libvirt's test driver that nobody else sees.
struct Host {
    connect: Owned<Connect>,
    _file: tempfile::NamedTempFile,
}

const HOST: &str = "<node><cpu><mhz>2000</mhz><model>i686</model><active>2</active><nodes>1</nodes><sockets>1</sockets>\
    <cores>2</cores><threads>1</threads></cpu><memory>8000000</memory>\
    <network><name>default</name><bridge name='virbr0'/><forward/>\
    <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip>\
    </network>\
    <pool type='dir'><name>default</name><target><path>/default-pool</path></target>\
    <volume type='file'><name>base.qcow2</name><capacity unit='bytes'>2147483648</capacity><allocation unit='bytes'>0</allocation>\
    <target><path>/default-pool/base.qcow2</path><format type='qcow2'/></target></volume></pool></node>";

impl Host {
    fn new() -> Self {
        crate::libvirt::library::load().unwrap();
        virt::error::clear_error_callback();
        let mut file = tempfile::Builder::new().suffix(".xml").tempfile().unwrap();
        file.write_all(HOST.as_bytes()).unwrap();
        let uri = format!("test://{}", file.path().display());
        Self {
            connect: Owned::new(Connect::open(Some(&uri)).unwrap()),
            _file: file,
        }
    }

    fn create(&self, spec: VmSpec) -> Result<Change, Error> {
        let request = VmRequest::from_spec(spec, &Options::from_entries(&[]).unwrap())?;
        create_vm(&self.connect, &request, Acceleration::Auto).map_err(|fault| *fault.error)
    }

    /// The names of all VMs and all volumes.
    fn contents(&self) -> (Vec<String>, Vec<String>) {
        let domains: Vec<_> = self
            .connect
            .list_all_domains(0)
            .unwrap()
            .into_iter()
            .map(Owned::new)
            .collect();
        let pool = lookup::find_pool(&self.connect, "default").unwrap();
        let mut volumes = pool.list_volumes().unwrap();
        volumes.sort();
        (
            domains.iter().map(|domain| domain.get_name().unwrap()).collect(),
            volumes,
        )
    }
}

fn spec() -> VmSpec {
    serde_json::from_value(serde_json::json!({
        "name": "web", "image": "base.qcow2", "start": true, "autostart": true, "idempotency_key": "once",
        "disks": [{ "size_gib": 3 }, { "size_gib": 1 }],
    }))
    .unwrap()
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

const WHOLE: VmDeleteOptions = VmDeleteOptions {
    keep_disks: false,
    delete_snapshots: false,
};

#[test]
fn a_created_vm_runs_has_its_disks_and_is_deleted_with_them_but_not_with_its_image() {
    let host = Host::new();
    let change = host.create(spec()).unwrap();
    assert_eq!(host.contents().1, ["base.qcow2", "web_0.img", "web_1.img"]);
    let domain = lookup::find_domain(&host.connect, &change.id).unwrap();
    assert!(domain.is_active().unwrap() && domain.get_autostart().unwrap());
    delete_vm(&host.connect, "web", &WHOLE)
        .map_err(|fault| fault.error)
        .unwrap();
    assert_eq!(host.contents(), (vec![], vec!["base.qcow2".to_owned()]));
}

#[test]
fn whichever_step_fails_nothing_is_left() {
    for (step, times) in [("disk", 0), ("disk", 1), ("define", 0), ("autostart", 0), ("start", 0)] {
        let host = Host::new();
        let before = host.contents();
        FAILING.set(Some((step, times)));
        let error = host.create(spec()).unwrap_err();
        FAILING.set(None);
        assert_eq!(error.message, format!("injected at {step}"));
        assert_eq!(host.contents(), before, "{step} {times}");
        host.create(spec()).unwrap();
    }
}

#[test]
fn a_seed_that_cannot_be_uploaded_leaves_nothing() {
    // The test driver has no streams, so this fails after the seed's volume was made.
    let host = Host::new();
    let before = host.contents();
    let error = host
        .create(VmSpec {
            user_data: Some("#!/bin/sh\n".into()),
            ..spec()
        })
        .unwrap_err();
    assert_eq!(error.kind.name(), "unsupported", "{error}");
    assert_eq!(host.contents(), before);
}

#[test]
fn a_volume_in_the_way_is_reported_and_kept() {
    let host = Host::new();
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    let volume = VolumeDefinition {
        allocation_bytes: 0,
        name: "web_1.img".into(),
        capacity_bytes: 512,
        format: "raw".into(),
        backing: None,
    };
    let _foreign = Owned::new(StorageVol::create_xml(&pool, &volume.to_xml(), 0).unwrap());
    let error = host.create(spec()).unwrap_err();
    assert_eq!(error.kind.name(), "already-exists", "{error}");
    assert_eq!(
        host.contents(),
        (vec![], vec!["base.qcow2".to_owned(), "web_1.img".to_owned()])
    );
}

#[test]
fn the_same_key_answers_the_same_vm_and_another_one_is_in_the_way() {
    let host = Host::new();
    let first = host.create(spec()).unwrap();
    assert_eq!(host.create(spec()).unwrap(), first);
    for key in [Some("other".to_owned()), None] {
        let error = host
            .create(VmSpec {
                idempotency_key: key,
                ..spec()
            })
            .unwrap_err();
        assert_eq!(error.kind.name(), "already-exists");
    }
    assert_eq!(host.contents().0, ["web"]);
}

#[test]
fn what_does_not_exist_or_fit_is_refused_before_anything_is_made() {
    let host = Host::new();
    let before = host.contents();
    for (kind, spec) in [
        (
            "not-found",
            VmSpec {
                image: Some("absent".into()),
                ..spec()
            },
        ),
        (
            "not-found",
            VmSpec {
                image: Some("a\0b".into()),
                ..spec()
            },
        ),
        (
            "not-found",
            VmSpec {
                pool: Some("absent".into()),
                ..spec()
            },
        ),
        (
            "not-found",
            VmSpec {
                nics: from_json(r#"[{ "network": "absent" }]"#),
                ..spec()
            },
        ),
        (
            "invalid-argument",
            VmSpec {
                disks: from_json(r#"[{ "size_gib": 1 }]"#),
                ..spec()
            },
        ),
    ] {
        let error = host.create(spec).unwrap_err();
        assert_eq!(error.kind.name(), kind, "{error}");
    }
    assert_eq!(host.contents(), before);
}

#[test]
fn a_disk_that_another_volume_is_based_on_is_not_deleted() {
    let host = Host::new();
    host.create(spec()).unwrap();
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    let overlay = VolumeDefinition {
        allocation_bytes: 0,
        name: "overlay.qcow2".into(),
        capacity_bytes: 3 << 30,
        format: "qcow2".into(),
        backing: Some(("/default-pool/web_0.img".into(), "qcow2".into())),
    };
    let _overlay = Owned::new(StorageVol::create_xml(&pool, &overlay.to_xml(), 0).unwrap());
    let before = host.contents();
    let error = delete_vm(&host.connect, "web", &WHOLE).unwrap_err().error;
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    assert_eq!(host.contents(), before);
}

#[test]
fn a_disk_that_another_vm_uses_is_not_deleted_and_cannot_be_attached_twice() {
    let host = Host::new();
    host.create(spec()).unwrap();
    let other = "<domain type='test'><name>other</name><memory>8192</memory><os><type>hvm</type></os><devices>\
        <disk type='file' device='disk'><source file='/default-pool/web_1.img'/><target dev='vda'/></disk></devices></domain>";
    let _other = Owned::new(Domain::define_xml(&host.connect, other).unwrap());
    let error = delete_vm(&host.connect, "web", &WHOLE).unwrap_err().error;
    assert!(
        error.kind == ErrorKind::Conflict && error.message.contains("other"),
        "{error}"
    );
    let thief = serde_json::json!({ "name": "thief", "start": false, "autostart": false, "disks": [{ "existing": "web_0.img" }] });
    let error = host.create(serde_json::from_value(thief).unwrap()).unwrap_err();
    assert!(
        error.kind == ErrorKind::Conflict && error.message.contains("web"),
        "{error}"
    );
}

#[test]
fn of_a_vm_of_kcli_only_volumes_with_its_exact_names_are_deleted() {
    let host = Host::new();
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    let mut disks = String::new();
    for (index, name) in ["a_0.img", "a.ISO", "x_a_0.img", "a_data.img", "installer.iso"]
        .into_iter()
        .enumerate()
    {
        let volume = VolumeDefinition {
            allocation_bytes: 0,
            name: name.into(),
            capacity_bytes: 512,
            format: "raw".into(),
            backing: None,
        };
        drop(Owned::new(StorageVol::create_xml(&pool, &volume.to_xml(), 0).unwrap()));
        disks.push_str(&format!(
            "<disk type='file'><source file='/default-pool/{name}'/><target dev='vd{index}'/></disk>"
        ));
    }
    let xml = format!(
        "<domain type='test'><name>a</name><memory>8192</memory><os><type>hvm</type></os>\
         <metadata><kvirt:info xmlns:kvirt='kvirt'><kvirt:plan>p</kvirt:plan></kvirt:info></metadata><devices>{disks}</devices></domain>"
    );
    let xml = ["a", "b", "c", "d", "e"]
        .iter()
        .enumerate()
        .fold(xml, |xml, (index, letter)| {
            xml.replace(&format!("vd{index}"), &format!("vd{letter}"))
        });
    drop(Owned::new(Domain::define_xml(&host.connect, &xml).unwrap()));
    delete_vm(&host.connect, "a", &WHOLE)
        .map_err(|fault| fault.error)
        .unwrap();
    let expected = ["a_data.img", "base.qcow2", "installer.iso", "x_a_0.img"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(host.contents(), (vec![], expected));
}

#[test]
fn kept_disks_stay_and_snapshots_are_not_lost_by_accident() {
    let host = Host::new();
    host.create(spec()).unwrap();
    let domain = lookup::find_domain(&host.connect, "web").unwrap();
    let snapshot = virt::domain_snapshot::DomainSnapshot::create_xml(&domain, "<domainsnapshot/>", 0).unwrap();
    drop(snapshot);
    drop(domain);
    let keep = VmDeleteOptions {
        keep_disks: true,
        delete_snapshots: false,
    };
    assert_eq!(
        delete_vm(&host.connect, "web", &keep).unwrap_err().error.kind,
        ErrorKind::Conflict
    );
    let keep = VmDeleteOptions {
        keep_disks: true,
        delete_snapshots: true,
    };
    delete_vm(&host.connect, "web", &keep)
        .map_err(|fault| fault.error)
        .unwrap();
    assert_eq!(
        host.contents(),
        (
            vec![],
            ["base.qcow2", "web_0.img", "web_1.img"].map(str::to_owned).to_vec()
        )
    );
}
