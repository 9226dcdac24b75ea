//! What VMs run on: the zones, which have room without end.

use stockade_provider::abilities::Hosts;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Error, HostInfo, HostPage, PageRequest, VmStatus};

use crate::Fake;
use crate::client::Client;
use crate::cloud::LOCATIONS;
use crate::records::StoredVm;

impl<H: Host> Hosts<H> for Fake {
    fn list_hosts(host: &H, page: PageRequest) -> Result<HostPage, Error> {
        let client = Client::open(host, "list-hosts")?;
        let mut running = client.all::<StoredVm>()?;
        running.retain(|vm| vm.status == VmStatus::Running);
        let zones = LOCATIONS.map(|zone| zone_info(zone, &running)).to_vec();
        let (items, next) = page::cut(zones, &page, client.config.page_size, |zone| zone.name.clone())?;
        Ok(HostPage { items, next })
    }
}

fn zone_info(zone: &str, running: &[StoredVm]) -> HostInfo {
    let here = || running.iter().filter(|vm| vm.location == zone);
    let sum = |of: fn(&StoredVm) -> u32| Some(here().map(of).fold(0, u32::saturating_add));
    HostInfo {
        id: zone.to_owned(),
        name: zone.to_owned(),
        version: Some(format!("fake {}", env!("CARGO_PKG_VERSION"))),
        cpus: None,
        cpus_used: sum(|vm| vm.saved.size.cpus),
        memory_mib: None,
        memory_used_mib: sum(|vm| vm.saved.size.memory_mib),
        vms_running: sum(|_| 1),
    }
}
