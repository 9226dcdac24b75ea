//! Saved states of VMs. kweb says names only, and which one is current.

use serde_json::json;

use stockade_provider::abilities::Snapshots;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, PageRequest, Snapshot, SnapshotPage, SnapshotSpec, VmStatus};

use crate::Web;
use crate::client::Client;
use crate::vms::{DEFAULT_PAGE, done};

impl<H: Host> Snapshots<H> for Web {
    fn list_snapshots(host: &H, vm: String, page: PageRequest) -> Result<SnapshotPage, Error> {
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        let snapshots = client.snapshots(&found.name)?.into_iter().map(|name| Snapshot {
            id: name.clone(),
            parent: None,
            current: found
                .snapshots
                .iter()
                .any(|known| known.snapshot == name && known.is_current()),
            with_memory: false,
            description: None,
            created_at: None,
            name,
        });
        let (items, next) = page::cut(snapshots.collect(), &page, DEFAULT_PAGE, |snapshot: &Snapshot| {
            snapshot.name.clone()
        })?;
        Ok(SnapshotPage { items, next })
    }

    fn create_snapshot(host: &H, vm: String, spec: SnapshotSpec) -> Result<Change, Error> {
        let SnapshotSpec {
            name,
            description,
            with_memory,
            quiesce,
        } = spec;
        if description.is_some() {
            return Err(Error::cannot_honour("description", "kweb keeps none for a snapshot"));
        }
        if quiesce {
            return Err(Error::cannot_honour("quiesce", "kweb cannot ask the guest's agent"));
        }
        if name.is_empty() {
            return Err(Error::invalid_argument("name", "a snapshot needs a name"));
        }
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        match (found.vm_status() == VmStatus::Stopped, with_memory) {
            (true, true) => {
                return Err(Error::conflict(format!(
                    "vm `{}` is stopped: it has no memory to save",
                    found.name
                )));
            }
            (false, false) => {
                let why = "kweb saves the memory of a running vm too; ask for it, or stop the vm first";
                return Err(Error::cannot_honour("with-memory", why));
            }
            _ => {}
        }
        let doing = format!("taking snapshot `{name}` of vm `{}`", found.name);
        client.change("POST", &["snapshots", &found.name], &json!({"snapshot": name}), &doing)?;
        Ok(done(name))
    }

    fn revert_snapshot(host: &H, vm: String, snapshot: String) -> Result<Change, Error> {
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        let doing = format!("putting vm `{}` back to snapshot `{snapshot}`", found.name);
        client.change(
            "POST",
            &["snapshots", &found.name, "revert"],
            &json!({"snapshot": snapshot}),
            &doing,
        )?;
        Ok(done(found.id()))
    }

    fn delete_snapshot(host: &H, vm: String, snapshot: String, children: bool) -> Result<Change, Error> {
        if children {
            return Err(Error::cannot_honour(
                "children",
                "kweb deletes one snapshot and does not know its descendants",
            ));
        }
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        let doing = format!("deleting snapshot `{snapshot}` of vm `{}`", found.name);
        client.change(
            "DELETE",
            &["snapshots", &found.name],
            &json!({"snapshot": snapshot}),
            &doing,
        )?;
        Ok(done(snapshot))
    }
}
