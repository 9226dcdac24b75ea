//! What a connection's VMs run on.

use stockade_host::contract::{Ability, HostInfo};

use super::Service;
use crate::error::Result;

impl Service {
    /// Every host.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_hosts(&self) -> Result<Vec<HostInfo>> {
        let activity = self.begin(Ability::Hosts, "list hosts")?;
        self.collect(&activity, |page| self.provider().list_hosts(activity.call(), page))
            .await
    }
}
