//! Tests of `clone_xml`: what a copy shares with its original and what it does not.

use super::*;
use crate::contract::Tag;
use crate::libvirt::facts::DomainFacts;
use crate::libvirt::schema_check::check;

const ORIGINAL: &str = "<domain type='kvm'><name>web</name><uuid>11111111-2222-4333-8444-555555555555</uuid>\
    <genid>11111111-2222-4333-8444-666666666666</genid><metadata><stockade:vm xmlns:stockade='urn:stockade:vm:1'>\
    <stockade:image>base.qcow2</stockade:image><stockade:idempotency-key>k</stockade:idempotency-key>\
    <stockade:nic mac='52:54:00:00:00:01' address='192.0.2.7'/><stockade:volume pool='default' name='web_0.img'/>\
    <stockade:tag key='plan'>p</stockade:tag></stockade:vm><kvirt:info xmlns:kvirt='kvirt'><kvirt:ip>192.0.2.7</kvirt:ip></kvirt:info>\
    <other:thing xmlns:other='urn:other'>keep</other:thing></metadata><memory unit='KiB'>262144</memory><vcpu>1</vcpu>\
    <os><type arch='x86_64' machine='q35'>hvm</type><loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>\
    <nvram template='/usr/share/OVMF/OVMF_VARS.fd'>/var/lib/libvirt/qemu/nvram/web_VARS.fd</nvram></os>\
    <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='/p/web_0.img'/>\
    <backingStore type='file'><format type='qcow2'/><source file='/p/base'/></backingStore><target dev='vda' bus='virtio'/>\
    <serial>s</serial></disk><disk type='file' device='disk'><source file='/p/gone'/><target dev='vdb' bus='virtio'/></disk>\
    <disk type='file' device='disk'><source file='/p/shared'/><target dev='vdc' bus='virtio'/><shareable/></disk>\
    <disk type='file' device='cdrom'><source file='/p/installer.iso'/><target dev='sda' bus='scsi'/><readonly/></disk>\
    <interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/><model type='virtio'/></interface>\
    <serial type='file'><source path='/p/web.serial'/><target port='0'/></serial>\
    <console type='pty'><log file='/p/web.log' append='on'/><target type='virtio' port='1'/></console><channel type='unix'><source mode='bind' path='/run/web.agent'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>\
    </devices></domain>";

fn copy() -> (Tree, Vec<(String, String)>) {
    let mut tree = Tree::parse(ORIGINAL).unwrap();
    let mut metadata = metadata_of_copy(&DomainFacts::from_xml(ORIGINAL).unwrap().metadata);
    metadata.volumes = vec![super::super::metadata::VolumeMetadata {
        pool: "default".into(),
        name: "copy_0.img".into(),
    }];
    let identity = Identity {
        name: "it's <a> copy".into(),
        uuid: "99999999-2222-4333-8444-555555555555".into(),
        disks: vec![CopiedDisk {
            target: "vda".into(),
            path: "/p/copy_0.img".into(),
            format: "qcow2".into(),
            is_block_device: false,
        }],
        metadata,
    };
    let macs = rewrite(&mut tree, identity);
    (tree, macs)
}

#[test]
fn a_copy_has_an_identity_of_its_own() {
    let (tree, macs) = copy();
    let xml = tree.to_xml();
    check("domain", &xml);
    let facts = DomainFacts::from_xml(&xml).unwrap();
    assert_eq!(tree.child("name").unwrap().text(), "it's <a> copy");
    assert_eq!(macs[0].0, "52:54:00:00:00:01");
    assert_ne!(macs[0].1, macs[0].0);
    assert_eq!(facts.nics[0].mac.as_deref(), Some(macs[0].1.as_str()));
    assert_eq!(facts.metadata.nics[0].mac.as_deref(), Some(macs[0].1.as_str()));
    assert_eq!(
        (
            facts.metadata.nics[0].address.as_ref(),
            facts.metadata.idempotency_key.as_ref()
        ),
        (None, None)
    );
    assert_eq!(facts.metadata.volumes[0].name, "copy_0.img");
    assert_eq!(facts.metadata.image.as_deref(), Some("base.qcow2"));
    let plan = Tag {
        key: "plan".into(),
        value: "p".into(),
    };
    assert_eq!(facts.metadata.tags, [plan]);
    for foreign in [
        "52:54:00:00:00:01",
        "11111111-2222",
        "web_0.img",
        "web_VARS",
        "/p/web.serial",
        "/p/web.log",
        "/run/web.agent",
        "192.0.2.7",
    ] {
        assert!(!xml.contains(foreign), "{foreign}: {xml}");
    }
}

#[test]
fn a_copy_keeps_what_is_not_its_identity() {
    let (tree, _) = copy();
    let xml = tree.to_xml();
    for kept in [
        "<other:thing xmlns:other='urn:other'>keep</other:thing>",
        "cache='none'",
        "<serial>s</serial>",
        "template='/usr/share/OVMF/OVMF_VARS.fd'",
        "/p/installer.iso",
        "/p/shared",
        "/p/copy_0.img",
    ] {
        assert!(xml.contains(kept), "{kept}: {xml}");
    }
    // A disk that was not copied is not the copy's.
    assert!(!xml.contains("/p/gone") && !xml.contains("/p/base"), "{xml}");
    assert_eq!(xml.matches("<stockade:vm").count(), 1, "{xml}");
}

#[test]
fn a_firmware_that_libvirt_chose_is_chosen_again() {
    let mut tree = Tree::parse(&ORIGINAL.replace("<os>", "<os firmware='efi'>")).unwrap();
    let identity = Identity {
        name: "copy".into(),
        uuid: "u".into(),
        disks: vec![],
        metadata: Metadata::default(),
    };
    rewrite(&mut tree, identity);
    let os = tree.child("os").unwrap();
    assert!(os.child("loader").is_none() && os.child("nvram").is_none() && os.child("type").is_some());
}
