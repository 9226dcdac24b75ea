//! Snapshots of a connection's VMs.

use stockade_host::contract::{Ability, Snapshot, SnapshotSpec};

use super::Service;
use crate::error::Result;

impl Service {
    /// Every snapshot of a VM, parents before children.
    ///
    /// # Errors
    /// `not-found` when there is no such VM.
    pub async fn list_snapshots(&self, vm: &str) -> Result<Vec<Snapshot>> {
        let activity = self.begin(Ability::Snapshots, format!("list snapshots of vm `{vm}`"))?;
        self.collect(&activity, |page| {
            self.provider().list_snapshots(activity.call(), vm.to_owned(), page)
        })
        .await
    }

    /// Takes a snapshot of a VM; answers its id.
    ///
    /// # Errors
    /// `not-found` when there is no such VM, `already-exists` when it has a snapshot of that name.
    pub async fn create_snapshot(&self, vm: &str, spec: SnapshotSpec) -> Result<String> {
        let activity = self.begin(
            Ability::Snapshots,
            format!("create snapshot `{}` of vm `{vm}`", spec.name),
        )?;
        let answer = self
            .provider()
            .create_snapshot(activity.call(), vm.to_owned(), spec)
            .await;
        self.settle(&activity, answer).await
    }

    /// Puts a VM back into a snapshot's state.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or snapshot.
    pub async fn revert_snapshot(&self, vm: &str, snapshot: &str) -> Result<String> {
        let activity = self.begin(Ability::Snapshots, format!("revert vm `{vm}` to snapshot `{snapshot}`"))?;
        let answer = self
            .provider()
            .revert_snapshot(activity.call(), vm.to_owned(), snapshot.to_owned())
            .await;
        self.settle(&activity, answer).await
    }

    /// Deletes a snapshot; with `children`, those that descend from it too.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or snapshot.
    pub async fn delete_snapshot(&self, vm: &str, snapshot: &str, children: bool) -> Result<String> {
        let activity = self.begin(Ability::Snapshots, format!("delete snapshot `{snapshot}` of vm `{vm}`"))?;
        let answer = self
            .provider()
            .delete_snapshot(activity.call(), vm.to_owned(), snapshot.to_owned(), children)
            .await;
        self.settle(&activity, answer).await
    }
}
