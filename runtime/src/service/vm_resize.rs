//! The size of a connection's VMs.

use stockade_host::contract::{Ability, VmResizeSpec};

use super::Service;
use crate::error::Result;

impl Service {
    /// Changes CPUs, memory or flavor of a VM.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when it cannot be done now.
    pub async fn resize_vm(&self, vm: &str, spec: VmResizeSpec) -> Result<String> {
        let activity = self.begin(Ability::VmResize, format!("resize vm `{vm}`"))?;
        let answer = self.provider().resize_vm(activity.call(), vm.to_owned(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Raises the version of a VM's virtual hardware at its next start; none means the newest.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn upgrade_vm_hardware(&self, vm: &str, version: Option<&str>) -> Result<String> {
        let activity = self.begin(Ability::VmResize, format!("upgrade the hardware of vm `{vm}`"))?;
        let version = version.map(str::to_owned);
        let answer = self
            .provider()
            .upgrade_vm_hardware(activity.call(), vm.to_owned(), version)
            .await;
        self.settle(&activity, answer).await
    }
}
