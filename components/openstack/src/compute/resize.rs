//! The size of existing VMs: Nova moves a VM to another flavor, and keeps the old one until that is confirmed
//! (<https://docs.openstack.org/nova/latest/user/resize.html>).

use serde_json::{Value, json};

use stockade_provider::abilities::VmResize;
use stockade_provider::host::Host;
use stockade_provider::types::{ApplyWhen, Change, Error, ErrorKind, VmResizeSpec, VmStatus};

use super::flavors::{self, Size};
use super::spec::refuse;
use crate::Openstack;
use crate::change::done;
use crate::cloud::Cloud;

impl<H: Host> VmResize<H> for Openstack {
    fn resize_vm(host: &H, vm: String, spec: VmResizeSpec) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "resize-vm")?;
        let VmResizeSpec {
            cpus,
            memory_mib,
            flavor,
            apply,
        } = spec;
        let is_by_size = cpus.is_some() || memory_mib.is_some();
        refuse(
            "flavor",
            flavor.is_some() && is_by_size,
            "the flavor says the size; give one or the other",
        )?;
        let server = cloud.server(&vm)?;
        let doing = format!("resizing vm `{vm}`");
        if !is_by_size && flavor.is_none() {
            return Ok(done(server.id));
        }
        let present = server.flavor.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Unavailable,
                format!("while {doing}: the part of the cloud that it is in is down"),
            )
        })?;
        let all = cloud.flavors(&doing)?;
        let wanted = match &flavor {
            Some(name) => flavors::named(all, name)?,
            None => flavors::of_size(
                &all,
                &Size {
                    cpus: Some(cpus.unwrap_or(present.vcpus)),
                    memory_mib: Some(memory_mib.unwrap_or(present.ram)),
                    disk_gib: Some(present.disk),
                    least_disk_gib: present.disk,
                },
            )?,
        };
        if wanted.name == present.original_name {
            return Ok(done(server.id));
        }
        if server.vm_status() != VmStatus::Stopped {
            refuse(
                "apply",
                apply == ApplyWhen::NextStart,
                "Nova keeps no size for the next start; stop the vm and resize it then",
            )?;
            let message = format!(
                "while {doing}: it is `{}`, and Nova resizes stopped vms only without restarting them; stop it first",
                server.status
            );
            return Err(Error::conflict(message));
        }
        cloud.act(&server, "resize", &json!({"flavorRef": wanted.id}), &doing)?;
        let is_resized = |server: &super::Server| server.status == "VERIFY_RESIZE" && !server.is_busy();
        // A host that has no room makes Nova put the server back, with a fault.
        let is_settled =
            |now: &super::Server| is_resized(now) || (now.status == "SHUTOFF" && now.fault.is_some() && !now.is_busy());
        let settled = cloud
            .wait_for(&server, &doing, is_settled)?
            .ok_or_else(|| too_slow(&doing))?;
        if !is_resized(&settled) {
            let fault = settled.fault.as_ref().map(|fault| fault.message.as_str());
            return Err(crate::error::of_fault(fault, &doing));
        }
        cloud.act(&server, "confirmResize", &Value::Null, &doing)?;
        let is_confirmed =
            |server: &super::Server| matches!(server.status.as_str(), "SHUTOFF" | "ACTIVE") && !server.is_busy();
        cloud
            .wait_for(&server, &doing, is_confirmed)?
            .ok_or_else(|| too_slow(&doing))?;
        Ok(done(server.id))
    }

    fn upgrade_vm_hardware(host: &H, vm: String, _version: Option<String>) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "upgrade-vm-hardware")?;
        cloud.server(&vm)?;
        Err(Error::unsupported(
            "upgrade-vm-hardware",
            "Nova chooses the virtual hardware by the image's properties",
        ))
    }
}

fn too_slow(doing: &str) -> Error {
    let message = format!("while {doing}: Nova has not finished in time and goes on with it");
    Error::new(ErrorKind::TimedOut, message)
}
