//! VMs that move.

use stockade::contract::{Ability, MigrationSpec, VmStatus};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found};
use crate::subject::Subject;

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::Migrations]; a_vm_does_not_move_to_a_host_that_is_not_there];
    all.extend(trials![&[Ability::Migrations, Ability::Hosts]; a_running_vm_moves_to_another_host]);
    all
}

fn to(target: &str, live: bool) -> MigrationSpec {
    MigrationSpec {
        target: Some(target.to_owned()),
        live,
        with_storage: false,
    }
}

async fn a_vm_does_not_move_to_a_host_that_is_not_there(subject: &Subject) -> Outcome {
    subject.create_started("mover").await?;
    let before = subject.service.get_vm("mover").await?;
    let answer = subject.service.migrate_vm("mover", to("no-such-host", true)).await;
    match answer.as_ref().err().map(|error| error.kind().name()) {
        Some("unsupported" | "invalid-argument") => subject.unless_documented(answer).map(drop)?,
        _ => not_found(answer, "no-such-host")?,
    }
    let after = subject.expect_status("mover", VmStatus::Running).await?;
    ensure!(
        before.location == after.location,
        "it went from {:?} to {:?}",
        before.location,
        after.location
    );
    not_found(
        subject.service.migrate_vm("absent", to("no-such-host", true)).await,
        "absent",
    )
}

async fn a_running_vm_moves_to_another_host(subject: &Subject) -> Outcome {
    subject.create_started("mover").await?;
    let before = subject.service.get_vm("mover").await?.location;
    let hosts = subject.service.list_hosts().await?;
    let Some(other) = hosts.iter().find(|host| Some(&host.name) != before.as_ref()) else {
        // One host is all there is: nowhere to go.
        return Ok(());
    };
    let answer = subject.service.migrate_vm("mover", to(&other.name, true)).await;
    if subject.unless_documented(answer)?.is_some() {
        let after = subject.expect_status("mover", VmStatus::Running).await?;
        ensure!(
            after.location.as_ref() == Some(&other.name),
            "it is at {:?}, not at `{}`",
            after.location,
            other.name
        );
    }
    Ok(())
}
