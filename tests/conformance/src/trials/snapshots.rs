//! Snapshots: taken, listed, reverted to, deleted, in nobody's way.

use stockade::contract::{Ability, SnapshotSpec, VmDeleteOptions, VmStatus};

use super::{Trial, trials};
use crate::outcome::{Outcome, already_exists, ensure, not_found, refused};
use crate::subject::Subject;
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Snapshots];
        a_new_vm_has_no_snapshots,
        a_snapshot_lives_and_dies,
        two_snapshots_of_one_name_are_refused,
        missing_snapshots_and_vms_are_not_found,
        a_vm_with_snapshots_is_deleted_only_when_asked_with_them,
    ]
}

fn spec(name: &str) -> SnapshotSpec {
    SnapshotSpec {
        name: name.to_owned(),
        description: None,
        with_memory: false,
        quiesce: false,
    }
}

async fn a_new_vm_has_no_snapshots(subject: &Subject) -> Outcome {
    subject.create("saved").await?;
    let snapshots = subject.service.list_snapshots("saved").await?;
    ensure!(snapshots.is_empty(), "{snapshots:?}");
    Ok(())
}

async fn a_snapshot_lives_and_dies(subject: &Subject) -> Outcome {
    subject.create("saved").await?;
    let id = subject.service.create_snapshot("saved", spec("before")).await?;
    let snapshots = subject.service.list_snapshots("saved").await?;
    let names: Vec<_> = snapshots
        .iter()
        .map(|snapshot| (&*snapshot.id, &*snapshot.name, snapshot.with_memory))
        .collect();
    ensure!(names == [(&*id, "before", false)], "listed {names:?}");
    subject.service.revert_snapshot("saved", "before").await?;
    subject.expect_status("saved", VmStatus::Stopped).await?;
    subject.service.delete_snapshot("saved", "before", false).await?;
    ensure!(
        subject.service.list_snapshots("saved").await?.is_empty(),
        "it is still listed"
    );
    Ok(())
}

async fn two_snapshots_of_one_name_are_refused(subject: &Subject) -> Outcome {
    subject.create("saved").await?;
    subject.service.create_snapshot("saved", spec("same")).await?;
    already_exists(subject.service.create_snapshot("saved", spec("same")).await, "same")?;
    ensure!(
        subject.service.list_snapshots("saved").await?.len() == 1,
        "there are two"
    );
    Ok(())
}

async fn missing_snapshots_and_vms_are_not_found(subject: &Subject) -> Outcome {
    subject.create("saved").await?;
    let service = &subject.service;
    not_found(service.revert_snapshot("saved", "absent").await, "absent")?;
    not_found(service.delete_snapshot("saved", "absent", false).await, "absent")?;
    not_found(service.list_snapshots("absent-vm").await, "absent-vm")?;
    not_found(service.create_snapshot("absent-vm", spec("x")).await, "absent-vm")
}

async fn a_vm_with_snapshots_is_deleted_only_when_asked_with_them(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    subject.create("saved").await?;
    subject.service.create_snapshot("saved", spec("keep")).await?;
    let without = VmDeleteOptions {
        keep_disks: false,
        delete_snapshots: false,
    };
    refused(subject.service.delete_vm("saved", without).await, &["conflict"])?;
    subject.expect_status("saved", VmStatus::Stopped).await?;
    subject.delete("saved").await?;
    before.check_unchanged(subject).await
}
