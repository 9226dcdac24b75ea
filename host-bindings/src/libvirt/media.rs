//! CD-ROMs: put into a VM's drive, taken out of it.
//!
//! The drive that holds the VM's seed is not touched: its guest may read it again. A guest that has mounted a disc locks
//! the tray; only the connection's option `media_force` opens it against the guest's will, because the guest then loses a
//! file system under its hands.

use virt::connect::Connect;
use virt::sys;

use crate::contract::{Change, Error};

use super::domain_xml::{DiskBus, DiskDefinition, DiskSource, device_name};
use super::edit::{Device, cut_disk};
use super::element::Element;
use super::error::{Fault, conflict};
use super::facts::{DiskFacts, DomainFacts};
use super::handle::VmHandle;
use super::hotplug;
use super::images::find_image;
use super::names::seed_volume_name;
use super::new_disk::source_of;
use super::options::Options;

/// Puts an image into the drive; a stopped VM without one gets one.
pub(super) fn insert(connect: &Connect, vm: &str, image: &str, options: &Options) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    let image = find_image(connect, image)?;
    if image.facts.format.as_deref() != Some("iso") {
        let message = format!("`{}` is no CD-ROM image: an ISO 9660 image is needed", image.facts.path);
        return Err(Error::invalid_argument("image", message).into());
    }
    let source = source_of(&image);
    match find_drive(&vm)? {
        Some(drive) => {
            let content = source.element().to_string();
            change(&vm, &drive.target, &[content], options)?;
        }
        None => add_drive(&vm, source)?,
    }
    Ok(vm.changed())
}

/// Empties the drive.
pub(super) fn eject(connect: &Connect, vm: &str, options: &Options) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    if let Some(drive) = find_drive(&vm)?
        && (drive.path.is_some() || drive.volume.is_some())
    {
        change(&vm, &drive.target, &[], options)?;
    }
    Ok(vm.changed())
}

/// The drive for media: one that holds something before an empty one, never the seed's.
fn find_drive(vm: &VmHandle) -> Result<Option<DiskFacts>, Fault> {
    let facts = DomainFacts::from_xml(&vm.live_xml()?).ok_or_else(|| vm.unreadable())?;
    let mut drives: Vec<DiskFacts> = facts
        .disks
        .into_iter()
        .filter(|disk| disk.device == "cdrom" && !is_seed(disk, &vm.name))
        .collect();
    drives.sort_by_key(|drive| drive.path.is_none() && drive.volume.is_none());
    Ok(drives.into_iter().next())
}

fn is_seed(drive: &DiskFacts, vm: &str) -> bool {
    let name = drive.path.as_deref().and_then(|path| path.rsplit('/').next());
    let volume = drive.volume.as_ref().map(|(_, name)| name.as_str());
    name.or(volume) == Some(seed_volume_name(vm).as_str())
}

fn change(vm: &VmHandle, target: &str, content: &[String], options: &Options) -> Result<(), Fault> {
    let force = if options.media_force {
        sys::VIR_DOMAIN_DEVICE_MODIFY_FORCE
    } else {
        0
    };
    let changed = |device: &Device| device.with_children(&["source", "backingStore"], content);
    hotplug::update(vm, "cdrom", &|xml| cut_disk(xml, target), force, &changed)
        .map(drop)
        .map_err(|fault| explain(vm, fault))
}

/// libvirt's words about a tray (`qemuHotplugWaitForTrayEject`, `qemuDomainChangeEjectableMedia`).
fn explain(vm: &VmHandle, mut fault: Fault) -> Fault {
    let message = &fault.error.message;
    if !["tray", "Tray", "is locked"]
        .iter()
        .any(|words| message.contains(words))
    {
        return fault;
    }
    fault.error.kind = crate::contract::ErrorKind::Conflict;
    fault.and(&format!(
        "the guest of vm `{}` holds the disc: unmount it there and repeat, or set the connection's option `media_force` \
         to take it from the guest",
        vm.name
    ))
}

fn add_drive(vm: &VmHandle, source: DiskSource) -> Result<(), Fault> {
    if vm.is_active() {
        return Err(conflict(format!(
            "vm `{}` has no drive for media, and none can be added while it runs: stop it first",
            vm.name
        )));
    }
    let facts = DomainFacts::from_xml(&vm.next_xml()?).ok_or_else(|| vm.unreadable())?;
    let taken: Vec<String> = facts.disks.into_iter().map(|disk| disk.target).collect();
    let names = (0..=taken.len()).map(|index| device_name(DiskBus::Scsi.prefix(), index));
    let Some(target) = names.into_iter().find(|name| !taken.contains(name)) else {
        return Err(conflict(format!("vm `{}` has no name for another drive", vm.name)));
    };
    let drive = DiskDefinition {
        source,
        bus: DiskBus::Scsi,
        tuning: Default::default(),
    };
    let has_controller = super::edit::cut_devices(&vm.next_xml()?, "controller", |node| {
        node.attribute("type") == Some("scsi")
    })
    .is_some_and(|controllers| !controllers.is_empty());
    if !has_controller {
        let controller = Element::new("controller")
            .attribute("type", "scsi")
            .attribute("model", "virtio-scsi");
        hotplug::attach(vm, "controller", &controller.to_string(), &|_| None)?;
    }
    hotplug::attach(vm, "cdrom", &drive.drive_element(&target).to_string(), &|xml| {
        cut_disk(xml, &target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_drive_is_known_by_its_volume() {
        let drive = |path: Option<&str>| DiskFacts {
            device: "cdrom".into(),
            path: path.map(Into::into),
            ..DiskFacts::default()
        };
        assert!(is_seed(&drive(Some("/pool/web.ISO")), "web"));
        for other in [Some("/pool/other.ISO"), Some("/pool/web.iso"), None] {
            assert!(!is_seed(&drive(other), "web"));
        }
    }
}
