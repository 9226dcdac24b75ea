//! Deletes a VM and the volumes that were created for it, and nothing else.
//!
//! Which volumes those are `own_volumes` knows. A volume that another VM or volume uses is never deleted. The definition
//! goes last: when a step fails, the VM is still there and the deletion can be repeated.

use virt::connect::Connect;
use virt::domain::Domain;
use virt::domain_snapshot::DomainSnapshot;
use virt::error::ErrorNumber;
use virt::sys;

use crate::contract::{Change, VmDeleteOptions};

use super::create::reached;
use super::error::{Doing as _, Fault, conflict};
use super::lookup;
use super::own_volumes::{Extent, own_volumes, record};
use super::snapshots::all_snapshots;

/// Deletes a VM, running or not.
pub(super) fn delete_vm(connect: &Connect, name: &str, options: &VmDeleteOptions) -> Result<Change, Fault> {
    let domain = lookup::find_domain(connect, name)?;
    let uuid = domain.get_uuid_string().doing("read", "vm", name)?;
    let own_name = domain.get_name().doing("read", "vm", name)?;
    refuse_snapshots(&domain, &own_name, options)?;
    let snapshots = all_snapshots(&domain, &own_name)?;
    let snapshot_files: Vec<String> = snapshots
        .iter()
        .flat_map(|snapshot| snapshot.facts.files.iter().cloned())
        .collect();
    let extent = if options.keep_disks {
        Extent::SnapshotsMemory
    } else {
        Extent::Everything
    };
    let volumes = own_volumes(connect, &domain, &own_name, &uuid, &snapshot_files, extent)?;
    let persistent = domain.is_persistent().doing("read", "vm", &own_name)?;
    if domain.is_active().doing("read", "vm", &own_name)? {
        let stopped = domain.destroy().doing("stop", "vm", &own_name);
        if stopped.is_err() && domain.is_active().unwrap_or(true) {
            stopped?;
        }
    }
    if persistent {
        record(connect, &domain, &own_name, &volumes)?;
    }
    for volume in &volumes {
        reached("delete")?;
        match volume.handle.delete(0) {
            Err(error) if error.code() != ErrorNumber::NoStorageVolume => {
                Err(error).doing("delete", "disk", &volume.name)?
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
