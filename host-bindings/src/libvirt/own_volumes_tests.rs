//! Tests of what a deletion takes, on libvirt's test driver.

use super::*;
use crate::contract::VmDeleteOptions;
use crate::libvirt::create::make_fail;
use crate::libvirt::delete::delete_vm;
use crate::libvirt::test_host::TestHost;
use crate::libvirt::volume_xml::VolumeDefinition;

const WHOLE: VmDeleteOptions = VmDeleteOptions {
    keep_disks: false,
    delete_snapshots: true,
};

/// A host with volumes (name, what is under it) and a VM of ours that records one of them and has these attached.
fn host(volumes: &[(&str, Option<&str>)], attached: &[(&str, &str)]) -> TestHost {
    let disks: String = (b'a'..)
        .zip(attached)
        .map(|(letter, (device, name))| {
            format!(
                "<disk type='file' device='{device}'><source file='/default-pool/{name}'/><target dev='vd{}'/></disk>",
                char::from(letter)
            )
        })
        .collect();
    let host = TestHost::new(&format!(
        "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>web</name><memory>8192</memory>\
         <os><type>hvm</type></os><metadata><stockade:vm xmlns:stockade='urn:stockade:vm:1'>\
         <stockade:volume pool='default' name='web_0.img'/><stockade:volume pool='gone' name='x'/></stockade:vm></metadata>\
         <devices>{disks}</devices><test:runstate>5</test:runstate></domain>"
    ));
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    for (name, backing) in volumes {
        let definition = VolumeDefinition {
            allocation_bytes: 0,
            name: (*name).into(),
            capacity_bytes: 1 << 20,
            format: "qcow2".into(),
            backing: backing.map(|name| (format!("/default-pool/{name}"), "qcow2".into())),
        };
        drop(Owned::new(
            StorageVol::create_xml(&pool, &definition.to_xml(), 0).unwrap(),
        ));
    }
    host
}

fn volumes(host: &TestHost) -> Vec<String> {
    let mut names = lookup::find_pool(&host.connect, "default")
        .unwrap()
        .list_volumes()
        .unwrap();
    names.sort();
    names
}

#[test]
fn overlays_go_with_the_disk_that_they_were_put_on_and_the_image_under_it_stays() {
    let host = host(
        &[
            ("web_0.img", Some("base.qcow2")),
            ("web_vda.s1.img", Some("web_0.img")),
            ("web_vda.s2.img", Some("web_vda.s1.img")),
        ],
        &[("disk", "web_vda.s2.img"), ("cdrom", "base.qcow2")],
    );
    delete_vm(&host.connect, "web", &WHOLE).unwrap();
    assert_eq!(volumes(&host), ["base.qcow2"]);
}

#[test]
fn what_was_attached_and_not_made_for_the_vm_stays() {
    let host = host(
        &[
            ("web_0.img", Some("base.qcow2")),
            ("data.img", None),
            ("theirs.img", Some("base.qcow2")),
        ],
        &[("disk", "web_0.img"), ("disk", "data.img"), ("disk", "theirs.img")],
    );
    delete_vm(&host.connect, "web", &WHOLE).unwrap();
    assert_eq!(volumes(&host), ["base.qcow2", "data.img", "theirs.img"]);
}

#[test]
fn a_disk_under_somebody_elses_overlay_is_kept_with_its_vm() {
    let host = host(
        &[("web_0.img", None), ("copy_0.img", Some("web_0.img"))],
        &[("disk", "web_0.img")],
    );
    let error = delete_vm(&host.connect, "web", &WHOLE).unwrap_err().error;
    assert_eq!(error.kind.name(), "conflict", "{error}");
    assert_eq!(volumes(&host), ["base.qcow2", "copy_0.img", "web_0.img"]);
    assert!(lookup::find_domain(&host.connect, "web").is_ok());
}

#[test]
fn kept_disks_are_kept_with_their_overlays() {
    let host = host(
        &[("web_0.img", None), ("web_vda.s1.img", Some("web_0.img"))],
        &[("disk", "web_vda.s1.img")],
    );
    let keep = VmDeleteOptions {
        keep_disks: true,
        ..WHOLE
    };
    delete_vm(&host.connect, "web", &keep).unwrap();
    assert_eq!(volumes(&host), ["base.qcow2", "web_0.img", "web_vda.s1.img"]);
}

#[test]
fn a_deletion_that_failed_leaves_the_vm_and_can_be_repeated() {
    for times in [0, 1] {
        let host = host(
            &[("web_0.img", Some("base.qcow2")), ("web_vda.s1.img", Some("web_0.img"))],
            &[("disk", "web_vda.s1.img")],
        );
        make_fail(Some(("delete", times)));
        let error = delete_vm(&host.connect, "web", &WHOLE).unwrap_err().error;
        make_fail(None);
        assert_eq!(error.message, "injected at delete");
        assert!(lookup::find_domain(&host.connect, "web").is_ok());
        delete_vm(&host.connect, "web", &WHOLE).unwrap();
        assert_eq!(volumes(&host), ["base.qcow2"], "{times}");
    }
}

#[test]
fn overlays_in_a_circle_end() {
    let host = host(
        &[("a.img", Some("b.img")), ("b.img", Some("a.img"))],
        &[("disk", "a.img")],
    );
    assert!(chain(&host.connect, "/default-pool/a.img").len() <= CHAIN_MAX);
    delete_vm(&host.connect, "web", &WHOLE).unwrap();
    assert_eq!(volumes(&host), ["a.img", "b.img", "base.qcow2"]);
}
