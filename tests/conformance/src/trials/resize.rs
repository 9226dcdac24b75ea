//! The size of existing VMs beyond a plain change while they are stopped.

use stockade::contract::{Ability, ApplyWhen, VmResizeSpec, VmStatus};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::Subject;

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::VmResize];
        a_size_for_the_next_start_is_there_after_it,
        a_size_of_nothing_changes_nothing,
        a_size_that_cannot_be_is_refused,
        the_hardware_of_a_stopped_vm_is_upgraded,
    ];
    all.extend(trials![&[Ability::VmResize, Ability::Flavors]; a_vm_takes_the_size_of_a_flavor]);
    all
}

fn size(memory_mib: Option<u32>, apply: ApplyWhen) -> VmResizeSpec {
    VmResizeSpec {
        cpus: None,
        memory_mib,
        flavor: None,
        apply,
    }
}

async fn a_size_for_the_next_start_is_there_after_it(subject: &Subject) -> Outcome {
    subject.create_started("sized").await?;
    let answer = subject
        .service
        .resize_vm("sized", size(Some(320), ApplyWhen::NextStart))
        .await;
    if subject.unless_documented(answer)?.is_none() {
        return Ok(());
    }
    subject.expect_status("sized", VmStatus::Running).await?;
    subject.stop("sized").await?;
    subject.service.start_vm("sized").await?;
    let vm = subject.expect_status("sized", VmStatus::Running).await?;
    ensure!(
        subject.is_sized(&vm, vm.cpus.unwrap_or_default(), 320),
        "it runs with {:?} MiB, not 320",
        vm.memory_mib
    );
    Ok(())
}

async fn a_size_of_nothing_changes_nothing(subject: &Subject) -> Outcome {
    subject.create("sized").await?;
    let before = subject.service.get_vm("sized").await?;
    subject.service.resize_vm("sized", size(None, ApplyWhen::Now)).await?;
    let after = subject.service.get_vm("sized").await?;
    ensure!(
        (before.cpus, before.memory_mib, &before.flavor) == (after.cpus, after.memory_mib, &after.flavor),
        "before {before:?}, after {after:?}"
    );
    Ok(())
}

async fn a_size_that_cannot_be_is_refused(subject: &Subject) -> Outcome {
    subject.create("sized").await?;
    let before = subject.service.get_vm("sized").await?;
    let no_flavor = VmResizeSpec {
        flavor: Some("no-such-flavor".to_owned()),
        ..size(None, ApplyWhen::Now)
    };
    let kinds = ["invalid-argument", "not-found", "unsupported"];
    refused(subject.service.resize_vm("sized", no_flavor).await, &kinds)?;
    let no_memory = size(Some(0), ApplyWhen::Now);
    refused(subject.service.resize_vm("sized", no_memory).await, &kinds)?;
    let after = subject.service.get_vm("sized").await?;
    ensure!(
        (before.cpus, before.memory_mib) == (after.cpus, after.memory_mib),
        "a refused size changed it: {after:?}"
    );
    Ok(())
}

async fn a_vm_takes_the_size_of_a_flavor(subject: &Subject) -> Outcome {
    subject.create("sized").await?;
    let before = subject.service.get_vm("sized").await?;
    let flavors = subject.service.list_flavors().await?;
    // The smallest that is another size: hosts of tests have no room for the largest.
    let other = flavors
        .iter()
        .filter(|flavor| (Some(flavor.cpus), Some(flavor.memory_mib)) != (before.cpus, before.memory_mib))
        .min_by_key(|flavor| (flavor.memory_mib, flavor.cpus))
        .ok_or("there is no flavor of another size")?;
    let spec = VmResizeSpec {
        flavor: Some(other.name.clone()),
        ..size(None, ApplyWhen::Now)
    };
    let answer = subject.service.resize_vm("sized", spec).await;
    if subject.unless_documented(answer)?.is_none() {
        return Ok(());
    }
    let after = subject.service.get_vm("sized").await?;
    ensure!(
        after.flavor.as_ref() == Some(&other.name),
        "its flavor is {:?}, not `{}`",
        after.flavor,
        other.name
    );
    let missing = subject
        .service
        .resize_vm("absent", size(Some(256), ApplyWhen::Now))
        .await;
    not_found(missing, "absent")
}

async fn the_hardware_of_a_stopped_vm_is_upgraded(subject: &Subject) -> Outcome {
    subject.create("upgraded").await?;
    let before = subject.service.get_vm("upgraded").await?;
    let answer = subject.service.upgrade_vm_hardware("upgraded", None).await;
    if subject.unless_documented(answer)?.is_none() {
        return Ok(());
    }
    let after = subject.service.get_vm("upgraded").await?;
    ensure!(
        (&before.id, before.cpus, before.memory_mib) == (&after.id, after.cpus, after.memory_mib),
        "before {before:?}, after {after:?}"
    );
    subject.service.start_vm("upgraded").await?;
    subject.expect_status("upgraded", VmStatus::Running).await?;
    let unknown = subject
        .service
        .upgrade_vm_hardware("upgraded", Some("no-such-version"))
        .await;
    refused(unknown, &["invalid-argument", "not-found"]).map(drop)
}
