//! What VMs run on: the availability zones of the region.

use stockade_provider::abilities::Hosts;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Error, HostInfo, HostPage, PageRequest};

use crate::Aws;
use crate::client::Client;
use crate::query::Query;

/// The page size when the caller names none; EC2 answers the whole list, which is short.
const DEFAULT_PAGE: u32 = 200;

impl<H: Host> Hosts<H> for Aws {
    fn list_hosts(host: &H, page: PageRequest) -> Result<HostPage, Error> {
        let client = Client::new(host, "list-hosts");
        let query = Query::ec2("DescribeAvailabilityZones");
        let zones: Vec<HostInfo> = client.read(&query, "listing zones", |root| {
            let zone = |zone: crate::xml::Element<'_>| {
                let state = zone.text("zoneState").unwrap_or_default();
                let kind = zone.text("zoneType").unwrap_or("availability-zone");
                Some(HostInfo {
                    // Names stand for other zones in each account, ids do not.
                    id: zone.string("zoneId").or_else(|| zone.string("zoneName"))?,
                    name: zone.string("zoneName")?,
                    version: Some(format!("EC2, {kind}, {state}")),
                    cpus: None,
                    cpus_used: None,
                    memory_mib: None,
                    memory_used_mib: None,
                    vms_running: None,
                })
            };
            Ok(root.set("availabilityZoneInfo").filter_map(zone).collect())
        })?;
        let (items, next) = page::cut(zones, &page, DEFAULT_PAGE, |zone| zone.name.clone())?;
        Ok(HostPage { items, next })
    }
}
