//! CD-ROMs: inserted, replaced, ejected, and kept.

use std::io::Write as _;

use stockade::blobs::Blob;
use stockade::contract::{Ability, DiskDevice, ImageSpec, VmDisk};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::{NO_OPTIONS, Subject};

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::VmMedia];
        a_medium_that_is_not_there_is_not_inserted,
        ejecting_from_an_empty_drive_is_success,
    ];
    all.extend(trials![&[Ability::VmMedia, Ability::Images];
        an_iso_image_is_inserted_ejected_and_kept,
        an_image_of_a_disk_is_no_medium,
    ]);
    all
}

/// The drive of a VM; none when it has none.
async fn drive(subject: &Subject, vm: &str) -> Outcome<Option<VmDisk>> {
    let disks = subject.service.get_vm(vm).await?.disks.unwrap_or_default();
    Ok(disks.into_iter().find(|disk| disk.device == DiskDevice::Cdrom))
}

/// An empty ISO 9660 file: its volume descriptors begin at sector 16 (ECMA-119, section 8).
fn iso() -> Outcome<Blob> {
    const SECTOR: usize = 2048;
    let mut bytes = vec![0; 20 * SECTOR];
    for (sector, kind) in [(16, 1), (17, 255)] {
        let at = sector * SECTOR;
        bytes[at] = kind;
        bytes[at + 1..at + 7].copy_from_slice(b"CD001\x01");
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(&bytes)?;
    Ok(Blob::from_file(file))
}

async fn an_iso_image_is_inserted_ejected_and_kept(subject: &Subject) -> Outcome {
    subject.create("player").await?;
    let spec = ImageSpec {
        name: "conformance.iso".to_owned(),
        pool: None,
        format: None,
        sha256: None,
        options: vec![],
    };
    let answer = subject.service.upload_image(spec, &NO_OPTIONS, iso()?).await;
    if subject.unless_documented(answer)?.is_none() {
        return Ok(());
    }
    let answer = subject.service.insert_vm_media("player", "conformance.iso").await;
    if subject.unless_documented(answer)?.is_some() {
        let held = drive(subject, "player").await?.ok_or("there is no drive")?;
        ensure!(held.id.is_some(), "the drive is empty: {held:?}");
        refused(subject.service.delete_image("conformance.iso").await, &["conflict"])?;
        subject.service.insert_vm_media("player", "conformance.iso").await?;
        subject.service.eject_vm_media("player").await?;
        let empty = drive(subject, "player").await?;
        ensure!(
            empty.as_ref().is_none_or(|drive| drive.id.is_none()),
            "the drive still holds {empty:?}"
        );
    }
    subject.delete("player").await?;
    // An image that was in a drive is not its VM's to delete.
    subject.service.get_image("conformance.iso").await?;
    subject.service.delete_image("conformance.iso").await?;
    Ok(())
}

async fn an_image_of_a_disk_is_no_medium(subject: &Subject) -> Outcome {
    subject.create("player").await?;
    let answer = subject.service.insert_vm_media("player", &subject.image).await;
    refused(answer, &["invalid-argument", "unsupported"])?;
    ensure!(
        drive(subject, "player").await?.is_none_or(|drive| drive.id.is_none()),
        "it is in the drive"
    );
    Ok(())
}

async fn a_medium_that_is_not_there_is_not_inserted(subject: &Subject) -> Outcome {
    subject.create("player").await?;
    let answer = subject.service.insert_vm_media("player", "absent").await;
    if answer.as_ref().is_err_and(|error| error.kind().name() == "unsupported") {
        return subject.unless_documented(answer).map(drop);
    }
    not_found(answer, "absent")?;
    not_found(
        subject.service.insert_vm_media("absent", &subject.image).await,
        "absent",
    )
}

async fn ejecting_from_an_empty_drive_is_success(subject: &Subject) -> Outcome {
    subject.create("player").await?;
    let answer = subject.service.eject_vm_media("player").await;
    subject.unless_documented(answer).map(drop)
}
