//! The life of VMs.

use stockade_provider::abilities::{Info, Operations, Vms};
use stockade_provider::fake_host::FakeHost;
use stockade_provider::types::*;

use super::{answer, described, error, first_page, host, instance, sent};
use crate::Aws;

const STATES: &str = "Value.1=pending&Filter.N.Value.2=running&Filter.N.Value.3=shutting-down&Filter.N.Value.4=stopping\
                      &Filter.N.Value.5=stopped";

fn states(filter: usize) -> String {
    format!("Filter.{filter}.{}", STATES.replace(".N.", &format!(".{filter}.")))
}

#[test]
fn a_list_has_all_instances_of_all_reservations_in_one_request() {
    let host = host(&[&described(&[
        &[instance("i-2", "b", "running"), instance("i-3", "c", "stopping")],
        &[instance("i-1", "a", "stopped")],
    ])]);
    let page = <Aws as Vms<FakeHost>>::list_vms(&host, first_page()).expect("page");
    let names: Vec<_> = page.items.iter().map(|vm| (vm.name.as_str(), vm.status)).collect();
    assert_eq!(
        names,
        [
            ("a", VmStatus::Stopped),
            ("b", VmStatus::Running),
            ("c", VmStatus::Stopping)
        ]
    );
    assert_eq!(page.next, None);
    assert_eq!(
        sent(&host),
        [format!(
            "DescribeInstances&Filter.1.Name=instance-state-name&{}&MaxResults=1000",
            states(1)
        )]
    );
}

#[test]
fn a_vm_is_read_with_its_memory_and_disks() {
    let types = answer(
        "DescribeInstanceTypes",
        "<instanceTypeSet><item><instanceType>t3.micro</instanceType><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo>\
         <memoryInfo><sizeInMiB>1024</sizeInMiB></memoryInfo></item></instanceTypeSet>",
    );
    let volumes = answer(
        "DescribeVolumes",
        "<volumeSet><item><volumeId>vol-1</volumeId><size>8</size><volumeType>gp3</volumeType><attachmentSet><item>\
         <instanceId>i-1</instanceId><device>/dev/xvda</device><status>attached</status></item></attachmentSet></item>\
         <item><volumeId>vol-3</volumeId><size>2</size><volumeType>gp2</volumeType><attachmentSet><item>\
         <instanceId>i-1</instanceId><device>/dev/sdg</device><status>attaching</status></item></attachmentSet></item></volumeSet>",
    );
    let host = host(&[
        &described(&[&[instance("i-1", "a*", "running"), instance("i-2", "ab", "running")]]),
        &types,
        &volumes,
    ]);
    let vm = <Aws as Vms<FakeHost>>::get_vm(&host, "a*".to_owned()).expect("vm");
    assert_eq!((vm.id.as_str(), vm.cpus, vm.memory_mib), ("i-1", Some(2), Some(1024)));
    assert_eq!(vm.ips, ["203.0.113.7", "10.0.0.12", "2001:db8::12"]);
    assert_eq!(vm.created_at.as_deref(), Some("2026-01-01T10:00:00.000Z"));
    assert_eq!(vm.description.as_deref(), Some("what it is for"));
    let disks = vm.disks.expect("disks");
    assert_eq!(
        (disks[0].name.as_str(), disks[0].size_gib, disks[0].pool.as_deref()),
        ("/dev/xvda", Some(8), Some("gp3"))
    );
    // Attached a moment ago: the instance does not show it yet.
    let newest = disks.last().expect("three");
    assert_eq!(
        (disks.len(), newest.id.as_deref(), newest.size_gib),
        (3, Some("vol-3"), Some(2))
    );
    assert_eq!(vm.nics.expect("nics")[0].mac.as_deref(), Some("02:dd:2c:5e:01:69"));
    let keys: Vec<_> = vm.metadata.into_iter().flatten().map(|tag| tag.key).collect();
    assert_eq!(keys, ["plan"]);
}

#[test]
fn two_vms_of_one_name_are_ambiguous_and_none_is_touched() {
    let host = host(&[&described(&[
        &[instance("i-1", "a", "running")],
        &[instance("i-2", "a", "stopped")],
    ])]);
    let error = <Aws as Vms<FakeHost>>::start_vm(&host, "a".to_owned()).expect_err("ambiguous");
    let candidates = match error.kind {
        ErrorKind::Ambiguous(ambiguity) => ambiguity.candidates,
        other => panic!("{other:?}"),
    };
    assert_eq!(candidates, ["i-1", "i-2"]);
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn throttling_is_waited_for_by_its_code_whatever_the_action() {
    let host = host(&[&described(&[&[instance("i-1", "a", "stopped")]])]);
    host.answer(Ok(error(503, "RequestLimitExceeded", "Request limit exceeded.")));
    host.answer(Ok(
        Response::new(200).with_body(answer("StartInstances", "<instancesSet/>"))
    ));
    let change = <Aws as Vms<FakeHost>>::start_vm(&host, "a".to_owned()).expect("change");
    assert_eq!(change.id, "i-1");
    assert!(change.pending.is_some_and(|token| token.starts_with("vm/running/i-1/")));
    assert_eq!(host.sleeps(), [250]);
}

#[test]
fn a_change_is_not_repeated_when_aws_failed_otherwise() {
    let host = host(&[&described(&[&[instance("i-1", "a", "stopped")]])]);
    host.answer(Ok(error(500, "InternalError", "An internal error has occurred")));
    let error = <Aws as Vms<FakeHost>>::start_vm(&host, "a".to_owned()).expect_err("error");
    let code = Some("InternalError".to_owned());
    assert_eq!(
        error.kind,
        ErrorKind::Upstream(UpstreamFault {
            status: Some(500),
            code
        })
    );
    assert_eq!(error.request_id.as_deref(), Some("ea966190-f9aa-478e-9ede-example"));
}

#[test]
fn no_room_for_a_vm_is_a_quota_with_aws_code() {
    let host = host(&[&described(&[&[instance("i-1", "a", "stopped")]])]);
    host.answer(Ok(error(500, "InsufficientInstanceCapacity", "no capacity")));
    let error = <Aws as Vms<FakeHost>>::start_vm(&host, "a".to_owned()).expect_err("error");
    let code = "InsufficientInstanceCapacity".to_owned();
    assert_eq!(error.kind, ErrorKind::QuotaExceeded(Some(code)));
    assert_eq!(host.requests().len(), 2);
}

#[test]
fn what_is_no_answer_of_aws_is_an_error() {
    for body in [
        "<h1>Welcome</h1>",
        "{}",
        "",
        "<DescribeImagesResponse/>",
        "<DescribeInstancesResponse>",
    ] {
        let host = host(&[body]);
        let error = <Aws as Vms<FakeHost>>::list_vms(&host, first_page()).expect_err("error");
        assert!(matches!(error.kind, ErrorKind::Upstream(_)), "{body}: {error:?}");
    }
}

#[test]
fn keys_and_clocks_that_are_wrong_are_unauthenticated() {
    for code in ["AuthFailure", "ExpiredToken", "RequestExpired", "SignatureDoesNotMatch"] {
        let host = host(&[]);
        host.answer(Ok(error(401, code, "no")));
        let error = <Aws as Info<FakeHost>>::check_connection(&host).expect_err("error");
        assert_eq!(error.kind, ErrorKind::Unauthenticated, "{code}");
    }
}

#[test]
fn a_deletion_that_keeps_disks_says_so_before() {
    let host = host(&[
        &described(&[&[instance("i-1", "a", "running")]]),
        &answer("DescribeSnapshots", "<snapshotSet/>"),
        &answer("ModifyInstanceAttribute", "<return>true</return>"),
        &answer("TerminateInstances", "<instancesSet/>"),
    ]);
    let options = VmDeleteOptions {
        keep_disks: true,
        delete_snapshots: false,
    };
    let change = <Aws as Vms<FakeHost>>::delete_vm(&host, "a".to_owned(), options).expect("change");
    assert!(change.pending.is_some());
    assert_eq!(
        sent(&host)[2..],
        [
            "ModifyInstanceAttribute&InstanceId=i-1&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fxvda\
             &BlockDeviceMapping.1.Ebs.DeleteOnTermination=false",
            "TerminateInstances&InstanceId.1=i-1"
        ]
    );
}

#[test]
fn a_vm_that_ends_while_it_starts_fails_with_the_reason() {
    let ended = instance("i-1", "a", "terminated").replace(
        "<virtualizationType>",
        "<stateReason><code>Client.VolumeLimitExceeded</code><message>Volume limit exceeded</message></stateReason><virtualizationType>",
    );
    let host = host(&[&described(&[&[ended]])]);
    let error = <Aws as Operations<FakeHost>>::poll_operation(&host, "vm/running/i-1/0".to_owned()).expect_err("error");
    assert_eq!(
        error.kind,
        ErrorKind::QuotaExceeded(Some("VolumeLimitExceeded".to_owned()))
    );
}
