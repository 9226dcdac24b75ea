//! Security groups of a connection.

use stockade_host::contract::{Ability, SecurityGroup, SecurityGroupSpec, SecurityRule};

use super::Service;
use crate::error::Result;

impl Service {
    /// Every security group.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_security_groups(&self) -> Result<Vec<SecurityGroup>> {
        let activity = self.begin(Ability::SecurityGroups, "list security groups")?;
        self.collect(&activity, |page| {
            self.provider().list_security_groups(activity.call(), page)
        })
        .await
    }

    /// One security group.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn get_security_group(&self, group: &str) -> Result<SecurityGroup> {
        let activity = self.begin(Ability::SecurityGroups, format!("read security group `{group}`"))?;
        activity.end(
            self.provider()
                .get_security_group(activity.call(), group.to_owned())
                .await,
        )
    }

    /// Creates a security group with exactly these rules; answers its id.
    ///
    /// # Errors
    /// `already-exists` when the name is taken in that network, `invalid-argument` for a rule that the vendor cannot
    /// express.
    pub async fn create_security_group(&self, spec: SecurityGroupSpec) -> Result<String> {
        let activity = self.begin(
            Ability::SecurityGroups,
            format!("create security group `{}`", spec.name),
        )?;
        let answer = self.provider().create_security_group(activity.call(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Makes these a security group's rules.
    ///
    /// # Errors
    /// `not-found` when there is none, `invalid-argument` for a rule that the vendor cannot express.
    pub async fn update_security_group(&self, group: &str, rules: Vec<SecurityRule>) -> Result<String> {
        let activity = self.begin(Ability::SecurityGroups, format!("update security group `{group}`"))?;
        let answer = self
            .provider()
            .update_security_group(activity.call(), group.to_owned(), rules)
            .await;
        self.settle(&activity, answer).await
    }

    /// Deletes a security group.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when interfaces use it.
    pub async fn delete_security_group(&self, group: &str) -> Result<String> {
        let activity = self.begin(Ability::SecurityGroups, format!("delete security group `{group}`"))?;
        let answer = self
            .provider()
            .delete_security_group(activity.call(), group.to_owned())
            .await;
        self.settle(&activity, answer).await
    }
}
