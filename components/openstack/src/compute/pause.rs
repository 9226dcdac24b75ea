//! Power states between running and stopped.

use serde_json::Value;

use stockade_provider::abilities::VmPause;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, VmStatus};

use super::power::{go, reset};
use super::server::Server;
use crate::Openstack;
use crate::change::done;
use crate::cloud::Cloud;

impl<H: Host> VmPause<H> for Openstack {
    fn pause_vm(host: &H, vm: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "pause-vm")?;
        let server = cloud.server(&vm)?;
        if server.vm_status() != VmStatus::Paused {
            require_running(&server, "paused")?;
            go(
                &cloud,
                &server,
                "pause",
                &Value::Null,
                &format!("pausing vm `{vm}`"),
                "PAUSED",
            )?;
        }
        Ok(done(server.id))
    }

    fn resume_vm(host: &H, vm: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "resume-vm")?;
        let server = cloud.server(&vm)?;
        let doing = format!("resuming vm `{vm}`");
        match server.vm_status() {
            VmStatus::Paused => go(&cloud, &server, "unpause", &Value::Null, &doing, "ACTIVE")?,
            VmStatus::Suspended => go(&cloud, &server, "resume", &Value::Null, &doing, "ACTIVE")?,
            _ => require_running(&server, "resumed")?,
        }
        Ok(done(server.id))
    }

    fn reset_vm(host: &H, vm: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "reset-vm")?;
        let server = cloud.server(&vm)?;
        require_running(&server, "reset")?;
        reset(&cloud, &server, &format!("resetting vm `{vm}`"))?;
        Ok(done(server.id))
    }

    fn suspend_vm(host: &H, vm: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "suspend-vm")?;
        let server = cloud.server(&vm)?;
        if server.vm_status() != VmStatus::Suspended {
            require_running(&server, "suspended")?;
            go(
                &cloud,
                &server,
                "suspend",
                &Value::Null,
                &format!("suspending vm `{vm}`"),
                "SUSPENDED",
            )?;
        }
        Ok(done(server.id))
    }
}

fn require_running(server: &Server, verb: &str) -> Result<(), Error> {
    if server.vm_status() == VmStatus::Running {
        return Ok(());
    }
    let message = format!(
        "vm `{}` is `{}`; only a running one can be {verb}",
        server.name(),
        server.status
    );
    Err(Error::conflict(message))
}
