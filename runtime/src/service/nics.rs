//! Network interfaces of a connection's VMs.

use stockade_host::contract::{Ability, VmNicSpec};

use super::Service;
use crate::error::Result;

impl Service {
    /// Adds an interface to a VM; answers its id.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or network.
    pub async fn add_nic(&self, vm: &str, spec: VmNicSpec) -> Result<String> {
        let activity = self.begin(Ability::Nics, format!("add an interface to vm `{vm}`"))?;
        let answer = self.provider().add_nic(activity.call(), vm.to_owned(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Removes an interface of a VM, by its name or MAC address.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or interface.
    pub async fn remove_nic(&self, vm: &str, nic: &str) -> Result<String> {
        let activity = self.begin(Ability::Nics, format!("remove interface `{nic}` of vm `{vm}`"))?;
        let answer = self
            .provider()
            .remove_nic(activity.call(), vm.to_owned(), nic.to_owned())
            .await;
        self.settle(&activity, answer).await
    }

    /// Moves an interface of a VM to another network.
    ///
    /// # Errors
    /// `not-found` when there is no such VM, interface or network.
    pub async fn update_nic(&self, vm: &str, nic: &str, network: &str) -> Result<String> {
        let activity = self.begin(
            Ability::Nics,
            format!("move interface `{nic}` of vm `{vm}` to network `{network}`"),
        )?;
        let (call, vm, nic) = (activity.call(), vm.to_owned(), nic.to_owned());
        let answer = self.provider().update_nic(call, vm, nic, network.to_owned()).await;
        self.settle(&activity, answer).await
    }
}
