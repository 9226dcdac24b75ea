//! What a real guest finds on its disks: after a revert, in a copy, from an exported image.
//!
//! Only for setups with a real hypervisor behind them, one guest at a time. Elsewhere the other trials of these abilities
//! say what can be said.

use stockade::contract::{Ability, SnapshotSpec, VmCloneSpec, VmExportSpec, VmSpec, VmStatus};

use super::guest::address_of;
use super::{Trial, trials};
use crate::outcome::{Outcome, ensure};
use crate::ssh::Key;
use crate::subject::{NO_OPTIONS, Subject};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::Vms, Ability::Snapshots]; a_revert_brings_back_what_a_guest_had_written];
    all.extend(trials![&[Ability::Vms, Ability::VmClone]; a_copy_boots_under_a_name_of_its_own]);
    all.extend(trials![&[Ability::Vms, Ability::Images, Ability::VmExport]; an_exported_image_boots]);
    all
}

/// A guest with an empty second disk, which its owner can log into.
fn guest(subject: &Subject, name: &str, key: &Key) -> Outcome<VmSpec> {
    let disks = serde_json::from_value(serde_json::json!([{}, {"size_gib": 1}]))?;
    Ok(VmSpec {
        ssh_keys: vec![key.public.clone()],
        start: true,
        disks,
        ..subject.spec(name)?
    })
}

async fn run(subject: &Subject, vm: &str, key: &Key, command: &str) -> Outcome<String> {
    let address = address_of(&subject.service, vm).await?;
    key.run(&address, command).await
}

async fn a_revert_brings_back_what_a_guest_had_written(subject: &Subject) -> Outcome {
    if subject.evidence.is_none() {
        return Ok(());
    }
    let before = World::observe(subject).await?;
    let key = Key::new().await?;
    subject
        .service
        .create_vm(guest(subject, "saved", &key)?, &NO_OPTIONS)
        .await?;
    let write = |word: &str| format!("echo {word} >/dev/vdb && sync && head -n 1 /dev/vdb");
    run(subject, "saved", &key, &write("first")).await?;
    let spec = SnapshotSpec {
        name: "live".to_owned(),
        description: Some("while it ran".to_owned()),
        with_memory: false,
        quiesce: false,
    };
    subject.service.create_snapshot("saved", spec).await?;
    let written = run(subject, "saved", &key, &write("second")).await?;
    ensure!(written == "second", "the guest read `{written}`");
    subject.service.revert_snapshot("saved", "live").await?;
    subject.expect_status("saved", VmStatus::Stopped).await?;
    subject.service.start_vm("saved").await?;
    let read = run(subject, "saved", &key, "head -n 1 /dev/vdb").await?;
    ensure!(read == "first", "after the revert the guest reads `{read}`");
    subject.service.delete_snapshot("saved", "live", false).await?;
    let read = run(subject, "saved", &key, "head -n 1 /dev/vdb").await?;
    ensure!(read == "first", "without the snapshot the guest reads `{read}`");
    subject.delete("saved").await?;
    before.check_unchanged(subject).await
}

async fn a_copy_boots_under_a_name_of_its_own(subject: &Subject) -> Outcome {
    if subject.evidence.is_none() {
        return Ok(());
    }
    let before = World::observe(subject).await?;
    let key = Key::new().await?;
    subject
        .service
        .create_vm(guest(subject, "original", &key)?, &NO_OPTIONS)
        .await?;
    run(subject, "original", &key, "echo kept >/dev/vdb && sync").await?;
    subject.stop("original").await?;
    for linked in [true, false] {
        let copy = VmCloneSpec {
            name: "copy".to_owned(),
            linked,
            snapshot: None,
            start: true,
        };
        let answer = subject.service.clone_vm("original", copy).await;
        if subject.unless_documented(answer)?.is_none() {
            continue;
        }
        let said = run(
            subject,
            "copy",
            &key,
            "hostname; head -n 1 /dev/vdb; echo own >/dev/vdb; sync",
        )
        .await?;
        ensure!(said == "copy\nkept", "the copy (linked: {linked}) says `{said}`");
        subject.delete("copy").await?;
    }
    subject.service.start_vm("original").await?;
    let said = run(subject, "original", &key, "hostname; head -n 1 /dev/vdb").await?;
    ensure!(said == "original\nkept", "after its copies the original says `{said}`");
    subject.delete("original").await?;
    before.check_unchanged(subject).await
}

async fn an_exported_image_boots(subject: &Subject) -> Outcome {
    if subject.evidence.is_none() {
        return Ok(());
    }
    let before = World::observe(subject).await?;
    let key = Key::new().await?;
    subject.create("model").await?;
    let export = VmExportSpec {
        image: "bootable.qcow2".to_owned(),
        pool: None,
        format: None,
        snapshot: None,
    };
    let answer = subject.service.export_vm("model", export).await;
    if subject.unless_documented(answer)?.is_some() {
        subject.delete("model").await?;
        let spec = VmSpec {
            image: Some("bootable.qcow2".to_owned()),
            ..guest(subject, "from-export", &key)?
        };
        subject.service.create_vm(spec, &NO_OPTIONS).await?;
        let name = run(subject, "from-export", &key, "hostname").await?;
        ensure!(name == "from-export", "the guest is called `{name}`");
        subject.delete("from-export").await?;
        subject.service.delete_image("bootable.qcow2").await?;
    } else {
        subject.delete("model").await?;
    }
    before.check_unchanged(subject).await
}
