//! Creates and deletes pools.
//!
//! Creating is a transaction: a pool that cannot be started is not left defined. Deleting touches content only when it is
//! asked to, and never a volume that a VM or another pool's volume needs.

use std::collections::HashSet;

use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use crate::contract::{Change, Error, ErrorKind};

use super::error::{Doing as _, Fault, conflict};
use super::ffi::Owned;
use super::lookup;
use super::pool_capabilities::is_supported;
use super::pool_request::{Backend, PoolRequest};
use super::volumes::Users;

/// Creates a pool, brings it up and marks it for its host's start.
pub(super) fn create_pool(connect: &Connect, request: &PoolRequest) -> Result<Change, Fault> {
    refuse_existing(connect, &request.name)?;
    let kind = request.backend.kind();
    if !is_supported(connect, kind)? {
        return Err(unsupported(kind));
    }
    let pool = StoragePool::define_xml(connect, &request.to_xml(), 0)
        .map(Owned::new)
        .map_err(|error| invalid_source(&error, request))?;
    match bring_up(&pool, request) {
        Ok(change) => Ok(change),
        Err(fault) => Err(unmake(&pool, fault)),
    }
}

fn refuse_existing(connect: &Connect, name: &str) -> Result<(), Fault> {
    match lookup::find_pool(connect, name) {
        Ok(_) => Err(Error::already_exists("pool", name).into()),
        Err(fault) if fault.is_not_found() => Ok(()),
        Err(fault) => Err(fault),
    }
}

fn unsupported(kind: &str) -> Fault {
    let message = format!(
        "this host's libvirt has no driver for `{kind}` pools: install it on the host (on Debian \
         `libvirt-daemon-driver-storage-{kind}`) and restart libvirt"
    );
    Error::new(ErrorKind::Unsupported("create-pool".to_owned()), message).into()
}

fn bring_up(pool: &StoragePool, request: &PoolRequest) -> Result<Change, Fault> {
    let name = &request.name;
    match &request.backend {
        // Makes the directory where it is not there; what is in it stays.
        Backend::Directory { .. } | Backend::Nfs { .. } => {
            pool.build(sys::VIR_STORAGE_POOL_BUILD_NEW)
                .doing("build", "pool", name)?;
        }
        // Refuses devices on which libvirt recognises something.
        backend if backend.overwrites() && request.build => {
            let built = pool.build(sys::VIR_STORAGE_POOL_BUILD_NO_OVERWRITE);
            let built = match built {
                // These backends look before they write, or do not know the flag.
                Err(error) if is_unknown_flag(&error) => pool.build(sys::VIR_STORAGE_POOL_BUILD_NEW),
                built => built,
            };
            built.doing("build", "pool", name)?;
        }
        Backend::Logical { .. } | Backend::Zfs { .. } => {}
    }
    pool.create(0).map_err(|error| invalid_source(&error, request))?;
    pool.set_autostart(request.autostart)
        .doing("set the autostart of", "pool", name)?;
    Ok(Change {
        id: pool.get_uuid_string().doing("read", "pool", name)?,
        pending: None,
    })
}

fn is_unknown_flag(error: &virt::error::Error) -> bool {
    matches!(
        error.code(),
        virt::error::ErrorNumber::InvalidArg | virt::error::ErrorNumber::ArgumentUnsupported
    )
}

/// What libvirt cannot open at the pool's path is the caller's to correct.
fn invalid_source(error: &virt::error::Error, request: &PoolRequest) -> Fault {
    let fault: Result<(), Fault> = Err(virt::error::Error::clone(error)).doing("create", "pool", &request.name);
    let mut fault = match fault {
        Err(fault) => fault,
        Ok(()) => return Error::internal("an error was none").into(),
    };
    let is_about_the_path = [
        "cannot open",
        "cannot access",
        "Not a directory",
        "No such file",
        "Volume group",
    ]
    .iter()
    .any(|words| error.message().contains(words));
    if is_about_the_path && matches!(fault.error.kind, ErrorKind::Upstream(_)) {
        fault.error.kind = ErrorKind::InvalidArgument("path".to_owned());
    }
    fault
}

/// Takes a pool back that could not be brought up. Nothing is removed from its path: it may have been there before.
fn unmake(pool: &StoragePool, mut fault: Fault) -> Fault {
    if pool.is_active().unwrap_or(false)
        && let Err(error) = pool.destroy()
    {
        fault = fault.and(&format!(
            "the unfinished pool could not be stopped: {}",
            error.message()
        ));
    }
    if let Err(error) = pool.undefine() {
        fault = fault.and(&format!(
            "the unfinished pool could not be removed: {}",
            error.message()
        ));
    }
    fault
}

/// Deletes a pool; its contents only when asked.
pub(super) fn delete_pool(connect: &Connect, name: &str, contents: bool) -> Result<Change, Fault> {
    let pool = lookup::find_pool(connect, name)?;
    let own_name = pool.get_name().doing("read", "pool", name)?;
    let id = pool.get_uuid_string().doing("read", "pool", &own_name)?;
    let mut active = pool.is_active().doing("read", "pool", &own_name)?;
    if contents && !active {
        pool.create(0).doing("start", "pool", &own_name)?;
        active = true;
    }
    if active {
        empty(connect, &pool, &own_name, contents)?;
    }
    let persistent = pool.is_persistent().doing("read", "pool", &own_name)?;
    if active {
        pool.destroy().doing("stop", "pool", &own_name)?;
    }
    if contents && persistent {
        remove_place(&pool, &own_name)?;
    }
    if persistent {
        pool.undefine().doing("delete", "pool", &own_name)?;
    }
    Ok(Change { id, pending: None })
}

/// Deletes the volumes, or refuses when there are some that are to be kept.
fn empty(connect: &Connect, pool: &StoragePool, name: &str, contents: bool) -> Result<(), Fault> {
    if let Err(error) = pool.refresh(0) {
        tracing::debug!(pool = name, %error, "the pool cannot be refreshed now");
    }
    let volumes = pool.list_all_volumes(0).doing("list the volumes of", "pool", name)?;
    let volumes: Vec<Owned<StorageVol>> = volumes.into_iter().map(Owned::new).collect();
    if volumes.is_empty() {
        return Ok(());
    }
    if !contents {
        return Err(conflict(format!(
            "pool `{name}` is not empty: it has {} volumes; delete them first, or delete the pool with its contents",
            volumes.len()
        )));
    }
    let mut paths = Vec::with_capacity(volumes.len());
    for volume in &volumes {
        paths.push(volume.get_path().doing("read", "disk", name)?);
    }
    let users = Users::survey(connect, None)?;
    let leaving: HashSet<&str> = paths.iter().map(String::as_str).collect();
    let leaving: Vec<String> = leaving.into_iter().map(str::to_owned).collect();
    for path in &paths {
        users.refuse_if_used("disk", path, &leaving)?;
    }
    for (volume, path) in volumes.iter().zip(&paths) {
        volume.delete(0).doing("delete", "disk", path)?;
    }
    Ok(())
}

/// Removes what held the volumes: a volume group, a zpool, an empty directory.
fn remove_place(pool: &StoragePool, name: &str) -> Result<(), Fault> {
    let xml = pool.get_xml_desc(0).doing("read", "pool", name)?;
    let kind = super::facts::PoolFacts::from_xml(&xml).unwrap_or_default().kind;
    match pool.delete(0) {
        // A directory with something else in it than volumes, or that others need, stays.
        Err(error) if matches!(kind.as_str(), "dir" | "fs" | "netfs") => {
            tracing::debug!(pool = name, %error, "the pool's directory is kept");
            Ok(())
        }
        result => result.doing("remove the place of", "pool", name),
    }
}

#[cfg(test)]
#[path = "pool_changes_tests.rs"]
mod tests;
