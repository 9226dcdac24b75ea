//! Disks: created, listed with their VMs, grown, attached, detached, deleted.

use libtest_mimic::Failed;
use stockade::connections::OptionInput;
use stockade::contract::{Ability, AttachSpec, DiskSpec, VmDiskSpec, VmSpec, VmStatus};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::{KEEPING_DISKS, NO_OPTIONS, Subject, WITH_SNAPSHOTS};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Disks];
        a_disk_of_a_vm_is_listed_with_it,
        a_missing_disk_is_not_found,
        a_free_disk_lives_and_dies,
        a_disk_is_attached_and_detached,
        an_attached_disk_is_not_deleted,
        a_disk_grows_and_never_shrinks,
        a_disk_in_an_unknown_pool_leaves_nothing,
        a_vm_boots_from_a_disk_that_outlives_it_where_that_is_wanted,
    ]
}

/// A disk of a VM about which nothing is said.
pub(super) const OF_VM: VmDiskSpec = VmDiskSpec {
    size_gib: None,
    pool: None,
    image: None,
    existing: None,
    bus: None,
    format: None,
};

/// An empty disk of 1 GiB, by itself or of a VM.
pub(super) fn spec(name: Option<&str>, vm: Option<&str>) -> DiskSpec {
    let (name, vm) = (name.map(str::to_owned), vm.map(str::to_owned));
    DiskSpec {
        name,
        size_gib: 1,
        pool: None,
        format: None,
        image: None,
        vm,
        metadata: vec![],
        options: vec![],
    }
}

async fn a_disk_of_a_vm_is_listed_with_it(subject: &Subject) -> Outcome {
    subject.create("holder").await?;
    let id = subject
        .service
        .create_disk(spec(None, Some("holder")), &NO_OPTIONS)
        .await?;
    let disk = subject.service.get_disk(&id).await?;
    ensure!(
        (disk.size_gib, &*disk.attached_to) == (1, &["holder".to_owned()]),
        "{disk:?}"
    );
    ensure!(
        subject.service.list_disks().await?.contains(&disk),
        "the list does not have it"
    );
    let vm = subject.service.get_vm("holder").await?;
    ensure!(
        vm.disks.iter().flatten().any(|held| held.id.as_ref() == Some(&disk.id)),
        "the vm does not show it: {vm:?}"
    );
    delete_with_disk(subject, "holder", &id).await
}

/// Deletes a VM and a disk that was made beside it, which the VM may have taken with it.
async fn delete_with_disk(subject: &Subject, vm: &str, disk: &str) -> Outcome {
    subject.delete(vm).await?;
    match subject.service.delete_disk(disk).await {
        Err(error) if error.kind().name() == "not-found" => Ok(()),
        answer => Ok(answer.map(drop)?),
    }
}

async fn a_missing_disk_is_not_found(subject: &Subject) -> Outcome {
    not_found(subject.service.get_disk("absent").await, "absent")?;
    not_found(subject.service.delete_disk("absent").await, "absent")
}

async fn a_free_disk_lives_and_dies(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let answer = subject.service.create_disk(spec(Some("free"), None), &NO_OPTIONS).await;
    if let Some(id) = subject.unless_documented(answer)? {
        let disk = subject.service.get_disk("free").await?;
        ensure!(disk.id == id && disk.attached_to.is_empty(), "{disk:?}");
        subject.service.delete_disk(&id).await?;
        not_found(subject.service.get_disk("free").await, "free")?;
    }
    before.check_unchanged(subject).await
}

async fn a_disk_is_attached_and_detached(subject: &Subject) -> Outcome {
    subject.create("holder").await?;
    let answer = subject.service.create_disk(spec(Some("free"), None), &NO_OPTIONS).await;
    let Some(disk) = subject.unless_documented(answer)? else {
        return Ok(());
    };
    let attach = AttachSpec {
        disk: disk.clone(),
        bus: None,
        read_only: false,
        shareable: false,
    };
    let answer = subject.service.attach_disk("holder", attach).await;
    if subject.unless_documented(answer)?.is_some() {
        ensure!(
            subject.service.get_disk(&disk).await?.attached_to == ["holder"],
            "it is not attached"
        );
        subject.service.detach_disk("holder", &disk).await?;
    }
    ensure!(
        subject.service.get_disk(&disk).await?.attached_to.is_empty(),
        "it is still attached"
    );
    subject.service.delete_disk(&disk).await?;
    Ok(())
}

async fn an_attached_disk_is_not_deleted(subject: &Subject) -> Outcome {
    subject.create("holder").await?;
    let id = subject
        .service
        .create_disk(spec(None, Some("holder")), &NO_OPTIONS)
        .await?;
    refused(subject.service.delete_disk(&id).await, &["conflict"])?;
    subject.service.get_disk(&id).await?;
    delete_with_disk(subject, "holder", &id).await
}

async fn a_disk_grows_and_never_shrinks(subject: &Subject) -> Outcome {
    subject.create("holder").await?;
    let id = subject
        .service
        .create_disk(spec(None, Some("holder")), &NO_OPTIONS)
        .await?;
    if subject
        .unless_documented(subject.service.resize_disk(&id, 3).await)?
        .is_some()
    {
        ensure!(subject.service.get_disk(&id).await?.size_gib == 3, "it did not grow");
        refused(subject.service.resize_disk(&id, 2).await, &["invalid-argument"])?;
        ensure!(subject.service.get_disk(&id).await?.size_gib == 3, "it shrank");
    }
    delete_with_disk(subject, "holder", &id).await
}

async fn a_disk_in_an_unknown_pool_leaves_nothing(subject: &Subject) -> Outcome {
    subject.create("holder").await?;
    let before = World::observe(subject).await?;
    let spec = DiskSpec {
        pool: Some("no-such-pool".to_owned()),
        ..spec(None, Some("holder"))
    };
    refused(subject.service.create_disk(spec, &NO_OPTIONS).await, &["not-found"])?;
    before.check_unchanged(subject).await
}

async fn a_vm_boots_from_a_disk_that_outlives_it_where_that_is_wanted(subject: &Subject) -> Outcome {
    let Some(option) = subject.given.booting_from_disks else {
        return Ok(());
    };
    let service = subject
        .sibling("booting-from-disks", &[(option, OptionInput::Boolean(true))])
        .await?;
    let before = World::observe(subject).await?;
    let started = |name| {
        Ok::<_, Failed>(VmSpec {
            start: true,
            ..subject.spec(name)?
        })
    };
    let too_large = VmSpec {
        memory_mib: Some(1 << 30),
        ..started("too-large")?
    };
    refused(service.create_vm(too_large, &NO_OPTIONS).await, &["quota-exceeded"])?;
    before.check_unchanged(subject).await?;
    let first_disk = async |vm| {
        let disks = subject
            .expect_status(vm, VmStatus::Running)
            .await?
            .disks
            .unwrap_or_default();
        let id = disks.into_iter().next().and_then(|disk| disk.id);
        id.ok_or_else(|| Failed::from("the first disk has no id"))
    };
    service.create_vm(started("first")?, &NO_OPTIONS).await?;
    let disk = first_disk("first").await?;
    let attached = service.get_disk(&disk).await?.attached_to;
    ensure!(attached == ["first"], "attached to {attached:?}");
    service.delete_vm("first", KEEPING_DISKS).await?;
    let attached = service.get_disk(&disk).await?.attached_to;
    ensure!(attached.is_empty(), "attached to {attached:?}, which is deleted");
    let existing = VmDiskSpec {
        existing: Some(disk.clone()),
        ..OF_VM
    };
    let second = VmSpec {
        image: None,
        disks: vec![existing],
        ..started("second")?
    };
    service.create_vm(second, &NO_OPTIONS).await?;
    ensure!(first_disk("second").await? == disk, "it boots from another disk");
    service.delete_vm("second", WITH_SNAPSHOTS).await?;
    // It was there before that VM, so it goes only when it is told to.
    service.delete_disk(&disk).await?;
    before.check_unchanged(subject).await
}
