//! Starting, stopping and restarting VMs (<https://docs.openstack.org/api-ref/compute/#servers-run-an-action-servers-action>).
//!
//! Nova's stop asks the guest, and cuts the power when the guest has not stopped after the cloud's `shutdown_timeout`, 60
//! seconds by default. There is no stop that only asks, and none that only cuts.
//!
//! A stopped server keeps its place on its host; one that is shelved does not
//! (<https://docs.openstack.org/api-guide/compute/server_concepts.html#server-actions>). The connection says which it is.

use serde_json::{Value, json};

use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, ErrorKind, StopMode, VmStatus};

use super::server::Server;
use crate::change::done;
use crate::cloud::Cloud;

/// How Nova's words for a shelved server begin: on its host still, it is `SHELVED`, and then `SHELVED_OFFLOADED`.
const SHELVED: &str = "SHELVED";

/// Starts a VM.
pub(super) fn start<H: Host>(cloud: &Cloud<'_, H>, vm: &str) -> Result<Change, Error> {
    let server = cloud.server(vm)?;
    let doing = format!("starting vm `{vm}`");
    match server.vm_status() {
        VmStatus::Running => {}
        VmStatus::Paused => go(cloud, &server, "unpause", &Value::Null, &doing, "ACTIVE")?,
        VmStatus::Suspended => go(cloud, &server, "resume", &Value::Null, &doing, "ACTIVE")?,
        _ if server.status.starts_with(SHELVED) => go(cloud, &server, "unshelve", &Value::Null, &doing, "ACTIVE")?,
        // Its power is off and Nova has not noticed yet.
        VmStatus::Stopped | VmStatus::Crashed if server.status == "ACTIVE" => {
            go(cloud, &server, "reboot", &json!({"type": "HARD"}), &doing, "ACTIVE")?;
        }
        _ => go(cloud, &server, "os-start", &Value::Null, &doing, "ACTIVE")?,
    }
    Ok(done(server.id))
}

/// Stops a VM.
pub(super) fn stop<H: Host>(cloud: &Cloud<'_, H>, vm: &str, mode: StopMode) -> Result<Change, Error> {
    let server = cloud.server(vm)?;
    let doing = format!("stopping vm `{vm}`");
    if server.vm_status() != VmStatus::Stopped {
        require_forced(mode, "stop-vm")?;
        if !cloud.config.is_shelving {
            stop_server(cloud, &server, &doing)?;
        }
    }
    if cloud.config.is_shelving && !server.status.starts_with(SHELVED) {
        go(cloud, &server, "shelve", &Value::Null, &doing, SHELVED)?;
    }
    Ok(done(server.id))
}

/// Stops a server and waits for it.
pub(super) fn stop_server<H: Host>(cloud: &Cloud<'_, H>, server: &Server, doing: &str) -> Result<(), Error> {
    // Nova stops running servers only, and those that failed.
    match server.vm_status() {
        VmStatus::Paused => go(cloud, server, "unpause", &Value::Null, doing, "ACTIVE")?,
        VmStatus::Suspended => go(cloud, server, "resume", &Value::Null, doing, "ACTIVE")?,
        _ => {}
    }
    go(cloud, server, "os-stop", &Value::Null, doing, "SHUTOFF")
}

/// Restarts a VM; a stopped one is started.
pub(super) fn restart<H: Host>(cloud: &Cloud<'_, H>, vm: &str, mode: StopMode) -> Result<Change, Error> {
    let server = cloud.server(vm)?;
    if server.vm_status() != VmStatus::Running {
        return start(cloud, vm);
    }
    require_forced(mode, "restart-vm")?;
    reset(cloud, &server, &format!("restarting vm `{vm}`"))?;
    Ok(done(server.id))
}

/// Restarts a running server without asking its guest.
pub(super) fn reset<H: Host>(cloud: &Cloud<'_, H>, server: &Server, doing: &str) -> Result<(), Error> {
    go(cloud, server, "reboot", &json!({"type": "HARD"}), doing, "ACTIVE")
}

/// Has a server do something and waits until it has nothing more to do and a status that begins with this word.
pub(super) fn go<H: Host>(
    cloud: &Cloud<'_, H>,
    server: &Server,
    action: &str,
    argument: &Value,
    doing: &str,
    status: &str,
) -> Result<(), Error> {
    cloud.act(server, action, argument, doing)?;
    let is_there = |server: &Server| server.status.starts_with(status) && !server.is_busy();
    match cloud.wait_for(server, doing, is_there)? {
        Some(_) => Ok(()),
        None => {
            let message = format!("while {doing}: it is not `{status}` yet; Nova goes on with it");
            Err(Error::new(ErrorKind::TimedOut, message))
        }
    }
}

fn require_forced(mode: StopMode, function: &str) -> Result<(), Error> {
    match mode {
        StopMode::Forced => Ok(()),
        StopMode::Graceful(_) => Err(Error::unsupported(
            function,
            "Nova asks the guest and then cuts the power by itself, which is what a forced stop is here; it cannot leave \
             the vm running",
        )),
    }
}
