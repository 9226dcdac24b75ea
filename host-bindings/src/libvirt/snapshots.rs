//! Lists, takes, reverts to and deletes snapshots.

use std::collections::{HashMap, HashSet};

use virt::connect::Connect;
use virt::domain::Domain;
use virt::domain_snapshot::DomainSnapshot;
use virt::error::ErrorNumber;
use virt::sys;

use crate::contract::{Change, Error, ErrorKind, PageRequest, Snapshot, SnapshotPage, SnapshotSpec};

use super::error::{Doing as _, Fault, unreadable};
use super::ffi::Owned;
use super::leftovers;
use super::lookup;
use super::names::{check_name, check_text};
use super::page;
use super::snapshot_facts::SnapshotFacts;
use super::snapshot_plan::{Plan, VmState, plan};
use super::tree::Tree;

/// A snapshot as libvirt has it.
pub(super) struct Found {
    /// The handle.
    pub(super) handle: Owned<DomainSnapshot>,
    /// What its document tells.
    pub(super) facts: SnapshotFacts,
}

/// All snapshots of a VM. A driver without snapshots has none.
pub(super) fn all_snapshots(domain: &Domain, vm: &str) -> Result<Vec<Found>, Fault> {
    let handles = match domain.list_all_snapshots(0) {
        Err(error) if error.code() == ErrorNumber::NoSupport => return Ok(Vec::new()),
        handles => handles.doing("list the snapshots of", "vm", vm)?,
    };
    let handles: Vec<Owned<DomainSnapshot>> = handles.into_iter().map(Owned::new).collect();
    let mut found = Vec::with_capacity(handles.len());
    for handle in handles {
        match read(handle, vm) {
            Ok(snapshot) => found.push(snapshot),
            // Deleted meanwhile.
            Err(fault) if fault.is_not_found() => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(found)
}

fn read(handle: Owned<DomainSnapshot>, vm: &str) -> Result<Found, Fault> {
    let xml = handle.get_xml_desc(0).doing("read a snapshot of", "vm", vm)?;
    let facts = SnapshotFacts::from_xml(&xml).ok_or_else(|| unreadable("snapshot of vm", vm))?;
    Ok(Found { handle, facts })
}

/// A VM's snapshot of this name.
pub(super) fn find_snapshot(domain: &Domain, vm: &str, name: &str) -> Result<Found, Fault> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::not_found("snapshot", name).into());
    }
    match DomainSnapshot::lookup_by_name(domain, name, 0) {
        Err(error) if error.code() == ErrorNumber::NoSupport => Err(Error::not_found("snapshot", name).into()),
        handle => read(handle.map(Owned::new).doing("find", "snapshot", name)?, vm),
    }
}

/// Lists a VM's snapshots, parents before children.
pub(super) fn list_snapshots(connect: &Connect, vm: &str, page: &PageRequest) -> Result<SnapshotPage, Fault> {
    let domain = lookup::find_domain(connect, vm)?;
    let found = all_snapshots(&domain, vm)?;
    let parents: HashMap<&str, &str> = found
        .iter()
        .filter_map(|snapshot| Some((snapshot.facts.name.as_str(), snapshot.facts.parent.as_deref()?)))
        .collect();
    let keys: Vec<String> = found
        .iter()
        .map(|snapshot| place(&snapshot.facts.name, &parents))
        .collect();
    let mut items = Vec::with_capacity(found.len());
    for (snapshot, key) in found.iter().zip(keys) {
        items.push((key, to_snapshot(snapshot)));
    }
    let (items, next) = page::cut(items, page, |(key, _)| key)?;
    Ok(SnapshotPage {
        items: items.into_iter().map(|(_, snapshot)| snapshot).collect(),
        next,
    })
}

/// The names from the root to a snapshot: in their order parents come before children, and it stays when others go.
fn place(name: &str, parents: &HashMap<&str, &str>) -> String {
    let mut names = vec![name];
    let mut last = name;
    while let Some(parent) = parents.get(last)
        // A circle cannot be, but would never end.
        && names.len() <= parents.len()
    {
        names.push(parent);
        last = parent;
    }
    names.reverse();
    names.join("\u{1f}")
}

fn to_snapshot(found: &Found) -> Snapshot {
    let facts = &found.facts;
    Snapshot {
        id: facts.name.clone(),
        name: facts.name.clone(),
        parent: facts.parent.clone(),
        current: found.handle.is_current(0).unwrap_or(false),
        with_memory: facts.with_memory,
        description: facts.description.clone(),
        created_at: facts.created_at.clone(),
    }
}

/// Takes a snapshot.
pub(super) fn create_snapshot(connect: &Connect, vm: &str, spec: &SnapshotSpec) -> Result<Change, Fault> {
    let domain = lookup::find_domain(connect, vm)?;
    let vm = domain.get_name().doing("read", "vm", vm)?;
    check_name("name", &spec.name)?;
    check_text("description", spec.description.as_deref().unwrap_or_default())?;
    let existing = all_snapshots(&domain, &vm)?;
    if existing.iter().any(|snapshot| snapshot.facts.name == spec.name) {
        return Err(Error::already_exists("snapshot", &spec.name).into());
    }
    let active = domain.is_active().doing("read", "vm", &vm)?;
    let state = VmState {
        active,
        has_internal: existing.iter().any(|snapshot| !snapshot.facts.external),
        has_external: existing.iter().any(|snapshot| snapshot.facts.external),
    };
    let xml = domain.get_xml_desc(0).doing("read the definition of", "vm", &vm)?;
    let definition = Tree::parse(&xml).ok_or_else(|| unreadable("vm", &vm))?;
    let plan = plan(&vm, &definition, spec, state)?;
    let taken = DomainSnapshot::create_xml(&domain, &plan.xml, flags(&plan, spec));
    let handle = taken.map(Owned::new).map_err(|error| not_taken(error, spec))?;
    if plan.external {
        leftovers::refresh_pools_of(connect, &plan.files);
    }
    Ok(Change {
        id: handle.get_name().doing("read", "snapshot", &spec.name)?,
        pending: None,
    })
}

fn flags(plan: &Plan, spec: &SnapshotSpec) -> u32 {
    let mut flags = 0;
    if plan.external {
        flags |= sys::VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC;
        if !spec.with_memory {
            flags |= sys::VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY;
        }
    }
    if spec.quiesce {
        flags |= sys::VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE;
    }
    flags
}

fn not_taken(error: virt::error::Error, spec: &SnapshotSpec) -> Fault {
    let is_agents = matches!(
        error.code(),
        ErrorNumber::AgentUnresponsive
            | ErrorNumber::AgentUnsynced
            | ErrorNumber::AgentCommandTimeout
            | ErrorNumber::AgentCommandFailed
    ) || error.message().contains("guest agent");
    let failed: Result<(), Fault> = Err(error).doing("take", "snapshot", &spec.name);
    let Err(mut fault) = failed else {
        return Error::internal("an error was none").into();
    };
    if spec.quiesce && is_agents && !fault.disconnected {
        fault.error.kind = ErrorKind::Unavailable;
        fault = fault.and("install and start qemu-guest-agent in the guest, or leave `quiesce` out");
    }
    fault
}

/// Puts a VM back into a snapshot's state.
pub(super) fn revert_snapshot(connect: &Connect, vm: &str, name: &str) -> Result<Change, Fault> {
    let domain = lookup::find_domain(connect, vm)?;
    let vm = domain.get_name().doing("read", "vm", vm)?;
    let Found { handle, facts } = find_snapshot(&domain, &vm, name)?;
    let all = all_snapshots(&domain, &vm)?;
    let before = files_of(&all);
    let attached = leftovers::attached_paths(&domain, &vm)?;
    // Without the memory it was not running, or would have to boot: the contract leaves it stopped.
    let flags = if facts.with_memory {
        sys::VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING
    } else {
        0
    };
    let reverted = match handle.revert(flags) {
        // The definition changed since: what happened since is to be lost, so that is no reason to stop.
        Err(error) if error.code() == ErrorNumber::SnapshotRevertRisky => {
            handle.revert(flags | sys::VIR_DOMAIN_SNAPSHOT_REVERT_FORCE)
        }
        reverted => reverted,
    };
    reverted.map_err(|error| too_old(connect, error, "revert to", name, &facts))?;
    if !facts.with_memory && domain.is_active().unwrap_or(false) {
        domain.destroy().doing("stop", "vm", &vm)?;
    }
    if facts.external {
        // libvirt continues on overlays of its own; the ones that held what is now lost may stay behind.
        let lost: Vec<String> = attached.into_iter().filter(|path| !before.contains(path)).collect();
        leftovers::refresh_pools_of(connect, &leftovers::attached_paths(&domain, &vm)?);
        let saved = all.iter().flat_map(|snapshot| &snapshot.facts.disks);
        let bases = saved.filter_map(|disk| disk.path.clone()).collect();
        leftovers::remove_overlays(connect, &lost, &bases)?;
    }
    Ok(Change {
        id: facts.name,
        pending: None,
    })
}

fn files_of(snapshots: &[Found]) -> HashSet<String> {
    snapshots
        .iter()
        .flat_map(|snapshot| snapshot.facts.files.iter().cloned())
        .collect()
}

/// Deletes a snapshot, and those that descend from it when asked; the VM stays as it is.
pub(super) fn delete_snapshot(connect: &Connect, vm: &str, name: &str, children: bool) -> Result<Change, Fault> {
    let domain = lookup::find_domain(connect, vm)?;
    let vm = domain.get_name().doing("read", "vm", vm)?;
    let Found { handle, facts } = find_snapshot(&domain, &vm, name)?;
    let before = files_of(&all_snapshots(&domain, &vm)?);
    let flags = if children {
        sys::VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN
    } else {
        0
    };
    handle
        .delete(flags)
        .map_err(|error| too_old(connect, error, "delete", name, &facts))?;
    // What nobody's snapshot names any more, and nothing is based on, was made for this one.
    let after = files_of(&all_snapshots(&domain, &vm)?);
    let gone: Vec<String> = before.difference(&after).cloned().collect();
    if !gone.is_empty() {
        leftovers::refresh_pools_of(connect, &gone);
        leftovers::remove_unused(connect, &gone)?;
    }
    Ok(Change {
        id: facts.name,
        pending: None,
    })
}

/// libvirt deletes snapshots beside the disks since 9.0.0 and reverts to them since 9.9.0 (<https://libvirt.org/news.html>).
fn too_old(connect: &Connect, error: virt::error::Error, action: &str, name: &str, facts: &SnapshotFacts) -> Fault {
    let is_unsupported = matches!(
        error.code(),
        ErrorNumber::ConfigUnsupported | ErrorNumber::OperationUnsupported | ErrorNumber::NoSupport
    );
    let failed: Result<(), Fault> = Err(error).doing(action, "snapshot", name);
    let Err(fault) = failed else {
        return Error::internal("an error was none").into();
    };
    match connect.get_lib_version() {
        // Numbers are major × 1,000,000 + minor × 1,000 + release (virConnectGetLibVersion).
        Ok(version) if is_unsupported && facts.external && version < 9_009_000 => fault.and(&format!(
            "the snapshot is beside the disks, which libvirt {}.{} on this host cannot do: it needs 9.9",
            version / 1_000_000,
            version / 1_000 % 1_000
        )),
        _ => fault,
    }
}

#[cfg(test)]
#[path = "snapshots_tests.rs"]
mod tests;
