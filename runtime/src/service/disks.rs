//! Disks of a connection.

use std::collections::BTreeMap;

use stockade_host::contract::{Ability, AttachSpec, Disk, DiskSpec};

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
        self.collect(&activity, |page| self.provider().list_disks(activity.call(), page))
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

    /// Grows a disk to this size in GiB.
    ///
    /// # Errors
    /// `not-found` when there is none, `invalid-argument` when it would shrink.
    pub async fn resize_disk(&self, disk: &str, size_gib: u32) -> Result<String> {
        let activity = self.begin(Ability::Disks, format!("resize disk `{disk}`"))?;
        let answer = self
            .provider()
            .resize_disk(activity.call(), disk.to_owned(), size_gib)
            .await;
        self.settle(&activity, answer).await
    }

    /// Attaches a disk to a VM.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or disk, `conflict` when the disk is in use.
    pub async fn attach_disk(&self, vm: &str, spec: AttachSpec) -> Result<String> {
        let activity = self.begin(Ability::Disks, format!("attach disk `{}` to vm `{vm}`", spec.disk))?;
        let answer = self.provider().attach_disk(activity.call(), vm.to_owned(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Detaches a disk from a VM; the disk is kept.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or the VM has no such disk.
    pub async fn detach_disk(&self, vm: &str, disk: &str) -> Result<String> {
        let activity = self.begin(Ability::Disks, format!("detach disk `{disk}` from vm `{vm}`"))?;
        let answer = self
            .provider()
            .detach_disk(activity.call(), vm.to_owned(), disk.to_owned())
            .await;
        self.settle(&activity, answer).await
    }
}
