//! Subnets of a connection.

use std::collections::BTreeMap;

use stockade_host::contract::{Ability, Subnet, SubnetSpec};

use super::Service;
use crate::connections::OptionInput;
use crate::error::Result;

impl Service {
    /// Every subnet of a network; none for those of all networks.
    ///
    /// # Errors
    /// `not-found` when there is no such network.
    pub async fn list_subnets(&self, network: Option<&str>) -> Result<Vec<Subnet>> {
        let doing = match network {
            Some(network) => format!("list subnets of network `{network}`"),
            None => "list subnets".to_owned(),
        };
        let activity = self.begin(Ability::Subnets, doing)?;
        self.collect(&activity, |page| {
            let network = network.map(str::to_owned);
            self.provider().list_subnets(activity.call(), network, page)
        })
        .await
    }

    /// One subnet.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn get_subnet(&self, subnet: &str) -> Result<Subnet> {
        let activity = self.begin(Ability::Subnets, format!("read subnet `{subnet}`"))?;
        activity.end(self.provider().get_subnet(activity.call(), subnet.to_owned()).await)
    }

    /// Creates a subnet; answers its id.
    ///
    /// # Errors
    /// `not-found` when there is no such network, `conflict` when its range overlaps another one's, `invalid-argument` when
    /// it lies outside its network.
    pub async fn create_subnet(&self, mut spec: SubnetSpec, options: &BTreeMap<String, OptionInput>) -> Result<String> {
        let activity = self.begin(Ability::Subnets, format!("create subnet `{}`", spec.name))?;
        spec.options.extend(
            self.spec_options("subnet", options)
                .map_err(|error| activity.explain(error))?,
        );
        let answer = self.provider().create_subnet(activity.call(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Sets whether a subnet hands out addresses, and its gateway; none leaves either.
    ///
    /// # Errors
    /// `not-found` when there is none; when the change cannot be honoured.
    pub async fn update_subnet(&self, subnet: &str, dhcp: Option<bool>, gateway: Option<&str>) -> Result<String> {
        let activity = self.begin(Ability::Subnets, format!("update subnet `{subnet}`"))?;
        let gateway = gateway.map(str::to_owned);
        let answer = self
            .provider()
            .update_subnet(activity.call(), subnet.to_owned(), dhcp, gateway)
            .await;
        self.settle(&activity, answer).await
    }

    /// Deletes a subnet.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when interfaces use it.
    pub async fn delete_subnet(&self, subnet: &str) -> Result<String> {
        let activity = self.begin(Ability::Subnets, format!("delete subnet `{subnet}`"))?;
        let answer = self.provider().delete_subnet(activity.call(), subnet.to_owned()).await;
        self.settle(&activity, answer).await
    }
}
