//! Places for disks and images.

use stockade_provider::abilities::Pools;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, Image, PageRequest, Pool, PoolPage, PoolSpec};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{self, POOL_CAPACITY_GIB, done, used_gib};
use crate::records::StoredDisk;
use crate::vm_spec::choice;

impl<H: Host> Pools<H> for Fake {
    fn list_pools(host: &H, page: PageRequest) -> Result<PoolPage, Error> {
        let client = Client::open(host, "list-pools")?;
        let disks = client.all::<StoredDisk>()?;
        let pools = client
            .all::<Pool>()?
            .into_iter()
            .map(|pool| with_usage(pool, &disks))
            .collect();
        let (items, next) = page::cut(pools, &page, client.config.page_size, |pool: &Pool| pool.name.clone())?;
        Ok(PoolPage { items, next })
    }

    fn get_pool(host: &H, pool: String) -> Result<Pool, Error> {
        let client = Client::open(host, "get-pool")?;
        Ok(with_usage(client.get(&pool)?, &client.all::<StoredDisk>()?))
    }

    fn create_pool(host: &H, spec: PoolSpec) -> Result<Change, Error> {
        let client = Client::open(host, "create-pool")?;
        let PoolSpec {
            name,
            type_,
            path,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        choice("type", type_, &["dir"])?;
        let id = format!("pool-{}", client.next_number()?);
        let path = path.unwrap_or_else(|| format!("/fake/{id}"));
        client.insert(&cloud::pool(&name, &id, &path))?;
        Ok(done(id))
    }

    fn delete_pool(host: &H, pool: String, contents: bool) -> Result<Change, Error> {
        let client = Client::open(host, "delete-pool")?;
        let found = client.get::<Pool>(&pool)?;
        let disks: Vec<_> = client
            .all::<StoredDisk>()?
            .into_iter()
            .filter(|disk| disk.pool == found.name)
            .collect();
        let images: Vec<_> = client
            .all::<Image>()?
            .into_iter()
            .filter(|image| image.pool.as_ref() == Some(&found.name))
            .collect();
        if let Some(disk) = disks.iter().find(|disk| !disk.attachments.is_empty()) {
            return Err(Error::conflict(format!(
                "pool `{pool}` is in use: disk `{}` in it is attached",
                disk.name
            )));
        }
        let count = disks.len() + images.len();
        if count > 0 && !contents {
            return Err(Error::conflict(format!(
                "pool `{pool}` is not empty: it holds {count} disks and images"
            )));
        }
        for disk in disks {
            client.remove::<StoredDisk>(&disk.id, |_| Ok(()))?;
        }
        for image in images {
            client.remove::<Image>(&image.id, |_| Ok(()))?;
        }
        client.remove::<Pool>(&found.id, |_| Ok(()))?;
        Ok(done(found.id))
    }
}

fn with_usage(pool: Pool, disks: &[StoredDisk]) -> Pool {
    let available_gib = Some(POOL_CAPACITY_GIB - used_gib(&pool.name, disks).min(POOL_CAPACITY_GIB));
    Pool { available_gib, ..pool }
}
