//! Networks.

use std::net::IpAddr;

use stockade_provider::abilities::Networks;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, Network, NetworkPage, NetworkSpec, NetworkUpdate, PageRequest, Subnet};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{self, done};
use crate::records::{metadata, tags};
use crate::vm_spec::choice;

/// The modes of a network; the first is the default.
const MODES: [&str; 3] = ["nat", "route", "isolated"];

impl<H: Host> Networks<H> for Fake {
    fn list_networks(host: &H, page: PageRequest) -> Result<NetworkPage, Error> {
        let client = Client::open(host, "list-networks")?;
        let networks = client.all::<Network>()?;
        let (items, next) = page::cut(networks, &page, client.config.page_size, |network| network.name.clone())?;
        Ok(NetworkPage { items, next })
    }

    fn get_network(host: &H, network: String) -> Result<Network, Error> {
        Client::open(host, "get-network")?.get(&network)
    }

    fn create_network(host: &H, spec: NetworkSpec) -> Result<Change, Error> {
        let client = Client::open(host, "create-network")?;
        let NetworkSpec {
            name,
            mut cidrs,
            mode,
            dhcp,
            domain,
            metadata: wanted,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        let number = client.next_number()?;
        if cidrs.is_empty() {
            // One of the 65,536 ranges of 10.0.0.0/8, in order.
            let [_, _, high, low] = number.to_be_bytes();
            cidrs.push(format!("10.{high}.{low}.0/24"));
        }
        check_cidrs(&cidrs)?;
        let id = format!("net-{number}");
        client.insert(&Network {
            id: id.clone(),
            name,
            active: true,
            mode: choice("mode", mode, &MODES)?,
            cidrs,
            dhcp: Some(dhcp),
            domain,
            bridge: None,
            metadata: tags(&metadata(wanted)?),
        })?;
        Ok(done(id))
    }

    fn update_network(host: &H, network: String, update: NetworkUpdate) -> Result<Change, Error> {
        let client = Client::open(host, "update-network")?;
        let NetworkUpdate {
            dhcp,
            mode,
            domain,
            options,
        } = update;
        Options::of(&options).refuse_others(&[])?;
        let mode = mode.map(|mode| choice("mode", Some(mode), &MODES)).transpose()?;
        let changed = client.update::<Network>(&network, |network| {
            network.dhcp = dhcp.or(network.dhcp);
            if let Some(mode) = &mode {
                network.mode.clone_from(mode);
            }
            if domain.is_some() {
                network.domain.clone_from(&domain);
            }
            Ok(())
        })?;
        Ok(done(changed.id))
    }

    fn delete_network(host: &H, network: String) -> Result<Change, Error> {
        let client = Client::open(host, "delete-network")?;
        let nics = cloud::all_nics(&client)?;
        let subnets = client.all::<Subnet>()?;
        let removed = client.remove::<Network>(&network, |network| {
            let user = nics.iter().find(|nic| nic.network.as_ref() == Some(&network.name));
            let part = subnets.iter().find(|subnet| subnet.network == network.name);
            let why = match (user, part) {
                (None, None) => return Ok(()),
                (Some(_), _) => "is in use by an interface".to_owned(),
                (None, Some(subnet)) => format!("has subnet `{}`", subnet.name),
            };
            Err(Error::conflict(format!("network `{}` {why}", network.name)))
        })?;
        Ok(done(removed.id))
    }
}

/// At most one range for IPv4 and one for IPv6, each well formed.
fn check_cidrs(cidrs: &[String]) -> Result<(), Error> {
    let mut families = [0_u8; 2];
    for cidr in cidrs {
        let parsed = cidr
            .split_once('/')
            .and_then(|(address, prefix)| Some((address.parse::<IpAddr>().ok()?, prefix.parse::<u8>().ok()?)));
        match parsed {
            Some((IpAddr::V4(_), 0..=30)) => families[0] += 1,
            Some((IpAddr::V6(_), 0..=126)) => families[1] += 1,
            _ => {
                return Err(Error::invalid_argument(
                    "cidrs",
                    format!("`{cidr}` is no range with room for vms"),
                ));
            }
        }
    }
    if families.iter().any(|count| *count > 1) {
        return Err(Error::invalid_argument(
            "cidrs",
            "a network has at most one range for IPv4 and one for IPv6",
        ));
    }
    Ok(())
}
