//! Images: one that the component has copied or imported is there for boto3 under its name, and gone when it is deleted; what was
//! uploaded for it, or for one that cannot be made, is gone at once.

use serde_json::json;
use stockade::Service;
use stockade::connections::OptionInput;
use stockade::contract::{ErrorKind, ImageSpec};
use stockade_test_support::aws::REGION;

use crate::lab::{Lab, blob, no_options};
use crate::{Claim, claims};

pub(crate) fn claims() -> Vec<Claim> {
    claims![
        an_image_that_was_fetched_is_there_under_its_name_and_gone_when_deleted,
        an_uploaded_disk_is_an_image_and_its_object_is_gone,
        a_disk_that_cannot_be_imported_leaves_nothing,
        a_disk_in_a_bucket_is_imported_and_stays_there,
    ]
}

fn an_image_that_was_fetched_is_there_under_its_name_and_gone_when_deleted(lab: &Lab) {
    let launch = json!({"ImageId": "ami-03cf127a", "MinCount": 1, "MaxCount": 1});
    let vm = lab.boto("ec2", "run_instances", launch)["Instances"][0]["InstanceId"].take();
    let original = lab.boto("ec2", "create_image", json!({"Name": "original", "InstanceId": vm}));
    let before = lab.peer.observe().unwrap();
    let spec = ImageSpec {
        name: "fetched".to_owned(),
        pool: None,
        format: None,
        sha256: None,
        options: vec![],
    };
    let url = format!("ami://{REGION}/{}", original["ImageId"].as_str().unwrap());
    let id = lab.done(lab.service.import_image(spec, &no_options(), &url));
    let seen = lab.boto("ec2", "describe_images", json!({"ImageIds": [id]}));
    assert_eq!(seen["Images"][0]["Name"], "fetched");
    assert_eq!(seen["Images"][0]["State"], "available");
    lab.done(lab.service.delete_image("fetched"));
    lab.expect_unchanged(&before);
}

/// A connection that uploads images through the bucket `disks`.
fn importer(lab: &Lab) -> Service {
    lab.boto("s3", "create_bucket", json!({"Bucket": "disks"}));
    lab.sibling("importer", |config| {
        let bucket = OptionInput::Text("disks".to_owned());
        config.options.insert("import_bucket".to_owned(), bucket);
    })
}

fn disk(name: &str) -> ImageSpec {
    ImageSpec {
        name: name.to_owned(),
        pool: None,
        format: Some("raw".to_owned()),
        sha256: None,
        options: vec![],
    }
}

/// A disk of more than one part.
fn content(beginning: &[u8]) -> Vec<u8> {
    let mut content = beginning.to_owned();
    content.resize((5 << 20) + 1, 7);
    content
}

fn an_uploaded_disk_is_an_image_and_its_object_is_gone(lab: &Lab) {
    let service = importer(lab);
    let before = lab.peer.observe().unwrap();
    let id = lab.done(service.upload_image(disk("uploaded"), &no_options(), blob(&content(b"disk"))));
    let seen = lab.boto("ec2", "describe_images", json!({"ImageIds": [id]}))["Images"][0].take();
    assert_eq!(
        (seen["Name"].as_str(), seen["State"].as_str()),
        (Some("uploaded"), Some("available"))
    );
    assert_eq!(seen["RootDeviceName"], "/dev/sda1");
    lab.done(service.delete_image("uploaded"));
    lab.expect_unchanged(&before);
}

fn a_disk_that_cannot_be_imported_leaves_nothing(lab: &Lab) {
    let service = importer(lab);
    let before = lab.peer.observe().unwrap();
    let options = no_options();
    let broken = service.upload_image(disk("broken"), &options, blob(&content(b"broken")));
    assert_eq!(lab.refused(broken), ErrorKind::InvalidArgument("content".to_owned()));
    let absent = service.import_image(disk("absent"), &options, "s3://disks/absent");
    assert!(matches!(lab.refused(absent), ErrorKind::InvalidArgument(_)));
    lab.expect_unchanged(&before);
}

fn a_disk_in_a_bucket_is_imported_and_stays_there(lab: &Lab) {
    let service = importer(lab);
    lab.boto(
        "s3",
        "put_object",
        json!({"Bucket": "disks", "Key": "dir/disk.raw", "Body": "disk"}),
    );
    let before = lab.peer.observe().unwrap();
    let id = lab.done(service.import_image(disk("imported"), &no_options(), "s3://disks/dir/disk.raw"));
    let seen = lab.boto("ec2", "describe_images", json!({"ImageIds": [id]}));
    assert_eq!(seen["Images"][0]["Name"], "imported");
    lab.done(service.delete_image(&id));
    lab.expect_unchanged(&before);
}
