//! Finds things by what the caller calls them: the id first, then the name.
//!
//! libvirt's C interface takes texts that end with a zero, and the `virt` crate panics on a text that contains one; so
//! every text from outside passes here, where such a text is simply not found.

use virt::connect::Connect;
use virt::domain::Domain;
use virt::network::Network;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use crate::contract::{Ambiguity, Error, ErrorKind, Subject};

use super::error::{Doing as _, Fault};
use super::ffi::Owned;
use super::names::{is_uuid, printable};

/// The VM of this UUID or name.
pub(super) fn find_domain(connect: &Connect, name: &str) -> Result<Owned<Domain>, Fault> {
    check(name, "vm")?;
    if is_uuid(name)
        && let Ok(domain) = Domain::lookup_by_uuid_string(connect, name)
    {
        return Ok(Owned::new(domain));
    }
    Domain::lookup_by_name(connect, name)
        .map(Owned::new)
        .doing("find", "vm", name)
}

/// The network of this UUID or name.
pub(super) fn find_network(connect: &Connect, name: &str) -> Result<Owned<Network>, Fault> {
    check(name, "network")?;
    if is_uuid(name)
        && let Ok(network) = Network::lookup_by_uuid_string(connect, name)
    {
        return Ok(Owned::new(network));
    }
    Network::lookup_by_name(connect, name)
        .map(Owned::new)
        .doing("find", "network", name)
}

/// The pool of this UUID or name.
pub(super) fn find_pool(connect: &Connect, name: &str) -> Result<Owned<StoragePool>, Fault> {
    check(name, "pool")?;
    if is_uuid(name)
        && let Ok(pool) = StoragePool::lookup_by_uuid_string(connect, name)
    {
        return Ok(Owned::new(pool));
    }
    StoragePool::lookup_by_name(connect, name)
        .map(Owned::new)
        .doing("find", "pool", name)
}

/// The pools whose volumes can be seen now, by name.
pub(super) fn active_pools(connect: &Connect) -> Result<Vec<(String, Owned<StoragePool>)>, Fault> {
    let pools = connect
        .list_all_storage_pools(sys::VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE)
        .doing("list", "pools of", "this host")?;
    let owned: Vec<Owned<StoragePool>> = pools.into_iter().map(Owned::new).collect();
    let mut named = Vec::with_capacity(owned.len());
    for pool in owned {
        named.push((pool.get_name().doing("read", "pool", "")?, pool));
    }
    named.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(named)
}

/// The volume of this path, or of this name in any active pool. `noun` is what the caller takes it for.
///
/// A file that was copied into a pool's directory is unknown to libvirt until the pool is refreshed, so that is done once
/// before giving up. It is not done beforehand: a refresh reads every volume.
pub(super) fn find_volume(connect: &Connect, noun: &str, name: &str) -> Result<Owned<StorageVol>, Fault> {
    check(name, noun)?;
    match find_known_volume(connect, noun, name) {
        Err(fault) if fault.is_not_found() => {}
        found => return found,
    }
    for (pool, handle) in active_pools(connect)? {
        if let Err(error) = handle.refresh(0) {
            tracing::debug!(%pool, %error, "the pool cannot be refreshed now");
        }
    }
    find_known_volume(connect, noun, name)
}

/// The volume of this path or name among those that libvirt knows, without a refresh.
pub(super) fn find_known_volume(connect: &Connect, noun: &str, name: &str) -> Result<Owned<StorageVol>, Fault> {
    check(name, noun)?;
    if name.starts_with('/') {
        return StorageVol::lookup_by_path(connect, name)
            .map(Owned::new)
            .doing("find", noun, name);
    }
    let mut found = Vec::new();
    for (_, pool) in active_pools(connect)? {
        if let Ok(volume) = StorageVol::lookup_by_name(&pool, name) {
            found.push(Owned::new(volume));
        }
    }
    if found.len() > 1 {
        let candidates: Vec<String> = found.iter().filter_map(|volume| volume.get_path().ok()).collect();
        let message = format!(
            "several pools have a volume `{name}`; use one of the paths: {}",
            candidates.join(", ")
        );
        let subject = Subject {
            noun: noun.to_owned(),
            name: name.to_owned(),
        };
        return Err(Error::new(ErrorKind::Ambiguous(Ambiguity { subject, candidates }), message).into());
    }
    found.pop().ok_or_else(|| Error::not_found(noun, name).into())
}

fn check(name: &str, noun: &str) -> Result<(), Fault> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::not_found(noun, &printable(name)).into());
    }
    Ok(())
}
