//! What belongs to VMs: disks, interfaces, snapshots, images, consoles.

use stockade_provider::abilities::{Consoles, Disks, Flavors, Images, Nics, Operations, Snapshots, VmExport};
use stockade_provider::fake_host::{FakeBlob, FakeHost};
use stockade_provider::types::*;

use super::{answer, described, error, first_page, host, instance, sent};
use crate::Aws;

fn volume(id: &str, size: u32, state: &str, holder: Option<&str>) -> String {
    let attachment = holder.map_or(String::new(), |vm| {
        format!("<item><volumeId>{id}</volumeId><instanceId>{vm}</instanceId><device>/dev/sdf</device><status>attached</status></item>")
    });
    format!(
        "<item><volumeId>{id}</volumeId><size>{size}</size><volumeType>gp3</volumeType><status>{state}</status>\
         <availabilityZone>eu-west-3a</availabilityZone><createTime>2026-01-01T10:00:00.000Z</createTime>\
         <attachmentSet>{attachment}</attachmentSet><tagSet><item><key>Name</key><value>data</value></item></tagSet></item>"
    )
}

fn volumes(items: &[String]) -> String {
    answer("DescribeVolumes", &format!("<volumeSet>{}</volumeSet>", items.concat()))
}

#[test]
fn disks_are_listed_with_the_names_of_their_vms_in_two_requests() {
    let host = host(&[
        &volumes(&[
            volume("vol-2", 8, "in-use", Some("i-1")),
            volume("vol-1", 1, "available", None),
            volume("vol-3", 2, "in-use", Some("i-9")),
        ]),
        &described(&[&[instance("i-1", "web", "running")]]),
    ]);
    let page = <Aws as Disks<FakeHost>>::list_disks(&host, first_page()).expect("page");
    let held: Vec<_> = page
        .items
        .iter()
        .map(|disk| (disk.id.as_str(), disk.name.as_str(), disk.attached_to.clone()))
        .collect();
    let vm = |name: &str| vec![name.to_owned()];
    assert_eq!(
        held,
        [
            ("vol-1", "data", vec![]),
            ("vol-2", "data", vm("web")),
            ("vol-3", "data", vm("i-9"))
        ]
    );
    assert_eq!(host.requests().len(), 2);
}

#[test]
fn an_attached_disk_is_not_deleted_and_none_shrinks() {
    let held = host(&[&volumes(&[volume("vol-1", 8, "in-use", Some("i-1"))])]);
    let error = <Aws as Disks<FakeHost>>::delete_disk(&held, "data".to_owned()).expect_err("held");
    assert_eq!(error.kind, ErrorKind::Conflict);
    let large = host(&[&volumes(&[volume("vol-1", 8, "available", None)])]);
    let error = <Aws as Disks<FakeHost>>::resize_disk(&large, "data".to_owned(), 4).expect_err("smaller");
    assert_eq!(error.kind, ErrorKind::InvalidArgument("size-gib".to_owned()));
    assert_eq!((held.requests().len(), large.requests().len()), (1, 1));
}

#[test]
fn a_disk_that_cannot_be_attached_is_deleted_again() {
    let host = host(&[
        &described(&[&[instance("i-1", "web", "running")]]),
        &answer("CreateVolume", "<volumeId>vol-9</volumeId>"),
        &volumes(&[volume("vol-9", 1, "available", None)]),
    ]);
    host.answer(Ok(error(400, "AttachmentLimitExceeded", "Too many")));
    host.answer(Ok(
        Response::new(200).with_body(answer("DeleteVolume", "<return>true</return>"))
    ));
    let spec = DiskSpec {
        name: None,
        size_gib: 1,
        pool: None,
        format: None,
        image: None,
        vm: Some("web".to_owned()),
        metadata: vec![],
        options: vec![],
    };
    let error = <Aws as Disks<FakeHost>>::create_disk(&host, spec).expect_err("full");
    assert_eq!(
        error.kind,
        ErrorKind::QuotaExceeded(Some("AttachmentLimitExceeded".to_owned()))
    );
    assert_eq!(sent(&host)[4], "DeleteVolume&VolumeId=vol-9");
}

#[test]
fn a_grown_disk_is_waited_for_by_its_size() {
    let is_done = |size| {
        let host = host(&[&volumes(&[volume("vol-1", size, "in-use", None)])]);
        let token = "disk-size/16/vol-1/0".to_owned();
        <Aws as Operations<FakeHost>>::poll_operation(&host, token).map(|state| state.done)
    };
    assert_eq!((is_done(8), is_done(16)), (Ok(false), Ok(true)));
}

#[test]
fn snapshots_of_one_moment_are_one_and_named_by_their_tag() {
    let part = |id: &str, volume: &str, name: &str| {
        format!(
            "<item><snapshotId>{id}</snapshotId><volumeId>{volume}</volumeId><status>completed</status>\
             <startTime>2026-01-01T10:00:00.000Z</startTime><description>before</description><tagSet><item><key>Name</key>\
             <value>{name}</value></item><item><key>stockade:vm</key><value>i-1</value></item></tagSet></item>"
        )
    };
    let parts = [
        part("snap-2", "vol-2", "one"),
        part("snap-1", "vol-1", "one"),
        part("snap-3", "vol-1", "two"),
    ];
    let host = host(&[
        &described(&[&[instance("i-1", "web", "running")]]),
        &answer(
            "DescribeSnapshots",
            &format!("<snapshotSet>{}</snapshotSet>", parts.concat()),
        ),
    ]);
    let page = <Aws as Snapshots<FakeHost>>::list_snapshots(&host, "web".to_owned(), first_page()).expect("page");
    let listed: Vec<_> = page
        .items
        .iter()
        .map(|found| (found.id.as_str(), found.name.as_str()))
        .collect();
    // The first is that of the root disk.
    assert_eq!(listed, [("snap-1", "one"), ("snap-3", "two")]);
    assert!(
        sent(&host)[1]
            .starts_with("DescribeSnapshots&Owner.1=self&Filter.1.Name=tag%3Astockade%3Avm&Filter.1.Value.1=i-1&")
    );
}

#[test]
fn an_export_is_an_image_of_the_first_disk_only() {
    let host = host(&[
        &described(&[&[instance("i-1", "web", "running")]]),
        &answer("DescribeImages", "<imagesSet/>"),
        &answer("CreateImage", "<imageId>ami-9</imageId>"),
    ]);
    let spec = VmExportSpec {
        image: "web-image".to_owned(),
        pool: None,
        format: None,
        snapshot: None,
    };
    let change = <Aws as VmExport<FakeHost>>::export_vm(&host, "web".to_owned(), spec).expect("change");
    assert!(
        change
            .pending
            .is_some_and(|token| token.starts_with("image/available/ami-9/"))
    );
    assert_eq!(
        sent(&host)[2],
        "CreateImage&InstanceId=i-1&Name=web-image&NoReboot=true&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsdf\
         &BlockDeviceMapping.1.NoDevice="
    );
}

#[test]
fn images_come_from_other_regions_and_nowhere_else() {
    let spec = || ImageSpec {
        name: "copy".to_owned(),
        pool: None,
        format: None,
        sha256: None,
        options: vec![],
    };
    let host = host(&[
        &answer("DescribeImages", "<imagesSet/>"),
        &answer("CopyImage", "<imageId>ami-9</imageId>"),
    ]);
    let url = "ami://us-east-1/ami-0abcdef1234567890".to_owned();
    let change = <Aws as Images<FakeHost>>::import_image(&host, spec(), url).expect("change");
    assert_eq!(change.id, "ami-9");
    assert_eq!(
        sent(&host)[1],
        "CopyImage&SourceRegion=us-east-1&SourceImageId=ami-0abcdef1234567890&Name=copy"
    );
    let url = "https://cloud.example/debian.qcow2".to_owned();
    let error = <Aws as Images<FakeHost>>::import_image(&host, spec(), url).expect_err("a url");
    assert_eq!(error.kind, ErrorKind::Unsupported("import-image".to_owned()));
    let error = <Aws as Images<FakeHost>>::upload_image(&host, spec(), &FakeBlob::new("")).expect_err("an upload");
    assert_eq!(error.kind, ErrorKind::Unsupported("upload-image".to_owned()));
}

#[test]
fn the_first_interface_stays_and_a_missing_one_is_not_found() {
    for (nic, expected) in [
        ("eni-1", ErrorKind::Conflict),
        ("02:dd:2c:5e:01:69", ErrorKind::Conflict),
        ("absent", ErrorKind::NotFound(Subject::new("nic", "absent"))),
    ] {
        let host = host(&[&described(&[&[instance("i-1", "web", "running")]])]);
        let error = <Aws as Nics<FakeHost>>::remove_nic(&host, "web".to_owned(), nic.to_owned()).expect_err(nic);
        assert_eq!(error.kind, expected, "{nic}");
        assert_eq!(host.requests().len(), 1);
    }
}

#[test]
fn what_the_console_printed_is_decoded_also_where_the_latest_cannot_be_had() {
    let host = host(&[&described(&[&[instance("i-1", "web", "running")]])]);
    host.answer(Ok(error(
        400,
        "UnsupportedOperation",
        "This instance type does not support it",
    )));
    let output = answer(
        "GetConsoleOutput",
        "<instanceId>i-1</instanceId><output>aGVs\nbG8K</output>",
    );
    host.answer(Ok(Response::new(200).with_body(output)));
    let log = <Aws as Consoles<FakeHost>>::read_vm_console_log(&host, "web".to_owned());
    assert_eq!(log.as_deref(), Ok("hello\n"));
    assert_eq!(sent(&host)[2], "GetConsoleOutput&InstanceId=i-1");
}

#[test]
fn an_action_that_a_cloud_lacks_is_unsupported_by_the_functions_name() {
    for answer in [
        error(
            400,
            "InvalidAction",
            "The action DescribeInstanceTypes is not valid for this web service.",
        ),
        Response::new(501).with_body("not implemented"),
    ] {
        let host = host(&[]);
        host.answer(Ok(answer));
        let error = <Aws as Flavors<FakeHost>>::list_flavors(&host, first_page()).expect_err("lacking");
        assert_eq!(error.kind, ErrorKind::Unsupported("list-flavors".to_owned()));
    }
}

#[test]
fn a_picture_of_the_screen_becomes_a_png_and_what_is_none_is_an_error() {
    let running = described(&[&[instance("i-1", "a", "running")]]);
    let picture = |data: &str| {
        let content = format!("<instanceId>i-1</instanceId><imageData>{data}</imageData>");
        answer("GetConsoleScreenshot", &content)
    };
    let host = host(&[
        &running,
        &picture(crate::screenshot::tests::JPEG),
        &running,
        &picture("bm8gcGljdHVyZQ=="),
        &described(&[&[instance("i-1", "a", "stopped")]]),
    ]);
    let png = <Aws as Consoles<FakeHost>>::take_vm_screenshot(&host, "a".to_owned()).expect("picture");
    assert!(png.starts_with(b"\x89PNG"));
    assert_eq!(sent(&host)[1], "GetConsoleScreenshot&InstanceId=i-1");
    let refused = || {
        let answer = <Aws as Consoles<FakeHost>>::take_vm_screenshot(&host, "a".to_owned());
        answer.expect_err("no picture").kind
    };
    assert!(matches!(refused(), ErrorKind::Upstream(_)));
    assert_eq!(refused(), ErrorKind::Conflict);
}
