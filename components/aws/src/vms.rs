//! The life of VMs.

use stockade_provider::abilities::Vms;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, PageRequest, StopMode, Subject, Vm, VmDeleteOptions, VmPage, VmSpec};

use crate::Aws;
use crate::client::Client;
use crate::create;
use crate::instance::Instance;
use crate::instances;
use crate::operations::{self, Kind, done};
use crate::query::Query;
use crate::snapshots;
use crate::vm_details;

/// How long a forced restart waits for the power to be off: EC2 cuts it within seconds, and it takes the host a while.
const OFF_SECONDS: u32 = 120;

impl<H: Host> Vms<H> for Aws {
    fn list_vms(host: &H, page: PageRequest) -> Result<VmPage, Error> {
        let (items, next) = instances::page(&Client::new(host, "list-vms"), &page)?;
        Ok(VmPage {
            items: items.iter().map(Instance::to_vm).collect(),
            next,
        })
    }

    fn get_vm(host: &H, vm: String) -> Result<Vm, Error> {
        let client = Client::new(host, "get-vm");
        let found = instances::get(&client, &vm)?;
        vm_details::read(&client, &found)
    }

    fn create_vm(host: &H, spec: VmSpec) -> Result<Change, Error> {
        create::create(host, spec)
    }

    fn delete_vm(host: &H, vm: String, options: VmDeleteOptions) -> Result<Change, Error> {
        let client = Client::new(host, "delete-vm");
        let found = instances::get(&client, &vm)?;
        let states = snapshots::of_vm(&client, &found)?;
        if !options.delete_snapshots
            && let Some(state) = states.first()
        {
            let message = format!(
                "vm `{vm}` has snapshots, `{}` for one: have them deleted too",
                state.name
            );
            return Err(Error::conflict(message));
        }
        if options.keep_disks {
            keep_disks(&client, &found)?;
        }
        power(&client, "TerminateInstances", &found, "deleting", &[])?;
        for state in &states {
            snapshots::delete(&client, state)?;
        }
        Ok(operations::pending(host, Kind::Vm, &found.id, "terminated"))
    }

    fn start_vm(host: &H, vm: String) -> Result<Change, Error> {
        let client = Client::new(host, "start-vm");
        let found = instances::get(&client, &vm)?;
        start(&client, &found)
    }

    fn stop_vm(host: &H, vm: String, mode: StopMode) -> Result<Change, Error> {
        let client = Client::new(host, "stop-vm");
        let found = instances::get(&client, &vm)?;
        if found.state == "stopped" {
            return Ok(done(found.id));
        }
        match mode {
            StopMode::Forced => stop_forced(&client, &found)?,
            StopMode::Graceful(seconds) => {
                power(&client, "StopInstances", &found, "stopping", &[])?;
                instances::wait_for(&client, &found.id, "stopped", seconds)?;
            }
        }
        Ok(operations::pending(host, Kind::Vm, &found.id, "stopped"))
    }

    fn restart_vm(host: &H, vm: String, mode: StopMode) -> Result<Change, Error> {
        let client = Client::new(host, "restart-vm");
        let found = instances::get(&client, &vm)?;
        if found.state == "stopped" {
            return start(&client, &found);
        }
        match mode {
            // EC2 answers at once and keeps calling it `running` throughout.
            StopMode::Graceful(_) => power(&client, "RebootInstances", &found, "restarting", &[])?,
            StopMode::Forced => {
                stop_forced(&client, &found)?;
                instances::wait_for(&client, &found.id, "stopped", OFF_SECONDS)?;
                power(&client, "StartInstances", &found, "starting", &[])?;
            }
        }
        Ok(operations::pending(host, Kind::Vm, &found.id, "running"))
    }
}

fn start<H: Host>(client: &Client<'_, H>, found: &Instance) -> Result<Change, Error> {
    if found.state == "running" {
        return Ok(done(found.id.clone()));
    }
    power(client, "StartInstances", found, "starting", &[])?;
    Ok(operations::pending(client.host(), Kind::Vm, &found.id, "running"))
}

/// Cuts the power: `Force` ends what hangs, `SkipOsShutdown` does not ask the guest
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StopInstances.html>).
fn stop_forced<H: Host>(client: &Client<'_, H>, found: &Instance) -> Result<(), Error> {
    let forced = [("Force", "true"), ("SkipOsShutdown", "true")];
    power(client, "StopInstances", found, "stopping", &forced)
}

/// Sends an action about one instance.
fn power<H: Host>(
    client: &Client<'_, H>,
    action: &'static str,
    found: &Instance,
    verb: &str,
    more: &[(&str, &str)],
) -> Result<(), Error> {
    let query = Query::ec2(action).with_list("InstanceId", [&found.id]);
    let query = more.iter().fold(query, |query, (name, value)| query.with(*name, value));
    let doing = format!("{verb} vm `{}`", found.name());
    client.change(&query, &doing, Some(Subject::new("vm", found.name())))
}

/// Takes from every disk that it goes with the VM.
fn keep_disks<H: Host>(client: &Client<'_, H>, found: &Instance) -> Result<(), Error> {
    let leaving = found.disks.iter().filter(|disk| disk.goes_with_vm);
    let mut query = Query::ec2("ModifyInstanceAttribute").with("InstanceId", &found.id);
    let mut count = 0;
    for disk in leaving {
        count += 1;
        query.set(format!("BlockDeviceMapping.{count}.DeviceName"), &disk.device);
        query.set(format!("BlockDeviceMapping.{count}.Ebs.DeleteOnTermination"), false);
    }
    if count == 0 {
        return Ok(());
    }
    let doing = format!("keeping the disks of vm `{}`", found.name());
    client.change(&query, &doing, Some(Subject::new("vm", found.name())))
}
