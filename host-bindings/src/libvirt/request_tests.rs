//! Tests of `request`: every field of a spec is used or refused by its name.

use super::*;
use crate::contract::{ErrorKind, OptionEntry, OptionValue, VmDiskSpec, VmNicSpec};
use crate::libvirt::disk_request::DiskSourceRequest;
use crate::libvirt::disk_tuning::DiskTuning;
use crate::libvirt::domain_xml::DiskBus;

fn spec() -> VmSpec {
    serde_json::from_value(serde_json::json!({ "name": "web", "start": true, "autostart": false })).unwrap()
}

fn options() -> Options {
    Options::from_entries(&[]).unwrap()
}

fn disk() -> VmDiskSpec {
    VmDiskSpec {
        size_gib: None,
        pool: None,
        image: None,
        existing: None,
        bus: None,
        format: None,
    }
}

fn nic() -> VmNicSpec {
    VmNicSpec {
        network: None,
        subnet: None,
        mac: None,
        model: None,
        address: None,
        gateway: None,
        dns_servers: vec![],
        public: None,
    }
}

fn refused_field(spec: VmSpec) -> Option<String> {
    match VmRequest::from_spec(spec, &options()).unwrap_err().kind {
        ErrorKind::InvalidArgument(field) => Some(field),
        _ => None,
    }
}

#[test]
fn an_almost_empty_spec_gets_the_documented_defaults() {
    let request = VmRequest::from_spec(
        VmSpec {
            image: Some("debian".into()),
            ..spec()
        },
        &options(),
    )
    .unwrap();
    assert_eq!(
        (request.cpus, request.memory_mib, request.pool.as_str()),
        (DEFAULT_CPUS, DEFAULT_MEMORY_MIB, "default")
    );
    let source = DiskSourceRequest::New {
        image: Some("debian".into()),
        bytes: None,
        pool: "default".into(),
        format: None,
    };
    assert_eq!(
        request.disks,
        [DiskRequest {
            source,
            bus: DiskBus::Virtio,
            tuning: DiskTuning::default(),
        }]
    );
    assert_eq!(
        (request.nics.len(), request.nics[0].source.network().unwrap()),
        (1, "default")
    );
    assert_eq!(request.seed, None);
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn check_refused(cases: impl IntoIterator<Item = (&'static str, VmSpec)>) {
    for (field, spec) in cases {
        assert_eq!(refused_field(spec.clone()).as_deref(), Some(field), "{spec:?}");
    }
}

#[test]
fn a_wish_for_the_vm_that_cannot_be_honoured_is_refused_by_its_field() {
    check_refused([
        (
            "name",
            VmSpec {
                name: "../x".into(),
                ..spec()
            },
        ),
        (
            "flavor",
            VmSpec {
                flavor: text("m1"),
                ..spec()
            },
        ),
        (
            "location",
            VmSpec {
                location: text("zone"),
                ..spec()
            },
        ),
        (
            "security-groups",
            VmSpec {
                security_groups: vec!["web".into()],
                ..spec()
            },
        ),
        (
            "cpus",
            VmSpec {
                cpus: Some(0),
                ..spec()
            },
        ),
        (
            "memory-mib",
            VmSpec {
                memory_mib: Some(0),
                ..spec()
            },
        ),
        (
            "description",
            VmSpec {
                description: text("a\0b"),
                ..spec()
            },
        ),
    ]);
}

#[test]
fn texts_and_lists_of_a_vm_that_cannot_be_honoured_are_refused_by_their_field() {
    let tag = |key: &str, value: &str| Tag {
        key: key.into(),
        value: value.into(),
    };
    let option = OptionEntry {
        name: "bogus".into(),
        value: OptionValue::Boolean(true),
    };
    check_refused([
        (
            "metadata",
            VmSpec {
                metadata: vec![tag("a", "1"), tag("a", "2")],
                ..spec()
            },
        ),
        (
            "metadata",
            VmSpec {
                metadata: vec![tag("a", "\u{1b}")],
                ..spec()
            },
        ),
        (
            "hostname",
            VmSpec {
                hostname: text("a b"),
                ..spec()
            },
        ),
        (
            "hostname",
            VmSpec {
                name: "no host name".into(),
                user_data: text("x"),
                ..spec()
            },
        ),
        (
            "ssh-keys",
            VmSpec {
                ssh_keys: vec!["ssh-ed25519 A\nssh-rsa B".into()],
                ..spec()
            },
        ),
        (
            "bogus",
            VmSpec {
                options: vec![option],
                ..spec()
            },
        ),
        (
            "disks",
            VmSpec {
                disks: vec![
                    VmDiskSpec {
                        size_gib: Some(1),
                        ..disk()
                    };
                    17
                ],
                ..spec()
            },
        ),
        (
            "nics",
            VmSpec {
                nics: vec![nic(); 17],
                ..spec()
            },
        ),
    ]);
}

#[test]
fn a_wish_for_a_disk_that_cannot_be_honoured_is_refused_by_its_field() {
    let with = |disk: VmDiskSpec| VmSpec {
        disks: vec![disk],
        ..spec()
    };
    let existing = VmDiskSpec {
        existing: text("d"),
        ..disk()
    };
    check_refused([
        ("size-gib", with(disk())),
        (
            "size-gib",
            with(VmDiskSpec {
                size_gib: Some(0),
                ..disk()
            }),
        ),
        (
            "bus",
            with(VmDiskSpec {
                size_gib: Some(1),
                bus: text("nvme"),
                ..disk()
            }),
        ),
        (
            "format",
            with(VmDiskSpec {
                size_gib: Some(1),
                format: text("vmdk"),
                ..disk()
            }),
        ),
        (
            "format",
            with(VmDiskSpec {
                image: text("i"),
                format: text("raw"),
                ..disk()
            }),
        ),
        (
            "existing",
            with(VmDiskSpec {
                size_gib: Some(1),
                ..existing.clone()
            }),
        ),
        (
            "existing",
            VmSpec {
                image: text("i"),
                ..with(existing)
            },
        ),
        (
            "image",
            VmSpec {
                image: text("i"),
                ..with(VmDiskSpec {
                    image: text("j"),
                    ..disk()
                })
            },
        ),
    ]);
}

#[test]
fn a_wish_for_an_interface_that_cannot_be_honoured_is_refused_by_its_field() {
    let with = |nic: VmNicSpec| VmSpec {
        nics: vec![nic],
        ..spec()
    };
    check_refused([
        (
            "subnet",
            with(VmNicSpec {
                subnet: text("s"),
                ..nic()
            }),
        ),
        (
            "public",
            with(VmNicSpec {
                public: Some(true),
                ..nic()
            }),
        ),
        (
            "mac",
            with(VmNicSpec {
                mac: text("ff:ff:ff:ff:ff:ff"),
                ..nic()
            }),
        ),
        (
            "model",
            with(VmNicSpec {
                model: text("virtio' x='"),
                ..nic()
            }),
        ),
        (
            "address",
            with(VmNicSpec {
                address: text("192.0.2.7"),
                ..nic()
            }),
        ),
        (
            "gateway",
            with(VmNicSpec {
                gateway: text("192.0.2.1"),
                ..nic()
            }),
        ),
        (
            "gateway",
            with(VmNicSpec {
                address: text("192.0.2.7/24"),
                gateway: text("x"),
                ..nic()
            }),
        ),
        (
            "dns-servers",
            with(VmNicSpec {
                dns_servers: vec!["192.0.2.1".into()],
                ..nic()
            }),
        ),
    ]);
}

#[test]
fn a_seed_is_made_only_when_the_guest_is_told_something() {
    let seed = |spec| VmRequest::from_spec(spec, &options()).unwrap().seed;
    assert_eq!(seed(spec()), None);
    let fixed = VmNicSpec {
        address: Some("192.0.2.7/24".into()),
        ..nic()
    };
    for spec in [
        VmSpec {
            user_data: Some("#!/bin/sh".into()),
            ..spec()
        },
        VmSpec {
            ssh_keys: vec!["ssh-ed25519 A".into()],
            ..spec()
        },
        VmSpec {
            nics: vec![fixed],
            ..spec()
        },
    ] {
        assert_eq!(seed(spec).unwrap().hostname, "web");
    }
    assert_eq!(
        seed(VmSpec {
            hostname: Some("other".into()),
            ..spec()
        })
        .unwrap()
        .hostname,
        "other"
    );
}

#[test]
fn the_image_goes_under_the_first_disk_only() {
    let second = VmDiskSpec {
        size_gib: Some(3),
        bus: Some("scsi".into()),
        pool: Some("fast".into()),
        ..disk()
    };
    let spec = VmSpec {
        image: Some("debian".into()),
        disks: vec![
            VmDiskSpec {
                size_gib: Some(9),
                ..disk()
            },
            second,
        ],
        ..spec()
    };
    let disks = VmRequest::from_spec(spec, &options()).unwrap().disks;
    let new = |image: Option<&str>, gib: u64, pool: &str| DiskSourceRequest::New {
        image: image.map(Into::into),
        bytes: Some(gib << 30),
        pool: pool.into(),
        format: None,
    };
    assert_eq!(
        disks[0],
        DiskRequest {
            source: new(Some("debian"), 9, "default"),
            bus: DiskBus::Virtio,
            tuning: DiskTuning::default(),
        }
    );
    assert_eq!(
        disks[1],
        DiskRequest {
            source: new(None, 3, "fast"),
            bus: DiskBus::Scsi,
            tuning: DiskTuning::default(),
        }
    );
}

#[test]
fn user_data_is_filled_in_only_when_it_is_called_a_template() {
    let user_data = |flag: Option<bool>, text: &str| {
        let options = flag.map(|flag| OptionEntry {
            name: "user_data_template".into(),
            value: OptionValue::Boolean(flag),
        });
        let spec = VmSpec {
            user_data: Some(text.into()),
            options: options.into_iter().collect(),
            ..spec()
        };
        VmRequest::from_spec(spec, &Options::from_entries(&[]).unwrap())
            .map(|request| request.seed.unwrap().user_data.unwrap())
    };
    assert_eq!(user_data(None, "{{ absent }}").unwrap(), "{{ absent }}");
    assert_eq!(user_data(Some(false), "{{ name }}").unwrap(), "{{ name }}");
    assert_eq!(
        user_data(Some(true), "n={{ name }}\n").unwrap(),
        format!("n={}\n", spec().name)
    );
    let error = user_data(Some(true), "{{ absent }}").unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument("user-data".into()));
}
