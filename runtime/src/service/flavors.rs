//! Flavors of a connection: the sizes that the vendor sells.

use stockade_host::contract::{Ability, Flavor};

use super::Service;
use crate::error::Result;

impl Service {
    /// Every flavor.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_flavors(&self) -> Result<Vec<Flavor>> {
        let activity = self.begin(Ability::Flavors, "list flavors")?;
        self.collect(&activity, |page| self.provider().list_flavors(activity.call(), page))
            .await
    }
}
