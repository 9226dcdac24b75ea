//! Lists and reads storage pools.

use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::sys;

use crate::contract::{PageRequest, Pool, PoolPage};

use super::error::{Doing as _, Fault, unreadable};
use super::facts::PoolFacts;
use super::ffi::Owned;
use super::lookup;
use super::page;
use super::volumes::gib_rounded_down;

/// Lists pools by name, active or not.
pub(super) fn list_pools(connect: &Connect, page: &PageRequest) -> Result<PoolPage, Fault> {
    let pools = connect
        .list_all_storage_pools(0)
        .doing("list", "pools of", "this host")?;
    let pools: Vec<Owned<StoragePool>> = pools.into_iter().map(Owned::new).collect();
    let mut items = Vec::with_capacity(pools.len());
    for pool in pools {
        items.push(to_pool(&pool)?);
    }
    let (items, next) = page::cut(items, page, |pool| &pool.name)?;
    Ok(PoolPage { items, next })
}

/// Reads a pool.
pub(super) fn get_pool(connect: &Connect, name: &str) -> Result<Pool, Fault> {
    to_pool(&*lookup::find_pool(connect, name)?)
}

fn to_pool(pool: &StoragePool) -> Result<Pool, Fault> {
    let name = pool.get_name().doing("read", "pool", "")?;
    let id = pool.get_uuid_string().doing("read", "pool", &name)?;
    let info = pool.get_info().doing("read", "pool", &name)?;
    let xml = pool.get_xml_desc(0).doing("read", "pool", &name)?;
    let facts = PoolFacts::from_xml(&xml).ok_or_else(|| unreadable("pool", &name))?;
    let active = info.state == sys::VIR_STORAGE_POOL_RUNNING;
    Ok(Pool {
        id,
        name,
        r#type: facts.kind,
        active,
        path: facts.path,
        capacity_gib: active.then(|| gib_rounded_down(info.capacity)),
        available_gib: active.then(|| gib_rounded_down(info.available)),
    })
}
