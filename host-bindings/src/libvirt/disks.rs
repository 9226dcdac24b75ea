//! Disks: listed, read, created, deleted, grown. `disk_attach` attaches and detaches them.

use virt::connect::Connect;
use virt::storage_vol::StorageVol;
use virt::sys;

use crate::contract::{Change, Disk, DiskPage, DiskSpec, Error, PageRequest};

use super::disk_attach::{Attachment, add_to_vm};
use super::disk_survey::{DiskSurvey, FREE_DISK_ENDING};
use super::disk_tuning::DiskTuning;
use super::domain_xml::{DiskBus, DiskDefinition};
use super::error::{Doing as _, Fault, conflict};
use super::ffi::Owned;
use super::handle::VmHandle;
use super::images::find_image;
use super::lookup;
use super::metadata::VolumeMetadata;
use super::names::{check_name, disk_volume_name, random_uuid};
use super::new_disk::{DiskPlan, make_disk, plan_new};
use super::notes::{read_ours, write_ours};
use super::options::Options;
use super::page;
use super::transaction::Transaction;
use super::volumes::{GIB, Users, Volume, all_volumes, gib_rounded_up};

/// Disks that may have been created for one VM, one after the other.
const OWN_DISKS_MAX: usize = 1000;

/// Lists disks by name; equal names in several pools by path.
pub(super) fn list_disks(connect: &Connect, page: &PageRequest) -> Result<DiskPage, Fault> {
    let survey = DiskSurvey::take(connect)?;
    let disks = all_volumes(connect)?
        .into_iter()
        .filter(|volume| survey.is_disk(&volume.facts))
        .map(|volume| (format!("{}\u{1f}{}", volume.facts.name, volume.facts.path), volume))
        .collect();
    let (disks, next) = page::cut(disks, page, |(key, _): &(String, Volume)| key)?;
    Ok(DiskPage {
        items: disks.into_iter().map(|(_, volume)| to_disk(volume, &survey)).collect(),
        next,
    })
}

/// Reads a disk.
pub(super) fn get_disk(connect: &Connect, disk: &str) -> Result<Disk, Fault> {
    let survey = DiskSurvey::take(connect)?;
    Ok(to_disk(find_disk(connect, &survey, disk)?, &survey))
}

/// The volume of a disk, by its path or its name with or without the ending of free disks.
pub(super) fn find_disk(connect: &Connect, survey: &DiskSurvey, disk: &str) -> Result<Volume, Fault> {
    let volume = find_volume(connect, disk)?;
    if survey.is_disk(&volume.facts) {
        return Ok(volume);
    }
    let fault: Fault = Error::not_found("disk", disk).into();
    Err(fault.and(&format!("`{}` is a volume, but not a disk", volume.facts.path)))
}

/// Any volume, by the names that a disk may be called.
pub(super) fn find_volume(connect: &Connect, disk: &str) -> Result<Volume, Fault> {
    if !disk.is_empty() && !disk.starts_with('/') {
        match lookup::find_known_volume(connect, "disk", &format!("{disk}{FREE_DISK_ENDING}")) {
            Err(fault) if fault.is_not_found() => {}
            found => return Volume::read("disk", found?),
        }
    }
    Volume::read("disk", lookup::find_volume(connect, "disk", disk)?)
}

/// Creates a disk, and attaches it when the spec names a VM. Nothing is left after an error.
pub(super) fn create_disk(connect: &Connect, spec: &DiskSpec, options: &Options) -> Result<Change, Fault> {
    let (bus, tuning) = DiskTuning::from_options(&spec.options)?;
    check(spec)?;
    let bus = bus.unwrap_or_default();
    let vm = spec.vm.as_deref().map(|vm| VmHandle::find(connect, vm)).transpose()?;
    let pool = spec.pool.as_deref().unwrap_or(&options.pool);
    let image = spec
        .image
        .as_deref()
        .map(|image| find_image(connect, image))
        .transpose()?;
    let bytes = u64::from(spec.size_gib) * GIB;
    let plan = plan_new(connect, image, Some(bytes), pool, spec.format.as_deref())?;
    tuning.check(bus, plan.format())?;
    let name = match (&spec.name, &vm) {
        (Some(name), _) => format!("{name}{FREE_DISK_ENDING}"),
        (None, Some(vm)) => free_name(&plan, &vm.name)?,
        (None, None) => format!("{}{FREE_DISK_ENDING}", random_uuid()),
    };
    let mut transaction = Transaction::default();
    let source = make_disk(&plan, &name, &mut transaction)?;
    let id = source.path.clone();
    if let Some(vm) = &vm {
        let attachment = Attachment {
            disk: DiskDefinition { source, bus, tuning },
            vm,
        };
        let attached = add_to_vm(&attachment).and_then(|()| note_volumes(vm, &transaction.volume_names()));
        attached.map_err(|fault| transaction.undo(fault))?;
    }
    Ok(Change { id, pending: None })
}

fn check(spec: &DiskSpec) -> Result<(), Error> {
    if let Some(name) = &spec.name {
        check_name("name", name)?;
    }
    if spec.size_gib == 0 {
        return Err(Error::invalid_argument("size-gib", "a disk has at least 1 GiB"));
    }
    if !spec.metadata.is_empty() {
        return Err(Error::invalid_argument(
            "metadata",
            "libvirt keeps no metadata on volumes",
        ));
    }
    if let (None, Some(option)) = (&spec.vm, spec.options.first()) {
        let message = format!(
            "`{}` says how a vm has the disk: name the `vm` too, or say it when you attach the disk",
            option.name
        );
        return Err(Error::invalid_argument(&option.name, message));
    }
    if let Some(format) = spec
        .format
        .as_deref()
        .filter(|format| !matches!(*format, "qcow2" | "raw"))
    {
        let message = format!(
            "`{}` is not a disk format of this provider: use qcow2 or raw",
            super::names::printable(format)
        );
        return Err(Error::invalid_argument("format", message));
    }
    if spec.format.as_deref() == Some("raw") && spec.image.is_some() {
        let message = "a disk that is based on an image is always qcow2: leave `format` out";
        return Err(Error::invalid_argument("format", message));
    }
    Ok(())
}

/// The first name of a VM's own disks that no volume of the pool has.
fn free_name(plan: &DiskPlan, vm: &str) -> Result<String, Fault> {
    let taken = |name: &str| match plan {
        DiskPlan::New { pool, .. } => StorageVol::lookup_by_name(pool, name).map(Owned::new).is_ok(),
        DiskPlan::Existing(_) => false,
    };
    (0..OWN_DISKS_MAX)
        .map(|index| disk_volume_name(vm, index))
        .find(|name| !taken(name))
        .ok_or_else(|| conflict(format!("vm `{vm}` has {OWN_DISKS_MAX} disks: name the new one")))
}

/// Writes down that these volumes go with the VM. One that we did not make has no such list.
fn note_volumes(vm: &VmHandle, volumes: &[VolumeMetadata]) -> Result<(), Fault> {
    match read_ours(vm)? {
        Some(mut metadata) => {
            metadata.volumes.extend(volumes.iter().cloned());
            write_ours(vm, &metadata)
        }
        None => Ok(()),
    }
}

/// Deletes a disk that nothing uses.
pub(super) fn delete_disk(connect: &Connect, disk: &str) -> Result<Change, Fault> {
    let survey = DiskSurvey::take(connect)?;
    let volume = find_disk(connect, &survey, disk)?;
    Users::survey(connect, None)?.refuse_if_used("disk", &volume.facts.path, &[])?;
    // A running VM may hold it beside its definition.
    if let Some(holder) = survey.holders(&volume.facts.path).first() {
        let message = format!(
            "disk `{}` is attached to vm {}: detach it first",
            volume.facts.path, holder.vm
        );
        return Err(conflict(message));
    }
    volume.handle.delete(0).doing("delete", "disk", disk)?;
    Ok(Change {
        id: volume.facts.path,
        pending: None,
    })
}

/// Grows a disk; a running VM sees the new size at once.
pub(super) fn resize_disk(connect: &Connect, disk: &str, size_gib: u32) -> Result<Change, Fault> {
    let survey = DiskSurvey::take(connect)?;
    let volume = find_disk(connect, &survey, disk)?;
    let (path, bytes) = (volume.facts.path, u64::from(size_gib) * GIB);
    if bytes < volume.facts.capacity_bytes {
        let message = format!(
            "disk `{path}` has {} bytes, and {size_gib} GiB are less: disks only grow",
            volume.facts.capacity_bytes
        );
        return Err(Error::invalid_argument("size-gib", message).into());
    }
    let change = Change {
        id: path.clone(),
        pending: None,
    };
    if bytes == volume.facts.capacity_bytes {
        return Ok(change);
    }
    for holder in survey.holders(&path) {
        let vm = VmHandle::find(connect, &holder.uuid)?;
        if vm.is_active() {
            let resized = vm
                .domain
                .block_resize(&holder.target, bytes, sys::VIR_DOMAIN_BLOCK_RESIZE_BYTES);
            resized.doing("resize", "disk", disk)?;
            return Ok(change);
        }
    }
    volume.handle.resize(bytes, 0).doing("resize", "disk", disk)?;
    Ok(change)
}

fn to_disk(volume: Volume, survey: &DiskSurvey) -> Disk {
    let Volume { pool, facts, .. } = volume;
    let holders = survey.holders(&facts.path).iter().map(|holder| holder.vm.clone());
    Disk {
        attached_to: holders.collect(),
        name: facts
            .name
            .strip_suffix(FREE_DISK_ENDING)
            .unwrap_or(&facts.name)
            .to_owned(),
        size_gib: gib_rounded_up(facts.capacity_bytes),
        pool: Some(pool),
        format: Some(facts.format.unwrap_or_else(|| "raw".to_owned())),
        created_at: facts.modified_at,
        metadata: Vec::new(),
        id: facts.path,
    }
}

/// The bus of a disk to attach.
pub(super) fn bus_of(text: Option<&str>) -> Result<DiskBus, Error> {
    text.map_or_else(|| Ok(DiskBus::default()), |text| DiskBus::parse("bus", text))
}
