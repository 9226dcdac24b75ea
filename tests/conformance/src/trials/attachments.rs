//! Disks and interfaces that move.

use stockade::contract::{Ability, AttachSpec, NetworkSpec};

use super::{Trial, disks, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::{NO_OPTIONS, Subject};

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::Disks];
        a_disk_is_held_by_one_vm_unless_it_is_shared,
        a_disk_that_was_detached_outlives_its_vm,
        what_is_not_there_is_neither_attached_nor_detached,
    ];
    all.extend(trials![&[Ability::Nics]; an_interface_on_a_missing_network_stays_where_it_is]);
    all.extend(trials![&[Ability::Nics, Ability::Networks]; an_interface_moves_to_another_network_and_keeps_its_mac]);
    all
}

fn attach(disk: &str) -> AttachSpec {
    AttachSpec {
        disk: disk.to_owned(),
        bus: None,
        read_only: false,
        shareable: false,
    }
}

async fn a_disk_is_held_by_one_vm_unless_it_is_shared(subject: &Subject) -> Outcome {
    subject.create("one").await?;
    subject.create("other").await?;
    let answer = subject
        .service
        .create_disk(disks::spec(Some("held"), None), &NO_OPTIONS)
        .await;
    let Some(disk) = subject.unless_documented(answer)? else {
        return Ok(());
    };
    let answer = subject.service.attach_disk("one", attach(&disk)).await;
    if subject.unless_documented(answer)?.is_some() {
        refused(subject.service.attach_disk("other", attach(&disk)).await, &["conflict"])?;
        let held = subject.service.get_disk(&disk).await?.attached_to;
        ensure!(held == ["one"], "it is attached to {held:?}");
        subject.service.detach_disk("one", &disk).await?;
        subject.service.attach_disk("other", attach(&disk)).await?;
        subject.service.detach_disk("other", &disk).await?;
    }
    subject.service.delete_disk(&disk).await?;
    Ok(())
}

async fn a_disk_that_was_detached_outlives_its_vm(subject: &Subject) -> Outcome {
    subject.create("holder").await?;
    let spec = disks::spec(Some("kept"), Some("holder"));
    let answer = subject.service.create_disk(spec, &NO_OPTIONS).await;
    let Some(disk) = subject.unless_documented(answer)? else {
        return Ok(());
    };
    let answer = subject.service.detach_disk("holder", &disk).await;
    if subject.unless_documented(answer)?.is_none() {
        subject.delete("holder").await?;
        return match subject.service.delete_disk(&disk).await {
            Err(error) if error.kind().name() == "not-found" => Ok(()),
            answer => Ok(answer.map(drop)?),
        };
    }
    subject.delete("holder").await?;
    ensure!(
        subject.service.get_disk(&disk).await?.attached_to.is_empty(),
        "it is attached to a vm that is gone"
    );
    subject.service.delete_disk(&disk).await?;
    Ok(())
}

async fn what_is_not_there_is_neither_attached_nor_detached(subject: &Subject) -> Outcome {
    subject.create("holder").await?;
    for answer in [
        subject.service.attach_disk("holder", attach("absent")).await,
        subject.service.detach_disk("holder", "absent").await,
    ] {
        if answer.as_ref().is_err_and(|error| error.kind().name() == "unsupported") {
            subject.unless_documented(answer)?;
        } else {
            not_found(answer, "absent")?;
        }
    }
    Ok(())
}

async fn an_interface_on_a_missing_network_stays_where_it_is(subject: &Subject) -> Outcome {
    subject.create("linked").await?;
    let before = subject.service.get_vm("linked").await?.nics.unwrap_or_default();
    let name = &before.first().ok_or("the vm has no interface")?.name;
    let answer = subject.service.update_nic("linked", name, "no-such-network").await;
    if answer.as_ref().is_err_and(|error| error.kind().name() == "unsupported") {
        return subject.unless_documented(answer).map(drop);
    }
    not_found(answer, "no-such-network")?;
    let after = subject.service.get_vm("linked").await?.nics.unwrap_or_default();
    ensure!(before == after, "before {before:?}, after {after:?}");
    Ok(())
}

async fn an_interface_moves_to_another_network_and_keeps_its_mac(subject: &Subject) -> Outcome {
    subject.create("linked").await?;
    let spec = NetworkSpec {
        name: "conf-other".to_owned(),
        cidrs: vec!["10.233.0.0/24".to_owned()],
        mode: None,
        dhcp: true,
        domain: None,
        metadata: vec![],
        options: vec![],
    };
    let answer = subject.service.create_network(spec, &NO_OPTIONS).await;
    if subject.unless_documented(answer)?.is_none() {
        return Ok(());
    }
    let before = subject.service.get_vm("linked").await?.nics.unwrap_or_default();
    let nic = before.first().ok_or("the vm has no interface")?;
    let answer = subject.service.update_nic("linked", &nic.name, "conf-other").await;
    if subject.unless_documented(answer)?.is_some() {
        let after = subject.service.get_vm("linked").await?.nics.unwrap_or_default();
        ensure!(
            after.len() == before.len()
                && after
                    .iter()
                    .any(|moved| moved.mac == nic.mac && moved.network.as_deref() == Some("conf-other")),
            "before {before:?}, after {after:?}"
        );
    }
    subject.delete("linked").await?;
    subject.service.delete_network("conf-other").await?;
    Ok(())
}
