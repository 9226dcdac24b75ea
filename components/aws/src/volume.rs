//! One EBS volume as EC2 writes it, and the disk that it is.
//!
//! Source: the data type `Volume`, <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Volume.html>.

use stockade_provider::types::{Disk, DiskDevice, Error, Tag, VmDisk};

use crate::instance::{NAME_TAG, tag, tags};
use crate::listed::{Catalogue, Listed};
use crate::paging;
use crate::xml::Element;

/// The volume types that there are, which are the pools of the contract
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html>, `VolumeType`).
pub(crate) const TYPES: [&str; 7] = ["gp3", "gp2", "io2", "io1", "st1", "sc1", "standard"];

/// Refuses a pool that is no volume type.
///
/// # Errors
/// `not-found`.
pub(crate) fn check_type(pool: &str) -> Result<(), Error> {
    if TYPES.contains(&pool) {
        return Ok(());
    }
    let mut error = Error::not_found("pool", pool);
    error
        .message
        .push_str(&format!("; EBS has the volume types {}", TYPES.join(", ")));
    Err(error)
}

/// A volume.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) size_gib: u32,
    pub(crate) kind: Option<String>,
    /// `creating`, `available`, `in-use`, `deleting` and so on.
    pub(crate) state: String,
    pub(crate) zone: Option<String>,
    pub(crate) attachments: Vec<Attachment>,
    created_at: Option<String>,
    tags: Vec<Tag>,
    name: Option<String>,
}

/// A volume's place on an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub(crate) instance: String,
    pub(crate) device: String,
    pub(crate) state: String,
}

impl Listed for Volume {
    const CATALOGUE: Catalogue = Catalogue {
        noun: "disk",
        action: "DescribeVolumes",
        set: "volumeSet",
        id_filter: "volume-id",
        id_prefix: "vol",
        name_filter: "tag:Name",
        sizes: Some(paging::USUAL),
    };

    fn read(volume: Element<'_>) -> Option<Self> {
        let tags = tags(volume);
        Some(Self {
            id: volume.string("volumeId")?,
            size_gib: volume.number("size").unwrap_or(0),
            kind: volume.string("volumeType"),
            state: volume.string("status").unwrap_or_default(),
            zone: volume.string("availabilityZone"),
            attachments: volume
                .set("attachmentSet")
                .filter_map(|attachment| {
                    Some(Attachment {
                        instance: attachment.string("instanceId")?,
                        device: attachment.string("device").unwrap_or_default(),
                        state: attachment.string("status").unwrap_or_default(),
                    })
                })
                .collect(),
            created_at: volume.string("createTime"),
            name: tag(&tags, NAME_TAG),
            tags,
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl Attachment {
    /// Whether it holds the volume; one that is on its way out does too.
    pub(crate) fn is_held(&self) -> bool {
        self.state != "detached"
    }
}

impl Volume {
    /// What a VM that holds it under this device name shows of it.
    pub(crate) fn to_vm_disk(&self, device: &str) -> VmDisk {
        VmDisk {
            name: device.to_owned(),
            device: DiskDevice::Disk,
            id: Some(self.id.clone()),
            pool: self.kind.clone(),
            size_gib: Some(self.size_gib),
            format: None,
            bus: None,
            backing: None,
        }
    }

    /// Whether an instance holds it.
    pub(crate) fn is_held_by(&self, instance: &str) -> bool {
        let mut attachments = self.attachments.iter();
        attachments.any(|attachment| attachment.instance == instance && attachment.is_held())
    }

    /// The contract's record; `vm_name` answers the name of an instance.
    pub(crate) fn to_disk(&self, vm_name: impl Fn(&str) -> String) -> Disk {
        Disk {
            id: self.id.clone(),
            name: self.name.clone().unwrap_or_else(|| self.id.clone()),
            size_gib: self.size_gib,
            pool: self.kind.clone(),
            format: None,
            attached_to: self
                .attachments
                .iter()
                .filter(|attachment| attachment.is_held())
                .map(|attachment| vm_name(&attachment.instance))
                .collect(),
            created_at: self.created_at.clone(),
            metadata: self.tags.iter().filter(|tag| tag.key != NAME_TAG).cloned().collect(),
        }
    }
}
