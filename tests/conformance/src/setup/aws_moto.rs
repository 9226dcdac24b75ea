//! The `aws` component in front of moto.

use serde_json::json;
use stockade_test_support::aws::{AwsPeer, Session};

use super::aws::{self, Server};
use super::{Gaps, Setup, Stage};
use crate::outcome::Outcome;

pub(super) const NAME: &str = "aws-moto";

/// The images of every account, by size in GiB.
const IMAGES: [(&str, u32); 2] = [("tiny", 1), ("large", 2)];
/// An image that moto has from the beginning, for x86_64. Listing them takes it long.
const BASE: &str = "ami-03cf127a";
/// Their root device.
const ROOT: &str = "/dev/sda1";

/// Starts moto and installs the component.
pub(crate) async fn aws_moto(stage: &Stage) -> Outcome<Setup> {
    let server = Server {
        name: NAME,
        start: AwsPeer::moto,
        furnish,
        images: IMAGES.map(|(name, _)| name),
        default_pool: "gp2",
        has_imports: true,
        gaps: GAPS,
    };
    aws::setup(stage, server).await
}

/// What moto does otherwise than AWS (moto 5.2.5).
pub(super) const GAPS: Gaps = Gaps {
    excused: &[
        (
            "a_created_vm_is_what_the_spec_asks_for",
            "every image that moto registers is 15 GiB, so a disk of 1 GiB cannot be had",
        ),
        (
            "a_vm_may_have_several_disks",
            "every image that moto registers is 15 GiB, so a disk of 1 GiB cannot be had",
        ),
        ("a_picture_of_a_screen_is_a_png", "moto takes no pictures of screens"),
        ("a_subnet_in_use_is_not_deleted", "moto deletes subnets that VMs are in"),
        (
            "a_security_group_in_use_is_not_deleted",
            "moto deletes security groups that VMs use",
        ),
    ],
    ..Gaps::NONE
};

/// Makes the images of an account.
fn furnish(peer: &AwsPeer, account: &Session) -> Outcome {
    let ec2 = |operation: &str, parameters| peer.call_as(account, "ec2", operation, &parameters);
    for (name, size_gib) in IMAGES {
        // moto gives images that are registered a size of its own, and those of instances theirs.
        let disk = json!({"DeviceName": ROOT, "Ebs": {"VolumeSize": size_gib, "DeleteOnTermination": true}});
        let launch = json!({"ImageId": BASE, "MinCount": 1, "MaxCount": 1, "BlockDeviceMappings": [disk]});
        let vm = ec2("run_instances", launch)?["Instances"][0]["InstanceId"].take();
        ec2("create_image", json!({"Name": name, "InstanceId": vm}))?;
        ec2("terminate_instances", json!({"InstanceIds": [vm]}))?;
    }
    Ok(())
}
