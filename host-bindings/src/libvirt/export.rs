//! Makes images and files of VMs' disks. The result stands alone: libvirt copies through everything that is under a disk.

use std::sync::atomic::AtomicBool;

use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use crate::blobs::Blob;
use crate::call::Call;
use crate::contract::{Change, Error, VmExportSpec};

use super::disk_state::{StillDisk, still_disks};
use super::download::into_blob;
use super::error::{Doing as _, Fault, conflict, unreadable};
use super::facts::PoolFacts;
use super::ffi::Owned;
use super::lookup;
use super::names::{check_name, printable, random_uuid};
use super::tree::Tree;
use super::upload::find_free_place;
use super::volume_xml::VolumeDefinition;
use super::volumes::Volume;

/// What is to be made of a VM.
pub(super) struct Export {
    /// The caller's wishes.
    pub(super) spec: VmExportSpec,
    /// The pool when the spec names none.
    pub(super) default_pool: String,
}

/// Makes an image from a VM's first disk.
pub(super) fn export_vm(connect: &Connect, vm: &str, export: &Export) -> Result<Change, Fault> {
    let spec = &export.spec;
    let disk = disks_of(connect, vm, spec.snapshot.as_deref(), "export-vm")?
        .into_iter()
        .next();
    check_name("image", &spec.image)?;
    let disk = disk.ok_or_else(|| conflict(format!("vm `{}` has no disk", printable(vm))))?;
    let pool_name = spec.pool.as_deref().unwrap_or(&export.default_pool);
    let pool = find_free_place(connect, pool_name, &spec.image)?;
    let format = format_in(&pool, pool_name, spec.format.as_deref())?;
    let volume = flatten(&pool, &disk.volume, &spec.image, format, "image")?;
    Ok(Change {
        id: volume.get_path().doing("read", "image", &spec.image)?,
        pending: None,
    })
}

/// Writes one disk of a VM into a blob.
pub(super) fn download_vm_disk(
    connect: &Connect,
    vm: &str,
    disk: &str,
    format: Option<&str>,
    target: (&Blob, &Call),
    cancelled: &AtomicBool,
) -> Result<(), Fault> {
    let (blob, call) = target;
    let found = disks_of(connect, vm, None, "download-vm-disk")?
        .into_iter()
        .find(|candidate| {
            let facts = &candidate.volume.facts;
            [&candidate.target, &facts.path, &facts.name]
                .iter()
                .any(|name| *name == disk)
        });
    let found = found.ok_or_else(|| Error::not_found("disk", disk))?;
    let format = match format {
        None => found.format(),
        Some("raw") => "raw",
        Some("qcow2") => "qcow2",
        Some("vmdk") => "vmdk",
        Some(other) => {
            let message = format!(
                "a disk is downloaded as `raw`, `qcow2` or `vmdk`, not as `{}`",
                printable(other)
            );
            return Err(Error::invalid_argument("format", message).into());
        }
    };
    let facts = &found.volume.facts;
    if facts.backing_path.is_none() && format == found.format() {
        return into_blob(connect, &found.volume.handle, &facts.name, blob, call, cancelled);
    }
    if facts.kind != "file" && format != "raw" {
        let message = "the disk's pool holds block devices, which can only be downloaded as `raw`";
        return Err(Error::invalid_argument("format", message).into());
    }
    let temporary = flat_copy(&found.volume, format)?;
    let sent = into_blob(connect, &temporary, &facts.name, blob, call, cancelled);
    let removed = temporary.delete(0).doing("delete", "disk", &facts.name);
    match (sent, removed) {
        (Ok(()), removed) => removed,
        (Err(fault), Ok(())) => Err(fault),
        (Err(fault), Err(left)) => Err(fault.and(&left.error.message)),
    }
}

fn disks_of(connect: &Connect, vm: &str, snapshot: Option<&str>, action: &str) -> Result<Vec<StillDisk>, Fault> {
    let domain = lookup::find_domain(connect, vm)?;
    let name = domain.get_name().doing("read", "vm", vm)?;
    let xml = domain
        .get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE)
        .doing("read the definition of", "vm", &name)?;
    let definition = Tree::parse(&xml).ok_or_else(|| unreadable("vm", &name))?;
    still_disks(connect, &domain, &name, &definition, snapshot, action)
}

/// The format of an image in a pool.
fn format_in(pool: &StoragePool, name: &str, wanted: Option<&str>) -> Result<&'static str, Fault> {
    let xml = pool.get_xml_desc(0).doing("read", "pool", name)?;
    let kind = PoolFacts::from_xml(&xml).unwrap_or_default().kind;
    let holds_files = matches!(kind.as_str(), "dir" | "fs" | "netfs");
    match wanted {
        None if holds_files => Ok("qcow2"),
        Some("qcow2") if holds_files => Ok("qcow2"),
        None | Some("raw") => Ok("raw"),
        Some(other) => {
            let message = format!(
                "an image in pool `{name}` cannot be `{}`: use {}",
                printable(other),
                if holds_files { "`qcow2` or `raw`" } else { "`raw`" }
            );
            Err(Error::invalid_argument("format", message).into())
        }
    }
}

/// A new volume of a passing name beside a volume, with its content and nothing under it. To be deleted by the caller.
pub(super) fn flat_copy(volume: &Volume, format: &str) -> Result<Owned<StorageVol>, Fault> {
    let facts = &volume.facts;
    let pool =
        StoragePool::lookup_by_volume(&volume.handle)
            .map(Owned::new)
            .doing("find the pool of", "disk", &facts.name)?;
    let unique = random_uuid();
    let unique = unique.split('-').next().unwrap_or_default();
    flatten(&pool, volume, &format!("{}.{unique}.part", facts.name), format, "disk")
}

/// A new volume with a volume's content, and nothing under it.
fn flatten(
    pool: &StoragePool,
    volume: &Volume,
    name: &str,
    format: &str,
    noun: &str,
) -> Result<Owned<StorageVol>, Fault> {
    let definition = VolumeDefinition {
        allocation_bytes: 0,
        name: name.to_owned(),
        capacity_bytes: volume.facts.capacity_bytes,
        format: format.to_owned(),
        backing: None,
    };
    StorageVol::create_xml_from(pool, &definition.to_xml(), &volume.handle, 0)
        .map(Owned::new)
        .doing("create", noun, name)
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
