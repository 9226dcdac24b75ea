//! The disks of a new VM, checked.

use crate::contract::{Error, VmDiskSpec, VmSpec};

use super::disk_tuning::DiskTuning;
use super::domain_xml::DiskBus;
use super::keyed::Keyed;
use super::names::printable;
use super::request::DEVICES_MAX;
use super::volumes::GIB;

/// A disk, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DiskRequest {
    pub(super) source: DiskSourceRequest,
    pub(super) bus: DiskBus,
    pub(super) tuning: DiskTuning,
}

/// Where a disk's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DiskSourceRequest {
    /// A volume that exists.
    Existing(String),
    /// A new volume.
    New {
        /// The image under it.
        image: Option<String>,
        /// Its size; none for the image's.
        bytes: Option<u64>,
        /// Its pool.
        pool: String,
        /// Its format; none for the pool's default.
        format: Option<String>,
    },
}

/// Checks the disks of a spec; `pool` is for those that name none.
///
/// # Errors
/// `invalid-argument` with the field's name.
pub(super) fn check_disks(spec: &VmSpec, pool: &str) -> Result<Vec<DiskRequest>, Error> {
    if spec.disks.len() > DEVICES_MAX {
        return Err(Error::invalid_argument(
            "disks",
            format!("a vm can be created with at most {DEVICES_MAX} disks"),
        ));
    }
    let mut disks = Vec::with_capacity(spec.disks.len().max(1));
    for (index, disk) in spec.disks.iter().enumerate() {
        let image = if index == 0 { spec.image.as_ref() } else { None };
        disks.push(check_disk(disk, image, pool)?);
    }
    if let (true, Some(image)) = (spec.disks.is_empty(), &spec.image) {
        let source = DiskSourceRequest::New {
            image: Some(image.clone()),
            bytes: None,
            pool: pool.to_owned(),
            format: None,
        };
        disks.push(DiskRequest {
            source,
            bus: DiskBus::default(),
            tuning: DiskTuning::default(),
        });
    }
    Ok(disks)
}

fn check_disk(disk: &VmDiskSpec, vm_image: Option<&String>, pool: &str) -> Result<DiskRequest, Error> {
    let bus = match disk.bus.as_deref() {
        None => DiskBus::default(),
        Some(name) => DiskBus::parse("bus", name)?,
    };
    if let (Some(own), Some(of_vm)) = (&disk.image, vm_image)
        && own != of_vm
    {
        return Err(Error::invalid_argument(
            "image",
            "the first disk names another image than the vm: give one of them",
        ));
    }
    let image = disk.image.as_ref().or(vm_image).cloned();
    if let Some(existing) = &disk.existing {
        let others = [
            image.is_some(),
            disk.size_gib.is_some(),
            disk.pool.is_some(),
            disk.format.is_some(),
        ];
        if others.contains(&true) {
            let message = "an existing disk keeps its image, size, pool and format: give `existing` alone, and no image for the vm";
            return Err(Error::invalid_argument("existing", message));
        }
        return Ok(DiskRequest {
            source: DiskSourceRequest::Existing(existing.clone()),
            bus,
            tuning: DiskTuning::default(),
        });
    }
    let bytes = match disk.size_gib {
        Some(0) => return Err(Error::invalid_argument("size-gib", "a disk has at least 1 GiB")),
        size => size.map(|size| u64::from(size) * GIB),
    };
    match (disk.format.as_deref(), &image, bytes) {
        (None | Some("qcow2" | "raw"), None, None) => Err(Error::invalid_argument(
            "size-gib",
            "a disk without an image needs a size",
        )),
        (Some("raw"), Some(_), _) => Err(Error::invalid_argument(
            "format",
            "a disk that is based on an image is always qcow2: leave `format` out",
        )),
        (None | Some("qcow2" | "raw"), ..) => {
            let pool = disk.pool.clone().unwrap_or_else(|| pool.to_owned());
            Ok(DiskRequest {
                source: DiskSourceRequest::New {
                    image,
                    bytes,
                    pool,
                    format: disk.format.clone(),
                },
                bus,
                tuning: DiskTuning::default(),
            })
        }
        (Some(other), ..) => {
            let message = format!(
                "`{}` is not a disk format of this provider: use qcow2 or raw",
                printable(other)
            );
            Err(Error::invalid_argument("format", message))
        }
    }
}

/// Adds the settings of the option `disk_options` to the disks.
///
/// # Errors
/// `invalid-argument` with the option's or the setting's name.
pub(super) fn tune_disks(disks: &mut [DiskRequest], texts: &[String]) -> Result<(), Error> {
    const OPTION: &str = "disk_options";
    for text in texts {
        let (index, mut keyed) = Keyed::parse_indexed(OPTION, text)?;
        let count = disks.len();
        let Some(disk) = disks.get_mut(index) else {
            return Err(keyed.refused(&format!("the vm has {count} disks, the first of which is 0")));
        };
        if disk.tuning != DiskTuning::default() {
            return Err(keyed.refused("the disk has settings already: give them in one text"));
        }
        disk.tuning = DiskTuning::from_keyed(&mut keyed)?;
        keyed.finish()?;
        // Whether the format allows it is known once a volume is chosen.
        disk.tuning.check(disk.bus, None)?;
    }
    Ok(())
}
