//! Pools: Cinder's types of volumes, which say where and how a volume is kept
//! (<https://docs.openstack.org/api-ref/block-storage/v3/#volume-types-types>). Only administrators make them.

use stockade_provider::abilities::Pools;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, PageRequest, Pool, PoolPage, PoolSpec};

use super::wire::VolumeType;
use crate::Openstack;
use crate::cloud::{Cloud, PAGE};
use crate::name::check_name;

const WHY: &str = "pools are types of volumes here, which the cloud's administrators define";

impl VolumeType {
    fn to_pool(&self) -> Pool {
        Pool {
            id: self.id.clone(),
            name: self.name.clone(),
            type_: "volume-type".to_owned(),
            active: true,
            path: None,
            capacity_gib: None,
            available_gib: None,
        }
    }
}

impl<H: Host> Pools<H> for Openstack {
    fn list_pools(host: &H, page: PageRequest) -> Result<PoolPage, Error> {
        let cloud = Cloud::open(host, "list-pools")?;
        let (all, next) = page::cut(cloud.volume_types()?, &page, PAGE, |found| found.id.clone())?;
        Ok(PoolPage {
            items: all.iter().map(VolumeType::to_pool).collect(),
            next,
        })
    }

    fn get_pool(host: &H, pool: String) -> Result<Pool, Error> {
        Ok(Cloud::open(host, "get-pool")?.volume_type(&pool)?.to_pool())
    }

    fn create_pool(_host: &H, spec: PoolSpec) -> Result<Change, Error> {
        check_name(&spec.name)?;
        Err(Error::unsupported("create-pool", WHY))
    }

    fn delete_pool(host: &H, pool: String, _contents: bool) -> Result<Change, Error> {
        Cloud::open(host, "delete-pool")?.volume_type(&pool)?;
        Err(Error::unsupported("delete-pool", WHY))
    }
}
