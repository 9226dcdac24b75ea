//! What is noted on a connection's VMs.

use stockade_host::contract::{Ability, MetadataChange};

use super::Service;
use crate::error::Result;

impl Service {
    /// Sets and removes metadata keys of a VM; keys that are not named stay.
    ///
    /// # Errors
    /// `not-found` when there is no such VM, `invalid-argument` for a key that cannot be kept.
    pub async fn update_vm_metadata(&self, vm: &str, changes: Vec<MetadataChange>) -> Result<String> {
        let activity = self.begin(Ability::VmMetadata, format!("update the metadata of vm `{vm}`"))?;
        let answer = self
            .provider()
            .update_vm_metadata(activity.call(), vm.to_owned(), changes)
            .await;
        self.settle(&activity, answer).await
    }

    /// Replaces a VM's description; none removes it.
    ///
    /// # Errors
    /// `not-found` when there is no such VM.
    pub async fn set_vm_description(&self, vm: &str, description: Option<&str>) -> Result<String> {
        let activity = self.begin(Ability::VmMetadata, format!("set the description of vm `{vm}`"))?;
        let description = description.map(str::to_owned);
        let answer = self
            .provider()
            .set_vm_description(activity.call(), vm.to_owned(), description)
            .await;
        self.settle(&activity, answer).await
    }

    /// Sets whether a VM starts with its host.
    ///
    /// # Errors
    /// `not-found` when there is no such VM.
    pub async fn set_vm_autostart(&self, vm: &str, autostart: bool) -> Result<String> {
        let activity = self.begin(Ability::VmMetadata, format!("set the autostart of vm `{vm}`"))?;
        let answer = self
            .provider()
            .set_vm_autostart(activity.call(), vm.to_owned(), autostart)
            .await;
        self.settle(&activity, answer).await
    }
}
