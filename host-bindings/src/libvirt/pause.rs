//! Pauses, resumes, resets and suspends VMs. Each is a success when the VM is already where it should be.

use virt::connect::Connect;
use virt::sys;

use crate::contract::{Change, Error, ErrorKind};

use super::error::{Doing as _, Fault};
use super::handle::VmHandle;
use super::power;

/// Stops execution and keeps the memory.
pub(super) fn pause_vm(connect: &Connect, vm: &str) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    match vm.state.state {
        sys::VIR_DOMAIN_PAUSED | sys::VIR_DOMAIN_PMSUSPENDED => {}
        _ if !vm.is_active() => return Err(vm.stopped("paused")),
        _ => {
            vm.domain.suspend().doing("pause", "vm", &vm.name)?;
        }
    }
    Ok(vm.changed())
}

/// Continues a paused VM, wakes one whose guest sleeps, and starts a suspended one where it left off.
pub(super) fn resume_vm(connect: &Connect, vm: &str) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    if !vm.is_active() && !is_suspended(&vm) {
        return Err(vm.stopped("resumed"));
    }
    power::start_vm(connect, &vm.uuid)
}

/// Presses the reset button.
pub(super) fn reset_vm(connect: &Connect, vm: &str) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    if !vm.is_active() {
        return Err(vm.stopped("reset"));
    }
    vm.domain.reset().doing("reset", "vm", &vm.name)?;
    Ok(vm.changed())
}

/// Saves the memory to disk and stops (libvirt's managed save: the next start reads it).
pub(super) fn suspend_vm(connect: &Connect, vm: &str) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    if !vm.is_active() {
        return if is_suspended(&vm) {
            Ok(vm.changed())
        } else {
            Err(vm.stopped("suspended"))
        };
    }
    if !vm.persistent {
        let message = format!(
            "vm `{}` is not defined beyond its present run, so its memory cannot be kept for a next one",
            vm.name
        );
        return Err(Error::new(ErrorKind::Unsupported("suspend-vm".to_owned()), message).into());
    }
    vm.domain.managed_save(0).doing("suspend", "vm", &vm.name)?;
    Ok(vm.changed())
}

/// Whether its memory is on disk. A driver without managed save has none.
fn is_suspended(vm: &VmHandle) -> bool {
    vm.domain.has_managed_save(0).unwrap_or(false)
}
