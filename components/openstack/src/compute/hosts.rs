//! What VMs run on: hypervisors for those who may see them, the project's quota for everybody else.

use serde::Deserialize;

use stockade_provider::abilities::Hosts;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Error, ErrorKind, HostInfo, HostPage, PageRequest};

use crate::Openstack;
use crate::cloud::{Cloud, PAGE};
use crate::microversion::COMPUTE_HYPERVISOR_SIZES;
use crate::service::Service;

/// A hypervisor (<https://docs.openstack.org/api-ref/compute/#list-hypervisors-details>).
#[derive(Debug, Deserialize)]
struct Hypervisor {
    id: String,
    hypervisor_hostname: String,
    hypervisor_type: String,
    hypervisor_version: u32,
    #[serde(default)]
    vcpus: Option<u32>,
    #[serde(default)]
    vcpus_used: Option<u32>,
    #[serde(default)]
    memory_mb: Option<u32>,
    #[serde(default)]
    memory_mb_used: Option<u32>,
    #[serde(default)]
    running_vms: Option<u32>,
}

/// The project's quota and use (<https://docs.openstack.org/api-ref/compute/#show-rate-and-absolute-limits>); -1 for none.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Absolute {
    max_total_cores: i64,
    total_cores_used: i64,
    #[serde(rename = "maxTotalRAMSize")]
    max_ram: i64,
    #[serde(rename = "totalRAMUsed")]
    ram_used: i64,
}

impl<H: Host> Hosts<H> for Openstack {
    fn list_hosts(host: &H, page: PageRequest) -> Result<HostPage, Error> {
        let cloud = Cloud::open(host, "list-hosts")?;
        let call = cloud
            .get(Service::Compute, ["os-hypervisors", "detail"])
            .version(COMPUTE_HYPERVISOR_SIZES);
        let all = match call.part::<Vec<Hypervisor>>("/hypervisors", "listing hosts") {
            Ok(all) => all.into_iter().map(Hypervisor::into_host).collect(),
            Err(error) if error.kind == ErrorKind::Denied => vec![project(&cloud)?],
            Err(error) => return Err(error),
        };
        let (items, next) = page::cut(all, &page, PAGE, |host: &HostInfo| host.id.clone())?;
        Ok(HostPage { items, next })
    }
}

impl Hypervisor {
    fn into_host(self) -> HostInfo {
        HostInfo {
            id: self.id,
            name: self.hypervisor_hostname,
            version: Some(format!("{} {}", self.hypervisor_type, version(self.hypervisor_version))),
            cpus: self.vcpus,
            cpus_used: self.vcpus_used,
            memory_mib: self.memory_mb,
            memory_used_mib: self.memory_mb_used,
            vms_running: self.running_vms,
        }
    }
}

/// Nova writes 8.2.1 as 8002001 (`nova.utils.convert_version_to_int`).
fn version(number: u32) -> String {
    match number {
        0..1_000_000 => number.to_string(),
        _ => format!("{}.{}.{}", number / 1_000_000, number / 1000 % 1000, number % 1000),
    }
}

/// The project as the only host: its quota.
fn project<H: Host>(cloud: &Cloud<'_, H>) -> Result<HostInfo, Error> {
    let call = cloud.get(Service::Compute, ["limits"]);
    let absolute: Absolute = call.part("/limits/absolute", "reading the project's quota")?;
    let count = |number: i64| u32::try_from(number).ok();
    Ok(HostInfo {
        id: "project".to_owned(),
        name: cloud.config.host.clone(),
        version: Some("OpenStack project".to_owned()),
        cpus: count(absolute.max_total_cores),
        cpus_used: count(absolute.total_cores_used),
        memory_mib: count(absolute.max_ram),
        memory_used_mib: count(absolute.ram_used),
        vms_running: None,
    })
}
