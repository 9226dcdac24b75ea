//! Pausing, resuming, resetting and suspending a connection's VMs.

use stockade_host::contract::Ability;

use super::Service;
use crate::error::Result;

impl Service {
    /// Stops a VM's execution and keeps its memory.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when it is stopped.
    pub async fn pause_vm(&self, vm: &str) -> Result<String> {
        let activity = self.begin(Ability::VmPause, format!("pause vm `{vm}`"))?;
        let answer = self.provider().pause_vm(activity.call(), vm.to_owned()).await;
        self.settle(&activity, answer).await
    }

    /// Lets a paused or suspended VM continue.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when it is stopped.
    pub async fn resume_vm(&self, vm: &str) -> Result<String> {
        let activity = self.begin(Ability::VmPause, format!("resume vm `{vm}`"))?;
        let answer = self.provider().resume_vm(activity.call(), vm.to_owned()).await;
        self.settle(&activity, answer).await
    }

    /// Presses a VM's reset button; its guest is not asked.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when it is stopped.
    pub async fn reset_vm(&self, vm: &str) -> Result<String> {
        let activity = self.begin(Ability::VmPause, format!("reset vm `{vm}`"))?;
        let answer = self.provider().reset_vm(activity.call(), vm.to_owned()).await;
        self.settle(&activity, answer).await
    }

    /// Saves a VM's memory to disk and stops it.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when it is stopped.
    pub async fn suspend_vm(&self, vm: &str) -> Result<String> {
        let activity = self.begin(Ability::VmPause, format!("suspend vm `{vm}`"))?;
        let answer = self.provider().suspend_vm(activity.call(), vm.to_owned()).await;
        self.settle(&activity, answer).await
    }
}
