//! Creates a VM as a transaction: after an error at any step nothing of it is left.
//!
//! First everything is read and checked; then volumes are made, the seed is uploaded, the VM is defined and started. Each
//! step that leaves something puts its reversal on a stack. The order matters for a process that is killed in between:
//! the definition, which lists the volumes, comes last, so that a VM never refers to what does not exist.

use std::ops::ControlFlow;

use virt::connect::Connect;
use virt::domain::Domain;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;

use crate::contract::{Change, Error};

use super::capabilities::{Acceleration, Platform, choose_platform};
use super::delete::undefine;
use super::disk_attach::refuse_if_held;
use super::disk_tuning::DiskTuning;
use super::disks::find_volume;
use super::domain_xml::{DiskDefinition, DiskSource, DomainDefinition, NicDefinition};
use super::error::{Doing as _, Fault, conflict};
use super::facts::PoolFacts;
use super::ffi::Owned;
use super::hardware::Hardware;
use super::images::find_image;
use super::list;
use super::lookup;
use super::metadata::{self, Metadata, NicMetadata, VolumeMetadata};
use super::names::{console_log_name, disk_volume_name, ignition_name, random_uuid, seed_volume_name};
use super::networks::start_networks;
use super::request::{DiskRequest, DiskSourceRequest, Secret, VmRequest};
use super::seed::{Seed, SeedNic};
use super::upload::create_filled;
use super::volume_xml::VolumeDefinition;
use super::volumes::Volume;

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

/// A disk of which everything is known and nothing is made.
pub(super) enum DiskPlan {
    Existing(Volume),
    New {
        pool: Owned<StoragePool>,
        pool_name: String,
        bytes: u64,
        format: String,
        backing: Option<(String, String)>,
    },
}

impl DiskPlan {
    /// The format that the disk will have.
    pub(super) fn format(&self) -> Option<&str> {
        match self {
            Self::Existing(volume) => volume.facts.format.as_deref(),
            Self::New { format, .. } => Some(format),
        }
    }
}

fn plan_disk(connect: &Connect, disk: &DiskRequest) -> Result<DiskPlan, Fault> {
    match &disk.source {
        DiskSourceRequest::Existing(name) => plan_existing(connect, name, &disk.tuning),
        DiskSourceRequest::New {
            image,
            bytes,
            pool,
            format,
        } => {
            let image = image.as_ref().map(|image| find_image(connect, image)).transpose()?;
            plan_new(connect, image, *bytes, pool, format.as_deref())
        }
    }
}

fn plan_existing(connect: &Connect, name: &str, tuning: &DiskTuning) -> Result<DiskPlan, Fault> {
    let volume = find_volume(connect, name)?;
    if !matches!(volume.facts.format.as_deref(), None | Some("qcow2" | "raw")) {
        let message = format!("`{}` is not a qcow2 or raw disk", volume.facts.path);
        return Err(Error::invalid_argument("existing", message).into());
    }
    refuse_if_held(connect, None, &volume, tuning)?;
    Ok(DiskPlan::Existing(volume))
}

/// Checks a wish for a new disk.
pub(super) fn plan_new(
    connect: &Connect,
    image: Option<Volume>,
    bytes: Option<u64>,
    pool_name: &str,
    format: Option<&str>,
) -> Result<DiskPlan, Fault> {
    let pool = lookup::find_pool(connect, pool_name)?;
    let pool_name = pool.get_name().doing("read", "pool", pool_name)?;
    if !pool.is_active().doing("read", "pool", &pool_name)? {
        return Err(conflict(format!(
            "pool `{pool_name}` is not active: start it (`virsh pool-start`), or choose another one"
        )));
    }
    let xml = pool.get_xml_desc(0).doing("read", "pool", &pool_name)?;
    let holds_files =
        PoolFacts::from_xml(&xml).is_some_and(|facts| matches!(facts.kind.as_str(), "dir" | "fs" | "netfs"));
    if !holds_files && (image.is_some() || format == Some("qcow2")) {
        let message = format!("pool `{pool_name}` holds block devices, which cannot be based on an image or be qcow2");
        return Err(Error::invalid_argument("pool", message).into());
    }
    let default_format = if holds_files { "qcow2" } else { "raw" };
    let image_bytes = image.as_ref().map(|image| image.facts.capacity_bytes);
    let bytes = match (bytes, image_bytes) {
        (Some(bytes), Some(least)) if bytes < least => {
            let message = format!("the disk would be smaller than its image, which has {least} bytes");
            return Err(Error::invalid_argument("size-gib", message).into());
        }
        (bytes, image_bytes) => bytes.or(image_bytes).unwrap_or_default(),
    };
    let backing = match image.map(|image| image.facts) {
        Some(facts) if facts.format.as_deref() == Some("iso") => {
            let message = format!("`{}` is a CD-ROM image; a disk needs a qcow2 or raw image", facts.name);
            return Err(Error::invalid_argument("image", message).into());
        }
        image => image.map(|facts| (facts.path, facts.format.unwrap_or_else(|| "raw".to_owned()))),
    };
    let format = format.unwrap_or(default_format).to_owned();
    Ok(DiskPlan::New {
        pool,
        pool_name,
        bytes,
        format,
        backing,
    })
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

/// Makes what was planned; a new volume is on the transaction's stack.
pub(super) fn make_disk(plan: &DiskPlan, name: &str, transaction: &mut Transaction) -> Result<DiskSource, Fault> {
    let (pool, pool_name, bytes, format, backing) = match plan {
        DiskPlan::Existing(volume) => return Ok(source_of(volume)),
        DiskPlan::New {
            pool,
            pool_name,
            bytes,
            format,
            backing,
        } => (pool, pool_name, bytes, format, backing),
    };
    reached("disk")?;
    let definition = VolumeDefinition {
        name: name.to_owned(),
        capacity_bytes: *bytes,
        format: format.clone(),
        backing: backing.clone(),
    };
    let handle = StorageVol::create_xml(pool, &definition.to_xml(), 0)
        .map(Owned::new)
        .doing("create", "disk", name)?;
    let path = handle.get_path().doing("read", "disk", name)?;
    let is_block_device = handle
        .get_info()
        .is_ok_and(|info| info.kind == virt::sys::VIR_STORAGE_VOL_BLOCK);
    transaction.created(pool_name, name, handle);
    Ok(DiskSource {
        path,
        is_block_device,
        format: format.clone(),
    })
}

/// Where a volume's bytes are.
pub(super) fn source_of(volume: &Volume) -> DiskSource {
    DiskSource {
        path: volume.facts.path.clone(),
        is_block_device: volume.facts.kind == "block",
        format: match volume.facts.format.as_deref() {
            // QEMU knows no format of CD-ROM images: what they hold is shown as it is.
            None | Some("iso") => "raw".to_owned(),
            Some(format) => format.to_owned(),
        },
    }
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

/// What was made so far, to be unmade in reverse.
#[derive(Default)]
pub(super) struct Transaction {
    volumes: Vec<(VolumeMetadata, Owned<StorageVol>)>,
    domain: Option<Owned<Domain>>,
}

impl Transaction {
    /// A volume was made.
    pub(super) fn created(&mut self, pool: &str, name: &str, handle: Owned<StorageVol>) {
        let metadata = VolumeMetadata {
            pool: pool.to_owned(),
            name: name.to_owned(),
        };
        self.volumes.push((metadata, handle));
    }

    /// The VM was defined.
    pub(super) fn defined(&mut self, domain: Owned<Domain>) -> &Owned<Domain> {
        self.domain.insert(domain)
    }

    /// The volumes that were made.
    pub(super) fn volume_names(&self) -> Vec<VolumeMetadata> {
        self.volumes.iter().map(|(metadata, _)| metadata.clone()).collect()
    }

    /// What was made, when it is to stay.
    pub(super) fn into_volumes(self) -> Vec<(VolumeMetadata, Owned<StorageVol>)> {
        self.volumes
    }

    /// Unmakes everything, the last first; the fault says what could not be unmade.
    pub(super) fn undo(self, mut fault: Fault) -> Fault {
        if let Some(domain) = &self.domain
            && let Err(left) = undefine(domain, "the unfinished vm", true)
        {
            fault = fault.and(&left.error.message);
        }
        for (metadata, volume) in self.volumes.iter().rev() {
            if let Err(error) = volume.delete(0) {
                let VolumeMetadata { pool, name } = metadata;
                fault = fault.and(&format!(
                    "volume `{name}` of pool `{pool}` could not be removed: {}",
                    error.message()
                ));
            }
        }
        fault
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
