//! What is stored: one record for each kind of thing, and its conversion into the contract's record.
//!
//! Each fact has one home. Which disks a VM has is written on the disks; its interfaces and snapshots are written on it.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use stockade_provider::types::{
    Disk, DiskDevice, Image, Network, Pool, SecurityGroup, Snapshot, Subnet, Tag, Vm, VmDisk, VmNic, VmStatus,
};

/// The device name of a CD-ROM drive; disks are `vda` and so on.
const DRIVE: &str = "sda";

/// Something that is stored under its name.
pub(crate) trait Thing: Serialize + DeserializeOwned + Clone {
    /// Its noun in the contract, and the first part of its key.
    const NOUN: &'static str;

    /// Whether the journal tells of it: whether it is a thing of the contract's.
    const HAS_EVENTS: bool = true;

    fn id(&self) -> &str;

    fn name(&self) -> &str;
}

/// What the journal does not tell of: its names are not the contract's.
const SILENT: bool = true;

macro_rules! things {
    ($($record:ident is $noun:literal $(, $silent:ident)?;)+) => {$(
        impl Thing for $record {
            const NOUN: &'static str = $noun;
            $(const HAS_EVENTS: bool = !$silent;)?

            fn id(&self) -> &str {
                &self.id
            }

            fn name(&self) -> &str {
                &self.name
            }
        }
    )+};
}
pub(crate) use things;

things! {
    StoredVm is "vm";
    StoredDisk is "disk";
    Network is "network";
    Subnet is "subnet";
    SecurityGroup is "security-group";
    Image is "image";
    Pool is "pool";
    StoredOperation is "operation", SILENT;
}

/// CPUs and memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) cpus: u32,
    pub(crate) memory_mib: u32,
    pub(crate) flavor: Option<String>,
}

/// A VM's state that a snapshot saves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) size: Size,
    pub(crate) nics: Vec<VmNic>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// A snapshot with what it saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredSnapshot {
    pub(crate) snapshot: Snapshot,
    pub(crate) saved: Saved,
}

/// A VM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredVm {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: VmStatus,
    pub(crate) saved: Saved,
    /// The size from the next start on; none when it stays.
    pub(crate) next_size: Option<Size>,
    pub(crate) image: Option<String>,
    pub(crate) location: String,
    pub(crate) autostart: bool,
    pub(crate) created_at: String,
    pub(crate) hostname: String,
    pub(crate) user_data: Option<String>,
    pub(crate) ssh_keys: Vec<String>,
    pub(crate) snapshots: Vec<StoredSnapshot>,
    /// The ids of its security groups.
    #[serde(default)]
    pub(crate) security_groups: Vec<String>,
    /// Its CD-ROM drive; none when it has none.
    #[serde(default)]
    pub(crate) drive: Option<Drive>,
    /// What its guest printed lately.
    #[serde(default)]
    pub(crate) console: Vec<String>,
    /// Whether its guest's writes are held.
    #[serde(default)]
    pub(crate) is_frozen: bool,
}

/// A CD-ROM drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drive {
    /// The id of the image in it; none when it is empty.
    pub(crate) image: Option<String>,
}

/// Where and how a disk is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    /// The VM's id.
    pub(crate) vm: String,
    pub(crate) device: String,
    pub(crate) bus: String,
    pub(crate) read_only: bool,
    pub(crate) shareable: bool,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredDisk {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) size_gib: u32,
    pub(crate) pool: String,
    pub(crate) format: String,
    /// The image or disk under it.
    pub(crate) backing: Option<String>,
    /// The id of the VM that it was created for, and with which it goes.
    pub(crate) created_for: Option<String>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) created_at: String,
    pub(crate) metadata: Vec<Tag>,
}

/// A change of a VM's power that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredOperation {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The VM's id.
    pub(crate) vm: String,
    pub(crate) before: VmStatus,
    pub(crate) after: VmStatus,
    pub(crate) polls: u32,
    pub(crate) polls_done: u32,
}

impl StoredVm {
    /// The contract's record; `disks` are those of all VMs.
    pub(crate) fn to_vm(&self, disks: &[StoredDisk]) -> Vm {
        let is_running = self.status == VmStatus::Running;
        let nics: Vec<VmNic> = self
            .saved
            .nics
            .iter()
            .map(|nic| VmNic {
                ips: if is_running { nic.ips.clone() } else { Vec::new() },
                ..nic.clone()
            })
            .collect();
        Vm {
            id: self.id.clone(),
            name: self.name.clone(),
            status: self.status,
            vendor_status: format!("{:?}", self.status)
                .trim_start_matches("VmStatus::")
                .to_ascii_uppercase(),
            ips: nics.iter().flat_map(|nic| nic.ips.clone()).collect(),
            cpus: Some(self.saved.size.cpus),
            memory_mib: Some(self.saved.size.memory_mib),
            flavor: self.saved.size.flavor.clone(),
            image: self.image.clone(),
            location: Some(self.location.clone()),
            autostart: Some(self.autostart),
            description: self.saved.description.clone(),
            created_at: Some(self.created_at.clone()),
            disks: Some(self.vm_disks(disks)),
            nics: Some(nics),
            metadata: Some(tags(&self.saved.metadata)),
        }
    }

    fn vm_disks(&self, disks: &[StoredDisk]) -> Vec<VmDisk> {
        let mut found: Vec<VmDisk> = disks
            .iter()
            .flat_map(|disk| disk.attachments.iter().map(move |attachment| (disk, attachment)))
            .filter(|(_, attachment)| attachment.vm == self.id)
            .map(|(disk, attachment)| VmDisk {
                name: attachment.device.clone(),
                device: DiskDevice::Disk,
                id: Some(disk.id.clone()),
                pool: Some(disk.pool.clone()),
                size_gib: Some(disk.size_gib),
                format: Some(disk.format.clone()),
                bus: Some(attachment.bus.clone()),
                backing: disk.backing.clone(),
            })
            .collect();
        let drive = self.drive.iter().map(|drive| VmDisk {
            name: DRIVE.to_owned(),
            device: DiskDevice::Cdrom,
            id: drive.image.clone(),
            pool: None,
            size_gib: None,
            format: drive.image.as_ref().map(|_| "iso".to_owned()),
            bus: Some("sata".to_owned()),
            backing: None,
        });
        found.sort_by(|left, right| (left.name.len(), &left.name).cmp(&(right.name.len(), &right.name)));
        found.extend(drive);
        found
    }

    /// The size with which it runs after the next start.
    pub(crate) fn apply_next_size(&mut self) {
        if let Some(size) = self.next_size.take() {
            self.saved.size = size;
        }
    }
}

impl StoredDisk {
    /// The contract's record; `vms` give the names of those that hold it.
    pub(crate) fn to_disk(&self, vms: &[StoredVm]) -> Disk {
        let name_of = |id: &str| {
            vms.iter()
                .find(|vm| vm.id == id)
                .map_or_else(|| id.to_owned(), |vm| vm.name.clone())
        };
        Disk {
            id: self.id.clone(),
            name: self.name.clone(),
            size_gib: self.size_gib,
            pool: Some(self.pool.clone()),
            format: Some(self.format.clone()),
            attached_to: self
                .attachments
                .iter()
                .map(|attachment| name_of(&attachment.vm))
                .collect(),
            created_at: Some(self.created_at.clone()),
            metadata: self.metadata.clone(),
        }
    }
}

/// Metadata as the contract wants it: sorted by key.
pub(crate) fn tags(metadata: &BTreeMap<String, String>) -> Vec<Tag> {
    metadata
        .iter()
        .map(|(key, value)| Tag {
            key: key.clone(),
            value: value.clone(),
        })
        .collect()
}

/// Metadata from a spec; a key that comes twice is refused.
pub(crate) fn metadata(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, stockade_provider::types::Error> {
    let mut metadata = BTreeMap::new();
    for Tag { key, value } in tags {
        if key.is_empty() || metadata.contains_key(&key) {
            let message = format!("metadata keys must be unique and not empty; `{key}` is not");
            return Err(stockade_provider::types::Error::invalid_argument("metadata", message));
        }
        metadata.insert(key, value);
    }
    Ok(metadata)
}
