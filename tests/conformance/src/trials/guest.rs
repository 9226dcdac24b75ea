//! A real guest: it boots, it gets an address, it leaves nothing.
//!
//! Only for setups with a second opinion, that is, with a real hypervisor behind them.

use std::time::{Duration, Instant};

use stockade::contract::{Ability, VmStatus};
use stockade::{Runtime, Service};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found};
use crate::setup::Evidence;
use crate::subject::Subject;
use crate::world::World;

/// What the trial on two connections is called.
pub(crate) const BOTH: &str = "vms_made_through_both_connections_show_in_one_list_and_vanish";

/// How long a guest may take to get an address: it needs ten seconds under emulation, and there may be little else to run on.
const BOOT_LIMIT: Duration = Duration::from_secs(180);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Vms]; a_real_guest_boots_gets_an_address_and_leaves_nothing]
}

async fn a_real_guest_boots_gets_an_address_and_leaves_nothing(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    subject.create("guest").await?;
    subject.service.start_vm("guest").await?;
    let address = address_of(&subject.service, "guest").await?;
    let vm = subject.expect_status("guest", VmStatus::Running).await?;
    ensure!(
        vm.ips.first() == Some(&address),
        "the address was {address}, now {:?}",
        vm.ips
    );
    if subject.evidence.as_ref().is_some_and(Evidence::has_guests) {
        ensure!(answers_on_ssh_port(&address).await, "nobody listens at {address}");
    }
    subject.delete("guest").await?;
    not_found(subject.service.get_vm("guest").await, "guest")?;
    before.check_unchanged(subject).await
}

/// Waits for a VM's address.
async fn address_of(service: &Service, vm: &str) -> Outcome<String> {
    let start = Instant::now();
    loop {
        if let Some(address) = service.get_vm(vm).await?.ips.into_iter().next() {
            return Ok(address);
        }
        ensure!(
            start.elapsed() < BOOT_LIMIT,
            "vm `{vm}` has no address after {} s",
            BOOT_LIMIT.as_secs()
        );
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether the guest itself answers, not only the lease.
async fn answers_on_ssh_port(address: &str) -> bool {
    let start = Instant::now();
    while start.elapsed() < BOOT_LIMIT {
        if tokio::net::TcpStream::connect((address, 22)).await.is_ok() {
            return true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

/// One VM made through each of two connections to the same libvirt: each connection lists both.
pub(crate) async fn on_both(runtime: &Runtime, native: &Subject, other: &Subject) -> Outcome {
    let before = World::observe(native).await?;
    native.create_started("made-natively").await?;
    other.create_started("made-by-component").await?;
    let connections = [
        native.service.connection().to_owned(),
        other.service.connection().to_owned(),
    ];
    let answers = runtime
        .on_each(&connections, async |service| service.list_vms().await)
        .await;
    for (connection, answer) in answers {
        let mut vms: Vec<_> = answer?.into_iter().map(|vm| (vm.name, vm.status)).collect();
        vms.sort_by(|one, other| one.0.cmp(&other.0));
        let expected = ["made-by-component", "made-natively"].map(|name| (name.to_owned(), VmStatus::Running));
        ensure!(vms == expected, "connection `{connection}` lists {vms:?}");
    }
    native.delete("made-natively").await?;
    other.delete("made-by-component").await?;
    before.check_unchanged(native).await
}
