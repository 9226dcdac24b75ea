//! A disk of a new VM, or a new disk for one: planned while nothing is made, then made.

use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;

use crate::contract::Error;

use super::create::reached;
use super::disk_attach::refuse_if_held;
use super::disk_request::{DiskRequest, DiskSourceRequest};
use super::disk_tuning::DiskTuning;
use super::disks::find_volume;
use super::domain_xml::DiskSource;
use super::error::{Doing as _, Fault, conflict};
use super::facts::PoolFacts;
use super::ffi::Owned;
use super::images::find_image;
use super::lookup;
use super::transaction::Transaction;
use super::volume_xml::VolumeDefinition;
use super::volumes::Volume;

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

/// Looks up what a disk is to be made of.
///
/// # Errors
/// `not-found` for what is not there, `conflict` for what cannot be used now, `invalid-argument` for what does not fit.
pub(super) fn plan_disk(connect: &Connect, disk: &DiskRequest) -> Result<DiskPlan, Fault> {
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
        allocation_bytes: 0,
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
