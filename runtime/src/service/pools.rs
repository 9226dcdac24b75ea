//! Pools of a connection.

use std::collections::BTreeMap;

use stockade_host::contract::{Ability, Pool, PoolSpec};

use super::Service;
use crate::connections::OptionInput;
use crate::error::Result;

impl Service {
    /// Every pool.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_pools(&self) -> Result<Vec<Pool>> {
        let activity = self.begin(Ability::Pools, "list pools")?;
        self.collect(&activity, |page| self.provider().list_pools(activity.call(), page))
            .await
    }

    /// One pool.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn get_pool(&self, pool: &str) -> Result<Pool> {
        let activity = self.begin(Ability::Pools, format!("read pool `{pool}`"))?;
        activity.end(self.provider().get_pool(activity.call(), pool.to_owned()).await)
    }

    /// Creates a pool; answers its id.
    ///
    /// # Errors
    /// When the spec cannot be honoured or the vendor refuses; nothing of it is left.
    pub async fn create_pool(&self, mut spec: PoolSpec, options: &BTreeMap<String, OptionInput>) -> Result<String> {
        let activity = self.begin(Ability::Pools, format!("create pool `{}`", spec.name))?;
        spec.options.extend(
            self.spec_options("pool", options)
                .map_err(|error| activity.explain(error))?,
        );
        let answer = self.provider().create_pool(activity.call(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Deletes a pool. With `contents`, everything in it is lost.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when it is not empty and `contents` is false.
    pub async fn delete_pool(&self, pool: &str, contents: bool) -> Result<String> {
        let activity = self.begin(Ability::Pools, format!("delete pool `{pool}`"))?;
        let answer = self
            .provider()
            .delete_pool(activity.call(), pool.to_owned(), contents)
            .await;
        self.settle(&activity, answer).await
    }
}
