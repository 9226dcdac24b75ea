//! A volume as Cinder shows it (<https://docs.openstack.org/api-ref/block-storage/v3/#volumes-volumes>).

use std::collections::BTreeMap;

use serde::Deserialize;

use stockade_provider::host::Host;
use stockade_provider::types::{Disk, Error, Tag};

use crate::cloud::{Cloud, is_id};
use crate::find;
use crate::service::Service;

/// A volume.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Volume {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(super) status: String,
    /// In GiB.
    pub(crate) size: u32,
    #[serde(default)]
    pub(crate) volume_type: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    pub(super) attachments: Vec<VolumeAttachment>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    volume_image_metadata: BTreeMap<String, String>,
}

/// Where a volume is attached.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct VolumeAttachment {
    pub(super) server_id: String,
}

/// A type of volumes.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VolumeType {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A snapshot of a volume.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VolumeSnapshot {
    pub(crate) id: String,
    #[serde(default)]
    name: Option<String>,
}

impl Volume {
    /// Its name; its id where it has none, as volumes that Nova makes.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.id)
    }

    /// The image that its content came from.
    pub(crate) fn image(&self) -> Option<String> {
        let of = |key: &str| self.volume_image_metadata.get(key).cloned();
        of("image_name").or_else(|| of("image_id"))
    }

    /// Whether Cinder has finished with it; an error when it failed.
    pub(super) fn is_settled(&self, doing: &str) -> Result<bool, Error> {
        match self.status.as_str() {
            "available" | "in-use" => Ok(true),
            status if status.starts_with("error") => {
                let message = format!("while {doing}: the volume is `{status}`; the cloud's operator can tell why");
                Err(Error::upstream(None, Some(status.to_owned()), message))
            }
            _ => Ok(false),
        }
    }

    /// The volume as the contract shows it; `vms` are names by ids.
    pub(super) fn to_disk(&self, vms: &BTreeMap<String, String>) -> Disk {
        let vm = |attachment: &VolumeAttachment| {
            let id = &attachment.server_id;
            vms.get(id).unwrap_or(id).clone()
        };
        Disk {
            id: self.id.clone(),
            name: self.name().to_owned(),
            size_gib: self.size,
            pool: self.volume_type.clone(),
            format: None,
            attached_to: self.attachments.iter().map(vm).collect(),
            created_at: self.created_at.clone(),
            metadata: self
                .metadata
                .iter()
                .map(|(key, value)| Tag {
                    key: key.clone(),
                    value: value.clone(),
                })
                .collect(),
        }
    }
}

impl<H: Host> Cloud<'_, H> {
    /// One volume by its id or name.
    ///
    /// # Errors
    /// `not-found` or `ambiguous`, and what reading failed with.
    pub(crate) fn volume(&self, disk: &str) -> Result<Volume, Error> {
        if is_id(disk)
            && let Some(volume) = self.volume_by_id(disk)?
        {
            return Ok(volume);
        }
        self.need(Service::Volume)?;
        if disk.is_empty() {
            return Err(Error::not_found("disk", disk));
        }
        let doing = format!("looking for disk `{disk}`");
        let query = [("name", disk)];
        let all: Vec<Volume> = self.list(Service::Volume, &["volumes", "detail"], "volumes", &query, &doing)?;
        find::one("disk", disk, all, |volume| &volume.id, |volume| volume.name())
    }

    /// One volume by its id; none when there is none.
    pub(crate) fn volume_by_id(&self, id: &str) -> Result<Option<Volume>, Error> {
        let call = self.get(Service::Volume, ["volumes", id]);
        call.find_part("/volume", &format!("reading disk `{id}`"))
    }

    /// Volumes by their ids, without those that are gone.
    pub(crate) fn volumes_by_id<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Result<Vec<Volume>, Error> {
        let calls = ids.map(|id| self.get(Service::Volume, ["volumes", id]).about("disk", id));
        let answers = self.read_all::<Volume>(calls.collect(), "/volume", "reading disks")?;
        answers
            .into_iter()
            .filter_map(|answer| match answer {
                Err(error) if crate::cloud::is_not_found(&error) => None,
                answer => Some(answer),
            })
            .collect()
    }

    /// The types of volumes.
    pub(super) fn volume_types(&self) -> Result<Vec<VolumeType>, Error> {
        self.list(Service::Volume, &["types"], "volume_types", &[], "listing pools")
    }

    /// One type of volumes by its id or name.
    pub(crate) fn volume_type(&self, pool: &str) -> Result<VolumeType, Error> {
        let all = self.volume_types()?;
        find::one("pool", pool, all, |found| &found.id, |found| &found.name)
    }

    /// One snapshot of a volume by its id or name.
    pub(crate) fn volume_snapshot(&self, snapshot: &str) -> Result<VolumeSnapshot, Error> {
        let doing = format!("looking for volume snapshot `{snapshot}`");
        let all: Vec<VolumeSnapshot> =
            self.list(Service::Volume, &["snapshots", "detail"], "snapshots", &[], &doing)?;
        find::one(
            "snapshot",
            snapshot,
            all,
            |found| &found.id,
            |found| found.name.as_deref().unwrap_or_default(),
        )
    }
}
