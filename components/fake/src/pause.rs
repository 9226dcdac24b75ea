//! Power states between running and stopped.

use stockade_provider::abilities::VmPause;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, VmStatus};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{self, done};
use crate::records::StoredVm;

impl<H: Host> VmPause<H> for Fake {
    fn pause_vm(host: &H, vm: String) -> Result<Change, Error> {
        go(
            host,
            "pause-vm",
            &vm,
            &[VmStatus::Running, VmStatus::Paused],
            VmStatus::Paused,
        )
    }

    fn resume_vm(host: &H, vm: String) -> Result<Change, Error> {
        go(
            host,
            "resume-vm",
            &vm,
            &[VmStatus::Paused, VmStatus::Suspended, VmStatus::Running],
            VmStatus::Running,
        )
    }

    fn reset_vm(host: &H, vm: String) -> Result<Change, Error> {
        go(
            host,
            "reset-vm",
            &vm,
            &[VmStatus::Running, VmStatus::Paused, VmStatus::Crashed],
            VmStatus::Running,
        )
    }

    fn suspend_vm(host: &H, vm: String) -> Result<Change, Error> {
        go(
            host,
            "suspend-vm",
            &vm,
            &[VmStatus::Running, VmStatus::Paused, VmStatus::Suspended],
            VmStatus::Suspended,
        )
    }
}

/// Moves a VM from one of these states to another; from any other state it is a conflict.
fn go<H: Host>(host: &H, function: &str, vm: &str, from: &[VmStatus], to: VmStatus) -> Result<Change, Error> {
    let client = Client::open(host, function)?;
    let changed = client.update::<StoredVm>(vm, |vm| {
        if !from.contains(&vm.status) {
            let status = format!("{:?}", vm.status).to_lowercase().replace("vmstatus::", "");
            return Err(Error::conflict(format!(
                "`{function}` needs another state: vm `{}` is {status}",
                vm.name
            )));
        }
        cloud::enter(vm, to);
        Ok(())
    })?;
    Ok(done(changed.id))
}
