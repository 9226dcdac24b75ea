//! Names that vendors, URLs, XML and shells treat specially: taken as they are or refused, never changed.

use stockade::contract::Ability;

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::{NO_OPTIONS, Subject};

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Vms];
        a_name_with_a_space_is_never_mangled,
        a_name_with_a_percent_sign_is_never_mangled,
        a_name_with_a_slash_is_never_mangled,
        a_name_in_unicode_is_never_mangled,
        a_name_with_markup_is_never_mangled,
        a_name_of_dots_is_never_mangled,
        a_name_like_an_option_is_never_mangled,
        a_very_long_name_is_never_mangled,
        an_empty_name_is_refused,
        strange_names_are_not_found,
    ]
}

async fn a_name_with_a_space_is_never_mangled(subject: &Subject) -> Outcome {
    survives(subject, "two words").await
}

async fn a_name_with_a_percent_sign_is_never_mangled(subject: &Subject) -> Outcome {
    survives(subject, "100%20b").await
}

async fn a_name_with_a_slash_is_never_mangled(subject: &Subject) -> Outcome {
    survives(subject, "a/b").await
}

async fn a_name_in_unicode_is_never_mangled(subject: &Subject) -> Outcome {
    survives(subject, "grün-機械").await
}

async fn a_name_with_markup_is_never_mangled(subject: &Subject) -> Outcome {
    survives(subject, r#"<b a="1">'&amp;$(id)"#).await
}

async fn a_name_of_dots_is_never_mangled(subject: &Subject) -> Outcome {
    survives(subject, "..").await
}

async fn a_name_like_an_option_is_never_mangled(subject: &Subject) -> Outcome {
    survives(subject, "--all").await
}

async fn a_very_long_name_is_never_mangled(subject: &Subject) -> Outcome {
    survives(subject, &"long".repeat(75)).await
}

async fn an_empty_name_is_refused(subject: &Subject) -> Outcome {
    refused(
        subject.service.create_vm(subject.spec("")?, &NO_OPTIONS).await,
        &["invalid-argument"],
    )
    .map(drop)
}

async fn strange_names_are_not_found(subject: &Subject) -> Outcome {
    for name in ["", ".", "..", "a/b", "100%20b", "two words", "機械", "?x=1", "#x"] {
        let answer = subject.service.get_vm(name).await;
        not_found(answer, name).map_err(|failed| format!("{name:?} {}", failed.message().unwrap_or_default()))?;
    }
    // Messages may show control characters in another form.
    for name in ["a\0b", "a\nb", "\u{1b}[31m"] {
        refused(subject.service.get_vm(name).await, &["not-found"])?;
    }
    Ok(())
}

/// The name is what the vendor has afterwards, or it is refused and nothing is there.
async fn survives(subject: &Subject, name: &str) -> Outcome {
    let created = subject.service.create_vm(subject.spec(name)?, &NO_OPTIONS).await;
    let listed: Vec<String> = subject
        .service
        .list_vms()
        .await?
        .into_iter()
        .map(|vm| vm.name)
        .collect();
    match created {
        Ok(id) => {
            ensure!(listed == [name], "created {name:?}, listed {listed:?}");
            ensure!(subject.service.get_vm(name).await?.name == name, "get-vm by name");
            ensure!(subject.service.get_vm(&id).await?.name == name, "get-vm by id");
            subject.delete(name).await?;
            not_found(subject.service.get_vm(name).await, name)
        }
        Err(error) => {
            refused::<()>(Err(error), &["invalid-argument"])?;
            ensure!(listed.is_empty(), "{name:?} was refused, but there is {listed:?}");
            Ok(())
        }
    }
}
