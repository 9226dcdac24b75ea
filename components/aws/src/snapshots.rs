//! Saved states of VMs: snapshots of all their volumes, taken at one moment.
//!
//! EC2 has snapshots of volumes only. `CreateSnapshots` takes those of an instance together, crash-consistent
//! (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshots.html>); tags keep them together and name the
//! VM. Going back replaces each volume by one that is made from its snapshot.

use std::collections::BTreeMap;

use stockade_provider::abilities::Snapshots;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, PageRequest, Snapshot, SnapshotPage, SnapshotSpec, Subject, Tag};

use crate::Aws;
use crate::client::Client;
use crate::instance::{Instance, NAME_TAG};
use crate::instances;
use crate::listed;
use crate::metadata;
use crate::operations::{self, Kind, done};
use crate::query::Query;
use crate::replace;
use crate::snapshot::{DiskSnapshot, VM_TAG};
use crate::vm_spec::{check_name, refuse};

/// The page size when the caller names none.
const DEFAULT_PAGE: u32 = 200;

/// The snapshots of one moment, the root disk's first.
#[derive(Debug)]
pub(crate) struct SavedState {
    pub(crate) name: String,
    pub(crate) parts: Vec<DiskSnapshot>,
}

/// All saved states of a VM, the oldest first.
pub(crate) fn of_vm<H: Host>(client: &Client<'_, H>, vm: &Instance) -> Result<Vec<SavedState>, Error> {
    let query = listed::query::<DiskSnapshot>()
        .with_list("Owner", ["self"])
        .with_filter(&format!("tag:{VM_TAG}"), [&vm.id]);
    let doing = format!("listing snapshots of vm `{}`", vm.name());
    let mut states: BTreeMap<String, Vec<DiskSnapshot>> = BTreeMap::new();
    for snapshot in listed::all::<DiskSnapshot, H>(client, &query, &doing)? {
        let name = listed::Listed::name(&snapshot).unwrap_or(&snapshot.id).to_owned();
        states.entry(name).or_default().push(snapshot);
    }
    let root = vm.disks.first().map(|disk| disk.volume.clone());
    let mut states: Vec<SavedState> = states
        .into_iter()
        .map(|(name, mut parts)| {
            parts.sort_by_key(|part| (Some(&part.volume) != root.as_ref(), part.volume.clone()));
            SavedState { name, parts }
        })
        .collect();
    states.sort_by(|one, other| {
        one.created_at()
            .cmp(&other.created_at())
            .then(one.name.cmp(&other.name))
    });
    Ok(states)
}

impl SavedState {
    fn created_at(&self) -> Option<&String> {
        self.parts.iter().filter_map(|part| part.created_at.as_ref()).min()
    }

    fn id(&self) -> String {
        self.parts.first().map(|part| part.id.clone()).unwrap_or_default()
    }

    fn to_snapshot(&self) -> Snapshot {
        Snapshot {
            id: self.id(),
            name: self.name.clone(),
            // EBS snapshots do not descend from each other for whoever uses them.
            parent: None,
            current: false,
            with_memory: false,
            description: self.parts.first().and_then(|part| part.description.clone()),
            created_at: self.created_at().cloned(),
        }
    }
}

/// Deletes the EBS snapshots of a state.
pub(crate) fn delete<H: Host>(client: &Client<'_, H>, state: &SavedState) -> Result<(), Error> {
    for part in &state.parts {
        let query = Query::ec2("DeleteSnapshot").with("SnapshotId", &part.id);
        let doing = format!("deleting snapshot `{}`", state.name);
        client.change(&query, &doing, Some(Subject::new("snapshot", &state.name)))?;
    }
    Ok(())
}

fn one<'s>(states: &'s [SavedState], snapshot: &str) -> Result<&'s SavedState, Error> {
    let is_it = |state: &&SavedState| state.parts.iter().any(|part| part.id == snapshot) || state.name == snapshot;
    states
        .iter()
        .find(is_it)
        .ok_or_else(|| Error::not_found("snapshot", snapshot))
}

impl<H: Host> Snapshots<H> for Aws {
    fn list_snapshots(host: &H, vm: String, page: PageRequest) -> Result<SnapshotPage, Error> {
        let client = Client::new(host, "list-snapshots");
        let found = instances::get(&client, &vm)?;
        let states = of_vm(&client, &found)?;
        let snapshots = states.iter().map(SavedState::to_snapshot).collect();
        let key = |snapshot: &Snapshot| format!("{} {}", snapshot.created_at.as_deref().unwrap_or(""), snapshot.name);
        let (items, next) = page::cut(snapshots, &page, DEFAULT_PAGE, key)?;
        Ok(SnapshotPage { items, next })
    }

    fn create_snapshot(host: &H, vm: String, spec: SnapshotSpec) -> Result<Change, Error> {
        let SnapshotSpec {
            name,
            description,
            with_memory,
            quiesce,
        } = spec;
        refuse("with-memory", with_memory, "EBS snapshots hold disks only")?;
        refuse("quiesce", quiesce, "EC2 cannot ask the guest to hold its writes")?;
        check_name("name", &name)?;
        if description.as_ref().is_some_and(|text| text.chars().count() > 255) {
            return Err(Error::invalid_argument(
                "description",
                "EC2 keeps at most 255 characters",
            ));
        }
        let client = Client::new(host, "create-snapshot");
        let found = instances::get(&client, &vm)?;
        if of_vm(&client, &found)?.iter().any(|state| state.name == name) {
            return Err(Error::already_exists("snapshot", &name));
        }
        let tags = [(NAME_TAG, &name), (VM_TAG, &found.id)].map(|(key, value)| Tag {
            key: key.to_owned(),
            value: value.clone(),
        });
        let query = Query::ec2("CreateSnapshots")
            .with("InstanceSpecification.InstanceId", &found.id)
            .with_some("Description", description);
        let query = metadata::with_tag_specification(query, 1, "snapshot", &tags);
        let doing = format!("taking snapshot `{name}` of vm `{}`", found.name());
        let root = found.disks.first().map(|disk| disk.volume.clone());
        let mut made: Vec<(String, String)> = client.read(&query, &doing, |answer| {
            let parts = answer.set("snapshotSet");
            Ok(parts
                .filter_map(|part| Some((part.string("volumeId")?, part.string("snapshotId")?)))
                .collect())
        })?;
        made.sort_by_key(|(volume, _)| (Some(volume) != root.as_ref(), volume.clone()));
        let ids: Vec<String> = made.into_iter().map(|(_, id)| id).collect();
        let Some(first) = ids.first().cloned() else {
            return Err(Error::conflict(format!(
                "vm `{}` has no EBS volumes to save",
                found.name()
            )));
        };
        let mut change = operations::pending(host, Kind::Snapshots, &ids.join("+"), "completed");
        change.id = first;
        Ok(change)
    }

    fn revert_snapshot(host: &H, vm: String, snapshot: String) -> Result<Change, Error> {
        let client = Client::new(host, "revert-snapshot");
        let found = instances::get(&client, &vm)?;
        let states = of_vm(&client, &found)?;
        let state = one(&states, &snapshot)?;
        if found.state != "stopped" {
            let message = format!(
                "vm `{}` is `{}`: its disks can be replaced while it is stopped",
                found.name(),
                found.state
            );
            return Err(Error::conflict(message));
        }
        for part in &state.parts {
            let all = states.iter().flat_map(|state| &state.parts);
            let of_same: Vec<&str> = all
                .filter(|other| other.volume == part.volume)
                .map(|other| other.id.as_str())
                .collect();
            replace::volume(&client, &found, part, &of_same)?;
        }
        Ok(done(found.id))
    }

    fn delete_snapshot(host: &H, vm: String, snapshot: String, children: bool) -> Result<Change, Error> {
        refuse("children", children, "EBS snapshots have no descendants")?;
        let client = Client::new(host, "delete-snapshot");
        let found = instances::get(&client, &vm)?;
        let states = of_vm(&client, &found)?;
        let state = one(&states, &snapshot)?;
        delete(&client, state)?;
        Ok(done(state.id()))
    }
}
