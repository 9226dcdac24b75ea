//! Other tools at the same vendor: they see what was made here, and what they made is seen here. Where nothing else can look,
//! there is nothing to try.

use stockade::connections::OptionInput;
use stockade::contract::{Ability, DiskSpec, VmSpec, VmStatus};

use super::{Trial, disks, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::setup::Evidence;
use crate::subject::{NO_OPTIONS, Subject, WITH_SNAPSHOTS};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Vms];
        another_tool_sees_a_vm_that_was_made_here,
        a_vm_that_another_tool_made_is_seen_here_and_deleted,
        vms_and_disks_are_made_of_a_snapshot_that_another_tool_made,
    ]
}

async fn another_tool_sees_a_vm_that_was_made_here(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    subject.create("seen-by-others").await?;
    let now = World::observe(subject).await?;
    let new = before.difference(&now);
    ensure!(
        new.iter().any(|line| line == "+ vm seen-by-others"),
        "there is new: {new:?}"
    );
    subject.delete("seen-by-others").await?;
    Ok(())
}

async fn a_vm_that_another_tool_made_is_seen_here_and_deleted(subject: &Subject) -> Outcome {
    let Some(evidence) = &subject.evidence else {
        return Ok(());
    };
    let id = evidence.make_vm("made-by-others")?;
    let vm = subject.service.get_vm("made-by-others").await?;
    ensure!(vm.id == id, "its id is `{id}`, not `{}`", vm.id);
    let listed = subject.service.list_vms().await?;
    let found = listed.iter().find(|vm| vm.id == id);
    ensure!(
        found.is_some_and(|found| found.name == vm.name && found.status == vm.status),
        "get-vm {vm:?}, list-vms {found:?}"
    );
    subject.delete("made-by-others").await?;
    not_found(subject.service.get_vm("made-by-others").await, "made-by-others")?;
    Ok(())
}

async fn vms_and_disks_are_made_of_a_snapshot_that_another_tool_made(subject: &Subject) -> Outcome {
    let Some(cloud) = subject.evidence.as_ref().and_then(Evidence::disk_snapshots) else {
        return Ok(());
    };
    let before = World::observe(subject).await?;
    let service = &subject.service;
    let bootable = DiskSpec {
        image: Some(subject.image.clone()),
        ..disks::spec(Some("original"), None)
    };
    let original = service.create_disk(bootable, &NO_OPTIONS).await?;
    let snapshot = cloud.snapshot_volume(&original)?;
    let of_snapshot = [("volume_snapshot".to_owned(), OptionInput::Text(snapshot))].into();
    let larger = DiskSpec {
        size_gib: 2,
        ..disks::spec(Some("copy"), None)
    };
    let copy = service.create_disk(larger, &of_snapshot).await?;
    let size = service.get_disk(&copy).await?.size_gib;
    ensure!(size == 2, "a copy of {size} GiB");
    let spec = VmSpec {
        start: true,
        image: None,
        ..subject.spec("of-snapshot")?
    };
    service.create_vm(spec, &of_snapshot).await?;
    let vm = subject.expect_status("of-snapshot", VmStatus::Running).await?;
    let disks = vm.disks.unwrap_or_default();
    ensure!(disks.len() == 1 && disks[0].id.is_some(), "{disks:?}");
    service.delete_vm("of-snapshot", WITH_SNAPSHOTS).await?;
    service.delete_disk(&copy).await?;
    // What has snapshots is not deleted: they hold a part of it.
    refused(service.delete_disk(&original).await, &["conflict"])?;
    before.force_back(subject)
}
