//! Copies of a connection's VMs.

use stockade_host::contract::{Ability, VmCloneSpec};

use super::Service;
use crate::error::Result;

impl Service {
    /// Copies a VM; answers the copy's id.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or snapshot, `already-exists` when the copy's name is taken.
    pub async fn clone_vm(&self, vm: &str, spec: VmCloneSpec) -> Result<String> {
        let activity = self.begin(Ability::VmClone, format!("clone vm `{vm}` to `{}`", spec.name))?;
        let answer = self.provider().clone_vm(activity.call(), vm.to_owned(), spec).await;
        self.settle(&activity, answer).await
    }
}
