//! Lists and reads networks, and starts those that a VM is about to use.

use virt::connect::Connect;

use crate::contract::{Network, NetworkPage, PageRequest};

use super::error::{Doing as _, Fault, unreadable};
use super::facts::NetworkFacts;
use super::ffi::Owned;
use super::lookup;
use super::page;

/// Lists networks by name, active or not.
pub(super) fn list_networks(connect: &Connect, page: &PageRequest) -> Result<NetworkPage, Fault> {
    let networks = connect.list_all_networks(0).doing("list", "networks of", "this host")?;
    let networks: Vec<Owned<virt::network::Network>> = networks.into_iter().map(Owned::new).collect();
    let mut items = Vec::with_capacity(networks.len());
    for network in networks {
        items.push(to_network(&network)?);
    }
    let (items, next) = page::cut(items, page, |network| &network.name)?;
    Ok(NetworkPage { items, next })
}

/// Reads a network.
pub(super) fn get_network(connect: &Connect, name: &str) -> Result<Network, Fault> {
    to_network(&*lookup::find_network(connect, name)?)
}

/// Starts those of the networks that are not active; a VM cannot start without them.
pub(super) fn start_networks<'a>(connect: &Connect, names: impl IntoIterator<Item = &'a str>) -> Result<(), Fault> {
    for name in names {
        let network = lookup::find_network(connect, name)?;
        if !network.is_active().doing("read", "network", name)? {
            let started = network.create().doing("start", "network", name);
            // Somebody else may have started it meanwhile.
            if started.is_err() && !network.is_active().doing("read", "network", name)? {
                started?;
            }
        }
    }
    Ok(())
}

fn to_network(network: &virt::network::Network) -> Result<Network, Fault> {
    let name = network.get_name().doing("read", "network", "")?;
    let id = network.get_uuid_string().doing("read", "network", &name)?;
    let xml = network.get_xml_desc(0).doing("read", "network", &name)?;
    let facts = NetworkFacts::from_xml(&xml).ok_or_else(|| unreadable("network", &name))?;
    Ok(Network {
        id,
        active: network.is_active().doing("read", "network", &name)?,
        mode: facts.mode,
        cidrs: facts.cidrs,
        dhcp: Some(facts.dhcp),
        domain: facts.domain,
        bridge: facts.bridge,
        metadata: facts.metadata.tags,
        name,
    })
}
