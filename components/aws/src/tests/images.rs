//! Disks that become images: each step of an import, and that nothing is left of one that fails. Neither moto nor ministack
//! imports disks, so that the answers are those of AWS's documentation; requests and answers are compared with the models of
//! botocore where the component runs at moto, which `disk_import.py` of the tests completes.

use stockade_provider::abilities::{Images, Operations};
use stockade_provider::fake_host::FakeBlob;

use super::*;
use crate::Aws;

const TASK: &str = "import-snap-0123456789abcdef0";
const SNAPSHOT: &str = "snap-0abcdef1234567890";

fn importing() -> FakeHost {
    host(&[]).with_option("import_bucket", "disks")
}

fn spec(format: Option<&str>, sha256: Option<&str>) -> ImageSpec {
    ImageSpec {
        name: "golden (1)".to_owned(),
        pool: None,
        format: format.map(str::to_owned),
        sha256: sha256.map(str::to_owned),
        options: vec![],
    }
}

/// Methods, paths and bodies of the requests so far, without what is unique.
fn steps(host: &FakeHost) -> Vec<String> {
    let step = |request: Request, body: String| match request.endpoint.as_str() {
        "s3" => format!("{} /{}", request.method, request.path[..2].join("/")),
        _ => match body.split_once("S3Key=stockade-import%2F") {
            Some((before, after)) => {
                let after = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
                format!("{before}S3Key=KEY{after}")
            }
            None => body,
        },
    };
    let bodies = sent(host);
    host.requests()
        .into_iter()
        .zip(bodies)
        .map(|(request, body)| step(request, body))
        .collect()
}

fn says(host: &FakeHost, bodies: &[String]) {
    for body in bodies {
        host.answer(Ok(Response::new(200).with_body(body.clone())));
    }
}

fn no_images() -> String {
    answer("DescribeImages", "<imagesSet/>")
}

fn begun() -> String {
    let detail = "<snapshotTaskDetail><diskImageSize>0.0</diskImageSize><progress>3</progress><status>active</status>\
                  <statusMessage>pending</statusMessage></snapshotTaskDetail>";
    answer(
        "ImportSnapshot",
        &format!("<importTaskId>{TASK}</importTaskId>{detail}"),
    )
}

/// A task as EC2's documentation shows one.
fn task(status: &str, more: &str) -> String {
    let detail =
        format!("<snapshotTaskDetail><format>RAW</format><status>{status}</status>{more}</snapshotTaskDetail>");
    answer(
        "DescribeImportSnapshotTasks",
        &format!(
            "<importSnapshotTaskSet><item><importTaskId>{TASK}</importTaskId>{detail}</item></importSnapshotTaskSet>"
        ),
    )
}

fn completed() -> String {
    task("completed", &format!("<snapshotId>{SNAPSHOT}</snapshotId>"))
}

fn upload(host: &FakeHost) -> Result<Change, Error> {
    Aws::upload_image(host, spec(Some("raw"), None), &FakeBlob::new(vec![7; 100]))
}

/// An upload that EC2 has begun to import: its token.
fn uploaded(host: &FakeHost) -> String {
    says(host, &[no_images(), String::new(), begun()]);
    upload(host).expect("begun").pending.expect("pending")
}

fn poll(host: &FakeHost, token: &str) -> Result<OperationState, Error> {
    Aws::poll_operation(host, token.to_owned())
}

#[test]
fn an_uploaded_disk_becomes_an_image_step_by_step_and_the_object_is_deleted() {
    let host = importing();
    let token = uploaded(&host);
    says(
        &host,
        &[task(
            "active",
            "<progress>19</progress><statusMessage>converting</statusMessage>",
        )],
    );
    let state = poll(&host, &token).expect("a state");
    assert_eq!((state.done, state.percent), (false, Some(19)));
    assert!(state.message.is_some_and(|words| words.contains("converting")));
    let registered = answer("RegisterImage", "<imageId>ami-0abcdef1234567890</imageId>");
    says(&host, &[completed(), no_images(), registered, String::new()]);
    let state = poll(&host, &token).expect("a state");
    assert_eq!((state.done, state.id.as_deref()), (true, Some("ami-0abcdef1234567890")));
    let names = "Owner.1=self&Filter.1.Name=name&Filter.1.Value.1=golden+%281%29&MaxResults=1000";
    let described = format!("DescribeImportSnapshotTasks&ImportTaskId.1={TASK}");
    assert_eq!(
        steps(&host),
        [
            &format!("DescribeImages&{names}"),
            "PUT /disks/stockade-import",
            "ImportSnapshot&Description=of+image+golden+%281%29&DiskContainer.Format=RAW&DiskContainer.UserBucket.S3Bucket=disks\
             &DiskContainer.UserBucket.S3Key=KEY&TagSpecification.1.ResourceType=import-snapshot-task\
             &TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=golden+%281%29",
            &described,
            &described,
            &format!("DescribeImages&{names}"),
            &format!(
                "RegisterImage&Name=golden+%281%29&Architecture=x86_64&RootDeviceName=%2Fdev%2Fsda1&VirtualizationType=hvm\
                 &EnaSupport=true&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1\
                 &BlockDeviceMapping.1.Ebs.SnapshotId={SNAPSHOT}&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true"
            ),
            "DELETE /disks/stockade-import",
        ]
    );
}

#[test]
fn an_import_that_ec2_refuses_or_gives_up_leaves_neither_object_nor_snapshot() {
    let host = importing();
    says(&host, &[no_images(), String::new()]);
    host.answer(Ok(error(
        400,
        "InvalidParameter",
        "The service role vmimport does not exist",
    )));
    says(&host, &[String::new()]);
    let refused = upload(&host).expect_err("no role");
    assert_eq!(refused.request_id.as_deref(), Some("ea966190-f9aa-478e-9ede-example"));
    assert!(refused.message.contains("vmimport"), "{}", refused.message);
    assert_eq!(steps(&host)[3], "DELETE /disks/stockade-import");

    for (words, kind) in [
        (
            "ClientError: Disk validation failed [Unsupported VMDK File Format]",
            ErrorKind::InvalidArgument("content".to_owned()),
        ),
        ("ServerError: Internal error", Error::upstream(None, None, "").kind),
    ] {
        let host = importing();
        let token = uploaded(&host);
        let more = format!("<statusMessage>{words}</statusMessage><snapshotId>{SNAPSHOT}</snapshotId>");
        let deleted = answer("DeleteSnapshot", "<return>true</return>");
        says(&host, &[task("deleted", &more), deleted, String::new()]);
        let error = poll(&host, &token).expect_err("given up");
        assert_eq!(error.kind, kind);
        assert!(error.message.contains(words), "{}", error.message);
        let steps = steps(&host);
        assert_eq!(
            steps[4..],
            [
                &format!("DeleteSnapshot&SnapshotId={SNAPSHOT}"),
                "DELETE /disks/stockade-import"
            ]
        );
    }
}

#[test]
fn an_image_that_cannot_be_registered_leaves_neither_snapshot_nor_object_and_says_what_is_left() {
    let host = importing();
    let token = uploaded(&host);
    says(&host, &[completed(), no_images()]);
    host.answer(Ok(error(400, "AMIQuotaExceeded", "Too many images")));
    host.answer(Ok(error(403, "UnauthorizedOperation", "You may not delete it")));
    says(&host, &[String::new()]);
    let error = poll(&host, &token).expect_err("refused");
    assert!(matches!(error.kind, ErrorKind::QuotaExceeded(_)), "{error:?}");
    assert!(
        error.message.contains("something is left") && error.message.contains("may not delete"),
        "{}",
        error.message
    );
    assert_eq!(steps(&host)[7], "DELETE /disks/stockade-import");
}

#[test]
fn an_image_whose_answer_was_lost_is_found_by_the_next_question_and_not_made_twice() {
    let host = importing();
    let token = uploaded(&host);
    says(&host, &[completed(), no_images()]);
    host.answer(Err(Fault::Timeout));
    let state = poll(&host, &token).expect("asked again");
    assert!(!state.done);
    let made = format!(
        "<imagesSet><item><imageId>ami-1</imageId><name>golden (1)</name><imageState>available</imageState>\
         <rootDeviceName>/dev/sda1</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/sda1</deviceName>\
         <ebs><snapshotId>{SNAPSHOT}</snapshotId></ebs></item></blockDeviceMapping></item></imagesSet>"
    );
    says(&host, &[completed(), answer("DescribeImages", &made), String::new()]);
    let state = poll(&host, &token).expect("found");
    assert_eq!((state.done, state.id.as_deref()), (true, Some("ami-1")));
    let registrations = steps(&host)
        .iter()
        .filter(|step| step.starts_with("RegisterImage&"))
        .count();
    assert_eq!(registrations, 1);

    // One of that name that somebody else made meanwhile is not it.
    let host = importing();
    let token = uploaded(&host);
    let others = made.replace(SNAPSHOT, "snap-1");
    let deleted = answer("DeleteSnapshot", "<return>true</return>");
    says(&host, &[completed(), answer("DescribeImages", &others)]);
    says(&host, &[answer("DescribeImages", &others), deleted, String::new()]);
    let error = poll(&host, &token).expect_err("taken");
    assert_eq!(
        error.kind,
        ErrorKind::AlreadyExists(Subject::new("image", "golden (1)"))
    );
    let steps = steps(&host);
    assert!(
        steps.iter().any(|step| step.starts_with("DeleteSnapshot&")),
        "{steps:?}"
    );
}

#[test]
fn a_disk_that_is_in_s3_already_is_imported_and_stays_there() {
    let host = host(&[]).with_option("import_role", "importer");
    says(&host, &[no_images(), begun()]);
    let image = ImageSpec {
        options: vec![
            OptionEntry {
                name: "architecture".to_owned(),
                value: OptionValue::Text("aarch64".to_owned()),
            },
            OptionEntry {
                name: "boot_mode".to_owned(),
                value: OptionValue::Text("uefi".to_owned()),
            },
        ],
        ..spec(Some("vmdk"), None)
    };
    let change = Aws::import_image(&host, image, "s3://their/dir/disk.vmdk".to_owned()).expect("begun");
    let registered = answer("RegisterImage", "<imageId>ami-1</imageId>");
    says(&host, &[completed(), no_images(), registered]);
    assert!(poll(&host, &change.pending.expect("pending")).expect("a state").done);
    let bodies = sent(&host);
    for part in [
        "Format=VMDK",
        "S3Bucket=their",
        "S3Key=dir%2Fdisk.vmdk",
        "RoleName=importer",
    ] {
        assert!(bodies[1].contains(part), "{bodies:?}");
    }
    assert!(
        bodies[4].contains("Architecture=arm64") && bodies[4].contains("BootMode=uefi"),
        "{bodies:?}"
    );
    assert_eq!(bodies.len(), 5, "{bodies:?}");

    let field = |image: ImageSpec| {
        Aws::import_image(&host, image, "s3://b/k".to_owned())
            .expect_err("refused")
            .kind
    };
    assert_eq!(field(spec(None, None)), ErrorKind::InvalidArgument("format".to_owned()));
    assert!(matches!(
        field(spec(Some("raw"), Some("0"))),
        ErrorKind::InvalidArgument(_) | ErrorKind::Unsupported(_)
    ));
    let error = Aws::import_image(&host, spec(None, None), "https://example.org/a".to_owned()).expect_err("not S3");
    assert_eq!(error.kind, ErrorKind::Unsupported("import-image".to_owned()));
}

#[test]
fn content_that_ec2_cannot_use_is_refused_before_anything_is_sent() {
    let try_it = |host: &FakeHost, spec: ImageSpec, content: &[u8]| {
        Aws::upload_image(host, spec, &FakeBlob::new(content))
            .expect_err("refused")
            .kind
    };
    let host = importing();
    let invalid = |field: &str| ErrorKind::InvalidArgument(field.to_owned());
    assert_eq!(try_it(&host, spec(Some("vmdk"), None), b"no"), invalid("content"));
    assert_eq!(try_it(&host, spec(None, None), b"QFI\xfb"), invalid("format"));
    assert_eq!(try_it(&host, spec(Some("qcow2"), None), b"QFI\xfb"), invalid("format"));
    assert_eq!(
        try_it(&host, spec(Some("raw"), Some(&"0".repeat(64))), b"x"),
        invalid("sha256")
    );
    assert!(host.requests().is_empty());
    let unset = super::host(&[]);
    assert_eq!(
        try_it(&unset, spec(Some("raw"), None), b"x"),
        ErrorKind::Unsupported("upload-image".to_owned())
    );
}

#[test]
fn an_import_is_given_up_with_its_object() {
    let host = importing();
    let token = uploaded(&host);
    says(
        &host,
        &[answer("CancelImportTask", "<state>active</state>"), String::new()],
    );
    Aws::cancel_operation(&host, token).expect("given up");
    assert_eq!(
        steps(&host)[3..],
        [
            &format!("CancelImportTask&ImportTaskId={TASK}"),
            "DELETE /disks/stockade-import"
        ]
    );
}
