//! Reads one VM with everything known about it.
//!
//! What libvirt answers without asking QEMU comes first. The definition may have to wait for a hung QEMU, so it has a
//! limit of its own, and a VM whose definition does not come in time is answered with what the metadata tells.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use virt::connect::Connect;
use virt::storage_vol::StorageVol;
use virt::sys;

use crate::contract::{DiskDevice, Error, ErrorKind, Vm, VmDisk, VmNic};

use super::addresses;
use super::connection::Connection;
use super::error::{Doing as _, Fault, unreadable};
use super::facts::{DiskFacts, DomainFacts, NicFacts, VolumeFacts};
use super::ffi::{DomainState, Owned};
use super::list::{self, Details};
use super::lookup;
use super::metadata::NicMetadata;
use super::status::{is_active, status};
use super::volumes::gib_rounded_up;

/// How long the definition may take before the answer goes without it.
const DEFINITION_LIMIT: Duration = Duration::from_secs(2);

/// What libvirt knows without asking QEMU.
struct Basics {
    vm: Vm,
    active: bool,
    details: Details,
    leases: HashMap<String, Vec<String>>,
}

/// A VM's definition with the volumes of its disks.
struct Definition {
    facts: DomainFacts,
    disks: Vec<VmDisk>,
}

/// Reads a VM. `quick` answers what never waits for a VM; `slow` may.
pub(super) async fn get_vm(
    quick: &Arc<Connection>,
    slow: &Arc<Connection>,
    limit: Duration,
    name: String,
) -> Result<Vm, Error> {
    let basics = quick.read(limit, move |connect| read_basics(connect, &name)).await?;
    let uuid = basics.vm.id.clone();
    let definition = slow
        .read_of_vm(limit.min(DEFINITION_LIMIT), &basics.vm.id, move |connect| {
            read_definition(connect, &uuid)
        })
        .await;
    match definition {
        Ok(definition) => Ok(complete(basics, definition)),
        Err(error) if matches!(error.kind, ErrorKind::TimedOut | ErrorKind::Unavailable) => Ok(degrade(basics)),
        Err(error) => Err(error),
    }
}

fn read_basics(connect: &Connect, name: &str) -> Result<Basics, Fault> {
    let domain = lookup::find_domain(connect, name)?;
    let name = domain.get_name().doing("read", "vm", name)?;
    let id = domain.get_uuid_string().doing("read", "vm", &name)?;
    let (state, reason) = domain.get_state().doing("read the state of", "vm", &name)?;
    let state = DomainState { state, reason };
    let info = domain.get_info().doing("read the size of", "vm", &name)?;
    let active = is_active(state);
    let details = list::details(&domain, active);
    let leases = if active {
        list::all_leases(connect)
    } else {
        HashMap::new()
    };
    let (status, vendor_status) = status(state);
    let vm = Vm {
        id,
        name,
        status,
        vendor_status: vendor_status.to_owned(),
        ips: if active {
            list::ips(&details, &leases)
        } else {
            Vec::new()
        },
        cpus: Some(info.nr_virt_cpu),
        // What it has now: a running VM may have given some back.
        memory_mib: u32::try_from(info.memory / 1024).ok(),
        flavor: None,
        image: details.metadata.image.clone(),
        location: connect.get_hostname().ok(),
        autostart: domain.get_autostart().ok(),
        description: details.metadata.description.clone(),
        created_at: details.metadata.created_at.clone(),
        disks: None,
        nics: None,
        metadata: Some(details.metadata.tags.clone()),
    };
    Ok(Basics {
        vm,
        active,
        details,
        leases,
    })
}

fn read_definition(connect: &Connect, uuid: &str) -> Result<Definition, Fault> {
    let domain = lookup::find_domain(connect, uuid)?;
    let xml = domain.get_xml_desc(0).doing("read the definition of", "vm", uuid)?;
    let facts = DomainFacts::from_xml(&xml).ok_or_else(|| unreadable("vm", uuid))?;
    let disks = facts.disks.iter().map(|disk| to_disk(connect, disk)).collect();
    Ok(Definition { facts, disks })
}

/// A disk, with what its volume tells when it is one.
fn to_disk(connect: &Connect, disk: &DiskFacts) -> VmDisk {
    let volume = match (&disk.path, &disk.volume) {
        (Some(path), _) => StorageVol::lookup_by_path(connect, path).map(Owned::new).ok(),
        (None, Some((pool, name))) => lookup::find_pool(connect, pool)
            .ok()
            .and_then(|pool| StorageVol::lookup_by_name(&pool, name).map(Owned::new).ok()),
        (None, None) => None,
    };
    let facts = volume
        .as_ref()
        .and_then(|volume| VolumeFacts::from_xml(&volume.get_xml_desc(0).ok()?));
    let pool = volume.as_ref().and_then(|volume| {
        let pool = virt::storage_pool::StoragePool::lookup_by_volume(volume)
            .map(Owned::new)
            .ok()?;
        pool.get_name().ok()
    });
    let device = match disk.device.as_str() {
        "cdrom" => DiskDevice::Cdrom,
        "floppy" => DiskDevice::Floppy,
        _ => DiskDevice::Disk,
    };
    let backing_of_volume = facts.as_ref().and_then(|facts| facts.backing_path.clone());
    VmDisk {
        name: disk.target.clone(),
        device,
        id: disk
            .path
            .clone()
            .or_else(|| facts.as_ref().map(|facts| facts.path.clone())),
        pool,
        size_gib: facts.as_ref().map(|facts| gib_rounded_up(facts.capacity_bytes)),
        format: disk.format.clone().or_else(|| facts.and_then(|facts| facts.format)),
        bus: disk.bus.clone(),
        backing: backing_of_volume.or_else(|| disk.backing_paths.first().cloned()),
    }
}

fn complete(basics: Basics, definition: Definition) -> Vm {
    let Definition { facts, disks } = definition;
    let nics = facts
        .nics
        .iter()
        .enumerate()
        .map(|(index, nic)| to_nic(index, nic, &basics))
        .collect();
    Vm {
        description: facts.description,
        disks: Some(disks),
        nics: Some(nics),
        ..basics.vm
    }
}

/// Without the definition: interfaces from the metadata, disks unknown, and the status says why.
fn degrade(basics: Basics) -> Vm {
    let from_metadata = |(index, nic): (usize, &NicMetadata)| {
        let facts = NicFacts {
            mac: nic.mac.clone(),
            ..NicFacts::default()
        };
        to_nic(index, &facts, &basics)
    };
    let nics = basics
        .details
        .metadata
        .nics
        .iter()
        .enumerate()
        .map(from_metadata)
        .collect();
    let reason = "its definition cannot be read now: the hypervisor does not answer";
    let vendor_status = format!("{} ({reason})", basics.vm.vendor_status);
    Vm {
        vendor_status,
        disks: Some(Vec::new()),
        nics: Some(nics),
        ..basics.vm
    }
}

fn to_nic(index: usize, nic: &NicFacts, basics: &Basics) -> VmNic {
    let mac = nic.mac.as_deref();
    let known = &basics.details.metadata.nics;
    let fixed = known
        .iter()
        .filter(|known| known.mac.is_some() && known.mac.as_deref() == mac);
    let fixed = fixed.filter_map(|known| known.address.as_deref());
    let leased = mac
        .and_then(|mac| basics.leases.get(mac))
        .into_iter()
        .flatten()
        .map(String::as_str);
    VmNic {
        name: format!("net{index}"),
        mac: nic.mac.clone(),
        network: nic.network.clone(),
        model: nic.model.clone(),
        ips: if basics.active {
            addresses::useful(fixed.chain(leased))
        } else {
            Vec::new()
        },
    }
}

/// The paths of everything that a VM's disks read or write, also under them.
pub(super) fn paths_of(connect: &Connect, facts: &DomainFacts) -> Vec<String> {
    let mut paths = Vec::new();
    for disk in &facts.disks {
        paths.extend(disk.path.clone());
        paths.extend(disk.backing_paths.iter().cloned());
        if let Some((pool, name)) = &disk.volume
            && let Ok(pool) = lookup::find_pool(connect, pool)
            && let Ok(volume) = StorageVol::lookup_by_name(&pool, name)
        {
            paths.extend(Owned::new(volume).get_path().ok());
        }
    }
    paths
}

/// The definition of a VM that may be stopped; the one that counts at its next start.
pub(super) fn next_definition(domain: &virt::domain::Domain, name: &str) -> Result<DomainFacts, Fault> {
    let xml = domain
        .get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE)
        .doing("read the definition of", "vm", name)?;
    DomainFacts::from_xml(&xml).ok_or_else(|| unreadable("vm", name))
}
