//! Creating VMs: what is asked first, the one request that creates, and what is left after a failure.

use stockade_provider::abilities::Vms;
use stockade_provider::fake_host::FakeHost;
use stockade_provider::types::*;

use super::{answer, described, error, host, instance, sent};
use crate::Aws;

const KEY: &str = "ssh-ed25519 AAAAC3Nz nobody@example.org";

pub(super) fn spec(name: &str) -> VmSpec {
    VmSpec {
        name: name.to_owned(),
        image: Some("ami-0abcdef1234567890".to_owned()),
        flavor: Some("t3.micro".to_owned()),
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

fn images(items: &[(&str, &str, &str)]) -> String {
    let items: String = items
        .iter()
        .map(|(id, name, date)| {
            format!(
                "<item><imageId>{id}</imageId><name>{name}</name><imageState>available</imageState><creationDate>{date}</creationDate>\
                 <architecture>x86_64</architecture><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item>\
                 <deviceName>/dev/xvda</deviceName><ebs><snapshotId>snap-1</snapshotId><volumeSize>8</volumeSize></ebs></item>\
                 </blockDeviceMapping></item>"
            )
        })
        .collect();
    answer("DescribeImages", &format!("<imagesSet>{items}</imagesSet>"))
}

pub(super) fn image() -> String {
    images(&[("ami-0abcdef1234567890", "debian-12", "2026-01-01T00:00:00.000Z")])
}

fn types(items: &[(&str, u32, u32)]) -> String {
    let items: String = items
        .iter()
        .map(|(name, cpus, memory_mib)| {
            format!(
                "<item><instanceType>{name}</instanceType><burstablePerformanceSupported>{}</burstablePerformanceSupported>\
                 <processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures></processorInfo>\
                 <vCpuInfo><defaultVCpus>{cpus}</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>{memory_mib}</sizeInMiB></memoryInfo></item>",
                name.starts_with('t')
            )
        })
        .collect();
    answer(
        "DescribeInstanceTypes",
        &format!("<instanceTypeSet>{items}</instanceTypeSet>"),
    )
}

pub(super) fn micro() -> String {
    types(&[("t3.micro", 2, 1024)])
}

pub(super) fn created() -> String {
    let instance = "<item><instanceId>i-1</instanceId><instanceState><name>pending</name></instanceState></item>";
    answer("RunInstances", &format!("<instancesSet>{instance}</instancesSet>"))
}

pub(super) fn create(host: &FakeHost, spec: VmSpec) -> Result<Change, Error> {
    <Aws as Vms<FakeHost>>::create_vm(host, spec)
}

#[test]
fn one_request_creates_what_the_spec_says() {
    let pair = answer("ImportKeyPair", "<keyName>k</keyName>");
    let gone = answer("DeleteKeyPair", "<return>true</return>");
    let host = host(&[&described(&[]), &image(), &micro(), &pair, &created(), &gone]);
    let disk = |size_gib| VmDiskSpec {
        size_gib: Some(size_gib),
        pool: None,
        image: None,
        existing: None,
        bus: None,
        format: None,
    };
    let change = create(
        &host,
        VmSpec {
            ssh_keys: vec![KEY.to_owned()],
            user_data: Some("#!/bin/sh\n".to_owned()),
            disks: vec![disk(20), disk(5)],
            description: Some("what it is for".to_owned()),
            metadata: vec![Tag {
                key: "plan".to_owned(),
                value: "blue".to_owned(),
            }],
            ..spec("a b")
        },
    )
    .expect("change");
    assert_eq!(change.id, "i-1");
    assert!(change.pending.is_some_and(|token| token.starts_with("vm/running/i-1/")));
    let sent = sent(&host);
    let pair = sent[4]
        .split("KeyName=")
        .nth(1)
        .and_then(|rest| rest.split('&').next())
        .expect("a pair");
    assert!(pair.starts_with("stockade-"), "{pair}");
    assert_eq!(
        sent[4].replace(pair, "K"),
        "RunInstances&ImageId=ami-0abcdef1234567890&InstanceType=t3.micro&MinCount=1&MaxCount=1&KeyName=K&UserData=IyEvYmluL3NoCg%3D%3D\
         &BlockDeviceMapping.1.DeviceName=%2Fdev%2Fxvda&BlockDeviceMapping.1.Ebs.VolumeSize=20&BlockDeviceMapping.1.Ebs.VolumeType=gp3\
         &BlockDeviceMapping.1.Ebs.DeleteOnTermination=true&BlockDeviceMapping.2.DeviceName=%2Fdev%2Fsdf&BlockDeviceMapping.2.Ebs.VolumeSize=5\
         &BlockDeviceMapping.2.Ebs.VolumeType=gp3&BlockDeviceMapping.2.Ebs.DeleteOnTermination=true\
         &TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=a+b\
         &TagSpecification.1.Tag.2.Key=Description&TagSpecification.1.Tag.2.Value=what+it+is+for\
         &TagSpecification.1.Tag.3.Key=plan&TagSpecification.1.Tag.3.Value=blue"
    );
    assert_eq!(sent[5], format!("DeleteKeyPair&KeyName={pair}"));
}

#[test]
fn no_room_leaves_no_key_and_says_so_with_the_request_id() {
    let pair = answer("ImportKeyPair", "<keyName>k</keyName>");
    let host = host(&[&described(&[]), &image(), &micro(), &pair]);
    host.answer(Ok(error(
        500,
        "InsufficientInstanceCapacity",
        "We currently do not have sufficient capacity",
    )));
    host.answer(Ok(
        Response::new(200).with_body(answer("DeleteKeyPair", "<return>true</return>"))
    ));
    let error = create(
        &host,
        VmSpec {
            ssh_keys: vec![KEY.to_owned()],
            ..spec("a")
        },
    )
    .expect_err("no room");
    assert_eq!(
        error.kind,
        ErrorKind::QuotaExceeded(Some("InsufficientInstanceCapacity".to_owned()))
    );
    assert_eq!(error.request_id.as_deref(), Some("ea966190-f9aa-478e-9ede-example"));
    assert!(sent(&host)[5].starts_with("DeleteKeyPair&"));
}

#[test]
fn a_vm_that_shall_not_run_is_stopped_as_soon_as_it_does() {
    let seen = |state| described(&[&[instance("i-1", "a", state)]]);
    let host = host(&[
        &described(&[]),
        &image(),
        &micro(),
        &created(),
        // Not seen yet, then pending, then running.
        &described(&[]),
        &seen("pending"),
        &seen("running"),
        &answer("StopInstances", "<instancesSet/>"),
    ]);
    let change = create(
        &host,
        VmSpec {
            start: false,
            ..spec("a")
        },
    )
    .expect("change");
    assert!(change.pending.is_some_and(|token| token.starts_with("vm/stopped/i-1/")));
    assert_eq!(
        sent(&host)[7],
        "StopInstances&InstanceId.1=i-1&Force=true&SkipOsShutdown=true"
    );
}

#[test]
fn a_failure_after_the_creation_deletes_the_vm() {
    let host = host(&[
        &described(&[]),
        &image(),
        &micro(),
        &created(),
        &described(&[&[instance("i-1", "a", "running")]]),
    ]);
    host.answer(Ok(error(403, "UnauthorizedOperation", "You are not authorized")));
    host.answer(Ok(
        Response::new(200).with_body(answer("TerminateInstances", "<instancesSet/>"))
    ));
    let error = create(
        &host,
        VmSpec {
            start: false,
            ..spec("a")
        },
    )
    .expect_err("denied");
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(sent(&host)[6], "TerminateInstances&InstanceId.1=i-1");
}

#[test]
fn what_was_created_a_moment_ago_may_be_missing_for_a_moment() {
    let host = host(&[&described(&[]), &image(), &micro(), &created()]);
    for _ in 0..2 {
        host.answer(Ok(error(
            400,
            "InvalidInstanceID.NotFound",
            "The instance ID 'i-1' does not exist",
        )));
    }
    host.answer(Ok(
        Response::new(200).with_body(answer("ModifyInstanceAttribute", "<return>true</return>"))
    ));
    let options = vec![OptionEntry {
        name: "router".to_owned(),
        value: true.into(),
    }];
    let change = create(&host, VmSpec { options, ..spec("a") }).expect("change");
    assert_eq!((change.id.as_str(), host.sleeps()), ("i-1", vec![250, 500]));
}

#[test]
fn a_key_makes_one_vm_and_is_aws_token() {
    let keyed = || VmSpec {
        idempotency_key: Some("key-1".to_owned()),
        ..spec("a")
    };
    let host = host(&[
        &described(&[]),
        &image(),
        &micro(),
        &created(),
        &described(&[&[instance("i-1", "a", "running")]]),
    ]);
    create(&host, keyed()).expect("first");
    assert!(sent(&host)[3].ends_with("&ClientToken=key-1"), "{}", sent(&host)[3]);
    let again = create(&host, keyed()).expect("second");
    assert_eq!((again.id.as_str(), again.pending), ("i-1", None));
    assert_eq!(host.requests().len(), 5);
}

#[test]
fn a_name_that_is_taken_is_refused_before_anything_is_made() {
    let host = host(&[&described(&[&[instance("i-1", "a", "stopped")]])]);
    let error = create(&host, spec("a")).expect_err("taken");
    assert_eq!(error.kind, ErrorKind::AlreadyExists(Subject::new("vm", "a")));
}

#[test]
fn sizes_become_the_smallest_type_that_fits() {
    let sized = VmSpec {
        flavor: None,
        cpus: Some(2),
        memory_mib: Some(3000),
        ..spec("a")
    };
    let sizes = types(&[
        ("t3.micro", 2, 1024),
        ("m5.large", 2, 8192),
        ("c5.large", 2, 4096),
        ("t3.medium", 2, 4096),
    ]);
    let host = host(&[&described(&[]), &image(), &sizes, &created()]);
    create(&host, sized).expect("change");
    let sent = sent(&host);
    assert!(sent[3].contains("&InstanceType=t3.medium&"), "{}", sent[3]);
    assert!(
        sent[2].contains("vcpu-info.default-vcpus&Filter.3.Value.1=2&"),
        "{}",
        sent[2]
    );
}

#[test]
fn an_image_is_found_by_name_among_owners_who_are_trusted() {
    let named = |name: &str| VmSpec {
        image: Some(name.to_owned()),
        ..spec("a")
    };
    let two = images(&[
        ("ami-1", "debian-12-20260101", "2026-01-01T00:00:00.000Z"),
        ("ami-2", "debian-12-20260201", "2026-02-01T00:00:00.000Z"),
    ]);
    let owners = vec!["self".to_owned(), "136693071363".to_owned()];
    let newest = host(&[&described(&[]), &two, &micro(), &created()]).with_option("image_owners", owners);
    create(&newest, named("debian-12-*")).expect("change");
    let sent = sent(&newest);
    assert!(
        sent[1].starts_with(
            "DescribeImages&Owner.1=self&Owner.2=136693071363&Filter.1.Name=name&Filter.1.Value.1=debian-12-*&"
        ),
        "{}",
        sent[1]
    );
    assert!(sent[3].contains("&ImageId=ami-2&"), "{}", sent[3]);

    let twins = images(&[("ami-1", "debian", "1"), ("ami-2", "debian", "2")]);
    let error = create(&host(&[&described(&[]), &twins]), named("debian")).expect_err("two");
    assert!(matches!(error.kind, ErrorKind::Ambiguous(_)), "{error:?}");
    let error = create(&host(&[&described(&[]), &images(&[])]), named("debian")).expect_err("none");
    assert_eq!(error.kind, ErrorKind::NotFound(Subject::new("image", "debian")));
}

#[test]
fn what_ec2_cannot_honour_is_refused_before_it_is_asked() {
    let nic = |change: fn(&mut VmNicSpec)| {
        let mut nic = VmNicSpec {
            network: None,
            subnet: None,
            mac: None,
            model: None,
            address: None,
            gateway: None,
            dns_servers: vec![],
            public: None,
        };
        change(&mut nic);
        VmSpec {
            nics: vec![nic],
            ..spec("a")
        }
    };
    let changed = |change: fn(&mut VmSpec)| {
        let mut spec = spec("a");
        change(&mut spec);
        spec
    };
    let text = || Some("x".to_owned());
    for (field, spec) in [
        ("name", changed(|spec| spec.name = String::new())),
        ("image", changed(|spec| spec.image = None)),
        ("autostart", changed(|spec| spec.autostart = true)),
        ("flavor", changed(|spec| spec.cpus = Some(1))),
        ("cpus", changed(|spec| (spec.flavor, spec.cpus) = (None, Some(0)))),
        (
            "ssh-keys",
            changed(|spec| spec.ssh_keys = vec!["no key".replace(' ', "")]),
        ),
        ("hostname", changed(|spec| spec.hostname = Some("a b".to_owned()))),
        (
            "metadata",
            changed(|spec| {
                spec.metadata = vec![Tag {
                    key: "aws:x".to_owned(),
                    value: String::new(),
                }]
            }),
        ),
        (
            "metadata",
            changed(|spec| {
                spec.metadata = vec![Tag {
                    key: "Name".to_owned(),
                    value: String::new(),
                }]
            }),
        ),
        ("description", changed(|spec| spec.description = Some("x".repeat(257)))),
        ("nics.mac", nic(|nic| nic.mac = Some("02:00:00:00:00:01".to_owned()))),
        ("nics.address", nic(|nic| nic.address = Some("10.0.0.7".to_owned()))),
        ("nics.gateway", nic(|nic| nic.gateway = Some("10.0.0.1".to_owned()))),
        (
            "hostname",
            VmSpec {
                user_data: text(),
                hostname: text(),
                ..spec("a")
            },
        ),
    ] {
        let host = host(&[]);
        let error = create(&host, spec).expect_err(field);
        assert_eq!(error.kind, ErrorKind::InvalidArgument(field.to_owned()), "{error:?}");
        assert!(host.requests().is_empty());
    }
    let error = create(&host(&[]), changed(|spec| spec.pool = Some("no-such-pool".to_owned()))).expect_err("pool");
    assert_eq!(error.kind, ErrorKind::NotFound(Subject::new("pool", "no-such-pool")));
}

#[test]
fn a_disk_smaller_than_its_image_is_refused() {
    let disk = VmDiskSpec {
        size_gib: Some(1),
        pool: None,
        image: None,
        existing: None,
        bus: None,
        format: None,
    };
    let host = host(&[&described(&[]), &image()]);
    let error = create(
        &host,
        VmSpec {
            disks: vec![disk],
            ..spec("a")
        },
    )
    .expect_err("too small");
    assert_eq!(error.kind, ErrorKind::InvalidArgument("disks.size-gib".to_owned()));
}
