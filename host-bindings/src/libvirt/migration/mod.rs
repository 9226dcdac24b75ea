//! Moves a VM to another libvirt: live, paused meanwhile, or at rest; with its storage, or on storage that both hosts share.
//!
//! We hold a connection to each host and libvirt's client library passes the words between them (`virDomainMigrate3`,
//! <https://libvirt.org/migration.html#managed-direct-migration>), so that no daemon connects anywhere with credentials of its
//! own. The VM's memory and disks go from QEMU to QEMU. What libvirt does not do is here: what the target must have is looked
//! at first, media and the disks of a VM at rest are carried over, and what has arrived is removed when the move fails.

mod disks;
mod refusals;
mod target;
mod transfer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use virt::connect::Connect;
use virt::domain::{Domain, MigrateParameters};
use virt::sys;

use crate::contract::{Change, Error, MigrationSpec};

use super::connection::Connection;
use super::error::{Fault, conflict};
use super::ffi::{self, Owned};
use super::handle::VmHandle;
use super::own_volumes::{Extent, OwnVolume, own_volumes};
use super::tree::Tree;
use disks::{Arrivals, MovingVolume};
pub(super) use target::{MigrationTarget, OPTION};

/// How often the caller's patience is looked at.
const PATIENCE: Duration = Duration::from_millis(200);

/// How a VM moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It runs meanwhile, or is paused meanwhile.
    Active { live: bool },
    /// It is at rest.
    Offline,
}

/// A host to which VMs may move, and the way there.
#[derive(Debug)]
pub(super) struct Destination {
    /// The host.
    pub(super) target: MigrationTarget,
    /// The connection to its libvirt, not open yet.
    pub(super) endpoint: Connection,
}

/// Moves a VM. It gives up when `cancelled` becomes true.
pub(super) fn migrate_vm(
    here: &Connect,
    vm: &str,
    spec: &MigrationSpec,
    destination: Result<Destination, Error>,
    cancelled: &AtomicBool,
) -> Result<Change, Fault> {
    let handle = VmHandle::find(here, vm)?;
    let Destination { target, endpoint } = destination?;
    let way = way(&handle, spec.live)?;
    let xml = handle.live_xml()?;
    let definition = Tree::parse(&xml).ok_or_else(|| handle.unreadable())?;
    refusals::check_devices(&handle.name, &definition)?;
    if way == Way::Offline {
        refusals::check_files_beside(&handle.name, &definition)?;
    }
    let there = endpoint.connect()?;
    refuse_present(&there, &handle, &target.name)?;
    let volumes = match spec.with_storage || way == Way::Offline {
        true => disks::volumes(here, &handle.name, &definition)?,
        false => Vec::new(),
    };
    if !spec.with_storage {
        disks::check_shared(&there, &volumes)?;
        return go(here, &there, &handle, way, spec, &target, cancelled).map(|()| handle.changed());
    }
    let own = own_volumes(
        here,
        &handle.domain,
        &handle.name,
        &handle.uuid,
        &[],
        Extent::Everything,
    )?;
    let arrivals = Arrivals::plan(&there, &target.name, &volumes)?;
    let moved = arrivals
        .bring(here, &volumes, way == Way::Offline)
        .and_then(|()| go(here, &there, &handle, way, spec, &target, cancelled));
    match moved {
        Ok(()) => {
            clean_up(&own, &volumes);
            Ok(handle.changed())
        }
        Err(fault) => Err(match arrivals.remove() {
            Some(left) => fault.and(&left),
            None => fault,
        }),
    }
}

/// How a VM in this state can move.
fn way(vm: &VmHandle, live: bool) -> Result<Way, Fault> {
    if vm.domain.has_managed_save(0).unwrap_or(false) {
        return Err(conflict(format!(
            "vm `{}` is suspended, and its memory is in a file of its host: start it first",
            vm.name
        )));
    }
    match (vm.is_active(), live) {
        (true, live) => Ok(Way::Active { live }),
        (false, false) => Ok(Way::Offline),
        (false, true) => Err(conflict(format!(
            "vm `{}` does not run, so that it cannot move live: start it, or move it at rest",
            vm.name
        ))),
    }
}

/// Refuses when the target has a VM of this name: libvirt would say so late, and after a definition of the same id has been
/// replaced.
fn refuse_present(there: &Connect, vm: &VmHandle, target: &str) -> Result<(), Fault> {
    let by_name = Domain::lookup_by_name(there, &vm.name).map(Owned::new);
    let by_id = Domain::lookup_by_uuid_string(there, &vm.uuid).map(Owned::new);
    match by_name.is_ok() || by_id.is_ok() {
        true => Err(conflict(format!(
            "`{target}` has a vm `{}` already, or is the host where it is",
            vm.name
        ))),
        false => Ok(()),
    }
}

fn flags(vm: &VmHandle, way: Way, spec: &MigrationSpec, target: &MigrationTarget) -> u32 {
    let mut flags = match way {
        // Slows the guest down rather than never come to an end.
        Way::Active { live: true } => sys::VIR_MIGRATE_LIVE | sys::VIR_MIGRATE_AUTO_CONVERGE,
        Way::Active { live: false } => 0,
        Way::Offline => sys::VIR_MIGRATE_OFFLINE,
    };
    if vm.persistent {
        flags |= sys::VIR_MIGRATE_PERSIST_DEST | sys::VIR_MIGRATE_UNDEFINE_SOURCE;
    }
    if way != Way::Offline {
        if spec.with_storage {
            flags |= sys::VIR_MIGRATE_NON_SHARED_DISK;
        }
        if target.tls {
            flags |= sys::VIR_MIGRATE_TLS;
        }
    }
    flags
}

fn go(
    here: &Connect,
    there: &Connect,
    vm: &VmHandle,
    way: Way,
    spec: &MigrationSpec,
    target: &MigrationTarget,
    cancelled: &AtomicBool,
) -> Result<(), Fault> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(given_up(&vm.name));
    }
    let parameters = MigrateParameters {
        uri: target.data_uri(),
        ..MigrateParameters::default()
    };
    let flags = flags(vm, way, spec, target);
    let autostart = vm.domain.get_autostart().unwrap_or(false);
    let done = AtomicBool::new(false);
    let moved = std::thread::scope(|scope| {
        scope.spawn(|| watch_patience(here, &vm.uuid, &done, cancelled));
        let moved = vm.domain.migrate3(there, parameters, flags).map(Owned::new);
        done.store(true, Ordering::Relaxed);
        moved
    });
    let moved = moved.map_err(|error| refusals::explain(error, &vm.name, &target.name))?;
    // libvirt leaves it behind.
    if vm.persistent && autostart {
        let set = moved.set_autostart(true);
        if let Err(error) = set {
            tracing::warn!(vm = vm.name, %error, "the moved vm does not start with its new host");
        }
    }
    Ok(())
}

/// Has libvirt give the move up when the caller has. Before the last step that leaves the VM where it was.
fn watch_patience(here: &Connect, uuid: &str, done: &AtomicBool, cancelled: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        if cancelled.load(Ordering::Relaxed)
            && let Ok(domain) = Domain::lookup_by_uuid_string(here, uuid).map(Owned::new)
            && let Err(error) = ffi::abort_job(&domain)
        {
            tracing::debug!(%error, "the move cannot be given up now");
        }
        std::thread::sleep(PATIENCE);
    }
}

fn given_up(vm: &str) -> Fault {
    let message = format!("the move of vm `{vm}` was given up by its caller");
    Error::new(crate::contract::ErrorKind::TimedOut, message).into()
}

/// Deletes what was the VM's alone here. The VM has moved, so a volume that cannot be deleted is no failure of the move.
fn clean_up(own: &[OwnVolume], moved: &[MovingVolume]) {
    if moved.is_empty() {
        return;
    }
    for volume in own {
        if let Err(error) = volume.handle.delete(0) {
            tracing::warn!(volume = volume.path, %error, "a disk of the moved vm is left at its old host");
        }
    }
}
