//! Images: brought in whole or not at all, used, deleted.

use std::io::Write as _;

use stockade::blobs::Blob;
use stockade::contract::{Ability, ImageSpec, VmSpec};

use stockade_test_support::http_server::Answer;

use super::{Trial, trials};
use crate::outcome::{Outcome, already_exists, ensure, not_found, refused};
use crate::setup::start_server;
use crate::subject::{NO_OPTIONS, Subject};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::Images];
        an_image_is_found_by_its_name_and_by_its_id,
        a_missing_image_is_not_found,
        an_uploaded_image_is_used_and_deleted,
        an_image_of_another_checksum_leaves_nothing,
        uploading_twice_is_already_exists,
        an_image_in_use_is_not_deleted,
        an_image_is_fetched_from_a_url,
    ];
    all.extend(trials![&[Ability::Vms, Ability::Images]; images_are_not_vms]);
    all
}

/// A partition: active, of Linux, from the second sector to the disk's end. A boot signature without any is what some clouds
/// take for an attack on whoever reads the disk.
const PARTITION: [u8; 16] = [0x80, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0xff, 7, 0, 0];

/// A raw disk of 1 MiB with one partition, and its SHA-256.
pub(super) fn content() -> Outcome<(Blob, &'static str)> {
    let mut bytes = vec![0; 1 << 20];
    bytes[446..462].copy_from_slice(&PARTITION);
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    let mut file = tempfile::tempfile()?;
    file.write_all(&bytes)?;
    Ok((Blob::from_file(file), SHA256))
}

const SHA256: &str = "2ace43c264d666031ec3062db892307818d2de9770c856258d87d3738ee6a77f";

fn spec(name: &str, sha256: Option<&str>) -> ImageSpec {
    let (format, sha256) = (Some("raw".to_owned()), sha256.map(str::to_owned));
    ImageSpec {
        name: name.to_owned(),
        pool: None,
        format,
        sha256,
        options: vec![],
    }
}

async fn an_image_is_found_by_its_name_and_by_its_id(subject: &Subject) -> Outcome {
    let by_name = subject.service.get_image(&subject.image).await?;
    ensure!(
        by_name.name == subject.image,
        "asked for `{}`, got `{}`",
        subject.image,
        by_name.name
    );
    ensure!(
        subject.service.get_image(&by_name.id).await? == by_name,
        "name and id give different answers"
    );
    ensure!(
        subject.service.list_images().await?.contains(&by_name),
        "the list says something else about it"
    );
    Ok(())
}

async fn a_missing_image_is_not_found(subject: &Subject) -> Outcome {
    not_found(subject.service.get_image("absent").await, "absent")?;
    not_found(subject.service.delete_image("absent").await, "absent")
}

async fn an_uploaded_image_is_used_and_deleted(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let (content, sha256) = content()?;
    let answer = subject
        .service
        .upload_image(spec("uploaded.img", Some(sha256)), &NO_OPTIONS, content)
        .await;
    let Some(id) = subject.unless_documented(answer)? else {
        return before.check_unchanged(subject).await;
    };
    ensure!(
        subject.service.get_image("uploaded.img").await?.id == id,
        "upload-image answered another id"
    );
    let vm = VmSpec {
        image: Some("uploaded.img".to_owned()),
        ..subject.spec("from-upload")?
    };
    subject.service.create_vm(vm, &NO_OPTIONS).await?;
    subject.service.get_vm("from-upload").await?;
    subject.delete("from-upload").await?;
    subject.service.get_image("uploaded.img").await?;
    subject.service.delete_image("uploaded.img").await?;
    before.check_unchanged(subject).await
}

async fn an_image_of_another_checksum_leaves_nothing(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let wrong = spec("changed.img", Some(&"0".repeat(64)));
    let answer = subject.service.upload_image(wrong, &NO_OPTIONS, content()?.0).await;
    if answer.as_ref().is_err_and(|error| error.kind().name() == "unsupported") {
        subject.unless_documented(answer)?;
    } else {
        refused(answer, &["invalid-argument"])?;
        not_found(subject.service.get_image("changed.img").await, "changed.img")?;
    }
    before.check_unchanged(subject).await
}

async fn uploading_twice_is_already_exists(subject: &Subject) -> Outcome {
    let answer = subject
        .service
        .upload_image(spec("twin.img", None), &NO_OPTIONS, content()?.0)
        .await;
    if subject.unless_documented(answer)?.is_none() {
        return Ok(());
    }
    already_exists(
        subject
            .service
            .upload_image(spec("twin.img", None), &NO_OPTIONS, content()?.0)
            .await,
        "twin.img",
    )?;
    subject.service.delete_image("twin.img").await?;
    Ok(())
}

async fn an_image_in_use_is_not_deleted(subject: &Subject) -> Outcome {
    subject.create("user").await?;
    if subject.given.images_are_copied {
        let disks = subject.service.get_vm("user").await?.disks.unwrap_or_default();
        ensure!(
            disks.iter().all(|disk| disk.backing.is_none()),
            "the disks are based on something: {disks:?}"
        );
        return Ok(());
    }
    refused(subject.service.delete_image(&subject.image).await, &["conflict"])?;
    subject.service.get_image(&subject.image).await?;
    // Its VM still works.
    subject.service.start_vm("user").await?;
    Ok(())
}

async fn an_image_is_fetched_from_a_url(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let server = start_server().await?;
    let bytes = content()?.0.read_at(0, 1 << 20).await?.to_vec();
    for method in ["GET", "HEAD"] {
        server.always(method, "/fetched.img", Answer::bytes(200, bytes.clone()));
    }
    let url = format!("{}/fetched.img", server.url());
    let fetch = async |sha256: &str| {
        subject
            .service
            .import_image(spec("fetched.img", Some(sha256)), &NO_OPTIONS, &url)
            .await
    };
    let Some(id) = subject.unless_documented(fetch(SHA256).await)? else {
        return before.check_unchanged(subject).await;
    };
    let image = subject.service.get_image("fetched.img").await?;
    ensure!(
        image.id == id,
        "import-image answered `{id}`, the image is `{}`",
        image.id
    );
    subject.service.delete_image("fetched.img").await?;
    // Another content than the one that was promised leaves nothing.
    refused(fetch(&"0".repeat(64)).await, &["invalid-argument"])?;
    before.check_unchanged(subject).await
}

async fn images_are_not_vms(subject: &Subject) -> Outcome {
    let image = subject.image.clone();
    not_found(subject.service.get_vm(&image).await, &image)?;
    subject.create("not-an-image").await?;
    not_found(subject.service.get_image("not-an-image").await, "not-an-image")
}
