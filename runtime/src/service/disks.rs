//! Disks of a connection.

use std::collections::BTreeMap;

use stockade_host::contract::{Ability, Disk, DiskSpec};

use super::Service;
use crate::connections::OptionInput;
use crate::error::Result;

impl Service {
    /// Every disk.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_disks(&self) -> Result<Vec<Disk>> {
        let activity = self.begin(Ability::Disks, "list disks")?;
        self.collect(&activity, async |page| {
            self.provider().list_disks(activity.call(), page).await
        })
        .await
    }

    /// One disk.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn get_disk(&self, disk: &str) -> Result<Disk> {
        let activity = self.begin(Ability::Disks, format!("read disk `{disk}`"))?;
        activity.end(self.provider().get_disk(activity.call(), disk.to_owned()).await)
    }

    /// Creates a disk; answers its id.
    ///
    /// # Errors
    /// When the spec cannot be honoured or the vendor refuses; nothing of it is left.
    pub async fn create_disk(&self, mut spec: DiskSpec, options: &BTreeMap<String, OptionInput>) -> Result<String> {
        let activity = self.begin(
            Ability::Disks,
            format!("create disk `{}`", spec.name.as_deref().unwrap_or("(unnamed)")),
        )?;
        spec.options.extend(
            self.spec_options("disk", options)
                .map_err(|error| activity.explain(error))?,
        );
        let answer = self.provider().create_disk(activity.call(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Deletes a disk.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when it is in use.
    pub async fn delete_disk(&self, disk: &str) -> Result<String> {
        let activity = self.begin(Ability::Disks, format!("delete disk `{disk}`"))?;
        let answer = self.provider().delete_disk(activity.call(), disk.to_owned()).await;
        self.settle(&activity, answer).await
    }
}
