//! Subnets: parts of a network's ranges, which never overlap.

use std::net::IpAddr;

use ipnet::IpNet;

use stockade_provider::abilities::Subnets;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, Network, PageRequest, Subnet, SubnetPage, SubnetSpec};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{self, LOCATIONS, done};
use crate::records::{metadata, tags};
use crate::vm_spec::choice;

impl<H: Host> Subnets<H> for Fake {
    fn list_subnets(host: &H, network: Option<String>, page: PageRequest) -> Result<SubnetPage, Error> {
        let client = Client::open(host, "list-subnets")?;
        let network = network.map(|network| client.get::<Network>(&network)).transpose()?;
        let mut subnets = client.all::<Subnet>()?;
        if let Some(network) = network {
            subnets.retain(|subnet| subnet.network == network.name);
        }
        let (items, next) = page::cut(subnets, &page, client.config.page_size, |subnet| subnet.name.clone())?;
        Ok(SubnetPage { items, next })
    }

    fn get_subnet(host: &H, subnet: String) -> Result<Subnet, Error> {
        Client::open(host, "get-subnet")?.get(&subnet)
    }

    fn create_subnet(host: &H, spec: SubnetSpec) -> Result<Change, Error> {
        let client = Client::open(host, "create-subnet")?;
        let SubnetSpec {
            name,
            network,
            cidr,
            gateway,
            dhcp,
            location,
            metadata: wanted,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        let network = client.get::<Network>(&network)?;
        let range = check_range(&cidr, &network, &client.all::<Subnet>()?)?;
        let gateway = match gateway {
            Some(gateway) => Some(check_gateway(&gateway, range)?),
            None => range.hosts().next().map(|first| first.to_string()),
        };
        let id = format!("subnet-{}", client.next_number()?);
        client.insert(&Subnet {
            id: id.clone(),
            name,
            network: network.name,
            cidr: range.to_string(),
            gateway,
            dhcp: Some(dhcp),
            location: Some(choice("location", location, &LOCATIONS)?),
            metadata: tags(&metadata(wanted)?),
        })?;
        Ok(done(id))
    }

    fn update_subnet(host: &H, subnet: String, dhcp: Option<bool>, gateway: Option<String>) -> Result<Change, Error> {
        let client = Client::open(host, "update-subnet")?;
        let changed = client.update::<Subnet>(&subnet, |subnet| {
            subnet.dhcp = dhcp.or(subnet.dhcp);
            if let Some(gateway) = &gateway {
                subnet.gateway = Some(check_gateway(gateway, range(subnet)?)?);
            }
            Ok(())
        })?;
        Ok(done(changed.id))
    }

    fn delete_subnet(host: &H, subnet: String) -> Result<Change, Error> {
        let client = Client::open(host, "delete-subnet")?;
        let nics = cloud::all_nics(&client)?;
        let removed = client.remove::<Subnet>(&subnet, |subnet| {
            let range = range(subnet)?;
            let is_inside = |ip: &String| ip.parse::<IpAddr>().is_ok_and(|ip| range.contains(&ip));
            let user = nics
                .iter()
                .filter(|nic| nic.network.as_ref() == Some(&subnet.network))
                .find_map(|nic| nic.ips.iter().find(|ip| is_inside(ip)));
            match user {
                None => Ok(()),
                Some(address) => Err(Error::conflict(format!(
                    "subnet `{}` is in use: an interface has its address {address}",
                    subnet.name
                ))),
            }
        })?;
        Ok(done(removed.id))
    }
}

/// The range of a stored subnet.
pub(crate) fn range(subnet: &Subnet) -> Result<IpNet, Error> {
    subnet.cidr.parse().map_err(|error| {
        Error::internal(format!(
            "subnet `{}` has the damaged range `{}`: {error}",
            subnet.name, subnet.cidr
        ))
    })
}

/// A range that lies in its network and overlaps no other subnet of it.
fn check_range(cidr: &str, network: &Network, others: &[Subnet]) -> Result<IpNet, Error> {
    let invalid = |why: String| Error::invalid_argument("cidr", why);
    let range = cidr
        .parse::<IpNet>()
        .map_err(|_| invalid(format!("`{cidr}` is no range in CIDR form")))?
        .trunc();
    let contains = |of: &String| of.parse::<IpNet>().is_ok_and(|of| of.contains(&range));
    if !network.cidrs.iter().any(contains) {
        let ranges = network.cidrs.join("`, `");
        return Err(invalid(format!(
            "`{range}` is outside network `{}`, which has `{ranges}`",
            network.name
        )));
    }
    for other in others.iter().filter(|other| other.network == network.name) {
        let taken = self::range(other)?;
        if taken.contains(&range) || range.contains(&taken) {
            return Err(Error::conflict(format!(
                "`{range}` overlaps `{taken}` of subnet `{}`",
                other.name
            )));
        }
    }
    Ok(range)
}

fn check_gateway(gateway: &str, range: IpNet) -> Result<String, Error> {
    match gateway.parse::<IpAddr>() {
        Ok(address) if range.contains(&address) => Ok(address.to_string()),
        _ => Err(Error::invalid_argument(
            "gateway",
            format!("`{gateway}` is no address in `{range}`"),
        )),
    }
}
