//! The sizes that the simulated cloud offers.

use stockade_provider::abilities::Flavors;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Error, Flavor, FlavorPage, PageRequest};

use crate::Fake;
use crate::client::Client;

/// Name, virtual CPUs, MiB of memory.
const FLAVORS: [(&str, u32, u32); 3] = [("small", 1, 1024), ("medium", 2, 4096), ("large", 4, 8192)];

/// A flavor by name, which is its id as well.
pub(crate) fn find(name: &str) -> Option<Flavor> {
    all().into_iter().find(|flavor| flavor.name == name)
}

fn all() -> Vec<Flavor> {
    let flavor = |(name, cpus, memory_mib): (&str, u32, u32)| Flavor {
        id: name.to_owned(),
        name: name.to_owned(),
        cpus,
        memory_mib,
        disk_gib: None,
        architecture: Some("x86_64".to_owned()),
    };
    FLAVORS.into_iter().map(flavor).collect()
}

impl<H: Host> Flavors<H> for Fake {
    fn list_flavors(host: &H, page: PageRequest) -> Result<FlavorPage, Error> {
        let client = Client::open(host, "list-flavors")?;
        let (items, next) = page::cut(all(), &page, client.config.page_size, |flavor| flavor.name.clone())?;
        Ok(FlavorPage { items, next })
    }
}
