//! The volumes that go with a VM, and only those.
//!
//! Which ones were created for it is written in the VM's own metadata when we created it; for a VM of kcli they are those
//! under its attached disks whose name is exactly what kcli gives them. Overlays that were put on them since, by snapshots or
//! linked copies, and files that were made for its snapshots belong to it too. Everything else is somebody else's: images,
//! media, disks that were attached.

use std::collections::HashSet;

use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::ErrorNumber;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use super::clone_xml::set_our_metadata;
use super::error::{Doing as _, Fault, unreadable};
use super::facts::{DomainFacts, VolumeFacts};
use super::ffi::Owned;
use super::get::next_definition;
use super::leftovers::{attached_paths, refresh_pools_of};
use super::lookup;
use super::metadata::VolumeMetadata;
use super::names::vm_of_volume_name;
use super::tree::Tree;
use super::volumes::Users;

/// No chain of overlays is longer; one that is runs in a circle.
const CHAIN_MAX: usize = 200;

/// A volume that goes with a VM.
pub(super) struct OwnVolume {
    /// Its name.
    pub(super) name: String,
    /// Its path.
    pub(super) path: String,
    /// The handle.
    pub(super) handle: Owned<StorageVol>,
}

impl OwnVolume {
    fn new(name: &str, handle: Owned<StorageVol>) -> Result<Self, Fault> {
        let path = handle.get_path().doing("read", "disk", name)?;
        Ok(Self {
            name: name.to_owned(),
            path,
            handle,
        })
    }
}

/// What of a VM's volumes is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Its disks, and what was made for its snapshots.
    Everything,
    /// Only what was made for its snapshots and is no disk.
    SnapshotsMemory,
}

/// The volumes that go with a VM; refuses when somebody else uses one of them. `snapshot_files` were made for its snapshots.
pub(super) fn own_volumes(
    connect: &Connect,
    domain: &Domain,
    name: &str,
    uuid: &str,
    snapshot_files: &[String],
    extent: Extent,
) -> Result<Vec<OwnVolume>, Fault> {
    refresh_pools_of(connect, snapshot_files);
    let mut found = match extent {
        Extent::Everything => disks(connect, domain, name, snapshot_files)?,
        Extent::SnapshotsMemory => Vec::new(),
    };
    let attached: HashSet<String> = match extent {
        Extent::Everything => HashSet::new(),
        Extent::SnapshotsMemory => kept_paths(connect, domain, name)?,
    };
    for path in snapshot_files.iter().filter(|path| !attached.contains(*path)) {
        if !found.iter().any(|volume| volume.path == *path)
            && let Ok(handle) = StorageVol::lookup_by_path(connect, path).map(Owned::new)
        {
            found.push(OwnVolume::new(path, handle)?);
        }
    }
    if found.is_empty() {
        return Ok(found);
    }
    let paths: Vec<String> = found.iter().map(|volume| volume.path.clone()).collect();
    let users = Users::survey(connect, Some(uuid))?;
    for path in &paths {
        users.refuse_if_used("disk", path, &paths)?;
    }
    Ok(found)
}

/// Writes into the VM's metadata what is about to be deleted, where that is not there yet: when a deletion fails half-way, the
/// next one finds what a chain of overlays with a gap would not show any more.
pub(super) fn record(connect: &Connect, domain: &Domain, name: &str, volumes: &[OwnVolume]) -> Result<(), Fault> {
    let flags = sys::VIR_DOMAIN_XML_INACTIVE | sys::VIR_DOMAIN_XML_SECURE;
    let xml = domain.get_xml_desc(flags).doing("read the definition of", "vm", name)?;
    let mut metadata = DomainFacts::from_xml(&xml)
        .ok_or_else(|| unreadable("vm", name))?
        .metadata;
    let known = metadata.volumes.len();
    for volume in volumes {
        let pool = StoragePool::lookup_by_volume(&volume.handle).map(Owned::new).doing(
            "find the pool of",
            "disk",
            &volume.name,
        )?;
        let entry = VolumeMetadata {
            pool: pool.get_name().doing("read", "pool", "")?,
            name: volume.handle.get_name().doing("read", "disk", &volume.name)?,
        };
        if !metadata.volumes.contains(&entry) {
            metadata.volumes.push(entry);
        }
    }
    if !metadata.ours || metadata.volumes.len() == known {
        return Ok(());
    }
    let mut definition = Tree::parse(&xml).ok_or_else(|| unreadable("vm", name))?;
    set_our_metadata(&mut definition, &metadata);
    Domain::define_xml(connect, &definition.to_xml())
        .map(Owned::new)
        .doing("note the disks of", "vm", name)?;
    Ok(())
}

/// The attached paths and everything under them.
fn kept_paths(connect: &Connect, domain: &Domain, name: &str) -> Result<HashSet<String>, Fault> {
    let attached = attached_paths(domain, name)?;
    Ok(attached
        .iter()
        .flat_map(|path| chain(connect, path))
        .map(|link| link.path)
        .collect())
}

fn disks(connect: &Connect, domain: &Domain, name: &str, snapshot_files: &[String]) -> Result<Vec<OwnVolume>, Fault> {
    let facts = next_definition(domain, name)?;
    let attached = attached_paths(domain, name)?;
    let chains: Vec<Vec<Link>> = attached.iter().map(|path| chain(connect, path)).collect();
    let mut found = if facts.metadata.ours {
        recorded_volumes(connect, &facts)?
    } else {
        volumes_of_kcli(&chains, name)?
    };
    let roots: HashSet<String> = found
        .iter()
        .map(|volume| volume.path.clone())
        .chain(snapshot_files.iter().cloned())
        .collect();
    for links in chains {
        // Whatever stands on a volume of the VM and is attached to it was put there for it.
        let Some(root) = links.iter().rposition(|link| roots.contains(&link.path)) else {
            continue;
        };
        for link in links.into_iter().take(root + 1) {
            if !found.iter().any(|volume| volume.path == link.path) {
                found.push(OwnVolume::new(&link.name, link.handle)?);
            }
        }
    }
    Ok(found)
}

/// A volume in a chain of overlays.
struct Link {
    name: String,
    path: String,
    handle: Owned<StorageVol>,
}

/// The volume of a path and those under it, the uppermost first; as far as they are volumes of active pools.
fn chain(connect: &Connect, path: &str) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next.take()
        && links.len() < CHAIN_MAX
    {
        let Ok(handle) = StorageVol::lookup_by_path(connect, &path).map(Owned::new) else {
            break;
        };
        let facts = handle.get_xml_desc(0).ok().and_then(|xml| VolumeFacts::from_xml(&xml));
        let Some(facts) = facts else {
            break;
        };
        next = facts.backing_path;
        links.push(Link {
            name: facts.name,
            path,
            handle,
        });
    }
    links
}

/// The volumes in our metadata that still exist.
fn recorded_volumes(connect: &Connect, facts: &DomainFacts) -> Result<Vec<OwnVolume>, Fault> {
    let mut found = Vec::new();
    for VolumeMetadata { pool, name } in &facts.metadata.volumes {
        let pool = match lookup::find_pool(connect, pool) {
            // Its volumes are nobody's any more; the files are whoever's who removed the pool.
            Err(fault) if fault.is_not_found() => continue,
            pool => pool?,
        };
        match StorageVol::lookup_by_name(&pool, name) {
            Ok(volume) => found.push(OwnVolume::new(name, Owned::new(volume))?),
            Err(error) if error.code() == ErrorNumber::NoStorageVolume => {}
            Err(error) => Err(error).doing("find", "disk", name)?,
        }
    }
    Ok(found)
}

/// The volumes under the attached disks that bear the names that kcli gives to this VM's disks. Media are in it too: the seed
/// is one.
fn volumes_of_kcli(chains: &[Vec<Link>], vm: &str) -> Result<Vec<OwnVolume>, Fault> {
    let mut found = Vec::new();
    for link in chains.iter().flatten() {
        let file_name = link.path.rsplit('/').next().unwrap_or_default();
        if vm_of_volume_name(file_name) != Some(vm) || link.name != file_name {
            continue;
        }
        // Only a volume that a pool knows by this very name; a path may merely look like it.
        let Ok(pool) = StoragePool::lookup_by_volume(&link.handle).map(Owned::new) else {
            continue;
        };
        if let Ok(handle) = StorageVol::lookup_by_name(&pool, file_name).map(Owned::new) {
            found.push(OwnVolume::new(file_name, handle)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "own_volumes_tests.rs"]
mod tests;
