//! The `aws` component in front of ministack, which verifies every signature, and knows less of EC2 than moto.

use stockade_test_support::aws::AwsPeer;

use super::aws::{self, Server};
use super::{Gaps, Setup, Stage};
use crate::outcome::Outcome;

pub(super) const NAME: &str = "aws-ministack";

/// Images that ministack publishes in every account, both of 8 GiB: of its own ones it makes no VMs.
const IMAGES: [&str; 2] = [
    "al2023-ami-2023.6.20241010.0-kernel-6.1-x86_64",
    "Windows_Server-2022-English-Full-Base",
];

/// Starts ministack and installs the component.
pub(crate) async fn aws_ministack(stage: &Stage) -> Outcome<Setup> {
    let server = Server {
        name: NAME,
        start: AwsPeer::ministack,
        furnish: |_, _| Ok(()),
        images: IMAGES,
        default_pool: "gp3",
        has_imports: false,
        gaps: GAPS,
    };
    aws::setup(stage, server).await
}

const ONE_DISK: &str = "ministack gives every VM one disk of 8 GiB, whatever was asked for";
const STILL_ATTACHED: &str = "ministack keeps disks attached to VMs that it terminated";
const NO_INTERFACES: &str = "ministack shows no interfaces of VMs";
const NO_SNAPSHOTS: &str = "ministack has no `CreateSnapshots`";
const NO_IMAGES: &str = "ministack has no `CreateImage`, through which copies go";

/// What ministack does otherwise than AWS (ministack 1.5.33). What is excused here runs on moto, or is tested beside the
/// component, see its documentation.
pub(super) const GAPS: Gaps = Gaps {
    remaining: &[("disk", "ministack keeps the disks of VMs that it terminated")],
    excused: &[
        ("a_created_vm_is_what_the_spec_asks_for", ONE_DISK),
        ("a_vm_may_have_several_disks", ONE_DISK),
        (
            "what_cannot_exist_is_refused",
            "ministack takes zones that are not there",
        ),
        (
            "an_image_is_found_by_its_name_and_by_its_id",
            "the images of which ministack makes VMs are others', and lists hold the account's own",
        ),
        ("a_snapshot_lives_and_dies", NO_SNAPSHOTS),
        ("two_snapshots_of_one_name_are_refused", NO_SNAPSHOTS),
        ("a_vm_with_snapshots_is_deleted_only_when_asked_with_them", NO_SNAPSHOTS),
        ("a_clone_of_a_missing_snapshot_leaves_nothing", NO_SNAPSHOTS),
        (
            "an_interface_is_added_and_removed",
            "ministack has no `ModifyNetworkInterfaceAttribute`",
        ),
        ("an_interface_on_an_unknown_network_is_refused", NO_INTERFACES),
        ("an_interface_on_a_missing_network_stays_where_it_is", NO_INTERFACES),
        ("an_interface_moves_to_another_network_and_keeps_its_mac", NO_INTERFACES),
        ("a_clone_stands_alone", NO_IMAGES),
        ("a_clone_is_started_on_demand", NO_IMAGES),
        ("a_clone_has_what_was_noted_on_its_original", NO_IMAGES),
        (
            "a_picture_of_a_screen_is_a_png",
            "ministack takes no pictures of screens",
        ),
        ("a_disk_of_a_vm_is_listed_with_it", STILL_ATTACHED),
        ("an_attached_disk_is_not_deleted", STILL_ATTACHED),
        ("a_disk_grows_and_never_shrinks", STILL_ATTACHED),
        (
            "a_subnet_in_use_is_not_deleted",
            "ministack deletes subnets that VMs are in",
        ),
        (
            "a_security_group_in_use_is_not_deleted",
            "ministack deletes security groups that VMs use",
        ),
    ],
    ..Gaps::NONE
};
