//! Changes a network.
//!
//! libvirt changes guests' fixed leases and names while a network runs; everything else needs it to be started anew, which
//! would cut off the VMs on it. So that is done only while none of them runs.

use std::net::IpAddr;

use ipnet::IpNet;
use virt::connect::Connect;
use virt::error::ErrorNumber;
use virt::network::Network;
use virt::sys;

use crate::contract::{Change, Error, NetworkUpdate};

use super::element::Element;
use super::error::{Doing as _, Fault, conflict, unreadable};
use super::ffi::Owned;
use super::lookup;
use super::names::check_hostname;
use super::network_changes::vms_on;
use super::network_entries::{DhcpHost, DnsHost, Range};
use super::network_request::{Mode, NetworkOptions, Subnet};
use super::tree::Tree;

/// A change of a network, checked as far as that goes without the network.
pub(super) struct Update {
    /// Whether it hands out addresses.
    pub(super) dhcp: Option<bool>,
    /// How it reaches the outside.
    pub(super) mode: Option<Mode>,
    /// Its DNS domain; an empty one removes it.
    pub(super) domain: Option<String>,
    /// What only libvirt has.
    pub(super) options: NetworkOptions,
}

impl Update {
    /// Checks an update; every field and option is used or refused.
    ///
    /// # Errors
    /// `invalid-argument` with the field's or the option's name.
    pub(super) fn from_contract(update: &NetworkUpdate) -> Result<Self, Error> {
        let options = NetworkOptions::from_entries(&update.options)?;
        if options.gateway.is_some() {
            let message = "a network keeps its host's address: make it anew";
            return Err(Error::invalid_argument("gateway", message));
        }
        let mode = update.mode.as_deref();
        let mode = mode
            .map(|mode| Mode::from_word(mode, options.macvtap_mode.as_deref()))
            .transpose()?;
        if let Some(domain) = update.domain.as_deref().filter(|domain| !domain.is_empty()) {
            check_hostname(domain).map_err(|error| Error::invalid_argument("domain", error.message))?;
        }
        Ok(Self {
            dhcp: update.dhcp,
            mode,
            domain: update.domain.clone(),
            options,
        })
    }
}

/// Changes a network.
pub(super) fn update_network(connect: &Connect, name: &str, update: &Update) -> Result<Change, Fault> {
    let network = lookup::find_network(connect, name)?;
    let own_name = network.get_name().doing("read", "network", name)?;
    let change = Change {
        id: network.get_uuid_string().doing("read", "network", &own_name)?,
        pending: None,
    };
    let before = match network.get_xml_desc(sys::VIR_NETWORK_XML_INACTIVE) {
        // A driver that knows one definition only.
        Err(error) if error.code() == ErrorNumber::InvalidArg => network.get_xml_desc(0),
        xml => xml,
    };
    let before = before.doing("read", "network", &own_name)?;
    let before = Tree::parse(&before).ok_or_else(|| unreadable("network", &own_name))?;
    let after = apply(&before, update)?;
    if after != before {
        if network.is_active().doing("read", "network", &own_name)? {
            change_active(connect, &network, &own_name, &before, &after)?;
        } else {
            define(connect, &own_name, &after)?;
        }
    }
    if let Some(autostart) = update.options.autostart {
        network
            .set_autostart(autostart)
            .doing("set the autostart of", "network", &own_name)?;
    }
    Ok(change)
}

fn define(connect: &Connect, name: &str, tree: &Tree) -> Result<Owned<Network>, Fault> {
    Network::define_xml(connect, &tree.to_xml())
        .map(Owned::new)
        .doing("define", "network", name)
}

fn change_active(connect: &Connect, network: &Network, name: &str, before: &Tree, after: &Tree) -> Result<(), Fault> {
    if without_live_parts(before) == without_live_parts(after) {
        return change_live_parts(network, name, before, after);
    }
    let running = vms_on(connect, name, true)?;
    if !running.is_empty() {
        return Err(conflict(format!(
            "network `{name}` must be started anew for this, which would cut off vm {}: stop them first",
            running.join(", ")
        )));
    }
    network.destroy().doing("stop", "network", name)?;
    let start = |network: Owned<Network>| network.create().doing("start", "network", name);
    let Err(fault) = define(connect, name, after).and_then(start) else {
        return Ok(());
    };
    // As it was before, as far as that goes.
    let restored = define(connect, name, before).and_then(start);
    Err(match restored {
        Ok(_) => fault.and("the network is as it was"),
        Err(second) => fault.and(&format!(
            "the network could not be brought back: {}",
            second.error.message
        )),
    })
}

/// The parts that libvirt changes while a network runs.
struct LiveParts {
    dhcp_hosts: Vec<(usize, Tree)>,
    dns_hosts: Vec<Tree>,
}

fn live_parts(tree: &Tree) -> LiveParts {
    let hosts_of = |parent: &Tree| {
        let hosts = parent.children().filter(|child| child.name() == "host").cloned();
        hosts.collect::<Vec<_>>()
    };
    let addresses = tree.children().filter(|child| child.name() == "ip");
    let dhcp = addresses
        .enumerate()
        .filter_map(|(index, address)| Some((index, address.child("dhcp")?)));
    LiveParts {
        dhcp_hosts: dhcp
            .flat_map(|(index, dhcp)| hosts_of(dhcp).into_iter().map(move |host| (index, host)))
            .collect(),
        dns_hosts: tree.child("dns").map(hosts_of).unwrap_or_default(),
    }
}

fn without_live_parts(tree: &Tree) -> Tree {
    let mut tree = tree.clone();
    for address in tree.children_mut().filter(|child| child.name() == "ip") {
        if let Some(dhcp) = address.child_mut("dhcp") {
            dhcp.retain(|child| child.name() != "host");
        }
    }
    if let Some(dns) = tree.child_mut("dns") {
        dns.retain(|child| child.name() != "host");
        if dns.children().next().is_none() && dns.attribute("enable").is_none() {
            tree.set_child("dns", None);
        }
    }
    tree
}

fn change_live_parts(network: &Network, name: &str, before: &Tree, after: &Tree) -> Result<(), Fault> {
    let (before, after) = (live_parts(before), live_parts(after));
    let change = |command, section, index: usize, host: &Tree| {
        let index = i32::try_from(index).unwrap_or(-1);
        let flags = sys::VIR_NETWORK_UPDATE_AFFECT_LIVE | sys::VIR_NETWORK_UPDATE_AFFECT_CONFIG;
        network
            .update(command, section, index, &host.to_xml(), flags)
            .doing("change the hosts of", "network", name)
    };
    let (remove, add) = (
        sys::VIR_NETWORK_UPDATE_COMMAND_DELETE,
        sys::VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
    );
    // Removed first: the same address may come back under another name.
    for (index, host) in before.dhcp_hosts.iter().filter(|host| !after.dhcp_hosts.contains(host)) {
        change(remove, sys::VIR_NETWORK_SECTION_IP_DHCP_HOST, *index, host)?;
    }
    for (index, host) in after.dhcp_hosts.iter().filter(|host| !before.dhcp_hosts.contains(host)) {
        change(add, sys::VIR_NETWORK_SECTION_IP_DHCP_HOST, *index, host)?;
    }
    for host in before.dns_hosts.iter().filter(|host| !after.dns_hosts.contains(host)) {
        change(remove, sys::VIR_NETWORK_SECTION_DNS_HOST, 0, host)?;
    }
    for host in after.dns_hosts.iter().filter(|host| !before.dns_hosts.contains(host)) {
        change(add, sys::VIR_NETWORK_SECTION_DNS_HOST, 0, host)?;
    }
    Ok(())
}

/// The definition with the change in it.
fn apply(before: &Tree, update: &Update) -> Result<Tree, Error> {
    let mut tree = before.clone();
    let options = &update.options;
    let had_addresses = tree.child("ip").is_some();
    if let Some(mode) = &update.mode {
        set_mode(&mut tree, mode, had_addresses)?;
    } else if let Some(macvtap) = &options.macvtap_mode {
        // libvirt adds the device of other modes as an interface too.
        let is_macvtap = tree.child("forward").is_some_and(|forward| {
            let mode = forward.attribute("mode");
            forward.child("interface").is_some() && !matches!(mode, None | Some("nat" | "route"))
        });
        let forward = tree.child_mut("forward").filter(|_| is_macvtap);
        forward
            .ok_or_else(|| Error::invalid_argument("macvtap_mode", "the network is none of mode `macvtap`"))?
            .set_attribute("mode", Some(macvtap));
    }
    set_forward(&mut tree, options)?;
    if let Some(domain) = &update.domain {
        let local = tree
            .child("domain")
            .and_then(|domain| domain.attribute("localOnly"))
            .map(str::to_owned);
        let element = (!domain.is_empty()).then(|| {
            Element::new("domain")
                .attribute("name", domain)
                .optional_attribute("localOnly", local.as_deref())
        });
        tree.set_child("domain", element.as_ref().map(Tree::of));
    }
    if let Some(local) = options.local_domain {
        let domain = tree.child_mut("domain");
        let domain = domain.ok_or_else(|| Error::invalid_argument("local_domain", "the network has no `domain`"))?;
        domain.set_attribute("localOnly", local.then_some("yes"));
    }
    if let Some(mtu) = options.mtu {
        needs_addresses("mtu", had_addresses)?;
        tree.set_child(
            "mtu",
            Some(Tree::of(&Element::new("mtu").attribute("size", mtu.to_string()))),
        );
    }
    if let Some(vlan) = options.vlan {
        let tag = Element::new("tag").attribute("id", vlan.to_string());
        tree.set_child("vlan", Some(Tree::of(&Element::new("vlan").child(tag))));
    }
    set_dns(&mut tree, options, had_addresses)?;
    set_dhcp(&mut tree, update, had_addresses)?;
    Ok(tree)
}

fn needs_addresses(field: &str, has_addresses: bool) -> Result<(), Error> {
    if has_addresses {
        return Ok(());
    }
    let message = "the network gets its addresses and names from outside";
    Err(Error::invalid_argument(field, message))
}

fn set_mode(tree: &mut Tree, mode: &Mode, had_addresses: bool) -> Result<(), Error> {
    if mode.has_addresses() != had_addresses {
        let message = "a network with addresses of its own cannot become one on the host's bridge or interface, nor the other \
                       way round: make it anew";
        return Err(Error::invalid_argument("mode", message));
    }
    let word = match mode {
        Mode::Nat => "nat",
        Mode::Route => "route",
        Mode::Open => "open",
        Mode::Isolated => {
            tree.set_child("forward", None);
            return Ok(());
        }
        Mode::Bridge | Mode::OpenVswitch | Mode::Macvtap(_) => {
            let message = "the kind of a network on the host's bridge or interface cannot be changed: make it anew";
            return Err(Error::invalid_argument("mode", message));
        }
    };
    let device = tree
        .child("forward")
        .and_then(|forward| forward.attribute("dev"))
        .map(str::to_owned);
    let device = device.filter(|_| *mode != Mode::Open);
    let same = tree
        .child("forward")
        .is_some_and(|forward| forward.attribute("mode").unwrap_or("nat") == word);
    if !same {
        let forward = Element::new("forward")
            .attribute("mode", word)
            .optional_attribute("dev", device.as_deref());
        tree.set_child("forward", Some(Tree::of(&forward)));
    }
    Ok(())
}

fn set_forward(tree: &mut Tree, options: &NetworkOptions) -> Result<(), Error> {
    if let Some(bridge) = &options.bridge {
        let element = tree.child_mut("bridge");
        let element = element.ok_or_else(|| Error::invalid_argument("bridge", "the network has no bridge"))?;
        element.set_attribute("name", Some(bridge));
    }
    if options.device.is_none() && options.nat_ipv6.is_none() {
        return Ok(());
    }
    let forward = tree.child_mut("forward");
    let forward = forward.ok_or_else(|| Error::invalid_argument("device", "the network is isolated"))?;
    let mode = forward.attribute("mode").unwrap_or("nat").to_owned();
    if let Some(device) = &options.device {
        if let Some(interface) = forward
            .child_mut("interface")
            .filter(|_| !matches!(mode.as_str(), "nat" | "route"))
        {
            interface.set_attribute("dev", Some(device));
        } else if matches!(mode.as_str(), "nat" | "route") {
            // libvirt repeats the device as an element, and takes the element for the truth.
            forward.set_child("interface", None);
            forward.set_attribute("dev", Some(device));
        } else {
            let message = "only networks of mode `nat`, `route` or `macvtap` leave by a device";
            return Err(Error::invalid_argument("device", message));
        }
    }
    if let Some(translate) = options.nat_ipv6 {
        if mode != "nat" {
            return Err(Error::invalid_argument("nat_ipv6", "the network is none of mode `nat`"));
        }
        if forward.child("nat").is_none() {
            forward.push(Tree::of(&Element::new("nat")));
        }
        if let Some(nat) = forward.child_mut("nat") {
            nat.set_attribute("ipv6", translate.then_some("yes"));
        }
    }
    Ok(())
}

fn set_dns(tree: &mut Tree, options: &NetworkOptions, had_addresses: bool) -> Result<(), Error> {
    if options.dns.is_none() && options.dns_hosts.is_none() && options.dns_forwarders.is_none() {
        return Ok(());
    }
    needs_addresses("dns", had_addresses)?;
    if tree.child("dns").is_none() {
        tree.set_child("dns", Some(Tree::of(&Element::new("dns"))));
    }
    let Some(dns) = tree.child_mut("dns") else {
        return Ok(());
    };
    if let Some(enabled) = options.dns {
        dns.set_attribute("enable", (!enabled).then_some("no"));
    }
    if let Some(hosts) = &options.dns_hosts {
        dns.retain(|child| child.name() != "host");
        hosts
            .iter()
            .for_each(|host| dns.push(Tree::of(&DnsHost::to_element(host))));
    }
    if let Some(forwarders) = &options.dns_forwarders {
        // One that serves a single domain is not ours to say.
        dns.retain(|child| child.name() != "forwarder" || child.attribute("domain").is_some());
        for address in forwarders {
            let forwarder = Element::new("forwarder").attribute("addr", address.to_string());
            dns.push(Tree::of(&forwarder));
        }
    }
    if dns.children().next().is_none() && dns.attribute("enable").is_none() {
        tree.set_child("dns", None);
    }
    Ok(())
}

fn set_dhcp(tree: &mut Tree, update: &Update, had_addresses: bool) -> Result<(), Error> {
    let options = &update.options;
    if update.dhcp.is_none() && options.ranges.is_none() && options.hosts.is_none() {
        return Ok(());
    }
    needs_addresses("dhcp", had_addresses)?;
    let subnets: Vec<IpNet> = tree
        .children()
        .filter_map(|child| range_of(child).map(|subnet| subnet.range))
        .collect();
    let holds = |address: &IpAddr| subnets.iter().any(|range| range.contains(address));
    let strange_range = options
        .ranges
        .iter()
        .flatten()
        .find(|range| !(holds(&range.first) && holds(&range.last)));
    if let Some(range) = strange_range {
        return Err(Error::invalid_argument(
            "dhcp_ranges",
            format!("`{range}` is not within the network's ranges"),
        ));
    }
    if let Some(host) = options.hosts.iter().flatten().find(|host| !holds(&host.address)) {
        let message = format!("`{}` is not within the network's ranges", host.address);
        return Err(Error::invalid_argument("dhcp_hosts", message));
    }
    let mut served = false;
    for address in tree.children_mut() {
        let Some(subnet) = range_of(address) else {
            continue;
        };
        match update.dhcp {
            Some(false) => address.set_child("dhcp", None),
            Some(true) if address.child("dhcp").is_none() => {
                let dhcp = Element::new("dhcp").child(subnet.default_range().to_element());
                address.set_child("dhcp", Some(Tree::of(&dhcp)));
            }
            _ => {}
        }
        let Some(dhcp) = address.child_mut("dhcp") else {
            continue;
        };
        served = true;
        if let Some(ranges) = &options.ranges {
            dhcp.retain(|child| child.name() != "range");
            let ranges = ranges.iter().filter(|range| subnet.range.contains(&range.first));
            let hosts: Vec<Tree> = dhcp.children().cloned().collect();
            dhcp.retain(|_| false);
            ranges.for_each(|range| dhcp.push(Tree::of(&Range::to_element(range))));
            hosts.into_iter().for_each(|host| dhcp.push(host));
        }
        if let Some(hosts) = &options.hosts {
            dhcp.retain(|child| child.name() != "host");
            let hosts = hosts.iter().filter(|host| subnet.range.contains(&host.address));
            hosts.for_each(|host| dhcp.push(Tree::of(&DhcpHost::to_element(host))));
        }
    }
    if !served && (options.ranges.is_some() || options.hosts.is_some()) {
        let field = if options.ranges.is_some() {
            "dhcp_ranges"
        } else {
            "dhcp_hosts"
        };
        return Err(Error::invalid_argument(field, "the network hands out no addresses"));
    }
    Ok(())
}

/// The range of an `<ip>` element.
fn range_of(address: &Tree) -> Option<Subnet> {
    if address.name() != "ip" {
        return None;
    }
    let gateway: IpAddr = address.attribute("address")?.parse().ok()?;
    let range = match (address.attribute("prefix"), address.attribute("netmask")) {
        (Some(prefix), _) => IpNet::new(gateway, prefix.parse().ok()?).ok()?,
        (None, Some(netmask)) => IpNet::with_netmask(gateway, netmask.parse().ok()?).ok()?,
        (None, None) => return None,
    };
    Some(Subnet {
        range: range.trunc(),
        gateway,
    })
}

#[cfg(test)]
#[path = "network_update_tests.rs"]
mod tests;
