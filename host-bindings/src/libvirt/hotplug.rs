//! Adds, changes and takes away devices of a VM, in its live definition and in that of its next start.
//!
//! The live one goes first, because there it can fail; when the other one fails then, the device is taken away again.
//! Taking away is asynchronous: libvirt asks the guest and returns, and the device is gone when the guest has let go of
//! it, which the live definition shows (<https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainDetachDeviceFlags>).

use virt::sys;

use crate::contract::ErrorKind;

use super::edit::Device;
use super::error::{Doing as _, Fault};
use super::handle::VmHandle;
use super::wait::{GUEST_LIMIT, wait_for_guest};

/// Finds the device in a definition.
pub(super) type FindDevice<'a> = &'a dyn Fn(&str) -> Option<Device>;

/// Adds a device. `noun` is what the caller takes it for.
pub(super) fn attach(vm: &VmHandle, noun: &str, xml: &str, find: FindDevice<'_>) -> Result<(), Fault> {
    if vm.is_active() {
        vm.domain
            .attach_device_flags(xml, sys::VIR_DOMAIN_AFFECT_LIVE)
            .doing(&format!("attach a {noun} to"), "vm", &vm.name)
            .map_err(|fault| explain(vm, fault))?;
    }
    if !vm.persistent {
        return Ok(());
    }
    let added = vm.domain.attach_device_flags(xml, sys::VIR_DOMAIN_AFFECT_CONFIG).doing(
        &format!("attach a {noun} to"),
        "vm",
        &vm.name,
    );
    match added {
        Err(fault) if vm.is_active() => Err(match detach_live(vm, noun, find) {
            Ok(()) => fault,
            Err(left) => fault.and(&left.error.message),
        }),
        other => other.map(drop),
    }
}

/// Takes a device away; success means that the guest has let go of it.
pub(super) fn detach(vm: &VmHandle, noun: &str, find: FindDevice<'_>) -> Result<(), Fault> {
    if vm.is_active() {
        detach_live(vm, noun, find)?;
    }
    if !vm.persistent {
        return Ok(());
    }
    // Absent there when it was only added to the running VM.
    match find(&vm.next_xml()?) {
        Some(device) => vm
            .domain
            .detach_device_flags(&device.xml, sys::VIR_DOMAIN_AFFECT_CONFIG)
            .doing(&format!("detach a {noun} from"), "vm", &vm.name)
            .map(drop),
        None => Ok(()),
    }
}

fn detach_live(vm: &VmHandle, noun: &str, find: FindDevice<'_>) -> Result<(), Fault> {
    let Some(device) = find(&vm.live_xml()?) else {
        return Ok(());
    };
    let asked = vm.domain.detach_device_flags(&device.xml, sys::VIR_DOMAIN_AFFECT_LIVE);
    match asked {
        // Asked before, and the guest has not answered yet: wait for that.
        Err(error) if error.message().contains("in the process of unplug") => {}
        other => {
            other
                .doing(&format!("detach a {noun} from"), "vm", &vm.name)
                .map_err(|fault| explain(vm, fault))?;
        }
    }
    let reason = || {
        format!(
            "vm `{}` was asked to let go of the {noun} and has not within {} s: end what uses it in the guest and repeat, \
             or stop the vm first; a guest that is still booting does not listen",
            vm.name,
            GUEST_LIMIT.as_secs()
        )
    };
    wait_for_guest(GUEST_LIMIT, reason, || Ok(find(&vm.live_xml()?).is_none()))
}

/// Changes a device: `change` makes the new element of the one that each definition has. False when no definition has it.
pub(super) fn update(
    vm: &VmHandle,
    noun: &str,
    find: FindDevice<'_>,
    extra_flags: u32,
    change: &dyn Fn(&Device) -> Option<String>,
) -> Result<bool, Fault> {
    let mut found = false;
    for (impact, xml) in vm.definitions()? {
        let Some(device) = find(&xml) else { continue };
        found = true;
        let changed = change(&device).ok_or_else(|| vm.unreadable())?;
        vm.domain
            .update_device_flags(&changed, impact | extra_flags)
            .doing(&format!("change a {noun} of"), "vm", &vm.name)
            .map_err(|fault| explain(vm, fault))?;
    }
    Ok(found)
}

/// Turns libvirt's words about what only a stopped VM can do into a conflict.
fn explain(vm: &VmHandle, mut fault: Fault) -> Fault {
    if !vm.is_active() || fault.disconnected {
        return fault;
    }
    let is_refused = matches!(fault.error.kind, ErrorKind::Unsupported(_))
        || ["No more available PCI", "hotplug", "hot-plug", "unplug"]
            .iter()
            .any(|words| fault.error.message.contains(words));
    if is_refused {
        fault.error.kind = ErrorKind::Conflict;
        return fault.and("stop the vm and repeat: it can be done then");
    }
    fault
}
