//! Which VMs hold which volumes, and which volumes are disks.
//!
//! libvirt keeps no list of disks: a volume is one when a VM has it attached, when its name is that of a VM's own disk
//! (`VM_0.img`), or when it was created as a free disk, which the ending of its name tells. Every other volume is an image
//! or somebody's file, and is neither listed nor deleted as a disk. It costs one call for each VM's definition.

use std::collections::{HashMap, HashSet};

use virt::connect::Connect;
use virt::storage_vol::StorageVol;

use super::error::{Doing as _, Fault};
use super::facts::{DiskFacts, DomainFacts, VolumeFacts};
use super::ffi::Owned;
use super::handle::VmHandle;
use super::lookup;
use super::names::vm_of_volume_name;

/// The ending of volumes that were created as disks of no VM.
pub(super) const FREE_DISK_ENDING: &str = ".disk";

/// A VM that has a volume attached as a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// The VM's name.
    pub(super) vm: String,
    /// The VM's UUID.
    pub(super) uuid: String,
    /// The disk's name in the guest.
    pub(super) target: String,
    /// Whether other VMs may hold it too.
    pub(super) shareable: bool,
}

/// All holders.
#[derive(Debug, Default)]
pub(super) struct DiskSurvey {
    holders: HashMap<String, Vec<Holder>>,
    vms: HashSet<String>,
}

impl DiskSurvey {
    /// Asks every VM.
    pub(super) fn take(connect: &Connect) -> Result<Self, Fault> {
        let mut survey = Self::default();
        let domains = connect.list_all_domains(0).doing("list", "vms of", "this host")?;
        let domains: Vec<_> = domains.into_iter().map(Owned::new).collect();
        for domain in domains {
            let uuid = domain.get_uuid_string().doing("read", "vm", "")?;
            match survey.add_vm(connect, &uuid) {
                // Deleted meanwhile: it holds nothing any more.
                Err(fault) if fault.is_not_found() => {}
                other => other?,
            }
        }
        Ok(survey)
    }

    fn add_vm(&mut self, connect: &Connect, uuid: &str) -> Result<(), Fault> {
        let vm = VmHandle::find(connect, uuid)?;
        self.vms.insert(vm.name.clone());
        for (_, xml) in vm.definitions()? {
            let facts = DomainFacts::from_xml(&xml).ok_or_else(|| vm.unreadable())?;
            for disk in facts.disks.into_iter().filter(is_hard_disk) {
                let Some(path) = path_of(connect, &disk) else { continue };
                let holders = self.holders.entry(path).or_default();
                if !holders.iter().any(|holder| holder.uuid == vm.uuid) {
                    holders.push(Holder {
                        vm: vm.name.clone(),
                        uuid: vm.uuid.clone(),
                        target: disk.target,
                        shareable: disk.shareable,
                    });
                }
            }
        }
        Ok(())
    }

    /// The VMs that hold the volume of this path.
    pub(super) fn holders(&self, path: &str) -> &[Holder] {
        self.holders.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether the volume is a disk.
    pub(super) fn is_disk(&self, volume: &VolumeFacts) -> bool {
        let is_of_vm =
            || volume.name.ends_with(".img") && vm_of_volume_name(&volume.name).is_some_and(|vm| self.vms.contains(vm));
        matches!(volume.kind.as_str(), "file" | "block")
            && (!self.holders(&volume.path).is_empty() || volume.name.ends_with(FREE_DISK_ENDING) || is_of_vm())
    }
}

/// Whether a disk of a VM is a hard disk, not a drive for media.
pub(super) fn is_hard_disk(disk: &DiskFacts) -> bool {
    matches!(disk.device.as_str(), "disk" | "lun")
}

/// The path of a disk's volume, also when the definition names the volume instead.
pub(super) fn path_of(connect: &Connect, disk: &DiskFacts) -> Option<String> {
    if let Some(path) = &disk.path {
        return Some(path.clone());
    }
    let (pool, name) = disk.volume.as_ref()?;
    let pool = lookup::find_pool(connect, pool).ok()?;
    let volume = StorageVol::lookup_by_name(&pool, name).map(Owned::new).ok()?;
    volume.get_path().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_seeds_are_never_taken_for_disks() {
        let holder = Holder {
            vm: "web".into(),
            uuid: "u".into(),
            target: "vda".into(),
            shareable: false,
        };
        let survey = DiskSurvey {
            holders: HashMap::from([("/p/held".to_owned(), vec![holder])]),
            vms: HashSet::from(["web".to_owned()]),
        };
        for (name, expected) in [
            ("held", true),
            ("free.disk", true),
            ("web_1.img", true),
            ("gone_1.img", false),
            ("web.ISO", false),
            ("debian.qcow2", false),
        ] {
            let volume = VolumeFacts {
                name: name.into(),
                kind: "file".into(),
                path: format!("/p/{name}"),
                ..VolumeFacts::default()
            };
            assert_eq!(survey.is_disk(&volume), expected, "{name}");
        }
    }
}
