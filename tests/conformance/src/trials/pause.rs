//! States between running and stopped.

use stockade::contract::{Ability, VmStatus};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::Subject;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::VmPause];
        pausing_a_paused_vm_and_resuming_a_running_one_is_success,
        a_paused_vm_continues_when_it_is_started,
        a_suspended_vm_continues_where_it_left_off,
        a_reset_vm_keeps_running,
        a_stopped_vm_has_no_state_to_hold,
        a_missing_vm_is_not_paused,
    ]
}

async fn pausing_a_paused_vm_and_resuming_a_running_one_is_success(subject: &Subject) -> Outcome {
    subject.create_started("held").await?;
    for _ in 0..2 {
        if subject
            .unless_documented(subject.service.pause_vm("held").await)?
            .is_none()
        {
            return Ok(());
        }
        subject.expect_status("held", VmStatus::Paused).await?;
    }
    for _ in 0..2 {
        subject.service.resume_vm("held").await?;
        subject.expect_status("held", VmStatus::Running).await?;
    }
    Ok(())
}

async fn a_paused_vm_continues_when_it_is_started(subject: &Subject) -> Outcome {
    subject.create_started("held").await?;
    if subject
        .unless_documented(subject.service.pause_vm("held").await)?
        .is_some()
    {
        subject.service.start_vm("held").await?;
        subject.expect_status("held", VmStatus::Running).await?;
    }
    Ok(())
}

async fn a_suspended_vm_continues_where_it_left_off(subject: &Subject) -> Outcome {
    subject.create_started("held").await?;
    if subject
        .unless_documented(subject.service.suspend_vm("held").await)?
        .is_none()
    {
        return Ok(());
    }
    subject.expect_status("held", VmStatus::Suspended).await?;
    subject.service.start_vm("held").await?;
    subject.expect_status("held", VmStatus::Running).await?;
    // It can be deleted from there, too: what the memory was written to goes with it.
    subject.service.suspend_vm("held").await?;
    subject.delete("held").await?;
    Ok(())
}

async fn a_reset_vm_keeps_running(subject: &Subject) -> Outcome {
    let id = subject.create_started("held").await?;
    if subject
        .unless_documented(subject.service.reset_vm("held").await)?
        .is_some()
    {
        let vm = subject.expect_status("held", VmStatus::Running).await?;
        ensure!(vm.id == id, "the reset made another vm: `{}`", vm.id);
    }
    Ok(())
}

async fn a_stopped_vm_has_no_state_to_hold(subject: &Subject) -> Outcome {
    subject.create("held").await?;
    for answer in [
        subject.service.reset_vm("held").await,
        subject.service.suspend_vm("held").await,
        subject.service.resume_vm("held").await,
    ] {
        if answer.as_ref().is_err_and(|error| error.kind().name() == "unsupported") {
            subject.unless_documented(answer)?;
        } else {
            refused(answer, &["conflict"])?;
        }
    }
    subject.expect_status("held", VmStatus::Stopped).await.map(drop)
}

async fn a_missing_vm_is_not_paused(subject: &Subject) -> Outcome {
    for answer in [
        subject.service.pause_vm("absent").await,
        subject.service.resume_vm("absent").await,
    ] {
        not_found(answer, "absent")?;
    }
    Ok(())
}
