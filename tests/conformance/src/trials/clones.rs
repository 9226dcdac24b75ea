//! Copies of VMs beyond the plain one: linked, started, of a snapshot.

use stockade::contract::{Ability, MetadataChange, SnapshotSpec, VmCloneSpec, VmStatus};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found};
use crate::subject::Subject;
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::VmClone];
        a_clone_is_started_on_demand,
        a_linked_clone_lives_beside_its_original,
    ];
    all.extend(trials![&[Ability::VmClone, Ability::VmMetadata]; a_clone_has_what_was_noted_on_its_original]);
    all.extend(trials![&[Ability::VmClone, Ability::Snapshots]; a_clone_of_a_missing_snapshot_leaves_nothing]);
    all
}

fn copy(name: &str) -> VmCloneSpec {
    VmCloneSpec {
        name: name.to_owned(),
        linked: false,
        snapshot: None,
        start: false,
    }
}

async fn a_clone_is_started_on_demand(subject: &Subject) -> Outcome {
    subject.create("original").await?;
    subject.service.clone_vm("original", copy("resting")).await?;
    subject.expect_status("resting", VmStatus::Stopped).await?;
    let started = VmCloneSpec {
        start: true,
        ..copy("running")
    };
    subject.service.clone_vm("original", started).await?;
    subject.expect_status("running", VmStatus::Running).await?;
    subject.expect_status("original", VmStatus::Stopped).await.map(drop)
}

async fn a_linked_clone_lives_beside_its_original(subject: &Subject) -> Outcome {
    subject.create("original").await?;
    let linked = VmCloneSpec {
        linked: true,
        ..copy("linked")
    };
    let answer = subject.service.clone_vm("original", linked).await;
    if subject.unless_documented(answer)?.is_none() {
        return Ok(());
    }
    let vm = subject.service.get_vm("linked").await?;
    let disk = vm.disks.iter().flatten().next().ok_or("the linked clone has no disk")?;
    ensure!(disk.backing.is_some(), "the linked clone's disk stands alone: {disk:?}");
    subject.service.start_vm("linked").await?;
    // The original's disks are not the clone's to delete.
    subject.delete("linked").await?;
    subject.service.start_vm("original").await?;
    Ok(())
}

async fn a_clone_has_what_was_noted_on_its_original(subject: &Subject) -> Outcome {
    subject.create("original").await?;
    let change = MetadataChange {
        key: "plan".to_owned(),
        value: Some("blue".to_owned()),
    };
    subject.service.update_vm_metadata("original", vec![change]).await?;
    subject.service.clone_vm("original", copy("copy")).await?;
    let metadata = subject.service.get_vm("copy").await?.metadata.unwrap_or_default();
    ensure!(
        metadata.iter().any(|tag| tag.key == "plan" && tag.value == "blue"),
        "the copy's metadata is {metadata:?}"
    );
    Ok(())
}

async fn a_clone_of_a_missing_snapshot_leaves_nothing(subject: &Subject) -> Outcome {
    subject.create("original").await?;
    let before = World::observe(subject).await?;
    let of_absent = VmCloneSpec {
        snapshot: Some("absent".to_owned()),
        ..copy("copy")
    };
    let answer = subject.service.clone_vm("original", of_absent).await;
    match answer.as_ref().err().map(|error| error.kind().name()) {
        Some("unsupported" | "invalid-argument") => subject.unless_documented(answer).map(drop)?,
        _ => not_found(answer, "absent")?,
    }
    before.check_unchanged(subject).await?;
    let spec = SnapshotSpec {
        name: "present".to_owned(),
        description: None,
        with_memory: false,
        quiesce: false,
    };
    if subject
        .unless_documented(subject.service.create_snapshot("original", spec).await)?
        .is_some()
    {
        let of_present = VmCloneSpec {
            snapshot: Some("present".to_owned()),
            ..copy("copy")
        };
        let answer = subject.service.clone_vm("original", of_present).await;
        if subject.unless_documented(answer)?.is_some() {
            subject.expect_status("copy", VmStatus::Stopped).await?;
        }
    }
    Ok(())
}
