//! Attaches disks to VMs and detaches them, running or not.

use std::collections::HashSet;

use virt::connect::Connect;

use crate::contract::{Ambiguity, AttachSpec, Change, Error, ErrorKind, Subject};

use super::disk_survey::{DiskSurvey, FREE_DISK_ENDING, is_hard_disk, path_of};
use super::disk_tuning::DiskTuning;
use super::disks::{bus_of, find_volume};
use super::domain_xml::{DiskBus, DiskDefinition, device_name};
use super::edit::{cut_devices, cut_disk};
use super::element::Element;
use super::error::{Fault, conflict};
use super::facts::{DiskFacts, DomainFacts};
use super::handle::VmHandle;
use super::hotplug;
use super::notes::{read_ours, write_ours};
use super::volumes::{Users, Volume};

/// A disk that is about to be attached.
pub(super) struct Attachment<'a> {
    pub(super) disk: DiskDefinition,
    pub(super) vm: &'a VmHandle,
}

/// Attaches a disk. The answer's id is the disk's path.
pub(super) fn attach_disk(connect: &Connect, vm: &str, spec: &AttachSpec) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    let bus = bus_of(spec.bus.as_deref())?;
    let volume = find_volume(connect, &spec.disk)?;
    let facts = &volume.facts;
    if !matches!(facts.format.as_deref(), None | Some("qcow2" | "raw")) {
        let message = format!("`{}` is not a qcow2 or raw disk", facts.path);
        return Err(Error::invalid_argument("disk", message).into());
    }
    let tuning = DiskTuning {
        read_only: spec.read_only,
        shareable: spec.shareable,
        ..DiskTuning::default()
    };
    tuning.check(bus, facts.format.as_deref())?;
    refuse_if_held(connect, Some(&vm), &volume, &tuning)?;
    let id = facts.path.clone();
    let disk = DiskDefinition {
        source: super::new_disk::source_of(&volume),
        bus,
        tuning,
    };
    add_to_vm(&Attachment { disk, vm: &vm })?;
    Ok(Change { id, pending: None })
}

/// Refuses a volume that this VM has already, that another one has for itself, or that others are based on.
pub(super) fn refuse_if_held(
    connect: &Connect,
    vm: Option<&VmHandle>,
    volume: &Volume,
    tuning: &DiskTuning,
) -> Result<(), Fault> {
    let path = &volume.facts.path;
    let survey = DiskSurvey::take(connect)?;
    for holder in survey.holders(path) {
        if vm.is_some_and(|vm| vm.uuid == holder.uuid) {
            return Err(conflict(format!(
                "disk `{path}` is attached to vm `{}` already",
                holder.vm
            )));
        }
        if !(tuning.shareable && holder.shareable) {
            let message = format!(
                "disk `{path}` is attached to vm `{}`: detach it first, or attach it to both as `shareable`",
                holder.vm
            );
            return Err(conflict(message));
        }
    }
    if tuning.read_only {
        return Ok(());
    }
    // A base that changes breaks everything that is based on it.
    Users::survey(connect, None)?.refuse_if_based("disk", path)
}

/// Adds a disk to a VM under the first name that is free in the guest.
pub(super) fn add_to_vm(attachment: &Attachment<'_>) -> Result<(), Fault> {
    let Attachment { disk, vm } = attachment;
    if vm.is_active() && !disk.bus.is_pluggable() {
        let message = format!(
            "vm `{}` runs, and a {} disk can be attached only to a stopped one: stop it, or use virtio or scsi",
            vm.name,
            disk.bus.name()
        );
        return Err(conflict(message));
    }
    let mut taken = HashSet::new();
    let mut has_scsi = true;
    for (_, xml) in vm.definitions()? {
        let facts = DomainFacts::from_xml(&xml).ok_or_else(|| vm.unreadable())?;
        taken.extend(facts.disks.into_iter().map(|disk| disk.target));
        has_scsi &= find_scsi_controller(&xml).is_some();
    }
    if disk.bus == DiskBus::Scsi && !has_scsi {
        // Without a model libvirt would choose one that today's guests have no driver for.
        let controller = Element::new("controller")
            .attribute("type", "scsi")
            .attribute("model", "virtio-scsi");
        hotplug::attach(vm, "controller", &controller.to_string(), &find_scsi_controller)?;
    }
    let names = (0..).map(|index| device_name(disk.bus.prefix(), index));
    let Some(target) = names.into_iter().find(|name: &String| !taken.contains(name)) else {
        return Err(conflict(format!("vm `{}` has no name for another disk", vm.name)));
    };
    hotplug::attach(vm, "disk", &disk.element(&target).to_string(), &|xml| {
        cut_disk(xml, &target)
    })
}

fn find_scsi_controller(xml: &str) -> Option<super::edit::Device> {
    cut_devices(xml, "controller", |node| node.attribute("type") == Some("scsi"))?
        .into_iter()
        .next()
}

/// Detaches a disk, named by its path, its name or its name in the guest; its volume is kept, and no longer goes with the VM.
pub(super) fn detach_disk(connect: &Connect, vm: &str, disk: &str) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    let found = find_in_vm(connect, &vm, disk)?;
    let path = path_of(connect, &found);
    hotplug::detach(&vm, "disk", &|xml| cut_disk(xml, &found.target))?;
    if let Some(path) = &path {
        forget_volume(connect, &vm, path)?;
    }
    Ok(Change {
        id: path.unwrap_or_else(|| disk.to_owned()),
        pending: None,
    })
}

fn find_in_vm(connect: &Connect, vm: &VmHandle, disk: &str) -> Result<DiskFacts, Fault> {
    let mut disks: Vec<DiskFacts> = Vec::new();
    for (_, xml) in vm.definitions()? {
        let facts = DomainFacts::from_xml(&xml).ok_or_else(|| vm.unreadable())?;
        for found in facts.disks.into_iter().filter(is_hard_disk) {
            if !disks.iter().any(|known| known.target == found.target) {
                disks.push(found);
            }
        }
    }
    if let Some(place) = disks.iter().position(|found| found.target == disk) {
        return Ok(disks.swap_remove(place));
    }
    let free_name = format!("{disk}{FREE_DISK_ENDING}");
    disks.retain(|found| {
        path_of(connect, found).is_some_and(|path| {
            let name = path.rsplit('/').next().unwrap_or_default();
            path == disk || name == disk || name == free_name
        })
    });
    if disks.len() > 1 {
        let candidates: Vec<String> = disks.iter().filter_map(|found| path_of(connect, found)).collect();
        let message = format!(
            "vm `{}` has several disks of that name; use one of the paths: {}",
            vm.name,
            candidates.join(", ")
        );
        let subject = Subject {
            noun: "disk".to_owned(),
            name: disk.to_owned(),
        };
        return Err(Error::new(ErrorKind::Ambiguous(Ambiguity { subject, candidates }), message).into());
    }
    disks.pop().ok_or_else(|| {
        let fault: Fault = Error::not_found("disk", disk).into();
        fault.and(&format!("vm `{}` does not have it attached", vm.name))
    })
}

/// Takes a volume from the list of those that are deleted with the VM.
fn forget_volume(connect: &Connect, vm: &VmHandle, path: &str) -> Result<(), Fault> {
    let Some(mut metadata) = read_ours(vm)? else {
        return Ok(());
    };
    let Ok(volume) = find_volume(connect, path) else {
        return Ok(());
    };
    let before = metadata.volumes.len();
    metadata
        .volumes
        .retain(|known| !(known.pool == volume.pool && known.name == volume.facts.name));
    if metadata.volumes.len() == before {
        return Ok(());
    }
    write_ours(vm, &metadata)
}
