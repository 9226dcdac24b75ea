//! Deletes a VM and the volumes that were created for it, and nothing else.
//!
//! Which volumes those are is written in the VM's own metadata when we created it; for a VM of kcli they are those of
//! its attached disks whose name is exactly what kcli gives them. A volume that another VM or volume uses is never deleted.
//! The definition goes last: when a step fails, the VM is still there and the deletion can be repeated.

use virt::connect::Connect;
use virt::domain::Domain;
use virt::domain_snapshot::DomainSnapshot;
use virt::error::ErrorNumber;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use crate::contract::{Change, VmDeleteOptions};

use super::error::{Doing as _, Fault, conflict};
use super::facts::DomainFacts;
use super::ffi::Owned;
use super::get::next_definition;
use super::lookup;
use super::metadata::VolumeMetadata;
use super::names::vm_of_volume_name;
use super::volumes::Users;

/// Deletes a VM, running or not.
pub(super) fn delete_vm(connect: &Connect, name: &str, options: &VmDeleteOptions) -> Result<Change, Fault> {
    let domain = lookup::find_domain(connect, name)?;
    let uuid = domain.get_uuid_string().doing("read", "vm", name)?;
    let own_name = domain.get_name().doing("read", "vm", name)?;
    refuse_snapshots(&domain, &own_name, options)?;
    let volumes = if options.keep_disks {
        Vec::new()
    } else {
        own_volumes(connect, &domain, &own_name, &uuid)?
    };
    let persistent = domain.is_persistent().doing("read", "vm", &own_name)?;
    if domain.is_active().doing("read", "vm", &own_name)? {
        let stopped = domain.destroy().doing("stop", "vm", &own_name);
        if stopped.is_err() && domain.is_active().unwrap_or(true) {
            stopped?;
        }
    }
    for (volume_name, volume) in &volumes {
        match volume.delete(0) {
            Err(error) if error.code() != ErrorNumber::NoStorageVolume => {
                Err(error).doing("delete", "disk", volume_name)?
            }
            _ => {}
        }
    }
    if persistent {
        undefine(&domain, &own_name, options.delete_snapshots)?;
    }
    Ok(Change {
        id: uuid,
        pending: None,
    })
}

fn refuse_snapshots(domain: &Domain, name: &str, options: &VmDeleteOptions) -> Result<(), Fault> {
    if options.delete_snapshots {
        return Ok(());
    }
    // A driver without snapshots has none.
    match DomainSnapshot::num(domain, 0) {
        Ok(count) if count > 0 => Err(conflict(format!(
            "vm `{name}` has {count} snapshots: delete them first, or delete them with it"
        ))),
        _ => Ok(()),
    }
}

/// The volumes that go with the VM; refuses when somebody else uses one of them.
fn own_volumes(
    connect: &Connect,
    domain: &Domain,
    name: &str,
    uuid: &str,
) -> Result<Vec<(String, Owned<StorageVol>)>, Fault> {
    let facts = next_definition(domain, name)?;
    let recorded = if facts.metadata.ours {
        recorded_volumes(connect, &facts)?
    } else {
        volumes_of_kcli(connect, &facts, name)?
    };
    if recorded.is_empty() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::with_capacity(recorded.len());
    for (volume_name, volume) in &recorded {
        paths.push(volume.get_path().doing("read", "disk", volume_name)?);
    }
    let users = Users::survey(connect, Some(uuid))?;
    for path in &paths {
        users.refuse_if_used("disk", path, &paths)?;
    }
    Ok(recorded)
}

/// The volumes in our metadata that still exist.
fn recorded_volumes(connect: &Connect, facts: &DomainFacts) -> Result<Vec<(String, Owned<StorageVol>)>, Fault> {
    let mut found = Vec::new();
    for VolumeMetadata { pool, name } in &facts.metadata.volumes {
        let pool = lookup::find_pool(connect, pool)?;
        match StorageVol::lookup_by_name(&pool, name) {
            Ok(volume) => found.push((name.clone(), Owned::new(volume))),
            Err(error) if error.code() == ErrorNumber::NoStorageVolume => {}
            Err(error) => Err(error).doing("find", "disk", name)?,
        }
    }
    Ok(found)
}

/// The attached volumes that bear the names that kcli gives to this VM's disks.
fn volumes_of_kcli(
    connect: &Connect,
    facts: &DomainFacts,
    vm: &str,
) -> Result<Vec<(String, Owned<StorageVol>)>, Fault> {
    let mut found = Vec::new();
    for path in facts.disks.iter().filter_map(|disk| disk.path.as_deref()) {
        let volume_name = path.rsplit('/').next().unwrap_or_default();
        if vm_of_volume_name(volume_name) != Some(vm) {
            continue;
        }
        let Ok(volume) = StorageVol::lookup_by_path(connect, path).map(Owned::new) else {
            continue;
        };
        // Only a volume that a pool knows by this very name; a path may merely look like it.
        let known = StoragePool::lookup_by_volume(&volume).map(Owned::new).is_ok();
        if known && volume.get_name().doing("read", "disk", volume_name)? == volume_name {
            found.push((volume_name.to_owned(), volume));
        }
    }
    Ok(found)
}

/// Removes a definition with everything that libvirt keeps beside it.
pub(super) fn undefine(domain: &Domain, name: &str, with_snapshots: bool) -> Result<(), Fault> {
    let snapshots = if with_snapshots {
        sys::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    } else {
        0
    };
    let basic = sys::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | snapshots;
    let firmware = sys::VIR_DOMAIN_UNDEFINE_NVRAM;
    let checkpoints = sys::VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA;
    let tpm = sys::VIR_DOMAIN_UNDEFINE_TPM;
    // A flag that a driver or an older libvirt does not know fails the whole call, so the newest ones go first.
    let attempts = [
        basic | firmware | checkpoints | tpm,
        basic | firmware | checkpoints,
        basic | firmware,
        basic,
    ];
    let mut last = Ok(());
    for flags in attempts {
        last = domain.undefine_flags(flags);
        match &last {
            Err(error) if matches!(error.code(), ErrorNumber::InvalidArg | ErrorNumber::ArgumentUnsupported) => {}
            _ => break,
        }
    }
    last.doing("delete", "vm", name)
}
