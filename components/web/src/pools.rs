//! Places for disks and images.

use serde_json::json;

use stockade_provider::abilities::Pools;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, PageRequest, Pool, PoolPage, PoolSpec};

use crate::Web;
use crate::client::Client;
use crate::vms::{DEFAULT_PAGE, done};
use crate::wire::{pool_of, pool_usage};

impl<H: Host> Pools<H> for Web {
    fn list_pools(host: &H, page: PageRequest) -> Result<PoolPage, Error> {
        let (items, next) = page::cut(all(&Client::new(host))?, &page, DEFAULT_PAGE, |pool| pool.name.clone())?;
        Ok(PoolPage { items, next })
    }

    fn get_pool(host: &H, pool: String) -> Result<Pool, Error> {
        all(&Client::new(host))?
            .into_iter()
            .find(|have| have.name == pool)
            .ok_or_else(|| Error::not_found("pool", &pool))
    }

    fn create_pool(host: &H, spec: PoolSpec) -> Result<Change, Error> {
        let PoolSpec {
            name,
            type_,
            path,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        if name.is_empty() || name.contains('/') {
            return Err(Error::invalid_argument(
                "name",
                "a pool's name must not be empty and has no `/`",
            ));
        }
        let path = path.ok_or_else(|| Error::invalid_argument("path", "kweb needs the path of the new pool"))?;
        let client = Client::new(host);
        // kweb answers success for a pool that exists already.
        if client.pools()?.iter().any(|(have, _)| *have == name) {
            return Err(Error::already_exists("pool", &name));
        }
        let body = json!({"pool": name, "path": path, "type": type_.as_deref().unwrap_or("dir")});
        let doing = format!("creating pool `{name}`");
        client.change("POST", &["pools"], &body, &doing)?;
        if client.pools()?.iter().any(|(have, _)| *have == name) {
            Ok(done(name))
        } else {
            Err(Error::upstream(
                None,
                None,
                format!("while {doing}: kweb reported success, but there is no such pool"),
            ))
        }
    }

    fn delete_pool(host: &H, pool: String, contents: bool) -> Result<Change, Error> {
        if contents {
            return Err(Error::cannot_honour(
                "contents",
                "kweb removes a pool and keeps what is in it",
            ));
        }
        let client = Client::new(host);
        let pools = client.pools()?;
        if !pools.iter().any(|(name, _)| *name == pool) {
            return Err(Error::not_found("pool", &pool));
        }
        let disks = client
            .vms_with_details()?
            .into_iter()
            .flat_map(|vm| vm.disks)
            .filter_map(|disk| disk.path);
        if let Some(path) = client
            .image_paths()?
            .into_iter()
            .chain(disks)
            .find(|path| pool_of(path, &pools).as_ref() == Some(&pool))
        {
            return Err(Error::conflict(format!(
                "pool `{pool}` is not empty: it holds `{path}`"
            )));
        }
        client.change(
            "DELETE",
            &["pools", &pool],
            &json!({}),
            &format!("removing pool `{pool}`"),
        )?;
        Ok(done(pool))
    }
}

fn all<H: Host>(client: &Client<'_, H>) -> Result<Vec<Pool>, Error> {
    let pools = client.pools()?;
    let storage = client.host_info("listing pools")?.storage;
    let pools = pools.into_iter().map(|(name, path)| {
        let usage = pool_usage(&storage, &name, &path);
        Pool {
            id: name.clone(),
            type_: usage
                .as_ref()
                .map_or_else(|| "unknown".to_owned(), |usage| usage.kind.clone()),
            // kcli lists active pools only.
            active: true,
            capacity_gib: usage.as_ref().and_then(|usage| usage.capacity_gib),
            available_gib: usage.as_ref().and_then(|usage| usage.available_gib),
            path: Some(path),
            name,
        }
    });
    Ok(pools.collect())
}
