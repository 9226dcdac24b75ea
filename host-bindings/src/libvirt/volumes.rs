//! All volumes of a host, and who uses them: what must be known before one is deleted or written.
//!
//! There is no call that answers this at once, so it costs one call for each volume and each VM; it is asked only before
//! something is deleted or attached, never for a list of VMs.

use std::collections::HashMap;

use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;

use super::error::{Doing as _, Fault, conflict, unreadable};
use super::facts::VolumeFacts;
use super::ffi::Owned;
use super::get::{next_definition, paths_of};
use super::lookup;

/// Bytes in a GiB.
pub(super) const GIB: u64 = 1 << 30;
/// Bytes in a MiB.
pub(super) const MIB: u64 = 1 << 20;

/// A volume with its pool.
#[derive(Debug)]
pub(super) struct Volume {
    /// The pool's name.
    pub(super) pool: String,
    /// What its description tells.
    pub(super) facts: VolumeFacts,
    /// The handle.
    pub(super) handle: Owned<StorageVol>,
}

impl Volume {
    /// Reads what there is to know about a volume.
    pub(super) fn read(noun: &str, handle: Owned<StorageVol>) -> Result<Self, Fault> {
        let pool = StoragePool::lookup_by_volume(&handle)
            .map(Owned::new)
            .doing("find the pool of", noun, "")?;
        let pool = pool.get_name().doing("read", "pool", "")?;
        Self::read_in(pool, noun, handle)
    }

    fn read_in(pool: String, noun: &str, handle: Owned<StorageVol>) -> Result<Self, Fault> {
        let name = handle.get_name().doing("read", noun, "")?;
        let xml = handle.get_xml_desc(0).doing("read", noun, &name)?;
        let facts = VolumeFacts::from_xml(&xml).ok_or_else(|| unreadable(noun, &name))?;
        Ok(Self { pool, facts, handle })
    }
}

/// Every volume of every active pool. One that vanishes meanwhile is left out.
pub(super) fn all_volumes(connect: &Connect) -> Result<Vec<Volume>, Fault> {
    let mut volumes = Vec::new();
    for (name, pool) in lookup::active_pools(connect)? {
        let handles = pool.list_all_volumes(0).doing("list the volumes of", "pool", &name)?;
        let handles: Vec<Owned<StorageVol>> = handles.into_iter().map(Owned::new).collect();
        for handle in handles {
            match Volume::read_in(name.clone(), "image", handle) {
                Ok(volume) => volumes.push(volume),
                Err(fault) if fault.disconnected => return Err(fault),
                Err(fault) => tracing::debug!(error = %fault.error, "a volume cannot be read"),
            }
        }
    }
    Ok(volumes)
}

/// Who uses which path: volumes that are based on it, and VMs that have it attached.
#[derive(Debug, Default)]
pub(super) struct Users {
    volumes_on: HashMap<String, Vec<String>>,
    vms_with: HashMap<String, Vec<String>>,
}

impl Users {
    /// Asks every volume and every VM but the one of this UUID. Fails rather than leave one out, because what is not in
    /// here may be deleted.
    pub(super) fn survey(connect: &Connect, except_vm: Option<&str>) -> Result<Self, Fault> {
        let mut users = Self::default();
        for volume in all_volumes(connect)? {
            if let Some(backing) = volume.facts.backing_path {
                users.volumes_on.entry(backing).or_default().push(volume.facts.path);
            }
        }
        let domains = connect.list_all_domains(0).doing("list", "vms of", "this host")?;
        let domains: Vec<_> = domains.into_iter().map(Owned::new).collect();
        for domain in domains {
            let name = domain.get_name().doing("read", "vm", "")?;
            let uuid = domain.get_uuid_string().doing("read", "vm", &name)?;
            if except_vm == Some(uuid.as_str()) {
                continue;
            }
            match next_definition(&domain, &name) {
                Ok(facts) => {
                    for path in paths_of(connect, &facts) {
                        users.vms_with.entry(path).or_default().push(name.clone());
                    }
                }
                // Deleted meanwhile: it uses nothing any more.
                Err(fault) if fault.is_not_found() => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(users)
    }

    /// Refuses when anything uses the path, except volumes that go with it.
    pub(super) fn refuse_if_used(&self, noun: &str, path: &str, leaving: &[String]) -> Result<(), Fault> {
        self.refuse_if_based_beside(noun, path, leaving)?;
        match self.vms_with.get(path) {
            Some(vms) => Err(conflict(format!(
                "{noun} `{path}` is attached to vm {}: delete or detach it first",
                vms.join(", ")
            ))),
            None => Ok(()),
        }
    }
}

impl Users {
    /// Refuses when other volumes are based on the path.
    pub(super) fn refuse_if_based(&self, noun: &str, path: &str) -> Result<(), Fault> {
        self.refuse_if_based_beside(noun, path, &[])
    }

    fn refuse_if_based_beside(&self, noun: &str, path: &str, leaving: &[String]) -> Result<(), Fault> {
        let based: Vec<&str> = self
            .volumes_on
            .get(path)
            .into_iter()
            .flatten()
            .filter(|user| !leaving.contains(user))
            .map(String::as_str)
            .collect();
        if based.is_empty() {
            return Ok(());
        }
        Err(conflict(format!(
            "{noun} `{path}` is the base of {}: delete that first",
            based.join(", ")
        )))
    }
}

/// A size in whole GiB that is large enough.
pub(super) fn gib_rounded_up(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(GIB)).unwrap_or(u32::MAX)
}

/// A size in whole GiB that really exists.
pub(super) fn gib_rounded_down(bytes: u64) -> u32 {
    u32::try_from(bytes / GIB).unwrap_or(u32::MAX)
}
