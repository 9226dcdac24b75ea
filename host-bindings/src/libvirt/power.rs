//! Starts, stops and restarts VMs. Each is a success when the VM is already where it should be.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys;

use crate::contract::{Change, Error, ErrorKind, StopMode};

use super::connection::Connection;
use super::error::{Doing as _, Fault, conflict};
use super::ffi::{DomainState, Owned};
use super::get::next_definition;
use super::lookup;
use super::networks::start_networks;
use super::status::is_active;

/// Between two looks at a VM that was asked to stop. A look is one cheap call.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A VM and what it is doing.
struct Found {
    domain: Owned<Domain>,
    uuid: String,
    state: DomainState,
}

fn find(connect: &Connect, name: &str) -> Result<Found, Fault> {
    let domain = lookup::find_domain(connect, name)?;
    let uuid = domain.get_uuid_string().doing("read", "vm", name)?;
    let (state, reason) = domain.get_state().doing("read the state of", "vm", name)?;
    Ok(Found {
        domain,
        uuid,
        state: DomainState { state, reason },
    })
}

/// Starts a VM and the networks that it needs; a paused one continues.
pub(super) fn start_vm(connect: &Connect, name: &str) -> Result<Change, Fault> {
    let Found { domain, uuid, state } = find(connect, name)?;
    match state.state {
        sys::VIR_DOMAIN_PAUSED => {
            domain.resume().doing("continue", "vm", name)?;
        }
        sys::VIR_DOMAIN_PMSUSPENDED => {
            domain.pm_wakeup(0).doing("wake", "vm", name)?;
        }
        _ if is_active(state) => {}
        _ => {
            let facts = next_definition(&domain, name)?;
            let networks = facts.nics.iter().filter(|nic| nic.kind == "network");
            start_networks(connect, networks.filter_map(|nic| nic.network.as_deref()))?;
            domain.create().doing("start", "vm", name)?;
        }
    }
    Ok(Change {
        id: uuid,
        pending: None,
    })
}

/// Stops a VM.
///
/// # Errors
/// `timed-out` when a guest that was asked to stop still runs after the time that the caller gave it.
pub(super) async fn stop_vm(
    connection: &Arc<Connection>,
    limit: Duration,
    name: String,
    mode: StopMode,
) -> Result<Change, Error> {
    match mode {
        // Not one after the other: cutting the power is what ends the calls that wait for a hung VM.
        StopMode::Forced => connection.change(limit, move |connect| power_off(connect, &name)).await,
        StopMode::Graceful(seconds) => {
            let patience = Duration::from_secs(seconds.into());
            let asked = name.clone();
            let uuid = connection
                .change_of_vm(limit, &name, move |connect| ask_to_stop(connect, &asked))
                .await?;
            wait_until_stopped(connection, limit, &name, &uuid, patience).await?;
            Ok(Change {
                id: uuid,
                pending: None,
            })
        }
    }
}

/// Restarts a VM: stops it as the caller wishes, then starts it. A stopped one is only started.
///
/// Not libvirt's own reboot, which says nothing about whether the guest did it, and keeps the old definition.
pub(super) async fn restart_vm(
    connection: &Arc<Connection>,
    limit: Duration,
    name: String,
    mode: StopMode,
) -> Result<Change, Error> {
    let Change { id, .. } = stop_vm(connection, limit, name, mode).await?;
    connection.change(limit, move |connect| start_vm(connect, &id)).await
}

fn power_off(connect: &Connect, name: &str) -> Result<Change, Fault> {
    let Found { domain, uuid, state } = find(connect, name)?;
    if is_active(state) {
        let result = domain.destroy().doing("stop", "vm", name);
        if result.is_err() && domain.is_active().unwrap_or(true) {
            result?;
        }
    }
    Ok(Change {
        id: uuid,
        pending: None,
    })
}

/// Presses the power button, unless the VM is stopped already.
fn ask_to_stop(connect: &Connect, name: &str) -> Result<String, Fault> {
    let Found { domain, uuid, state } = find(connect, name)?;
    match state.state {
        sys::VIR_DOMAIN_PAUSED | sys::VIR_DOMAIN_PMSUSPENDED => {
            let message =
                format!("vm `{name}` is paused and cannot be asked to stop: start it first, or stop it by force");
            return Err(conflict(message));
        }
        sys::VIR_DOMAIN_RUNNING | sys::VIR_DOMAIN_BLOCKED => {
            domain.shutdown().doing("stop", "vm", name)?;
        }
        _ => {}
    }
    Ok(uuid)
}

async fn wait_until_stopped(
    connection: &Arc<Connection>,
    limit: Duration,
    name: &str,
    uuid: &str,
    patience: Duration,
) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    loop {
        let asked = uuid.to_owned();
        let found = connection
            .read(limit, move |connect| Ok(is_active(find(connect, &asked)?.state)))
            .await;
        match found {
            Ok(false) => return Ok(()),
            // A VM that is not defined persistently vanishes when it stops.
            Err(Error {
                kind: ErrorKind::NotFound(_),
                ..
            }) => return Ok(()),
            Err(error) => return Err(error),
            Ok(true) if Instant::now() >= deadline => {
                let message = format!(
                    "vm `{name}` was asked to stop and still runs after {} s: wait longer, or stop it by force",
                    patience.as_secs()
                );
                return Err(Error::new(ErrorKind::TimedOut, message));
            }
            Ok(true) => tokio::time::sleep(POLL_INTERVAL).await,
        }
    }
}
