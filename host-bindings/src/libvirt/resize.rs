//! Changes the size of VMs, and the version of their hardware.
//!
//! A running VM has room for as many CPUs and as much memory as it was started with: within that it changes at once, CPUs by
//! plugging, memory by the guest's balloon, and beyond it by memory modules when the VM was created with slots for them.
//! What goes at once is also what the next start gets. Everything is checked before anything is changed.

use std::time::Duration;

use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::ErrorNumber;
use virt::sys;

use crate::contract::{ApplyWhen, Change, Error, ErrorKind, VmResizeSpec};

use super::element::Element;
use super::error::{Doing as _, Fault, conflict};
use super::handle::VmHandle;
use super::size_facts::{SizeFacts, with_memory};
use super::wait::wait_for_guest;

/// KiB in a MiB; libvirt counts memory in KiB.
const KIB_IN_MIB: u64 = 1024;
/// How long a guest may take to give memory back or take it.
const BALLOON_LIMIT: Duration = Duration::from_secs(15);
/// Linux plugs memory in blocks of this size on x86 (`MIN_MEMORY_BLOCK_SIZE` in include/linux/memory.h).
const MODULE_MIB: u64 = 128;

/// Changes CPUs and memory.
pub(super) fn resize_vm(connect: &Connect, vm: &str, spec: &VmResizeSpec) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    check(spec)?;
    let next = vm.persistent.then(|| vm.next_xml()).transpose()?;
    let live = (vm.is_active() && spec.apply == ApplyWhen::Now)
        .then(|| vm.live_xml())
        .transpose()?;
    if let (None, ApplyWhen::NextStart) = (&next, spec.apply) {
        return Err(conflict(format!(
            "vm `{}` is not defined beyond its present run, so it has no next start",
            vm.name
        )));
    }
    let read = |xml: &String| SizeFacts::from_xml(xml).ok_or_else(|| vm.unreadable());
    let (next_facts, live_facts) = (
        next.as_ref().map(read).transpose()?,
        live.as_ref().map(read).transpose()?,
    );
    if let Some(facts) = &live_facts {
        check_live(&vm, facts, spec)?;
    }
    if let Some(facts) = &next_facts {
        check_next(&vm, facts, spec)?;
    }
    let mut module_fits = false;
    if let Some(facts) = &live_facts {
        if let Some(memory) = spec.memory_mib {
            module_fits = change_live_memory(&vm, facts, memory)?;
        }
        if let Some(cpus) = spec.cpus {
            change_live_cpus(&vm, cpus)?;
        }
    }
    if let Some(facts) = &next_facts {
        if let Some(cpus) = spec.cpus {
            change_next_cpus(&vm, facts, cpus)?;
        }
        if let (Some(memory), false) = (spec.memory_mib, module_fits) {
            change_next_memory(connect, &vm, facts, memory)?;
        }
    }
    Ok(vm.changed())
}

fn check(spec: &VmResizeSpec) -> Result<(), Error> {
    if spec.flavor.is_some() {
        return Err(Error::invalid_argument(
            "flavor",
            "libvirt has no flavors: use `cpus` and `memory-mib`",
        ));
    }
    for (field, value) in [("cpus", spec.cpus), ("memory-mib", spec.memory_mib)] {
        if value == Some(0) {
            return Err(Error::invalid_argument(field, format!("{field} must be at least 1")));
        }
    }
    Ok(())
}

fn check_live(vm: &VmHandle, facts: &SizeFacts, spec: &VmResizeSpec) -> Result<(), Fault> {
    let advice = "stop it first, or let the change apply at the next start";
    if let Some(cpus) = spec.cpus.filter(|cpus| *cpus > facts.cpus_max) {
        let message = format!(
            "vm `{}` runs with room for {} cpus, not for {cpus}: {advice} (the option `cpus_max` makes room when a vm is created)",
            vm.name, facts.cpus_max
        );
        return Err(conflict(message));
    }
    let Some(memory) = spec.memory_mib.map(u64::from) else {
        return Ok(());
    };
    let missing = memory.saturating_sub(facts.memory_kib / KIB_IN_MIB);
    if missing == 0 {
        return Ok(());
    }
    if memory > facts.memory_max_kib / KIB_IN_MIB {
        let message = format!(
            "vm `{}` runs with room for {} MiB, not for {memory}: {advice} (the option `memory_max_mib` makes room when a vm \
             is created)",
            vm.name,
            facts.memory_max_kib / KIB_IN_MIB
        );
        return Err(conflict(message));
    }
    if !missing.is_multiple_of(MODULE_MIB) {
        let message = format!(
            "a running vm gets more memory in modules of {MODULE_MIB} MiB, and {missing} MiB are no multiple of it: choose \
             another size, or {advice}"
        );
        return Err(Error::invalid_argument("memory-mib", message).into());
    }
    Ok(())
}

fn check_next(vm: &VmHandle, facts: &SizeFacts, spec: &VmResizeSpec) -> Result<(), Fault> {
    if let (Some(cpus), Some(product)) = (spec.cpus, facts.topology)
        && cpus > product
    {
        let message = format!(
            "the cpus of vm `{}` are arranged in sockets, cores and threads that hold {product}, not {cpus}",
            vm.name
        );
        return Err(Error::invalid_argument("cpus", message).into());
    }
    if spec.memory_mib.is_some() && facts.numa_cells > 1 {
        let message = format!(
            "the memory of vm `{}` is divided among {} NUMA cells, and nothing says which of them should change",
            vm.name, facts.numa_cells
        );
        return Err(conflict(message));
    }
    Ok(())
}

/// Changes the memory of a running VM. True when a module was added, which the next start has too.
fn change_live_memory(vm: &VmHandle, facts: &SizeFacts, memory_mib: u32) -> Result<bool, Fault> {
    let kib = u64::from(memory_mib) * KIB_IN_MIB;
    if kib > facts.memory_kib {
        // A balloon that is still blown up would take the new memory at once.
        balloon(vm, facts.memory_kib)?;
        let module = Element::new("memory").attribute("model", "dimm").child(
            Element::new("target")
                .child(
                    Element::new("size")
                        .attribute("unit", "KiB")
                        .text((kib - facts.memory_kib).to_string()),
                )
                .child_text("node", "0"),
        );
        vm.domain
            .attach_device_flags(&module.to_string(), vm.impact())
            .doing("add memory to", "vm", &vm.name)?;
        return Ok(true);
    }
    balloon(vm, kib)?;
    Ok(false)
}

/// Asks the guest to keep this much memory, and waits until it does.
fn balloon(vm: &VmHandle, kib: u64) -> Result<(), Fault> {
    let current = |domain: &Domain| domain.get_info().map(|info| info.memory);
    if current(&vm.domain).doing("read the size of", "vm", &vm.name)? == kib {
        return Ok(());
    }
    vm.domain
        .set_memory_flags(kib, sys::VIR_DOMAIN_AFFECT_LIVE)
        .doing("change the memory of", "vm", &vm.name)?;
    let reason = || {
        format!(
            "the guest of vm `{}` was asked to change its memory to {} MiB and has not within {} s: it needs a balloon driver \
             and free memory; the request stands",
            vm.name,
            kib / KIB_IN_MIB,
            BALLOON_LIMIT.as_secs()
        )
    };
    wait_for_guest(BALLOON_LIMIT, reason, || {
        Ok(current(&vm.domain).doing("read the size of", "vm", &vm.name)? == kib)
    })
}

fn change_live_cpus(vm: &VmHandle, cpus: u32) -> Result<(), Fault> {
    match vm.domain.set_vcpus_flags(cpus, sys::VIR_DOMAIN_AFFECT_LIVE) {
        Err(error) if error.code() == ErrorNumber::OperationTimeout => {
            let message = format!(
                "the guest of vm `{}` was asked to give up cpus and has not: it must support unplugging them; the request \
                 stands, and stopping the vm changes the number for certain",
                vm.name
            );
            Err(Error::new(ErrorKind::TimedOut, message).into())
        }
        Err(error)
            if matches!(
                error.code(),
                ErrorNumber::OperationUnsupported | ErrorNumber::ConfigUnsupported
            ) =>
        {
            let refused: Result<u32, _> = Err(error);
            refused
                .doing("change the cpus of", "vm", &vm.name)
                .map(drop)
                .map_err(|mut fault| {
                    fault.error.kind = ErrorKind::Conflict;
                    fault.and("stop the vm first, or let the change apply at the next start")
                })
        }
        other => other.doing("change the cpus of", "vm", &vm.name).map(drop),
    }
}

/// The room grows when it must and never shrinks: arrangement and NUMA cells are made for it.
fn change_next_cpus(vm: &VmHandle, facts: &SizeFacts, cpus: u32) -> Result<(), Fault> {
    let set = |count: u32, what: u32| {
        let flags = sys::VIR_DOMAIN_AFFECT_CONFIG | what;
        let changed = vm.domain.set_vcpus_flags(count, flags);
        changed.doing("change the cpus of", "vm", &vm.name).map(drop)
    };
    if cpus > facts.cpus_max {
        set(cpus, sys::VIR_DOMAIN_VCPU_MAXIMUM)?;
    }
    set(cpus, 0)
}

fn change_next_memory(connect: &Connect, vm: &VmHandle, facts: &SizeFacts, memory_mib: u32) -> Result<(), Fault> {
    let kib = u64::from(memory_mib) * KIB_IN_MIB;
    if facts.numa_cells == 0 {
        let set = |what: u32| {
            let flags = sys::VIR_DOMAIN_AFFECT_CONFIG | what;
            let changed = vm.domain.set_memory_flags(kib, flags);
            changed.doing("change the memory of", "vm", &vm.name).map(drop)
        };
        set(sys::VIR_DOMAIN_MEM_MAXIMUM)?;
        return set(0);
    }
    // libvirt: "initial memory size of a domain with NUMA nodes cannot be modified with this API".
    let xml = vm.next_xml()?;
    let changed = with_memory(&xml, kib).ok_or_else(|| vm.unreadable())?;
    redefine(connect, vm, &changed)
}

/// Defines the VM again; its UUID makes it the same VM.
fn redefine(connect: &Connect, vm: &VmHandle, xml: &str) -> Result<(), Fault> {
    Domain::define_xml(connect, xml)
        .map(super::ffi::Owned::new)
        .doing("change the definition of", "vm", &vm.name)
        .map(drop)
}

/// Gives the VM the newest version of its machine type at the next start, or the one that is named.
pub(super) fn upgrade_hardware(connect: &Connect, vm: &str, version: Option<&str>) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    if !vm.persistent {
        return Err(conflict(format!(
            "vm `{}` is not defined beyond its present run, so it has no next start",
            vm.name
        )));
    }
    let capabilities = connect
        .get_capabilities()
        .doing("read the capabilities of", "host", "libvirt")?;
    let xml = vm.next_xml()?;
    let changed = super::machine::with_newer_machine(&xml, &capabilities, version)?.ok_or_else(|| vm.unreadable())?;
    redefine(connect, &vm, &changed)?;
    Ok(vm.changed())
}
