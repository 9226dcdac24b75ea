//! Subnets (<https://docs.openstack.org/api-ref/network/v2/#subnets>).

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Value, json};

use stockade_provider::abilities::Subnets;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, PageRequest, Subnet, SubnetPage, SubnetSpec};

use super::tags;
use crate::Openstack;
use crate::change::done;
use crate::cidr::Cidr;
use crate::cloud::{Cloud, PAGE, is_id};
use crate::find;
use crate::name::check_name;
use crate::service::Service;

/// A subnet.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireSubnet {
    pub(crate) id: String,
    #[serde(default)]
    name: String,
    pub(crate) network_id: String,
    pub(crate) cidr: String,
    #[serde(default)]
    pub(crate) gateway_ip: Option<String>,
    #[serde(default)]
    pub(crate) enable_dhcp: bool,
    #[serde(default)]
    pub(crate) dns_nameservers: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// A subnet to create.
#[derive(Clone, Debug)]
pub(crate) struct NewSubnet {
    pub(crate) name: String,
    pub(crate) cidr: String,
    pub(crate) gateway: Option<String>,
    pub(crate) dhcp: bool,
    pub(crate) dns_servers: Vec<String>,
}

impl NewSubnet {
    /// A subnet of this range.
    pub(crate) fn of(cidr: &str) -> Self {
        Self {
            name: String::new(),
            cidr: cidr.to_owned(),
            gateway: None,
            dhcp: true,
            dns_servers: vec![],
        }
    }

    /// Refuses what is no range of addresses.
    ///
    /// # Errors
    /// `invalid-argument` for this field, or for `gateway`.
    pub(crate) fn check(&self, field: &str) -> Result<(), Error> {
        let cidr = Cidr::parse(&self.cidr).ok_or_else(|| {
            Error::invalid_argument(field, format!("`{}` is no range such as `192.0.2.0/24`", self.cidr))
        })?;
        match &self.gateway {
            Some(gateway) if !gateway.parse().is_ok_and(|address| cidr.contains(address)) => {
                let message = format!("`{gateway}` is no address within {}", self.cidr);
                Err(Error::invalid_argument("gateway", message))
            }
            _ => Ok(()),
        }
    }

    fn body(&self, network: &str) -> Value {
        let version = if self.cidr.contains(':') { 6 } else { 4 };
        let mut subnet = json!({
            "network_id": network,
            "name": self.name,
            "cidr": self.cidr,
            "ip_version": version,
            "enable_dhcp": self.dhcp,
        });
        if let Some(gateway) = &self.gateway {
            subnet["gateway_ip"] = json!(gateway);
        }
        if !self.dns_servers.is_empty() {
            subnet["dns_nameservers"] = json!(self.dns_servers);
        }
        json!({"subnet": subnet})
    }
}

impl WireSubnet {
    fn to_subnet(&self) -> Subnet {
        Subnet {
            id: self.id.clone(),
            name: self.name.clone(),
            network: self.network_id.clone(),
            cidr: self.cidr.clone(),
            gateway: self.gateway_ip.clone(),
            dhcp: Some(self.enable_dhcp),
            location: None,
            metadata: tags::to_metadata(&self.tags),
        }
    }

    /// Whether an address belongs to it.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        Cidr::parse(&self.cidr).is_some_and(|cidr| cidr.contains(address))
    }
}

impl<H: Host> Cloud<'_, H> {
    /// The subnets of a network; none for those of all.
    pub(crate) fn subnets_of(&self, network: Option<&str>, doing: &str) -> Result<Vec<WireSubnet>, Error> {
        let query: Vec<_> = network.map(|id| ("network_id", id)).into_iter().collect();
        self.list(Service::Network, &["subnets"], "subnets", &query, doing)
    }

    /// One subnet by its id or name.
    ///
    /// # Errors
    /// `not-found` or `ambiguous`, and what reading failed with.
    pub(crate) fn subnet(&self, subnet: &str) -> Result<WireSubnet, Error> {
        let doing = format!("looking for subnet `{subnet}`");
        let by = |field: &'static str| self.list(Service::Network, &["subnets"], "subnets", &[(field, subnet)], &doing);
        let mut all: Vec<WireSubnet> = if is_id(subnet) { by("id")? } else { vec![] };
        if all.is_empty() && !subnet.is_empty() {
            all = by("name")?;
        }
        find::one("subnet", subnet, all, |found| &found.id, |found| &found.name)
    }

    /// Creates a subnet.
    pub(crate) fn create_subnet(&self, network: &str, new: &NewSubnet, doing: &str) -> Result<WireSubnet, Error> {
        let call = self.call(Service::Network, "POST", ["subnets"]).json(new.body(network));
        call.part("/subnet", doing).map_err(overlap)
    }

    /// Changes attributes of a subnet.
    pub(crate) fn change_subnet(&self, id: &str, changes: &Value, doing: &str) -> Result<(), Error> {
        self.call(Service::Network, "PUT", ["subnets", id])
            .json(json!({"subnet": changes}))
            .send(doing)
            .map(drop)
    }
}

/// Neutron answers 400 `InvalidInput` for a range that overlaps another one of the network.
fn overlap(mut error: Error) -> Error {
    if error.message.contains("overlaps with another subnet") {
        error.kind = stockade_provider::types::ErrorKind::Conflict;
    }
    error
}

impl<H: Host> Subnets<H> for Openstack {
    fn list_subnets(host: &H, network: Option<String>, page: PageRequest) -> Result<SubnetPage, Error> {
        let cloud = Cloud::open(host, "list-subnets")?;
        let network = network.map(|network| cloud.network(&network)).transpose()?;
        let all = cloud.subnets_of(network.as_ref().map(|network| network.id.as_str()), "listing subnets")?;
        let (all, next) = page::cut(all, &page, PAGE, |subnet| subnet.id.clone())?;
        Ok(SubnetPage {
            items: all.iter().map(WireSubnet::to_subnet).collect(),
            next,
        })
    }

    fn get_subnet(host: &H, subnet: String) -> Result<Subnet, Error> {
        let cloud = Cloud::open(host, "get-subnet")?;
        Ok(cloud.subnet(&subnet)?.to_subnet())
    }

    fn create_subnet(host: &H, spec: SubnetSpec) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "create-subnet")?;
        // Without `..`: a new field of the contract must be used or refused here before this compiles.
        let SubnetSpec {
            name,
            network,
            cidr,
            gateway,
            dhcp,
            location,
            metadata,
            options,
        } = spec;
        let options = Options::of(&options);
        options.refuse_others(&["dns_servers"])?;
        check_name(&name)?;
        if location.is_some() {
            return Err(Error::cannot_honour("location", "Neutron's subnets have none"));
        }
        let tags = tags::of_metadata(&metadata)?;
        let new = NewSubnet {
            name,
            gateway,
            dhcp,
            dns_servers: options.text_list("dns_servers")?.to_vec(),
            ..NewSubnet::of(&cidr)
        };
        new.check("cidr")?;
        let network = cloud.network(&network)?;
        let doing = format!("creating subnet `{}`", new.name);
        let taken = |have: &WireSubnet| have.name == new.name;
        if cloud.subnets_of(Some(&network.id), &doing)?.iter().any(taken) {
            return Err(Error::already_exists("subnet", &new.name));
        }
        let subnet = cloud.create_subnet(&network.id, &new, &doing)?;
        if let Err(error) = cloud.set_tags("subnets", &subnet.id, &tags, &doing) {
            // What the caller must know is the first error.
            let _ = cloud
                .call(Service::Network, "DELETE", ["subnets", &subnet.id])
                .remove(&doing);
            return Err(error);
        }
        Ok(done(subnet.id))
    }

    fn update_subnet(host: &H, subnet: String, dhcp: Option<bool>, gateway: Option<String>) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "update-subnet")?;
        let found = cloud.subnet(&subnet)?;
        let new = NewSubnet {
            gateway: gateway.clone(),
            ..NewSubnet::of(&found.cidr)
        };
        new.check("cidr")?;
        let mut changes = serde_json::Map::new();
        changes.extend(dhcp.map(|dhcp| ("enable_dhcp".to_owned(), json!(dhcp))));
        changes.extend(gateway.map(|gateway| ("gateway_ip".to_owned(), json!(gateway))));
        if !changes.is_empty() {
            cloud.change_subnet(
                &found.id,
                &Value::Object(changes),
                &format!("changing subnet `{subnet}`"),
            )?;
        }
        Ok(done(found.id))
    }

    fn delete_subnet(host: &H, subnet: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "delete-subnet")?;
        let found = cloud.subnet(&subnet)?;
        cloud
            .call(Service::Network, "DELETE", ["subnets", &found.id])
            .about("subnet", &subnet)
            .send(&format!("deleting subnet `{subnet}`"))?;
        Ok(done(found.id))
    }
}
