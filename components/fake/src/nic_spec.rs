//! The specs of network interfaces as records.

use std::net::IpAddr;

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Network, Subnet, VmNic, VmNicSpec};

use crate::client::Client;
use crate::cloud::{self, DEFAULT};
use crate::subnets;
use crate::vm_spec::choice;

/// The interfaces of a new VM; without a spec one on the default network.
pub(crate) fn new_nics<H: Host>(client: &Client<'_, H>, mut specs: Vec<VmNicSpec>) -> Result<Vec<VmNic>, Error> {
    if specs.is_empty() {
        specs.push(VmNicSpec {
            network: None,
            subnet: None,
            mac: None,
            model: None,
            address: None,
            gateway: None,
            dns_servers: Vec::new(),
            public: None,
        });
    }
    let mut taken = cloud::all_nics(client)?;
    let others = taken.len();
    for (index, spec) in specs.into_iter().enumerate() {
        let nic = new_nic(client, "nics.", index, spec, &taken)?;
        taken.push(nic);
    }
    Ok(taken.split_off(others))
}

/// One interface; `prefix` goes before the names of refused fields, the addresses of `taken` are not given again.
pub(crate) fn new_nic<H: Host>(
    client: &Client<'_, H>,
    prefix: &str,
    index: usize,
    spec: VmNicSpec,
    taken: &[VmNic],
) -> Result<VmNic, Error> {
    let VmNicSpec {
        network,
        subnet,
        mac,
        model,
        address,
        gateway,
        dns_servers,
        public,
    } = spec;
    let field = |name: &str| format!("{prefix}{name}");
    if public == Some(true) {
        return Err(Error::cannot_honour(
            &field("public"),
            "this cloud has no public addresses",
        ));
    }
    if address.is_none() && (gateway.is_some() || !dns_servers.is_empty()) {
        return Err(Error::invalid_argument(
            &field("address"),
            "a gateway and name servers go with a fixed address",
        ));
    }
    let subnet = subnet.map(|subnet| client.get::<Subnet>(&subnet)).transpose()?;
    let default = subnet.as_ref().map_or(DEFAULT, |subnet| &subnet.network);
    let network = client.get::<Network>(network.as_deref().unwrap_or(default))?;
    if let Some(subnet) = subnet.as_ref().filter(|subnet| subnet.network != network.name) {
        let message = format!("subnet `{}` is in network `{}`", subnet.name, subnet.network);
        return Err(Error::invalid_argument(&field("subnet"), message));
    }
    let mac = match mac {
        None => cloud::mac(client.next_number()?),
        Some(mac) => check_mac(&field("mac"), &mac)?,
    };
    if taken.iter().any(|nic| nic.mac.as_ref() == Some(&mac)) {
        return Err(Error::conflict(format!(
            "the MAC address `{mac}` is in use; choose another or none"
        )));
    }
    let address = match address {
        None => match &subnet {
            Some(subnet) if subnet.dhcp == Some(true) => cloud::free_subnet_address(subnet, taken)?,
            None if network.dhcp == Some(true) => cloud::free_address(&network, taken)?,
            _ => None,
        },
        Some(address) => Some(fixed_address(&field("address"), &address, subnet.as_ref())?),
    };
    if let Some(address) = &address
        && taken.iter().any(|nic| nic.ips.contains(address))
    {
        return Err(Error::conflict(format!(
            "the address `{address}` is in use; choose another or none"
        )));
    }
    Ok(VmNic {
        name: format!("eth{index}"),
        mac: Some(mac),
        network: Some(network.name),
        model: Some(choice(&field("model"), model, &["virtio", "e1000"])?),
        ips: address.into_iter().collect(),
    })
}

/// A fixed address, which lies in the subnet when one is named.
fn fixed_address(field: &str, address: &str, subnet: Option<&Subnet>) -> Result<String, Error> {
    let (parsed, _) = cloud::parse_cidr(address)
        .ok_or_else(|| Error::invalid_argument(field, format!("`{address}` is no IPv4 address with prefix length")))?;
    match subnet {
        Some(subnet) if !subnets::range(subnet)?.contains(&IpAddr::from(parsed)) => Err(Error::invalid_argument(
            field,
            format!(
                "`{address}` is outside subnet `{}`, which is `{}`",
                subnet.name, subnet.cidr
            ),
        )),
        _ => Ok(parsed.to_string()),
    }
}

/// Six bytes in hex with colons, in lower case.
fn check_mac(field: &str, mac: &str) -> Result<String, Error> {
    let parts: Vec<&str> = mac.split(':').collect();
    let is_mac = parts.len() == 6
        && parts
            .iter()
            .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_mac {
        Ok(mac.to_ascii_lowercase())
    } else {
        Err(Error::invalid_argument(field, format!("`{mac}` is no MAC address")))
    }
}
