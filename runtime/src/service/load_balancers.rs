//! Load balancers of a connection.

use std::collections::BTreeMap;

use stockade_host::contract::{Ability, LoadBalancer, LoadBalancerSpec};

use super::Service;
use crate::connections::OptionInput;
use crate::error::Result;

impl Service {
    /// Every load balancer.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_load_balancers(&self) -> Result<Vec<LoadBalancer>> {
        let activity = self.begin(Ability::LoadBalancers, "list load balancers")?;
        self.collect(&activity, |page| {
            self.provider().list_load_balancers(activity.call(), page)
        })
        .await
    }

    /// One load balancer.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn get_load_balancer(&self, balancer: &str) -> Result<LoadBalancer> {
        let activity = self.begin(Ability::LoadBalancers, format!("read load balancer `{balancer}`"))?;
        activity.end(
            self.provider()
                .get_load_balancer(activity.call(), balancer.to_owned())
                .await,
        )
    }

    /// Creates a load balancer with everything that it needs; answers its id.
    ///
    /// # Errors
    /// `already-exists` when the name is taken, `not-found` for a member that is not there; nothing of it is left.
    pub async fn create_load_balancer(
        &self,
        mut spec: LoadBalancerSpec,
        options: &BTreeMap<String, OptionInput>,
    ) -> Result<String> {
        let activity = self.begin(Ability::LoadBalancers, format!("create load balancer `{}`", spec.name))?;
        spec.options.extend(
            self.spec_options("load-balancer", options)
                .map_err(|error| activity.explain(error))?,
        );
        let answer = self.provider().create_load_balancer(activity.call(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Makes these VMs the members of a load balancer.
    ///
    /// # Errors
    /// `not-found` when there is no such load balancer or VM; nothing changes then.
    pub async fn set_load_balancer_members(&self, balancer: &str, members: Vec<String>) -> Result<String> {
        let activity = self.begin(
            Ability::LoadBalancers,
            format!("set the members of load balancer `{balancer}`"),
        )?;
        let answer = self
            .provider()
            .set_load_balancer_members(activity.call(), balancer.to_owned(), members)
            .await;
        self.settle(&activity, answer).await
    }

    /// Deletes a load balancer and everything that was created with it. Its members are kept.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn delete_load_balancer(&self, balancer: &str) -> Result<String> {
        let activity = self.begin(Ability::LoadBalancers, format!("delete load balancer `{balancer}`"))?;
        let answer = self
            .provider()
            .delete_load_balancer(activity.call(), balancer.to_owned())
            .await;
        self.settle(&activity, answer).await
    }
}
