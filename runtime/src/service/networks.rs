//! Networks of a connection.

use std::collections::BTreeMap;

use stockade_host::contract::{Ability, Network, NetworkSpec, NetworkUpdate};

use super::Service;
use crate::connections::OptionInput;
use crate::error::Result;

impl Service {
    /// Every network.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_networks(&self) -> Result<Vec<Network>> {
        let activity = self.begin(Ability::Networks, "list networks")?;
        self.collect(&activity, |page| self.provider().list_networks(activity.call(), page))
            .await
    }

    /// One network.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn get_network(&self, network: &str) -> Result<Network> {
        let activity = self.begin(Ability::Networks, format!("read network `{network}`"))?;
        activity.end(self.provider().get_network(activity.call(), network.to_owned()).await)
    }

    /// Creates a network; answers its id.
    ///
    /// # Errors
    /// When the spec cannot be honoured or the vendor refuses; nothing of it is left.
    pub async fn create_network(
        &self,
        mut spec: NetworkSpec,
        options: &BTreeMap<String, OptionInput>,
    ) -> Result<String> {
        let activity = self.begin(Ability::Networks, format!("create network `{}`", spec.name))?;
        spec.options.extend(
            self.spec_options("network", options)
                .map_err(|error| activity.explain(error))?,
        );
        let answer = self.provider().create_network(activity.call(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Deletes a network.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when it is in use.
    pub async fn delete_network(&self, network: &str) -> Result<String> {
        let activity = self.begin(Ability::Networks, format!("delete network `{network}`"))?;
        let answer = self
            .provider()
            .delete_network(activity.call(), network.to_owned())
            .await;
        self.settle(&activity, answer).await
    }

    /// Changes a network.
    ///
    /// # Errors
    /// `not-found` when there is none; when the change cannot be honoured.
    pub async fn update_network(
        &self,
        network: &str,
        mut update: NetworkUpdate,
        options: &BTreeMap<String, OptionInput>,
    ) -> Result<String> {
        let activity = self.begin(Ability::Networks, format!("update network `{network}`"))?;
        update.options.extend(
            self.spec_options("network", options)
                .map_err(|error| activity.explain(error))?,
        );
        let answer = self
            .provider()
            .update_network(activity.call(), network.to_owned(), update)
            .await;
        self.settle(&activity, answer).await
    }
}
