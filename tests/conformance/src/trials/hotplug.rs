//! What is plugged into a running VM, seen from inside its guest.
//!
//! Only for setups with a real hypervisor behind them whose guest has an agent that runs commands.

use std::time::{Duration, Instant};

use stockade::contract::{Ability, GuestCommand};

use super::options::nic;
use super::{Trial, disks, trials};
use crate::outcome::{Outcome, ensure, not_found};
use crate::subject::{NO_OPTIONS, Subject};

/// How long a guest may take to boot its agent, and to notice a device.
const GUEST_LIMIT: Duration = Duration::from_secs(300);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// What the guest prints about its disks and its interfaces.
const DISKS: &str = "ls /sys/block | grep -c '^[vs]d'";
const INTERFACES: &str = "ls /sys/class/net | grep -c '^e'";

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Disks, Ability::Nics, Ability::GuestAgent];
        a_disk_and_an_interface_are_plugged_seen_inside_and_unplugged
    ]
}

async fn a_disk_and_an_interface_are_plugged_seen_inside_and_unplugged(subject: &Subject) -> Outcome {
    if subject.evidence.is_none() || subject.given.agent_user.is_none() {
        return Ok(());
    }
    subject.create_started("plugged").await?;
    sees(subject, DISKS, "1").await?;
    sees(subject, INTERFACES, "1").await?;
    let spec = disks::spec(None, Some("plugged"));
    let disk = subject.service.create_disk(spec, &NO_OPTIONS).await?;
    let interface = subject.service.add_nic("plugged", nic()).await?;
    sees(subject, DISKS, "2").await?;
    sees(subject, INTERFACES, "2").await?;
    subject.service.resize_disk(&disk, 2).await?;
    // The kernel counts sectors of 512 bytes.
    sees(subject, "cat /sys/block/vdb/size", "4194304").await?;
    subject.service.detach_disk("plugged", &disk).await?;
    subject.service.remove_nic("plugged", &interface).await?;
    // A success means that the guest has let go of it: nothing is waited for.
    let left = [ask(subject, DISKS).await?, ask(subject, INTERFACES).await?];
    ensure!(
        left == [Some("1".to_owned()), Some("1".to_owned())],
        "the guest has {left:?}"
    );
    subject.service.delete_disk(&disk).await?;
    not_found(subject.service.get_disk(&disk).await, &disk)
}

/// What a shell in the guest prints; none while no agent answers.
async fn ask(subject: &Subject, script: &str) -> Outcome<Option<String>> {
    let command = GuestCommand {
        path: "/bin/sh".to_owned(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        stdin: vec![],
        timeout_seconds: 30,
    };
    match subject.service.run_guest_command("plugged", command).await {
        Ok(result) => Ok(Some(String::from_utf8_lossy(&result.stdout).trim().to_owned())),
        Err(error) if error.kind().name() == "unavailable" => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Waits until the guest prints it.
async fn sees(subject: &Subject, script: &str, expected: &str) -> Outcome {
    let started = Instant::now();
    loop {
        let seen = ask(subject, script).await?;
        if seen.as_deref() == Some(expected) {
            return Ok(());
        }
        ensure!(
            started.elapsed() < GUEST_LIMIT,
            "`{script}` printed {seen:?}, not `{expected}`"
        );
        tokio::time::sleep(PAUSE).await;
    }
}
