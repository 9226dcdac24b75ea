//! What is noted on VMs: set, changed, taken away, and kept over a restart.

use stockade::contract::{Ability, MetadataChange};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found};
use crate::subject::Subject;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::VmMetadata];
        metadata_is_set_changed_and_removed,
        a_description_is_set_and_removed,
        autostart_is_set_and_removed,
        metadata_of_a_missing_vm_is_not_found,
    ]
}

fn change(key: &str, value: Option<&str>) -> MetadataChange {
    MetadataChange {
        key: key.to_owned(),
        value: value.map(str::to_owned),
    }
}

async fn value(subject: &Subject, key: &str) -> Outcome<Option<String>> {
    let metadata = subject.service.get_vm("noted").await?.metadata.unwrap_or_default();
    Ok(metadata.into_iter().find(|tag| tag.key == key).map(|tag| tag.value))
}

async fn metadata_is_set_changed_and_removed(subject: &Subject) -> Outcome {
    subject.create("noted").await?;
    for wanted in ["green", "a <b> & \"c\" 机"] {
        subject
            .service
            .update_vm_metadata("noted", vec![change("plan", Some(wanted))])
            .await?;
        ensure!(
            value(subject, "plan").await?.as_deref() == Some(wanted),
            "plan is {:?}",
            value(subject, "plan").await?
        );
    }
    let others = subject
        .service
        .update_vm_metadata("noted", vec![change("team", Some("red"))])
        .await;
    if subject.unless_documented(others)?.is_some() {
        ensure!(
            value(subject, "team").await?.as_deref() == Some("red"),
            "`team` is not there"
        );
        ensure!(
            value(subject, "plan").await?.is_some(),
            "`plan` is gone, though it was not named"
        );
    }
    let removed = subject
        .service
        .update_vm_metadata("noted", vec![change("plan", None)])
        .await;
    if subject.unless_documented(removed)?.is_some() {
        ensure!(value(subject, "plan").await?.is_none(), "`plan` is still there");
    }
    Ok(())
}

async fn a_description_is_set_and_removed(subject: &Subject) -> Outcome {
    subject.create("noted").await?;
    for description in [Some("for tests: <&>"), None] {
        let answer = subject.service.set_vm_description("noted", description).await;
        if subject.unless_documented(answer)?.is_none() {
            return Ok(());
        }
        let read = subject.service.get_vm("noted").await?.description;
        ensure!(read.as_deref() == description, "set {description:?}, read {read:?}");
    }
    Ok(())
}

async fn autostart_is_set_and_removed(subject: &Subject) -> Outcome {
    subject.create("noted").await?;
    for autostart in [true, true, false] {
        let answer = subject.service.set_vm_autostart("noted", autostart).await;
        if subject.unless_documented(answer)?.is_none() {
            return Ok(());
        }
        let read = subject.service.get_vm("noted").await?.autostart;
        ensure!(read == Some(autostart), "set {autostart}, read {read:?}");
    }
    Ok(())
}

async fn metadata_of_a_missing_vm_is_not_found(subject: &Subject) -> Outcome {
    not_found(
        subject
            .service
            .update_vm_metadata("absent", vec![change("plan", Some("x"))])
            .await,
        "absent",
    )?;
    not_found(subject.service.set_vm_autostart("absent", true).await, "absent")
}
