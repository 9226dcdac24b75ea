//! The life of VMs: created as asked, found, deleted with everything that was made for them.

use stockade::contract::{Ability, StopMode, VmDiskSpec, VmSpec, VmStatus};

use super::{Trial, disks, trials};
use crate::outcome::{Outcome, already_exists, ensure, not_found};
use crate::subject::{KEEPING_DISKS, NO_OPTIONS, Subject};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Vms];
        a_created_vm_is_what_the_spec_asks_for,
        a_vm_is_found_by_its_name_and_by_its_id,
        a_missing_vm_is_not_found_by_any_function,
        creating_twice_is_already_exists_and_leaves_the_first_alone,
        the_same_idempotency_key_makes_one_vm,
        another_idempotency_key_is_another_vm,
        deleting_leaves_nothing_behind,
        deleting_a_running_vm_leaves_nothing_behind,
        deleting_twice_is_not_found,
        deleting_one_vm_leaves_those_with_similar_names,
        kept_disks_are_kept_or_refused,
        a_vm_may_have_several_disks,
    ]
}

async fn a_created_vm_is_what_the_spec_asks_for(subject: &Subject) -> Outcome {
    let id = subject.create("wanted").await?;
    let vm = subject.expect_status("wanted", VmStatus::Stopped).await?;
    ensure!(vm.id == id, "create-vm answered `{id}`, get-vm `{}`", vm.id);
    ensure!(
        subject.is_sized(&vm, 1, 256),
        "{:?} cpus, {:?} MiB",
        vm.cpus,
        vm.memory_mib
    );
    let disks = vm.disks.unwrap_or_default();
    ensure!(
        disks.len() == 1 && disks[0].size_gib.is_none_or(|gib| gib == 1),
        "disks: {disks:?}"
    );
    let nics = vm.nics.unwrap_or_default();
    ensure!(
        nics.len() == 1 && nics[0].network.as_deref() == Some(subject.given.default_network.as_str()),
        "nics: {nics:?}"
    );
    ensure!(
        vm.image.is_none_or(|image| image.ends_with(&subject.image)),
        "it is from another image"
    );
    ensure!(
        !vm.vendor_status.is_empty(),
        "the vendor's word for the status is missing"
    );
    Ok(())
}

async fn a_vm_is_found_by_its_name_and_by_its_id(subject: &Subject) -> Outcome {
    let id = subject.create("by-name").await?;
    let by_name = subject.service.get_vm("by-name").await?;
    ensure!(
        by_name == subject.service.get_vm(&id).await?,
        "name and id give different answers"
    );
    Ok(())
}

async fn a_missing_vm_is_not_found_by_any_function(subject: &Subject) -> Outcome {
    let service = &subject.service;
    not_found(service.get_vm("absent").await, "absent")?;
    not_found(service.start_vm("absent").await, "absent")?;
    not_found(subject.stop("absent").await, "absent")?;
    not_found(service.restart_vm("absent", StopMode::Forced).await, "absent")?;
    not_found(subject.delete("absent").await, "absent")
}

async fn creating_twice_is_already_exists_and_leaves_the_first_alone(subject: &Subject) -> Outcome {
    subject.create("twin").await?;
    let before = subject.service.get_vm("twin").await?;
    let again = VmSpec {
        memory_mib: Some(512),
        ..subject.spec("twin")?
    };
    already_exists(subject.service.create_vm(again, &NO_OPTIONS).await, "twin")?;
    ensure!(
        subject.service.get_vm("twin").await? == before,
        "the first vm was changed"
    );
    ensure!(subject.service.list_vms().await?.len() == 1, "there are two");
    Ok(())
}

fn keyed(subject: &Subject, name: &str, key: &str) -> Outcome<VmSpec> {
    Ok(VmSpec {
        idempotency_key: Some(key.to_owned()),
        ..subject.spec(name)?
    })
}

async fn the_same_idempotency_key_makes_one_vm(subject: &Subject) -> Outcome {
    let first = subject
        .service
        .create_vm(keyed(subject, "once", "key-1")?, &NO_OPTIONS)
        .await?;
    let second = subject
        .service
        .create_vm(keyed(subject, "once", "key-1")?, &NO_OPTIONS)
        .await?;
    ensure!(
        first == second,
        "the repetition answered `{second}` instead of `{first}`"
    );
    ensure!(subject.service.list_vms().await?.len() == 1, "there are two");
    Ok(())
}

async fn another_idempotency_key_is_another_vm(subject: &Subject) -> Outcome {
    subject
        .service
        .create_vm(keyed(subject, "once", "key-1")?, &NO_OPTIONS)
        .await?;
    already_exists(
        subject
            .service
            .create_vm(keyed(subject, "once", "key-2")?, &NO_OPTIONS)
            .await,
        "once",
    )
}

async fn deleting_leaves_nothing_behind(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let spec = VmSpec {
        ssh_keys: vec![SSH_KEY.to_owned()],
        ..subject.spec("fleeting")?
    };
    subject.service.create_vm(spec, &NO_OPTIONS).await?;
    let during = World::observe(subject).await?;
    ensure!(before != during, "creating a vm changed nothing");
    subject.delete("fleeting").await?;
    before.check_unchanged(subject).await
}

/// A key that nobody has the other half of.
const SSH_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA nobody@example.org";

async fn deleting_a_running_vm_leaves_nothing_behind(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    subject.create_started("fleeting").await?;
    subject.expect_status("fleeting", VmStatus::Running).await?;
    subject.delete("fleeting").await?;
    before.check_unchanged(subject).await
}

async fn deleting_twice_is_not_found(subject: &Subject) -> Outcome {
    subject.create("fleeting").await?;
    subject.delete("fleeting").await?;
    not_found(subject.delete("fleeting").await, "fleeting")
}

async fn deleting_one_vm_leaves_those_with_similar_names(subject: &Subject) -> Outcome {
    for name in ["vm", "vm-1", "vm_0", "my-vm"] {
        subject.create(name).await?;
    }
    subject.delete("vm").await?;
    for name in ["vm-1", "vm_0", "my-vm"] {
        let vm = subject.service.get_vm(name).await?;
        let disk = vm.disks.unwrap_or_default().pop().and_then(|disk| disk.id);
        // Starting needs the disk, whatever the provider says about it.
        subject
            .service
            .start_vm(name)
            .await
            .map_err(|error| format!("disk {disk:?} is gone: {error}"))?;
    }
    Ok(())
}

async fn kept_disks_are_kept_or_refused(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    subject.create("keeper").await?;
    let disks = subject.service.get_vm("keeper").await?.disks.unwrap_or_default();
    let answer = subject.service.delete_vm("keeper", KEEPING_DISKS).await;
    if subject.unless_documented(answer)?.is_none() {
        subject.expect_status("keeper", VmStatus::Stopped).await?;
        return Ok(());
    }
    not_found(subject.service.get_vm("keeper").await, "keeper")?;
    ensure!(
        !before.difference(&World::observe(subject).await?).is_empty(),
        "the disk was deleted too"
    );
    match &subject.evidence {
        Some(_) => before.force_back(subject)?,
        None => {
            let id = disks.into_iter().next().and_then(|disk| disk.id);
            subject.service.delete_disk(&id.ok_or("the disk has no id")?).await?;
        }
    }
    Ok(())
}

async fn a_vm_may_have_several_disks(subject: &Subject) -> Outcome {
    let disk = |size| VmDiskSpec {
        size_gib: Some(size),
        ..disks::OF_VM
    };
    let spec = VmSpec {
        disks: vec![disk(1), disk(2)],
        ..subject.spec("several")?
    };
    subject.service.create_vm(spec, &NO_OPTIONS).await?;
    let disks = subject.service.get_vm("several").await?.disks.unwrap_or_default();
    let sizes: Vec<_> = disks.iter().map(|disk| disk.size_gib).collect();
    ensure!(sizes == [Some(1), Some(2)], "disks of {sizes:?} GiB");
    Ok(())
}
