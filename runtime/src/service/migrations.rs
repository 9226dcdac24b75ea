//! A connection's VMs that move between hosts.

use stockade_host::contract::{Ability, MigrationSpec};

use super::Service;
use crate::error::Result;

impl Service {
    /// Moves a VM. After a failure it is where it was.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or target, `conflict` when its devices or its state do not allow a move.
    pub async fn migrate_vm(&self, vm: &str, spec: MigrationSpec) -> Result<String> {
        let mut activity = self.begin(Ability::Migrations, format!("migrate vm `{vm}`"))?;
        activity.allow_transfer();
        let answer = self.provider().migrate_vm(activity.call(), vm.to_owned(), spec).await;
        self.settle(&activity, answer).await
    }
}
