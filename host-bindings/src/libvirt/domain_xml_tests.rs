//! Tests of `domain_xml`: a golden document, libvirt's own schema, and hostile texts.

use std::process::{Command, Stdio};

use super::*;
use crate::contract::Tag;
use crate::libvirt::metadata::{NicMetadata, VolumeMetadata};

fn definition(domain_type: &str, architecture: &str, machine: &str, cpu: CpuModel) -> DomainDefinition {
    let file = |path: &str, format: &str| DiskSource {
        path: path.into(),
        is_block_device: false,
        format: format.into(),
    };
    DomainDefinition {
        uuid: "11111111-2222-4333-8444-555555555555".into(),
        name: "web-1".into(),
        description: Some("front end".into()),
        metadata: Metadata {
            ours: true,
            image: Some("debian-12.qcow2".into()),
            created_at: Some("2026-11-21T05:18:00Z".into()),
            nics: vec![NicMetadata {
                mac: Some("52:54:00:00:00:01".into()),
                address: None,
            }],
            volumes: vec![VolumeMetadata {
                pool: "default".into(),
                name: "web-1_0.img".into(),
            }],
            tags: vec![Tag {
                key: "plan".into(),
                value: "web".into(),
            }],
            ..Metadata::default()
        },
        platform: Platform {
            domain_type: domain_type.into(),
            architecture: architecture.into(),
            machine: Some(machine.into()),
            cpu,
        },
        cpus: 2,
        memory_mib: 512,
        disks: vec![
            DiskDefinition {
                source: file("/pool/web-1_0.img", "qcow2"),
                bus: DiskBus::Virtio,
            },
            DiskDefinition {
                source: file("/pool/web-1_1.img", "qcow2"),
                bus: DiskBus::Scsi,
            },
            DiskDefinition {
                source: DiskSource {
                    path: "/dev/vg/data".into(),
                    is_block_device: true,
                    format: "raw".into(),
                },
                bus: DiskBus::Sata,
            },
        ],
        seed: Some(file("/pool/web-1.ISO", "raw")),
        nics: vec![NicDefinition {
            network: "default".into(),
            mac: "52:54:00:00:00:01".into(),
            model: "virtio".into(),
        }],
    }
}

fn definitions() -> Vec<DomainDefinition> {
    vec![
        definition("kvm", "x86_64", "q35", CpuModel::Mode("host-passthrough")),
        definition("qemu", "x86_64", "pc", CpuModel::Named("Nehalem".into())),
        definition("qemu", "aarch64", "virt", CpuModel::Mode("maximum")),
        DomainDefinition {
            disks: vec![],
            seed: None,
            nics: vec![],
            ..definition("qemu", "s390x", "s390-ccw-virtio", CpuModel::MachineDefault)
        },
    ]
}

#[test]
fn a_kvm_definition_is_written_as_agreed() {
    let xml = definition("kvm", "x86_64", "pc", CpuModel::Mode("host-passthrough")).to_xml();
    let golden = include_str!("golden/kvm-domain.xml");
    assert_eq!(xml, golden, "\n{xml}");
}

/// libvirt's schemas are the judge; they come with its packages, and without them this test has nothing to say.
#[test]
fn every_definition_is_valid_by_libvirts_own_schema() {
    let schema = "/usr/share/libvirt/schemas/domain.rng";
    if !std::path::Path::new(schema).exists() || Command::new("xmllint").arg("--version").output().is_err() {
        println!("skipped: no xmllint or no {schema}");
        return;
    }
    for definition in definitions() {
        let xml = definition.to_xml();
        let mut child = Command::new("xmllint")
            .args(["--noout", "--relaxng", schema, "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), xml.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{xml}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let hostile = "a'/><disk type='file'>\"&$(touch pwned)";
    let mut definition = definition("kvm", "x86_64", "q35", CpuModel::Named(hostile.into()));
    definition.name = hostile.into();
    definition.description = Some(hostile.into());
    definition.disks[0].source.path = format!("/pool/{hostile}_0.img");
    definition.nics[0].network = hostile.into();
    definition.metadata.tags[0].value = hostile.into();
    let facts = crate::libvirt::facts::DomainFacts::from_xml(&definition.to_xml()).unwrap();
    assert_eq!(facts.description.as_deref(), Some(hostile));
    assert_eq!(facts.disks.len(), 4);
    assert_eq!(facts.disks[0].path, Some(format!("/pool/{hostile}_0.img")));
    assert_eq!(facts.nics[0].network.as_deref(), Some(hostile));
    assert_eq!(facts.metadata, definition.metadata);
}

#[test]
fn disks_are_counted_as_libvirt_counts_them() {
    for (index, name) in [
        (0, "vda"),
        (25, "vdz"),
        (26, "vdaa"),
        (27, "vdab"),
        (701, "vdzz"),
        (702, "vdaaa"),
    ] {
        assert_eq!(device_name("vd", index), name);
    }
}
