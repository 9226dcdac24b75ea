//! VMs as images and files.

use stockade::blobs::Blob;
use stockade::contract::{Ability, VmExportSpec, VmSpec};
use stockade::limits::Room;

use super::{Trial, trials};
use crate::outcome::{Outcome, already_exists, ensure, not_found};
use crate::subject::{NO_OPTIONS, Subject};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::VmExport];
        a_disk_is_downloaded_whole,
        a_missing_vm_is_not_exported,
    ];
    all.extend(trials![&[Ability::VmExport, Ability::Images]; an_exported_vm_is_an_image_that_stands_alone]);
    all
}

fn to(image: &str) -> VmExportSpec {
    VmExportSpec {
        image: image.to_owned(),
        pool: None,
        format: None,
        snapshot: None,
    }
}

async fn an_exported_vm_is_an_image_that_stands_alone(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    subject.create("model").await?;
    let answer = subject.service.export_vm("model", to("conformance-export")).await;
    let Some(id) = subject.unless_documented(answer)? else {
        return subject.delete("model").await.map(drop).map_err(Into::into);
    };
    let image = subject.service.get_image("conformance-export").await?;
    ensure!(image.id == id, "export-vm answered `{id}`, the image is `{}`", image.id);
    let again = subject.service.export_vm("model", to("conformance-export")).await;
    already_exists(again, "conformance-export")?;
    subject.delete("model").await?;
    let spec = VmSpec {
        image: Some("conformance-export".to_owned()),
        start: true,
        ..subject.spec("from-export")?
    };
    subject.service.create_vm(spec, &NO_OPTIONS).await?;
    subject.delete("from-export").await?;
    subject.service.delete_image("conformance-export").await?;
    before.check_unchanged(subject).await
}

async fn a_disk_is_downloaded_whole(subject: &Subject) -> Outcome {
    subject.create("model").await?;
    let disks = subject.service.get_vm("model").await?.disks.unwrap_or_default();
    let name = disks
        .first()
        .map(|disk| disk.name.clone())
        .ok_or("the vm has no disk")?;
    // More than the disk of the trials' image takes in the format that it has.
    let blob = Blob::scratch(Room::new(2 << 30))?;
    let answer = subject
        .service
        .download_vm_disk("model", &name, None, blob.clone())
        .await;
    if subject.unless_documented(answer)?.is_none() {
        return Ok(());
    }
    ensure!(blob.size()? > 0, "the download is empty");
    let blob = Blob::scratch(Room::new(1 << 20))?;
    not_found(
        subject.service.download_vm_disk("model", "absent", None, blob).await,
        "absent",
    )
}

async fn a_missing_vm_is_not_exported(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    not_found(
        subject.service.export_vm("absent", to("conformance-export")).await,
        "absent",
    )?;
    before.check_unchanged(subject).await
}
