//! Images: a copy that the component has made is there for boto3 under its name, and gone when it is deleted.

use serde_json::json;
use stockade::contract::ImageSpec;
use stockade_test_support::aws::REGION;

use crate::lab::{Lab, no_options};
use crate::{Claim, claims};

pub(crate) fn claims() -> Vec<Claim> {
    claims![an_image_that_was_fetched_is_there_under_its_name_and_gone_when_deleted,]
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
