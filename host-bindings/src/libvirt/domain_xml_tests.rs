//! Tests of `domain_xml`: a golden document, libvirt's own schema, and hostile texts.

use super::*;
use crate::contract::Tag;
use crate::libvirt::capabilities::CpuModel;
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
            emulator: None,
            vendor: None,
        },
        cpus: 2,
        memory_mib: 512,
        disks: vec![
            DiskDefinition {
                source: file("/pool/web-1_0.img", "qcow2"),
                bus: DiskBus::Virtio,
                tuning: DiskTuning::default(),
            },
            DiskDefinition {
                source: file("/pool/web-1_1.img", "qcow2"),
                bus: DiskBus::Scsi,
                tuning: DiskTuning::default(),
            },
            DiskDefinition {
                source: DiskSource {
                    path: "/dev/vg/data".into(),
                    is_block_device: true,
                    format: "raw".into(),
                },
                bus: DiskBus::Sata,
                tuning: DiskTuning::default(),
            },
        ],
        seed: Some(file("/pool/web-1.ISO", "raw")),
        media: vec![],
        hardware: Hardware::default(),
        console_log: None,
        ignition: None,
        nics: vec![NicDefinition {
            source: NicSource::Network("default".into()),
            tuning: NicTuning::default(),
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

#[test]
fn every_definition_is_valid_by_libvirts_own_schema() {
    for definition in definitions() {
        crate::libvirt::schema_check::check("domain", &definition.to_xml());
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let hostile = "a'/><disk type='file'>\"&$(touch pwned)";
    let mut definition = definition("kvm", "x86_64", "q35", CpuModel::Named(hostile.into()));
    definition.name = hostile.into();
    definition.description = Some(hostile.into());
    definition.disks[0].source.path = format!("/pool/{hostile}_0.img");
    definition.nics[0].source = NicSource::Network(hostile.into());
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
