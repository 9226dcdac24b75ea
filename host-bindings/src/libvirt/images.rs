//! Images: the volumes of active pools that new disks can be based on, and CD-ROM images.
//!
//! libvirt does not know what an image is. A volume is one when its format is qcow2, raw or iso, nothing is under it, and
//! it is not a VM's own by its name (`VM_0.img`, `VM.ISO` of an existing VM). Raw means only "unknown content", so a
//! raw volume must also be a whole number of sectors and not carry the ending of something else.

use std::collections::HashSet;

use virt::connect::Connect;

use crate::contract::{Change, Error, Image, ImagePage, PageRequest};

use super::disk_survey::FREE_DISK_ENDING;
use super::error::{Doing as _, Fault};
use super::facts::VolumeFacts;
use super::ffi::Owned;
use super::lookup;
use super::names::vm_of_volume_name;
use super::page;
use super::volumes::{MIB, Users, Volume, all_volumes};

/// Bytes in a sector, of which disks have a whole number.
const SECTOR_BYTES: u64 = 512;
/// Endings of files that libvirt and kcli keep beside disks and that are no disks.
const OTHER_ENDINGS: [&str; 8] = [".fd", ".mem", ".ign", ".json", ".xml", ".txt", ".log", ".part"];

/// Lists images by name; equal names in several pools by pool.
pub(super) fn list_images(connect: &Connect, page: &PageRequest) -> Result<ImagePage, Fault> {
    let vms = vm_names(connect)?;
    let volumes = all_volumes(connect)?
        .into_iter()
        .filter(|volume| is_image(&volume.facts, &vms));
    // A path is unique where a name is not, so it is part of the order and of the cursor.
    let keyed: Vec<(String, Volume)> = volumes
        .map(|volume| (format!("{}\u{1f}{}", volume.facts.name, volume.facts.path), volume))
        .collect();
    let (keyed, next) = page::cut(keyed, page, |(key, _)| key)?;
    Ok(ImagePage {
        items: keyed.into_iter().map(|(_, volume)| to_image(volume)).collect(),
        next,
    })
}

/// Reads an image.
pub(super) fn get_image(connect: &Connect, name: &str) -> Result<Image, Fault> {
    Ok(to_image(find_image(connect, name)?))
}

/// The volume of an image; a VM's own disk is not one.
pub(super) fn find_image(connect: &Connect, name: &str) -> Result<Volume, Fault> {
    let volume = Volume::read("image", lookup::find_volume(connect, "image", name)?)?;
    if is_image(&volume.facts, &vm_names(connect)?) {
        return Ok(volume);
    }
    let fault: Fault = Error::not_found("image", name).into();
    Err(fault.and(&format!(
        "`{}` is a volume, but not a qcow2, raw or iso image that stands alone",
        volume.facts.path
    )))
}

/// Deletes an image that nothing uses.
pub(super) fn delete_image(connect: &Connect, name: &str) -> Result<Change, Fault> {
    let image = find_image(connect, name)?;
    Users::survey(connect, None)?.refuse_if_used("image", &image.facts.path, &[])?;
    image.handle.delete(0).doing("delete", "image", name)?;
    Ok(Change {
        id: image.facts.path,
        pending: None,
    })
}

fn vm_names(connect: &Connect) -> Result<HashSet<String>, Fault> {
    let domains = connect.list_all_domains(0).doing("list", "vms of", "this host")?;
    let domains: Vec<_> = domains.into_iter().map(Owned::new).collect();
    Ok(domains.iter().filter_map(|domain| domain.get_name().ok()).collect())
}

fn is_image(volume: &VolumeFacts, vms: &HashSet<String>) -> bool {
    let belongs_to_vm = vm_of_volume_name(&volume.name).is_some_and(|vm| vms.contains(vm));
    let format_fits = match volume.format.as_deref() {
        Some("qcow2" | "iso") => !volume.name.ends_with(FREE_DISK_ENDING),
        Some("raw") | None => {
            volume.capacity_bytes > 0
                && volume.capacity_bytes.is_multiple_of(SECTOR_BYTES)
                && !volume.name.ends_with(FREE_DISK_ENDING)
                && !OTHER_ENDINGS.iter().any(|ending| volume.name.ends_with(ending))
        }
        Some(_) => false,
    };
    matches!(volume.kind.as_str(), "file" | "block") && format_fits && volume.backing_path.is_none() && !belongs_to_vm
}

fn to_image(volume: Volume) -> Image {
    let Volume { pool, facts, .. } = volume;
    Image {
        id: facts.path,
        name: facts.name,
        pool: Some(pool),
        format: Some(facts.format.unwrap_or_else(|| "raw".to_owned())),
        size_mib: u32::try_from(facts.capacity_bytes.div_ceil(MIB)).ok(),
        os_name: None,
        architecture: None,
        created_at: facts.modified_at,
        public: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_volumes_that_a_disk_can_be_based_on_are_images() {
        let vms = HashSet::from(["web".to_owned()]);
        let facts = |name: &str, format: &str| VolumeFacts {
            name: name.into(),
            kind: "file".into(),
            format: Some(format.into()),
            capacity_bytes: 1 << 20,
            ..VolumeFacts::default()
        };
        for (volume, expected) in [
            (facts("debian-12.qcow2", "qcow2"), true),
            (facts("netinst.iso", "iso"), true),
            (facts("disk", "raw"), true),
            (facts("web_0.img", "qcow2"), false),
            (facts("web.ISO", "iso"), false),
            (facts("other_0.img", "qcow2"), true),
            (facts("free.disk", "qcow2"), false),
            (facts("free.disk", "raw"), false),
            (facts("web_VARS.fd", "raw"), false),
            (facts("x.vmdk", "vmdk"), false),
            (
                VolumeFacts {
                    capacity_bytes: 1000,
                    ..facts("notes", "raw")
                },
                false,
            ),
            (
                VolumeFacts {
                    backing_path: Some("/p/base".into()),
                    ..facts("overlay", "qcow2")
                },
                false,
            ),
            (
                VolumeFacts {
                    kind: "dir".into(),
                    ..facts("directory", "raw")
                },
                false,
            ),
        ] {
            assert_eq!(is_image(&volume, &vms), expected, "{volume:?}");
        }
    }
}
