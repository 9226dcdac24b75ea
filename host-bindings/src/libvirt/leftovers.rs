//! Files that stay behind when snapshots and VMs go, and that libvirt does not remove by itself.
//!
//! Only what is a volume of a pool can be removed, and only what no VM and no other volume uses.

use std::collections::HashSet;

use virt::connect::Connect;
use virt::domain::Domain;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use super::error::{Doing as _, Fault, unreadable};
use super::facts::{DomainFacts, VolumeFacts};
use super::ffi::Owned;
use super::volumes::Users;

/// Makes libvirt see files that it wrote beside its pools' back: an overlay, a memory image.
pub(super) fn refresh_pools_of(connect: &Connect, paths: &[String]) {
    let directories: HashSet<&str> = paths
        .iter()
        .filter_map(|path| path.rsplit_once('/'))
        .map(|(directory, _)| directory)
        .collect();
    for directory in directories {
        // A directory that is no pool's has no volumes.
        let Ok(pool) = StoragePool::lookup_by_target_path(connect, directory).map(Owned::new) else {
            continue;
        };
        // It fails while another call changes the pool's volumes; then that call's end shows them.
        if let Err(error) = pool.refresh(0) {
            tracing::debug!(directory, %error, "the pool cannot be refreshed now");
        }
    }
}

/// The paths of a VM's disks and media, as they are now and as they will be at its next start.
pub(super) fn attached_paths(domain: &Domain, vm: &str) -> Result<Vec<String>, Fault> {
    let mut paths = HashSet::new();
    for flags in [0, sys::VIR_DOMAIN_XML_INACTIVE] {
        let xml = domain.get_xml_desc(flags).doing("read the definition of", "vm", vm)?;
        let facts = DomainFacts::from_xml(&xml).ok_or_else(|| unreadable("vm", vm))?;
        paths.extend(facts.disks.into_iter().filter_map(|disk| disk.path));
    }
    Ok(paths.into_iter().collect())
}

/// Removes those of the files that are volumes which nothing uses any more.
pub(super) fn remove_unused(connect: &Connect, paths: &[String]) -> Result<(), Fault> {
    remove(connect, paths, |_| true)
}

/// The same for those that stand on one of these bases: anything else holds somebody's data.
pub(super) fn remove_overlays(connect: &Connect, paths: &[String], bases: &HashSet<String>) -> Result<(), Fault> {
    let stands_on_one = |facts: &VolumeFacts| facts.backing_path.as_ref().is_some_and(|path| bases.contains(path));
    remove(connect, paths, stands_on_one)
}

fn remove(connect: &Connect, paths: &[String], is_wanted: impl Fn(&VolumeFacts) -> bool) -> Result<(), Fault> {
    if paths.is_empty() {
        return Ok(());
    }
    let users = Users::survey(connect, None)?;
    for path in paths {
        let Ok(volume) = StorageVol::lookup_by_path(connect, path).map(Owned::new) else {
            continue;
        };
        let facts = volume.get_xml_desc(0).ok().and_then(|xml| VolumeFacts::from_xml(&xml));
        if !facts.is_some_and(|facts| is_wanted(&facts)) || users.refuse_if_used("disk", path, paths).is_err() {
            continue;
        }
        volume.delete(0).doing("delete", "disk", path)?;
    }
    Ok(())
}
