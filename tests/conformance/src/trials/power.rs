//! Starting, stopping, restarting: what is so already is success, what cannot be done is said.

use stockade::connections::OptionInput;
use stockade::contract::{Ability, StopMode, VmStatus};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, refused};
use crate::subject::{Subject, WITH_SNAPSHOTS};

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::Vms];
        power_goes_on_and_off,
        starting_a_running_vm_is_success,
        stopping_a_stopped_vm_is_success,
        restarting_a_stopped_vm_starts_it,
        restarting_a_running_vm_keeps_it_running,
        a_graceful_stop_that_is_not_heard_times_out_and_keeps_the_vm_running,
        a_stopped_vm_leaves_its_host_where_that_is_wanted,
    ];
    all.extend(trials![&[Ability::VmPause]; a_paused_vm_resumes, pausing_a_stopped_vm_is_a_conflict]);
    all
}

async fn power_goes_on_and_off(subject: &Subject) -> Outcome {
    subject.create("power").await?;
    subject.expect_status("power", VmStatus::Stopped).await?;
    let id = subject.service.start_vm("power").await?;
    let vm = subject.expect_status("power", VmStatus::Running).await?;
    ensure!(vm.id == id, "start-vm answered `{id}` for vm `{}`", vm.id);
    subject.stop(&id).await?;
    subject.expect_status("power", VmStatus::Stopped).await.map(drop)
}

async fn starting_a_running_vm_is_success(subject: &Subject) -> Outcome {
    subject.create_started("power").await?;
    subject.service.start_vm("power").await?;
    subject.expect_status("power", VmStatus::Running).await.map(drop)
}

async fn stopping_a_stopped_vm_is_success(subject: &Subject) -> Outcome {
    subject.create("power").await?;
    for mode in [StopMode::Forced, StopMode::Graceful(1)] {
        subject.service.stop_vm("power", mode).await?;
    }
    subject.expect_status("power", VmStatus::Stopped).await.map(drop)
}

async fn restarting_a_stopped_vm_starts_it(subject: &Subject) -> Outcome {
    subject.create("power").await?;
    subject.service.restart_vm("power", StopMode::Forced).await?;
    subject.expect_status("power", VmStatus::Running).await.map(drop)
}

async fn restarting_a_running_vm_keeps_it_running(subject: &Subject) -> Outcome {
    subject.create_started("power").await?;
    subject.service.restart_vm("power", StopMode::Forced).await?;
    subject.expect_status("power", VmStatus::Running).await.map(drop)
}

async fn a_graceful_stop_that_is_not_heard_times_out_and_keeps_the_vm_running(subject: &Subject) -> Outcome {
    subject.create_started("power").await?;
    // A guest that has only just started cannot hear it within a second; a simulated one may.
    let answer = subject.service.stop_vm("power", StopMode::Graceful(1)).await;
    if answer.as_ref().is_err_and(|error| error.kind().name() == "timed-out") {
        return subject.expect_status("power", VmStatus::Running).await.map(drop);
    }
    match subject.unless_documented(answer)? {
        Some(_) => subject.expect_status("power", VmStatus::Stopped).await.map(drop),
        None => subject.expect_status("power", VmStatus::Running).await.map(drop),
    }
}

async fn a_stopped_vm_leaves_its_host_where_that_is_wanted(subject: &Subject) -> Outcome {
    let Some((option, choice)) = subject.given.leaving_stop else {
        return Ok(());
    };
    let leaving = [(option, OptionInput::Text(choice.to_owned()))];
    let service = subject.sibling("leaving-stop", &leaving).await?;
    subject.create_started("power").await?;
    let mut words = Vec::new();
    for _ in 0..2 {
        service.stop_vm("power", StopMode::Forced).await?;
        let vm = subject.expect_status("power", VmStatus::Stopped).await?;
        words.push(vm.vendor_status);
    }
    service.start_vm("power").await?;
    subject.expect_status("power", VmStatus::Running).await?;
    subject.stop("power").await?;
    let stays = subject.expect_status("power", VmStatus::Stopped).await?.vendor_status;
    ensure!(
        words.iter().all(|word| *word == words[0] && *word != stays),
        "stopped to leave it is {words:?}, stopped to stay `{stays}`"
    );
    service.stop_vm("power", StopMode::Forced).await?;
    // A VM without a place on a host is deleted like any other, with what was kept of it meanwhile.
    service
        .delete_vm("power", WITH_SNAPSHOTS)
        .await
        .map(drop)
        .map_err(Into::into)
}

async fn a_paused_vm_resumes(subject: &Subject) -> Outcome {
    subject.create_started("power").await?;
    for _ in 0..2 {
        subject.service.pause_vm("power").await?;
        subject.expect_status("power", VmStatus::Paused).await?;
    }
    for _ in 0..2 {
        subject.service.resume_vm("power").await?;
        subject.expect_status("power", VmStatus::Running).await?;
    }
    if subject
        .unless_documented(subject.service.suspend_vm("power").await)?
        .is_some()
    {
        subject.expect_status("power", VmStatus::Suspended).await?;
        subject.service.start_vm("power").await?;
        subject.expect_status("power", VmStatus::Running).await?;
    }
    Ok(())
}

async fn pausing_a_stopped_vm_is_a_conflict(subject: &Subject) -> Outcome {
    subject.create("power").await?;
    refused(subject.service.pause_vm("power").await, &["conflict"])?;
    refused(subject.service.reset_vm("power").await, &["conflict"])?;
    subject.expect_status("power", VmStatus::Stopped).await.map(drop)
}
