//! Agents inside guests.

use stockade::contract::{Ability, GuestCommand};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::Subject;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::GuestAgent];
        a_guest_that_does_not_run_is_unavailable,
        a_guest_tells_about_itself,
        a_frozen_guest_is_thawed,
        a_guest_has_the_users_that_it_has,
        a_command_ends_or_is_refused,
        a_missing_vm_has_no_guest,
    ]
}

/// Waits until the agent of a VM answers; false when the image has none.
async fn has_agent(subject: &Subject, vm: &str) -> Outcome<bool> {
    if subject.given.agent_user.is_none() {
        refused(subject.service.get_guest_info(vm).await, &["unavailable"])?;
        return Ok(false);
    }
    for _ in 0..600 {
        match subject.service.get_guest_info(vm).await {
            Err(error) if error.kind().name() == "unavailable" => {
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            }
            answer => return Ok(answer.map(|_| true)?),
        }
    }
    Err("the guest's agent does not answer".into())
}

async fn a_guest_that_does_not_run_is_unavailable(subject: &Subject) -> Outcome {
    subject.create("inside").await?;
    refused(
        subject.service.get_guest_info("inside").await,
        &["unavailable", "conflict"],
    )
    .map(drop)
}

async fn a_guest_tells_about_itself(subject: &Subject) -> Outcome {
    subject.create_started("inside").await?;
    if has_agent(subject, "inside").await? {
        let info = subject.service.get_guest_info("inside").await?;
        ensure!(info.agent_version.is_some() || info.hostname.is_some(), "{info:?}");
    }
    Ok(())
}

async fn a_frozen_guest_is_thawed(subject: &Subject) -> Outcome {
    subject.create_started("inside").await?;
    if !has_agent(subject, "inside").await? {
        return Ok(());
    }
    let answer = subject.service.freeze_guest("inside").await;
    if let Some(count) = subject.unless_documented(answer)? {
        // A guest that runs from memory alone has nothing to freeze, and so is not frozen.
        if count > 0 {
            refused(subject.service.freeze_guest("inside").await, &["conflict"])?;
        }
        let thawed = subject.service.thaw_guest("inside").await?;
        ensure!(thawed == count, "froze {count} file systems, thawed {thawed}");
        ensure!(
            subject.service.thaw_guest("inside").await? == 0,
            "it thawed what was not frozen"
        );
    }
    Ok(())
}

async fn a_guest_has_the_users_that_it_has(subject: &Subject) -> Outcome {
    subject.create_started("inside").await?;
    let (true, Some(user)) = (has_agent(subject, "inside").await?, subject.given.agent_user) else {
        return Ok(());
    };
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEjVl5oMYmHyRO1Zl0Zr0m6Z0JY5Y1cYv3k3aHq0bZ5x conformance";
    let answer = subject
        .service
        .set_guest_ssh_keys("inside", user, vec![key.to_owned()])
        .await;
    if subject.unless_documented(answer)?.is_some() {
        let answer = subject
            .service
            .set_guest_ssh_keys("inside", "nobody-here", vec![])
            .await;
        not_found(answer, "nobody-here")?;
    }
    let answer = subject
        .service
        .set_guest_password("inside", user, "not-a-secret-of-anybody")
        .await;
    subject.unless_documented(answer).map(drop)
}

async fn a_command_ends_or_is_refused(subject: &Subject) -> Outcome {
    subject.create_started("inside").await?;
    if !has_agent(subject, "inside").await? {
        return Ok(());
    }
    let command = GuestCommand {
        path: "/bin/cat".to_owned(),
        arguments: vec!["-".to_owned()],
        stdin: b"hello".to_vec(),
        timeout_seconds: 30,
    };
    match subject.service.run_guest_command("inside", command).await {
        Err(error) if error.kind().name() == "denied" => Ok(()),
        answer => {
            if let Some(result) = subject.unless_documented(answer)? {
                ensure!(result.exit_code == Some(0) && result.stdout == b"hello", "{result:?}");
            }
            Ok(())
        }
    }
}

async fn a_missing_vm_has_no_guest(subject: &Subject) -> Outcome {
    not_found(subject.service.get_guest_info("absent").await, "absent")
}
