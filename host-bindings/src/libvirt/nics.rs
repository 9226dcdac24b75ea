//! Interfaces of existing VMs: added, moved to another network, removed.
//!
//! An interface's name is its place among the VM's interfaces (`net0`), as `get-vm` shows it; its MAC address names it too,
//! and stays right when one before it goes. What the guest should use as its address was in the seed, which is read once:
//! an interface that comes later gets its address from DHCP or from within the guest.

use virt::connect::Connect;

use crate::contract::{Change, Error, VmNicSpec};

use super::domain_xml::NicDefinition;
use super::edit::{Device, cut_nic};
use super::error::Fault;
use super::facts::DomainFacts;
use super::handle::VmHandle;
use super::hotplug;
use super::lookup;
use super::metadata::NicMetadata;
use super::names::normal_mac;
use super::networks::start_networks;
use super::nic_request::check_nic;
use super::nic_source::NicSource;
use super::notes::{read_ours, write_ours};
use super::options::Options;
use super::request::DEVICES_MAX;

/// Adds an interface. The answer's id is its name.
pub(super) fn add_nic(connect: &Connect, vm: &str, spec: &VmNicSpec, options: &Options) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    if spec.address.is_some() {
        let message = "the guest of an existing vm cannot be told an address: leave `address` out and use DHCP, or set it in the guest";
        return Err(Error::invalid_argument("address", message).into());
    }
    let nic = check_nic(spec, options)?;
    let before = macs(&vm)?;
    if before.len() >= DEVICES_MAX {
        return Err(Error::invalid_argument("nics", format!("a vm has at most {DEVICES_MAX} interfaces")).into());
    }
    if before.contains(&nic.mac) {
        return Err(Error::already_exists("nic", &nic.mac).into());
    }
    check_source(connect, &nic.source, vm.is_active())?;
    let definition = NicDefinition {
        source: nic.source,
        mac: nic.mac,
        model: nic.model,
        tuning: Default::default(),
    };
    let mac = definition.mac.clone();
    hotplug::attach(&vm, "nic", &definition.element().to_string(), &|xml| cut_nic(xml, &mac))?;
    note(&vm, |nics| {
        nics.push(NicMetadata {
            mac: Some(mac.clone()),
            address: None,
        });
    })?;
    Ok(Change {
        id: format!("net{}", before.len()),
        pending: None,
    })
}

/// Removes an interface.
pub(super) fn remove_nic(connect: &Connect, vm: &str, nic: &str) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    let mac = find_nic(&vm, nic)?;
    hotplug::detach(&vm, "nic", &|xml| cut_nic(xml, &mac))?;
    note(&vm, |nics| nics.retain(|known| known.mac.as_deref() != Some(&mac)))?;
    Ok(Change {
        id: nic.to_owned(),
        pending: None,
    })
}

/// Moves an interface to another network; what else is known about it stays.
pub(super) fn update_nic(connect: &Connect, vm: &str, nic: &str, network: &str) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    let mac = find_nic(&vm, nic)?;
    let source = NicSource::from_text(network)?;
    check_source(connect, &source, vm.is_active())?;
    let change = |device: &Device| moved(device, &source);
    hotplug::update(&vm, "nic", &|xml| cut_nic(xml, &mac), 0, &change)?;
    Ok(Change {
        id: nic.to_owned(),
        pending: None,
    })
}

/// The element with another source. The host's side of the old connection (`target`) goes with it.
fn moved(device: &Device, source: &NicSource) -> Option<String> {
    let added: Vec<String> = source.element().iter().map(ToString::to_string).collect();
    let changed = device.with_children(&["source", "target"], &added)?;
    let document = roxmltree::Document::parse(&changed).ok()?;
    let kind = document.root_element().attribute_node("type")?.range_value();
    let mut edit = super::edit::Edit::new(&changed);
    edit.replace(kind, source.kind());
    edit.finish()
}

fn check_source(connect: &Connect, source: &NicSource, must_run: bool) -> Result<(), Fault> {
    let Some(network) = source.network() else { return Ok(()) };
    lookup::find_network(connect, network)?;
    if must_run {
        start_networks(connect, std::iter::once(network))?;
    }
    Ok(())
}

/// The MAC address of an interface that is named by its place or its MAC address.
fn find_nic(vm: &VmHandle, nic: &str) -> Result<String, Fault> {
    let macs = macs(vm)?;
    let by_place = nic.strip_prefix("net").and_then(|digits| digits.parse::<usize>().ok());
    let by_mac = normal_mac(nic).ok();
    let found = by_place
        .and_then(|place| macs.get(place))
        .or_else(|| macs.iter().find(|mac| Some(*mac) == by_mac.as_ref()));
    found.cloned().ok_or_else(|| Error::not_found("nic", nic).into())
}

fn macs(vm: &VmHandle) -> Result<Vec<String>, Fault> {
    let facts = DomainFacts::from_xml(&vm.live_xml()?).ok_or_else(|| vm.unreadable())?;
    Ok(facts.nics.into_iter().map(|nic| nic.mac.unwrap_or_default()).collect())
}

/// Keeps the MAC addresses in our metadata right: a list finds the leases by them.
fn note(vm: &VmHandle, change: impl FnOnce(&mut Vec<NicMetadata>)) -> Result<(), Fault> {
    match read_ours(vm)? {
        Some(mut metadata) => {
            change(&mut metadata.nics);
            write_ours(vm, &metadata)
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_interface_keeps_what_is_unknown_and_loses_the_old_connection() {
        let device = Device {
            xml: "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='a' portid='x' bridge='virbr0'/>\
                  <target dev='vnet0'/><new/><alias name='net0'/></interface>"
                .into(),
            tag: "interface".into(),
        };
        let to = |text: &str| moved(&device, &NicSource::from_text(text).unwrap()).unwrap();
        assert_eq!(
            to("bridge:br0").replace('\n', ""),
            "<interface type='bridge'><mac address='52:54:00:00:00:01'/><new/><alias name='net0'/><source bridge='br0'/></interface>"
        );
        assert!(to("it's").contains("<source network='it&apos;s'/>"));
        assert!(!to("user").contains("<source"));
    }
}
