//! A VM's disks on their way: what the other host must have, what is brought there, and what is taken away again when the
//! move fails.
//!
//! libvirt copies the disks of a running VM itself, into volumes that it makes in the pool at the same place; it copies
//! neither media nor anything of a VM at rest, so that is done here, through the streams of both connections. Whichever way,
//! what arrives stands alone: it has everything in it that was under the disk.

use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;

use crate::libvirt::clone_xml::own_disks;
use crate::libvirt::error::{Doing as _, Fault, conflict};
use crate::libvirt::export;
use crate::libvirt::facts::VolumeFacts;
use crate::libvirt::ffi::Owned;
use crate::libvirt::lookup;
use crate::libvirt::snapshot_plan::{disks, target};
use crate::libvirt::tree::Tree;
use crate::libvirt::volumes::Volume;

use super::transfer;

/// A volume that must be at the target.
pub(super) struct MovingVolume {
    /// Its name in the guest.
    target: String,
    /// The volume here.
    volume: Volume,
    /// Whether the guest writes it; otherwise it is a medium.
    is_disk: bool,
}

/// The volumes of a VM: disks and media.
///
/// # Errors
/// `conflict` for one that is in no pool, and for a disk that other VMs share.
pub(super) fn volumes(connect: &Connect, vm: &str, definition: &Tree) -> Result<Vec<MovingVolume>, Fault> {
    let own: Vec<&str> = own_disks(definition).filter_map(target).collect();
    let mut found = Vec::new();
    for disk in disks(definition) {
        let name = target(disk).unwrap_or_default();
        if disk.child("shareable").is_some() {
            return Err(conflict(format!(
                "disk `{name}` of vm `{vm}` is shared with other vms, which it would leave: detach it first"
            )));
        }
        let source = disk.child("source");
        let Some(source) = source else {
            // An empty drive.
            continue;
        };
        let path = source.attribute("file").or_else(|| source.attribute("dev"));
        let handle = match path {
            Some(path) => lookup::find_volume(connect, "disk", path).ok(),
            None => None,
        };
        let volume = match handle {
            Some(handle) => Volume::read("disk", handle)?,
            None => {
                return Err(conflict(format!(
                    "disk `{name}` of vm `{vm}` is a volume of no pool of its host: create a pool for its directory, or detach it"
                )));
            }
        };
        found.push(MovingVolume {
            target: name.to_owned(),
            volume,
            is_disk: own.contains(&name),
        });
    }
    for path in files_beside(definition) {
        let handle = lookup::find_volume(connect, "disk", &path).map_err(|_| {
            conflict(format!(
                "vm `{vm}` starts with the file `{path}`, which is a volume of no pool of its host: create a pool for its directory"
            ))
        })?;
        found.push(MovingVolume {
            volume: Volume::read("disk", handle)?,
            target: path,
            is_disk: false,
        });
    }
    Ok(found)
}

/// The files that QEMU reads at its start, besides disks: what Ignition is given, a kernel, its first file system.
fn files_beside(definition: &Tree) -> Vec<String> {
    let given = definition.children().filter(|child| child.name() == "sysinfo");
    let given = given
        .flat_map(Tree::children)
        .filter_map(|entry| entry.attribute("file"));
    let os = definition.child("os");
    let started = ["kernel", "initrd"].iter().filter_map(|name| os?.child(name));
    let started = started.map(Tree::text).filter(|path| !path.is_empty());
    given.map(str::to_owned).chain(started).collect()
}

/// Refuses to move a VM at rest without its storage when the other host does not have the very same files. (libvirt looks at
/// those of a running VM itself.)
///
/// # Errors
/// `conflict` that names the disk.
pub(super) fn check_shared(there: &Connect, volumes: &[MovingVolume]) -> Result<(), Fault> {
    for moving in volumes {
        let facts = &moving.volume.facts;
        let same = lookup::find_volume(there, "disk", &facts.path)
            .and_then(|handle| Volume::read("disk", handle))
            .is_ok_and(|other| is_same(facts, &other.facts));
        if !same {
            return Err(conflict(format!(
                "disk `{}` (`{}`) is not on storage that both hosts share: move the vm with its storage",
                moving.target, facts.path
            )));
        }
    }
    Ok(())
}

/// Whether two descriptions can be of one file: nobody writes it, so it was last written at one time.
fn is_same(one: &VolumeFacts, other: &VolumeFacts) -> bool {
    (one.capacity_bytes, &one.format, &one.modified_at) == (other.capacity_bytes, &other.format, &other.modified_at)
}

/// What a move brings to the other host; what is left of it is removed when the move fails.
pub(super) struct Arrivals<'a> {
    there: &'a Connect,
    /// The pools and names of what may appear.
    places: Vec<(Owned<StoragePool>, String)>,
}

impl<'a> Arrivals<'a> {
    /// Finds the places of all volumes. Nothing is made.
    ///
    /// # Errors
    /// `conflict` without a pool of the same name at the same place, and for a file that is in the way: libvirt would write
    /// over it.
    pub(super) fn plan(there: &'a Connect, target: &str, volumes: &[MovingVolume]) -> Result<Self, Fault> {
        let mut places = Vec::with_capacity(volumes.len());
        for MovingVolume { volume, .. } in volumes {
            let facts = &volume.facts;
            let (directory, _) = facts.path.rsplit_once('/').unwrap_or_default();
            let pool = StoragePool::lookup_by_target_path(there, directory)
                .map(Owned::new)
                .ok();
            let pool = pool.filter(|pool| {
                pool.get_name().is_ok_and(|name| name == volume.pool) && pool.is_active().unwrap_or(false)
            });
            let Some(pool) = pool else {
                return Err(conflict(format!(
                    "`{target}` has no active pool `{}` at `{directory}`: create one there",
                    volume.pool
                )));
            };
            // Also one that was copied there by hand.
            if let Err(error) = pool.refresh(0) {
                tracing::debug!(%error, "the pool cannot be refreshed now");
            }
            if StorageVol::lookup_by_name(&pool, &facts.name).map(Owned::new).is_ok() {
                return Err(conflict(format!(
                    "pool `{}` of `{target}` has a volume `{}` already, which a move would write over: delete it there if nobody \
                     needs it; if both hosts share that pool, move the vm without its storage",
                    volume.pool, facts.name
                )));
            }
            places.push((pool, facts.name.clone()));
        }
        Ok(Self { there, places })
    }

    /// Brings media there, and disks too when nobody else does (`with_disks`).
    pub(super) fn bring(&self, here: &Connect, volumes: &[MovingVolume], with_disks: bool) -> Result<(), Fault> {
        for (moving, (pool, name)) in volumes.iter().zip(&self.places) {
            if moving.is_disk && !with_disks {
                continue;
            }
            let facts = &moving.volume.facts;
            if facts.backing_path.is_none() {
                transfer::copy(here, &moving.volume.handle, self.there, pool, name)?;
                continue;
            }
            // What is under it is not there, so it goes into it first.
            let format = facts.format.as_deref().unwrap_or("raw");
            let temporary = export::flat_copy(&moving.volume, format)?;
            let copied = transfer::copy(here, &temporary, self.there, pool, name);
            let removed = temporary.delete(0).doing("delete", "disk", &facts.name);
            copied.and(removed)?;
        }
        Ok(())
    }

    /// Removes what has arrived; the sentence of what could not be removed, for the person.
    pub(super) fn remove(self) -> Option<String> {
        let mut left = Vec::new();
        for (pool, name) in &self.places {
            // libvirt makes volumes through another connection.
            if let Err(error) = pool.refresh(0) {
                tracing::debug!(%error, "the pool cannot be refreshed now");
            }
            if let Ok(volume) = StorageVol::lookup_by_name(pool, name).map(Owned::new)
                && let Err(error) = volume.delete(0)
            {
                left.push(format!("`{name}` ({})", error.message()));
            }
        }
        (!left.is_empty()).then(|| format!("these volumes are left at the target: {}", left.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_qemu_reads_at_its_start_goes_along() {
        let xml = "<domain><sysinfo type='fwcfg'><entry name='opt/x' file='/pool/web.ign'/><entry name='opt/y'>t</entry></sysinfo>\
                   <os><type>hvm</type><kernel>/pool/vmlinuz</kernel></os></domain>";
        assert_eq!(
            files_beside(&Tree::parse(xml).unwrap()),
            ["/pool/web.ign", "/pool/vmlinuz"]
        );
        assert!(files_beside(&Tree::parse("<domain/>").unwrap()).is_empty());
    }

    #[test]
    fn files_are_the_same_when_they_were_last_written_at_one_time() {
        let facts = |capacity_bytes, modified_at: &str| VolumeFacts {
            capacity_bytes,
            format: Some("qcow2".into()),
            modified_at: Some(modified_at.into()),
            ..VolumeFacts::default()
        };
        let one = facts(1, "2026-01-01T00:00:00Z");
        assert!(is_same(&one, &one.clone()));
        assert!(!is_same(&one, &facts(2, "2026-01-01T00:00:00Z")));
        assert!(!is_same(&one, &facts(1, "2026-01-01T00:00:01Z")));
    }
}
