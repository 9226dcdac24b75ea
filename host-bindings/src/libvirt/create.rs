//! Creates a VM as a transaction: after an error at any step nothing of it is left.
//!
//! First everything is read and checked; then volumes are made, the seed is uploaded, the VM is defined and started. Each
//! step that leaves something puts its reversal on a stack. The order matters for a process that is killed in between:
//! the definition, which lists the volumes, comes last, so that a VM never refers to what does not exist.

use std::ops::ControlFlow;

use virt::connect::Connect;
use virt::domain::Domain;
use virt::storage_vol::StorageVol;

use crate::contract::{Change, Error};

use super::capabilities::{Acceleration, Platform, choose_platform};
use super::disk_request::DiskSourceRequest;
use super::domain_xml::{DiskDefinition, DiskSource, DomainDefinition, NicDefinition};
use super::error::{Doing as _, Fault};
use super::ffi::Owned;
use super::hardware::Hardware;
use super::images::find_image;
use super::list;
use super::lookup;
use super::metadata::{self, Metadata, NicMetadata, VolumeMetadata};
use super::names::{console_log_name, disk_volume_name, ignition_name, random_uuid, seed_volume_name};
use super::networks::start_networks;
use super::new_disk::{DiskPlan, make_disk, plan_disk, source_of};
use super::request::{Secret, VmRequest};
use super::seed::{Seed, SeedNic};
use super::transaction::Transaction;
use super::upload::create_filled;
use super::volume_xml::VolumeDefinition;

/// Creates a VM. The same idempotency key and name answer the VM that they created before.
pub(super) fn create_vm(connect: &Connect, request: &VmRequest, acceleration: Acceleration) -> Result<Change, Fault> {
    if let ControlFlow::Break(change) = find_earlier(connect, request)? {
        return Ok(change);
    }
    let capabilities = connect
        .get_capabilities()
        .doing("read the capabilities of", "host", "libvirt")?;
    let platform = choose_platform(&capabilities, acceleration, &request.platform)?;
    request.hardware.check(&platform)?;
    let hardware = request.hardware.clone().resolve(connect)?;
    let media = find_media(connect, &hardware.boot.media)?;
    refuse_taken_uuid(connect, request.uuid.as_deref())?;
    for network in request.nics.iter().filter_map(|nic| nic.source.network()) {
        lookup::find_network(connect, network)?;
    }
    let mut disks = Vec::with_capacity(request.disks.len());
    for disk in &request.disks {
        let plan = plan_disk(connect, disk)?;
        disk.tuning.check(disk.bus, plan.format())?;
        disks.push(plan);
    }
    let mut transaction = Transaction::default();
    let ground = Ground {
        platform,
        hardware,
        media,
    };
    let made = make(connect, request, ground, &disks, &mut transaction);
    made.map_err(|fault| transaction.undo(fault))
}

/// What the host has for the VM.
struct Ground {
    platform: Platform,
    hardware: Hardware,
    media: Vec<DiskSource>,
}

/// The CD-ROM images of these names.
fn find_media(connect: &Connect, names: &[String]) -> Result<Vec<DiskSource>, Fault> {
    let mut media = Vec::with_capacity(names.len());
    for name in names {
        let image = find_image(connect, name)?;
        if image.facts.format.as_deref() != Some("iso") {
            let message = format!("`{}` is no CD-ROM image: an ISO 9660 image is needed", image.facts.path);
            return Err(Error::invalid_argument("media", message).into());
        }
        media.push(source_of(&image));
    }
    Ok(media)
}

/// Defining a VM under the UUID of another one would replace that one's definition.
fn refuse_taken_uuid(connect: &Connect, uuid: Option<&str>) -> Result<(), Fault> {
    let Some(uuid) = uuid else { return Ok(()) };
    match lookup::find_domain(connect, uuid) {
        Ok(_) => Err(Error::already_exists("vm", uuid).into()),
        Err(fault) if fault.is_not_found() => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// A VM of that name: the answer when the same call made it, otherwise in the way.
fn find_earlier(connect: &Connect, request: &VmRequest) -> Result<ControlFlow<Change>, Fault> {
    let domain = match lookup::find_domain(connect, &request.name) {
        Ok(domain) => domain,
        Err(fault) if fault.is_not_found() => return Ok(ControlFlow::Continue(())),
        Err(fault) => return Err(fault),
    };
    let metadata = list::details(&domain, false).metadata;
    let same_call =
        metadata.ours && request.idempotency_key.is_some() && metadata.idempotency_key == request.idempotency_key;
    if !same_call {
        return Err(Error::already_exists("vm", &request.name).into());
    }
    let id = domain.get_uuid_string().doing("read", "vm", &request.name)?;
    Ok(ControlFlow::Break(Change { id, pending: None }))
}

/// Makes the VM; whatever it leaves is on the transaction's stack.
fn make(
    connect: &Connect,
    request: &VmRequest,
    ground: Ground,
    plans: &[DiskPlan],
    transaction: &mut Transaction,
) -> Result<Change, Fault> {
    let uuid = request.uuid.clone().unwrap_or_else(random_uuid);
    let mut disks = Vec::with_capacity(plans.len());
    for (index, (plan, disk)) in plans.iter().zip(&request.disks).enumerate() {
        let source = make_disk(plan, &disk_volume_name(&request.name, index), transaction)?;
        disks.push(DiskDefinition {
            source,
            bus: disk.bus,
            tuning: disk.tuning.clone(),
        });
    }
    let seed = make_seed(connect, request, &uuid, transaction)?;
    let console_log = make_console_log(connect, request, transaction)?;
    let ignition = make_ignition(connect, request, transaction)?;
    let definition = DomainDefinition {
        seed,
        console_log,
        ignition,
        ..define(request, ground, uuid, disks, transaction.volume_names())
    };
    reached("define")?;
    let domain = Domain::define_xml(connect, &definition.to_xml()).doing("define", "vm", &request.name)?;
    let domain = transaction.defined(Owned::new(domain));
    if request.autostart {
        reached("autostart")?;
        domain
            .set_autostart(true)
            .doing("set the autostart of", "vm", &request.name)?;
    }
    if request.start {
        start_networks(connect, request.nics.iter().filter_map(|nic| nic.source.network()))?;
        reached("start")?;
        domain.create().doing("start", "vm", &request.name)?;
    }
    Ok(Change {
        id: definition.uuid,
        pending: None,
    })
}

fn make_seed(
    connect: &Connect,
    request: &VmRequest,
    uuid: &str,
    transaction: &mut Transaction,
) -> Result<Option<DiskSource>, Fault> {
    let Some(wanted) = &request.seed else {
        return Ok(None);
    };
    reached("seed")?;
    let nics = request.nics.iter().map(|nic| SeedNic {
        mac: nic.mac.clone(),
        address: nic.address,
        gateway: nic.gateway,
        dns_servers: nic.dns_servers.clone(),
    });
    let seed = Seed {
        id: uuid.to_owned(),
        hostname: wanted.hostname.clone(),
        user_data: wanted.user_data.clone(),
        ssh_keys: wanted.ssh_keys.clone(),
        nics: nics.collect(),
    };
    let name = seed_volume_name(&request.name);
    let pool = lookup::find_pool(connect, &request.pool)?;
    let pool_name = pool.get_name().doing("read", "pool", &request.pool)?;
    let handle = create_filled(connect, &pool, &name, &seed.to_iso())?;
    let path = handle.get_path().doing("read", "disk", &name)?;
    transaction.created(&pool_name, &name, handle);
    Ok(Some(DiskSource {
        path,
        is_block_device: false,
        format: "raw".to_owned(),
    }))
}

/// The volume that Ignition's configuration is in. libvirt could carry the text itself, but escapes it for XML once too often
/// (seen with 11.3), and QEMU's command line has a limit.
fn make_ignition(
    connect: &Connect,
    request: &VmRequest,
    transaction: &mut Transaction,
) -> Result<Option<String>, Fault> {
    let Some(Secret(content)) = &request.ignition else {
        return Ok(None);
    };
    let name = ignition_name(&request.name);
    let pool = lookup::find_pool(connect, &request.pool)?;
    let pool_name = pool.get_name().doing("read", "pool", &request.pool)?;
    // Volumes are whole sectors; blanks after a JSON document are a part of it.
    let mut content = content.clone().into_bytes();
    content.resize(content.len().next_multiple_of(512), b' ');
    let handle = create_filled(connect, &pool, &name, &content)?;
    let path = handle.get_path().doing("read", "disk", &name)?;
    transaction.created(&pool_name, &name, handle);
    Ok(Some(path))
}

/// The volume that the host writes what the serial line prints into.
fn make_console_log(
    connect: &Connect,
    request: &VmRequest,
    transaction: &mut Transaction,
) -> Result<Option<String>, Fault> {
    if !request.hardware.serial.log {
        return Ok(None);
    }
    let name = console_log_name(&request.name);
    let pool = lookup::find_pool(connect, &request.pool)?;
    let pool_name = pool.get_name().doing("read", "pool", &request.pool)?;
    let definition = VolumeDefinition {
        allocation_bytes: 0,
        name: name.clone(),
        capacity_bytes: 0,
        format: "raw".to_owned(),
        backing: None,
    };
    let handle = StorageVol::create_xml(&pool, &definition.to_xml(), 0)
        .map(Owned::new)
        .doing("create", "disk", &name)?;
    let path = handle.get_path().doing("read", "disk", &name)?;
    transaction.created(&pool_name, &name, handle);
    Ok(Some(path))
}

fn define(
    request: &VmRequest,
    ground: Ground,
    uuid: String,
    disks: Vec<DiskDefinition>,
    volumes: Vec<VolumeMetadata>,
) -> DomainDefinition {
    let image = request.disks.first().and_then(|disk| match &disk.source {
        DiskSourceRequest::New { image, .. } => image.clone(),
        DiskSourceRequest::Existing(_) => None,
    });
    let nics = request.nics.iter().map(|nic| NicMetadata {
        mac: Some(nic.mac.clone()),
        address: nic.address.map(|address| address.addr().to_string()),
    });
    let metadata = Metadata {
        ours: true,
        image,
        created_at: metadata::now(),
        description: request.description.clone(),
        idempotency_key: request.idempotency_key.clone(),
        nics: nics.collect(),
        volumes,
        tags: request.metadata.clone(),
    };
    let nics = request.nics.iter().map(|nic| NicDefinition {
        source: nic.source.clone(),
        mac: nic.mac.clone(),
        model: nic.model.clone(),
        tuning: nic.tuning.clone(),
    });
    DomainDefinition {
        uuid,
        name: request.name.clone(),
        description: request.description.clone(),
        metadata,
        platform: ground.platform,
        cpus: request.cpus,
        memory_mib: request.memory_mib,
        disks,
        seed: None,
        media: ground.media,
        nics: nics.collect(),
        hardware: ground.hardware,
        console_log: None,
        ignition: None,
    }
}

/// The definition of a request whose first disks are `/pool/0`, `/pool/1` and so on, without what differs each time.
#[cfg(test)]
pub(super) fn golden_definition(request: &VmRequest, platform: Platform, media: Vec<DiskSource>) -> DomainDefinition {
    let disks = request.disks.iter().enumerate().map(|(index, disk)| DiskDefinition {
        source: DiskSource {
            path: format!("/pool/{index}"),
            is_block_device: false,
            format: "qcow2".to_owned(),
        },
        bus: disk.bus,
        tuning: disk.tuning.clone(),
    });
    let ground = Ground {
        platform,
        hardware: request.hardware.clone(),
        media,
    };
    let uuid = request
        .uuid
        .clone()
        .unwrap_or_else(|| "11111111-2222-4333-8444-555555555555".to_owned());
    let log = request.hardware.serial.log.then(|| "/pool/web.console.log".to_owned());
    DomainDefinition {
        metadata: Metadata::default(),
        console_log: log,
        ignition: request.ignition.as_ref().map(|_| "/pool/web.ign".to_owned()),
        ..define(request, ground, uuid, disks.collect(), Vec::new())
    }
}

/// Called before each step, so that tests can make any of them fail.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "tests make steps fail here")]
pub(super) const fn reached(_step: &str) -> Result<(), Fault> {
    Ok(())
}

#[cfg(test)]
pub(super) use tests::{make_fail, reached};

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
