//! Screens and serial lines.

use stockade::contract::{Ability, Console, ConsoleKind};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::Subject;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Consoles];
        a_console_of_a_running_vm_can_be_reached,
        a_stopped_vm_has_no_console_to_open,
        what_a_vm_printed_can_be_read,
        a_picture_of_a_screen_is_a_png,
        a_missing_vm_has_no_console,
    ]
}

const KINDS: [ConsoleKind; 2] = [ConsoleKind::Graphical, ConsoleKind::Serial];

/// How a PNG begins (PNG specification, section 5.2).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

async fn a_console_of_a_running_vm_can_be_reached(subject: &Subject) -> Outcome {
    subject.create_started("seen").await?;
    for kind in KINDS {
        let answer = subject.service.open_vm_console("seen", kind).await;
        if let Some(Console { url, .. }) = subject.unless_documented(answer)? {
            ensure!(
                url.split_once("://")
                    .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty()),
                "`{url}` is no URL"
            );
        }
    }
    Ok(())
}

async fn a_stopped_vm_has_no_console_to_open(subject: &Subject) -> Outcome {
    subject.create("seen").await?;
    for kind in KINDS {
        let answer = subject.service.open_vm_console("seen", kind).await;
        if answer.as_ref().is_err_and(|error| error.kind().name() == "unsupported") {
            subject.unless_documented(answer)?;
        } else {
            refused(answer.map(|_| "a console"), &["conflict"])?;
        }
    }
    Ok(())
}

async fn what_a_vm_printed_can_be_read(subject: &Subject) -> Outcome {
    subject.create_started("seen").await?;
    let answer = subject.service.read_vm_console_log("seen").await;
    subject.unless_documented(answer).map(drop)
}

async fn a_picture_of_a_screen_is_a_png(subject: &Subject) -> Outcome {
    subject.create_started("seen").await?;
    let answer = subject.service.take_vm_screenshot("seen").await;
    if let Some(picture) = subject.unless_documented(answer)? {
        ensure!(picture.starts_with(PNG), "{} bytes that are no PNG", picture.len());
    }
    Ok(())
}

async fn a_missing_vm_has_no_console(subject: &Subject) -> Outcome {
    not_found(subject.service.read_vm_console_log("absent").await, "absent")
}
