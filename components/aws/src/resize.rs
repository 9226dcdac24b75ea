//! The size of existing VMs: their instance type, which EC2 changes while they are stopped.

use stockade_provider::abilities::VmResize;
use stockade_provider::host::Host;
use stockade_provider::types::{ApplyWhen, Change, Error, Subject, VmResizeSpec};

use crate::Aws;
use crate::client::Client;
use crate::flavor;
use crate::instance::Instance;
use crate::instances;
use crate::operations::done;
use crate::query::Query;
use crate::vm_spec::refuse;

impl<H: Host> VmResize<H> for Aws {
    fn resize_vm(host: &H, vm: String, spec: VmResizeSpec) -> Result<Change, Error> {
        let VmResizeSpec {
            cpus,
            memory_mib,
            flavor,
            apply,
        } = spec;
        let client = Client::new(host, "resize-vm");
        let found = instances::get(&client, &vm)?;
        let Some(wanted) = wanted(&client, &found, flavor, cpus, memory_mib)? else {
            return Ok(done(found.id));
        };
        if wanted == found.instance_type {
            return Ok(done(found.id));
        }
        if found.state != "stopped" {
            refuse(
                "apply",
                apply == ApplyWhen::NextStart,
                "EC2 keeps no change of a running vm for its next start: stop it first",
            )?;
            let message = format!(
                "vm `{}` is `{}`: EC2 changes the type of stopped vms only, so stop it first",
                found.name(),
                found.state
            );
            return Err(Error::conflict(message));
        }
        let query = Query::ec2("ModifyInstanceAttribute")
            .with("InstanceId", &found.id)
            .with("InstanceType.Value", &wanted);
        let doing = format!("making vm `{}` a `{wanted}`", found.name());
        client.change(&query, &doing, Some(Subject::new("vm", found.name())))?;
        Ok(done(found.id))
    }

    fn upgrade_vm_hardware(host: &H, vm: String, _version: Option<String>) -> Result<Change, Error> {
        instances::get(&Client::new(host, "upgrade-vm-hardware"), &vm)?;
        let why = "the instance type is the hardware: resize to another one";
        Err(Error::unsupported("upgrade-vm-hardware", why))
    }
}

/// The type that is asked for; none when nothing is. A size that is not given stays at least as it is.
fn wanted<H: Host>(
    client: &Client<'_, H>,
    found: &Instance,
    flavor: Option<String>,
    cpus: Option<u32>,
    memory_mib: Option<u32>,
) -> Result<Option<String>, Error> {
    let architecture = found.architecture.as_deref();
    if let Some(flavor) = flavor {
        if cpus.is_some() || memory_mib.is_some() {
            let message = "a flavor has its own CPUs and memory: give a flavor, or `cpus` and `memory-mib`";
            return Err(Error::invalid_argument("flavor", message));
        }
        return Ok(Some(flavor::named(client, &flavor, architecture)?.name));
    }
    if cpus.is_none() && memory_mib.is_none() {
        return Ok(None);
    }
    for (field, value) in [("cpus", cpus), ("memory-mib", memory_mib)] {
        if value == Some(0) {
            return Err(Error::invalid_argument(field, format!("`{field}` must be at least 1")));
        }
    }
    let present = match (cpus, memory_mib) {
        (Some(cpus), Some(memory_mib)) => (cpus, memory_mib),
        (cpus, memory_mib) => {
            let present = flavor::named(client, &found.instance_type, None)?;
            (cpus.unwrap_or(present.cpus), memory_mib.unwrap_or(present.memory_mib))
        }
    };
    let smallest = flavor::smallest(client, present.0, present.1, architecture)?;
    Ok(Some(smallest.name))
}
