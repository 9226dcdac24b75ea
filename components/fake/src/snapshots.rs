//! Saved states of VMs, as a tree.

use stockade_provider::abilities::Snapshots;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, ErrorKind, PageRequest, Snapshot, SnapshotPage, SnapshotSpec, VmStatus};

use crate::Fake;
use crate::client::Client;
use crate::cloud::done;
use crate::records::{StoredSnapshot, StoredVm};
use crate::vms::busy;

impl<H: Host> Snapshots<H> for Fake {
    fn list_snapshots(host: &H, vm: String, page: PageRequest) -> Result<SnapshotPage, Error> {
        let client = Client::open(host, "list-snapshots")?;
        let snapshots = client
            .get::<StoredVm>(&vm)?
            .snapshots
            .into_iter()
            .map(|stored| stored.snapshot)
            .collect();
        // Ids grow, so that their order is that of creation: parents before children.
        let order = |snapshot: &Snapshot| format!("{:0>10}", snapshot.id.trim_start_matches("snapshot-"));
        let (items, next) = page::cut(snapshots, &page, client.config.page_size, order)?;
        Ok(SnapshotPage { items, next })
    }

    fn create_snapshot(host: &H, vm: String, spec: SnapshotSpec) -> Result<Change, Error> {
        let client = Client::open(host, "create-snapshot")?;
        let SnapshotSpec {
            name,
            description,
            with_memory,
            quiesce,
        } = spec;
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(Error::invalid_argument(
                "name",
                "a snapshot needs a name without control characters",
            ));
        }
        let id = format!("snapshot-{}", client.next_number()?);
        let created_at = client.now();
        client.update::<StoredVm>(&vm, |vm| {
            check_can_save(vm, with_memory, quiesce)?;
            if vm.snapshots.iter().any(|have| have.snapshot.name == name) {
                return Err(Error::already_exists("snapshot", &name));
            }
            let parent = vm
                .snapshots
                .iter()
                .find(|have| have.snapshot.current)
                .map(|have| have.snapshot.name.clone());
            let snapshot = Snapshot {
                id: id.clone(),
                name: name.clone(),
                parent,
                current: true,
                with_memory,
                description: description.clone(),
                created_at: Some(created_at.clone()),
            };
            let saved = vm.saved.clone();
            set_current(vm, None);
            vm.snapshots.push(StoredSnapshot { snapshot, saved });
            Ok(())
        })?;
        Ok(done(id))
    }

    fn revert_snapshot(host: &H, vm: String, snapshot: String) -> Result<Change, Error> {
        let client = Client::open(host, "revert-snapshot")?;
        let changed = client.update::<StoredVm>(&vm, |vm| {
            if vm.status == VmStatus::Provisioning {
                return Err(busy(vm));
            }
            let StoredSnapshot { snapshot, saved } = find(vm, &snapshot)?.clone();
            vm.saved = saved;
            vm.next_size = None;
            vm.status = if snapshot.with_memory {
                VmStatus::Running
            } else {
                VmStatus::Stopped
            };
            set_current(vm, Some(&snapshot.name));
            Ok(())
        })?;
        Ok(done(changed.id))
    }

    fn delete_snapshot(host: &H, vm: String, snapshot: String, children: bool) -> Result<Change, Error> {
        let client = Client::open(host, "delete-snapshot")?;
        let found = find(&client.get::<StoredVm>(&vm)?, &snapshot)?.snapshot.clone();
        client.update::<StoredVm>(&vm, |vm| {
            let StoredSnapshot { snapshot, .. } = find(vm, &found.id)?.clone();
            let gone = if children {
                with_descendants(vm, &snapshot.name)
            } else {
                vec![snapshot.name.clone()]
            };
            let current = vm
                .snapshots
                .iter()
                .find(|have| have.snapshot.current)
                .map(|have| have.snapshot.name.clone());
            vm.snapshots.retain(|have| !gone.contains(&have.snapshot.name));
            for have in &mut vm.snapshots {
                if have.snapshot.parent.as_ref() == Some(&snapshot.name) {
                    have.snapshot.parent.clone_from(&snapshot.parent);
                }
            }
            if current.is_some_and(|current| gone.contains(&current)) {
                set_current(vm, snapshot.parent.as_deref());
            }
            Ok(())
        })?;
        Ok(done(found.id))
    }
}

fn check_can_save(vm: &StoredVm, with_memory: bool, quiesce: bool) -> Result<(), Error> {
    let is_running = vm.status == VmStatus::Running;
    match vm.status {
        VmStatus::Provisioning | VmStatus::Starting | VmStatus::Stopping => Err(busy(vm)),
        _ if with_memory && !is_running => Err(Error::conflict(format!(
            "vm `{}` does not run: it has no memory to save",
            vm.name
        ))),
        _ if quiesce && !is_running => {
            let message = format!(
                "the agent in vm `{}` does not answer, because the vm does not run",
                vm.name
            );
            Err(Error::new(ErrorKind::Unavailable, message))
        }
        _ => Ok(()),
    }
}

/// A VM's snapshot by id or name.
pub(crate) fn find<'a>(vm: &'a StoredVm, snapshot: &str) -> Result<&'a StoredSnapshot, Error> {
    let by_id = vm.snapshots.iter().find(|have| have.snapshot.id == snapshot);
    by_id
        .or_else(|| vm.snapshots.iter().find(|have| have.snapshot.name == snapshot))
        .ok_or_else(|| Error::not_found("snapshot", snapshot))
}

fn set_current(vm: &mut StoredVm, name: Option<&str>) {
    for have in &mut vm.snapshots {
        have.snapshot.current = Some(have.snapshot.name.as_str()) == name;
    }
}

fn with_descendants(vm: &StoredVm, name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    // A child is always newer than its parent, so one pass in order of creation finds all.
    for have in &vm.snapshots {
        if have
            .snapshot
            .parent
            .as_ref()
            .is_some_and(|parent| names.contains(parent))
        {
            names.push(have.snapshot.name.clone());
        }
    }
    names
}
