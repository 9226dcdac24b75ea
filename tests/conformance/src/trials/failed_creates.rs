//! A VM that cannot be created leaves nothing: no VM, no disk, no seed.

use stockade::contract::{Ability, VmDiskSpec, VmSpec};

use super::options::nic;
use super::{Trial, disks, trials};
use crate::outcome::{Outcome, ensure, refused};
use crate::subject::{NO_OPTIONS, Subject};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Vms];
        an_unknown_image_leaves_nothing,
        an_unknown_network_leaves_nothing,
        an_unknown_pool_leaves_nothing,
        a_disk_smaller_than_its_image_leaves_nothing,
        too_much_memory_leaves_nothing_or_is_honoured,
    ]
}

async fn leaves_nothing(subject: &Subject, spec: VmSpec, kinds: &[&str]) -> Outcome {
    let before = World::observe(subject).await?;
    refused(subject.service.create_vm(spec, &NO_OPTIONS).await, kinds)?;
    before.check_unchanged(subject).await?;
    ensure!(
        subject.service.list_vms().await?.is_empty(),
        "the provider still lists it"
    );
    Ok(())
}

async fn an_unknown_image_leaves_nothing(subject: &Subject) -> Outcome {
    let spec = VmSpec {
        image: Some("no-such-image".to_owned()),
        start: true,
        ..subject.spec("broken")?
    };
    leaves_nothing(subject, spec, &["not-found"]).await
}

async fn an_unknown_network_leaves_nothing(subject: &Subject) -> Outcome {
    let nics = vec![stockade::contract::VmNicSpec {
        network: Some("no-such-network".to_owned()),
        ..nic()
    }];
    let spec = VmSpec {
        nics,
        start: true,
        ..subject.spec("broken")?
    };
    leaves_nothing(subject, spec, &["not-found"]).await
}

async fn an_unknown_pool_leaves_nothing(subject: &Subject) -> Outcome {
    let spec = VmSpec {
        pool: Some("no-such-pool".to_owned()),
        start: true,
        ..subject.spec("broken")?
    };
    leaves_nothing(subject, spec, &["not-found"]).await
}

async fn a_disk_smaller_than_its_image_leaves_nothing(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let disk = VmDiskSpec {
        size_gib: Some(1),
        ..disks::OF_VM
    };
    let image = Some(subject.large_image.clone());
    let spec = VmSpec {
        image,
        disks: vec![disk],
        ..subject.spec("broken")?
    };
    let answer = subject.service.create_vm(spec, &NO_OPTIONS).await;
    if answer.is_ok() {
        // Only where the provider says that it cannot know.
        ensure!(
            subject.documents("size-gib"),
            "a disk of 1 GiB was made from an image of 2 GiB"
        );
        subject.delete("broken").await?;
    } else {
        refused(answer, &["invalid-argument"])?;
    }
    before.check_unchanged(subject).await
}

async fn too_much_memory_leaves_nothing_or_is_honoured(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let spec = VmSpec {
        memory_mib: Some(u32::MAX),
        start: true,
        ..subject.spec("huge")?
    };
    let answer = subject.service.create_vm(spec, &NO_OPTIONS).await;
    if answer.is_ok() {
        let vm = subject.service.get_vm("huge").await?;
        ensure!(
            vm.memory_mib == Some(u32::MAX),
            "asked for 4 PiB, got {:?} MiB",
            vm.memory_mib
        );
        subject.delete("huge").await?;
    }
    let unchanged = before.check_unchanged(subject).await;
    unchanged.map_err(|failed| format!("{} after {answer:?}", failed.message().unwrap_or_default()).into())
}
