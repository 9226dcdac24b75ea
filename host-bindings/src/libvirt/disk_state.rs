//! Where the content of a VM's disks is, now or in a snapshot, and whether it can be read without anybody writing it.

use virt::connect::Connect;
use virt::domain::Domain;
use virt::storage_vol::StorageVol;

use crate::contract::{Error, ErrorKind};

use super::clone_xml::own_disks;
use super::error::{Doing as _, Fault, conflict};
use super::ffi::Owned;
use super::lookup;
use super::snapshot_plan::target;
use super::snapshots::find_snapshot;
use super::tree::Tree;
use super::volumes::Volume;

/// A disk whose content nobody writes at the moment.
pub(super) struct StillDisk {
    /// Its name in the guest.
    pub(super) target: String,
    /// The volume.
    pub(super) volume: Volume,
}

impl StillDisk {
    /// The content's format.
    pub(super) fn format(&self) -> &str {
        self.volume.facts.format.as_deref().unwrap_or("raw")
    }
}

/// The disks of a VM with this inactive definition, in their order: as they are while it is stopped, or as a snapshot has
/// them. `action` says what for, as the contract's function.
///
/// # Errors
/// `conflict` while it runs and no snapshot is asked for; `unsupported` for a snapshot inside the disks, and for disks that
/// are in no pool.
pub(super) fn still_disks(
    connect: &Connect,
    domain: &Domain,
    vm: &str,
    definition: &Tree,
    snapshot: Option<&str>,
    action: &str,
) -> Result<Vec<StillDisk>, Fault> {
    let targets = own_disks(definition).filter_map(|disk| Some((target(disk)?.to_owned(), disk)));
    let Some(snapshot) = snapshot else {
        if domain.is_active().doing("read", "vm", vm)? {
            return Err(conflict(format!(
                "vm `{vm}` runs and writes its disks: stop it first, or name a snapshot of it"
            )));
        }
        return targets
            .map(|(target, disk)| {
                let volume = volume_of(connect, vm, &target, disk, action)?;
                Ok(StillDisk { target, volume })
            })
            .collect();
    };
    let facts = find_snapshot(domain, vm, snapshot)?.facts;
    let mut found = Vec::new();
    for (target, _) in targets {
        // A disk that came later is not in it.
        let Some(saved) = facts.disks.iter().find(|saved| saved.target == target) else {
            continue;
        };
        if saved.internal {
            let message = format!(
                "snapshot `{snapshot}` is inside the disks of vm `{vm}`, and libvirt takes it out only by reverting to it: revert, \
                 then do this without a snapshot"
            );
            return Err(Error::new(ErrorKind::Unsupported(action.to_owned()), message).into());
        }
        let path = saved.path.as_deref().ok_or_else(|| outside(vm, &target, action))?;
        let volume = volume_at(connect, path).map_err(|_| outside(vm, &target, action))?;
        found.push(StillDisk { target, volume });
    }
    Ok(found)
}

/// The volume of a disk.
fn volume_of(connect: &Connect, vm: &str, target: &str, disk: &Tree, action: &str) -> Result<Volume, Fault> {
    let source = disk.child("source").ok_or_else(|| outside(vm, target, action))?;
    if let (Some(pool), Some(name)) = (source.attribute("pool"), source.attribute("volume")) {
        let pool = lookup::find_pool(connect, pool)?;
        let handle = StorageVol::lookup_by_name(&pool, name).map(Owned::new);
        return Volume::read("disk", handle.doing("find", "disk", name)?);
    }
    let path = source.attribute("file").or_else(|| source.attribute("dev"));
    let path = path.ok_or_else(|| outside(vm, target, action))?;
    match volume_at(connect, path) {
        Err(fault) if fault.is_not_found() => Err(outside(vm, target, action)),
        volume => volume,
    }
}

fn volume_at(connect: &Connect, path: &str) -> Result<Volume, Fault> {
    Volume::read("disk", lookup::find_volume(connect, "disk", path)?)
}

fn outside(vm: &str, target: &str, action: &str) -> Fault {
    let message = format!(
        "disk `{target}` of vm `{vm}` is in no pool of this host, and libvirt copies only what is: create a pool for its directory"
    );
    Error::new(ErrorKind::Unsupported(action.to_owned()), message).into()
}
