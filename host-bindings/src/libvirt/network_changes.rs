//! Creates and deletes networks. Creating is a transaction; deleting refuses as long as a VM is on the network.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use virt::connect::Connect;
use virt::network::Network;

use crate::contract::{Change, Error};

use super::error::{Doing as _, Fault, conflict, unreadable};
use super::facts::{DomainFacts, NetworkFacts};
use super::ffi::Owned;
use super::get::next_definition;
use super::lookup;
use super::network_request::{NetworkRequest, Subnet};

/// Creates a network and brings it up.
pub(super) fn create_network(connect: &Connect, mut request: NetworkRequest) -> Result<Change, Fault> {
    let taken = existing_ranges(connect, &request.name)?;
    if request.mode.has_addresses() && request.subnets.is_empty() {
        request.subnets.push(free_subnet(&taken)?);
    }
    refuse_overlap(&request.subnets, &taken)?;
    let network =
        Network::define_xml(connect, &request.to_xml())
            .map(Owned::new)
            .doing("define", "network", &request.name)?;
    match bring_up(&network, &request) {
        Ok(change) => Ok(change),
        Err(fault) => Err(unmake(&network, fault)),
    }
}

fn bring_up(network: &Network, request: &NetworkRequest) -> Result<Change, Fault> {
    let name = &request.name;
    network.create().doing("start", "network", name)?;
    network
        .set_autostart(request.options.autostart.unwrap_or(true))
        .doing("set the autostart of", "network", name)?;
    Ok(Change {
        id: network.get_uuid_string().doing("read", "network", name)?,
        pending: None,
    })
}

fn unmake(network: &Network, mut fault: Fault) -> Fault {
    if network.is_active().unwrap_or(false)
        && let Err(error) = network.destroy()
    {
        fault = fault.and(&format!(
            "the unfinished network could not be stopped: {}",
            error.message()
        ));
    }
    if let Err(error) = network.undefine() {
        fault = fault.and(&format!(
            "the unfinished network could not be removed: {}",
            error.message()
        ));
    }
    fault
}

/// The ranges of all networks with their names; refuses when the name itself is taken, which defining would change.
fn existing_ranges(connect: &Connect, name: &str) -> Result<Vec<(String, IpNet)>, Fault> {
    let networks = connect.list_all_networks(0).doing("list", "networks of", "this host")?;
    let networks: Vec<Owned<Network>> = networks.into_iter().map(Owned::new).collect();
    let mut ranges = Vec::new();
    for network in networks {
        let other = network.get_name().doing("read", "network", "")?;
        if other == name {
            return Err(Error::already_exists("network", name).into());
        }
        let xml = network.get_xml_desc(0).doing("read", "network", &other)?;
        let facts = NetworkFacts::from_xml(&xml).ok_or_else(|| unreadable("network", &other))?;
        let parsed = facts.cidrs.iter().filter_map(|cidr| cidr.parse::<IpNet>().ok());
        ranges.extend(parsed.map(|range| (other.clone(), range)));
    }
    Ok(ranges)
}

fn overlaps(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

fn refuse_overlap(subnets: &[Subnet], taken: &[(String, IpNet)]) -> Result<(), Fault> {
    for subnet in subnets {
        if let Some((other, range)) = taken.iter().find(|(_, range)| overlaps(range, &subnet.range)) {
            return Err(conflict(format!(
                "`{}` overlaps `{range}` of network `{other}`: choose another range",
                subnet.range
            )));
        }
    }
    Ok(())
}

/// The first range of 192.168.N.0/24, N from 100, that no network has. What the host itself has libvirt knows.
fn free_subnet(taken: &[(String, IpNet)]) -> Result<Subnet, Fault> {
    let candidates = (100..=254).filter_map(|third| Ipv4Net::new(Ipv4Addr::new(192, 168, third, 0), 24).ok());
    let free = candidates
        .map(IpNet::V4)
        .find(|candidate| !taken.iter().any(|(_, range)| overlaps(range, candidate)));
    let range = free.ok_or_else(|| {
        let message = "no range of 192.168.100.0/24 to 192.168.254.0/24 is free: name one in `cidrs`";
        Fault::from(Error::invalid_argument("cidrs", message))
    })?;
    let gateway = range.hosts().next().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    Ok(Subnet { range, gateway })
}

/// Deletes a network that no VM is on.
pub(super) fn delete_network(connect: &Connect, name: &str) -> Result<Change, Fault> {
    let network = lookup::find_network(connect, name)?;
    let own_name = network.get_name().doing("read", "network", name)?;
    let id = network.get_uuid_string().doing("read", "network", &own_name)?;
    let users = vms_on(connect, &own_name, false)?;
    if !users.is_empty() {
        return Err(conflict(format!(
            "network `{own_name}` is used by vm {}: delete them or move their interfaces first",
            users.join(", ")
        )));
    }
    let persistent = network.is_persistent().doing("read", "network", &own_name)?;
    if network.is_active().doing("read", "network", &own_name)? {
        network.destroy().doing("stop", "network", &own_name)?;
    }
    if persistent {
        network.undefine().doing("delete", "network", &own_name)?;
    }
    Ok(Change { id, pending: None })
}

/// The VMs with an interface on a network, by what they are now or will be at their next start.
pub(super) fn vms_on(connect: &Connect, network: &str, running_only: bool) -> Result<Vec<String>, Fault> {
    let domains = connect.list_all_domains(0).doing("list", "vms of", "this host")?;
    let domains: Vec<_> = domains.into_iter().map(Owned::new).collect();
    let is_on = |facts: &DomainFacts| {
        let mut nics = facts.nics.iter();
        nics.any(|nic| nic.kind == "network" && nic.network.as_deref() == Some(network))
    };
    let mut users = Vec::new();
    for domain in domains {
        let name = domain.get_name().doing("read", "vm", "")?;
        let uses = (|| {
            let active = domain.is_active().doing("read", "vm", &name)?;
            if active {
                let xml = domain.get_xml_desc(0).doing("read the definition of", "vm", &name)?;
                let facts = DomainFacts::from_xml(&xml).ok_or_else(|| unreadable("vm", &name))?;
                if is_on(&facts) {
                    return Ok(true);
                }
            }
            Ok(!running_only && is_on(&next_definition(&domain, &name)?))
        })();
        match uses {
            Ok(true) => users.push(name),
            Ok(false) => {}
            // Deleted meanwhile: it uses nothing any more.
            Err(fault) if Fault::is_not_found(&fault) => {}
            Err(fault) => return Err(fault),
        }
    }
    users.sort();
    Ok(users)
}

#[cfg(test)]
#[path = "network_changes_tests.rs"]
mod tests;
