//! What a VM needs to know of networks: the subnet of an interface, and the ids of security groups.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr};

use stockade_provider::host::Host;
use stockade_provider::types::Error;

use crate::cidr::Cidr;
use crate::client::Client;
use crate::networks::{VPC, default_vpc};
use crate::security_groups::GROUP;
use crate::subnets::{Place, SUBNET};
use crate::things::Thing;
use crate::xml::Element;

/// What is read of a subnet that an interface may be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) place: Place,
    free: u32,
    is_default: bool,
}

impl Candidate {
    fn read(subnet: Element<'_>) -> Self {
        Self {
            place: Place::read(subnet),
            free: subnet.number("availableIpAddressCount").unwrap_or(0),
            is_default: subnet.boolean("defaultForAz").unwrap_or(false),
        }
    }
}

/// The subnet for an interface: the one that is named, or the one of the network with the most free addresses, those that
/// are the default of their zone first.
///
/// # Errors
/// `not-found`, `ambiguous`; `invalid-argument` when subnet, network and zone do not belong together.
pub(crate) fn subnet<H: Host>(
    client: &Client<'_, H>,
    network: Option<&str>,
    subnet: Option<&str>,
    zone: Option<&str>,
) -> Result<Thing<Candidate>, Error> {
    let vpc = match network {
        Some(network) => Some(VPC.get(client, network, |_| ())?.id),
        None => None,
    };
    match subnet {
        Some(subnet) => named(client, subnet, vpc.as_deref(), zone),
        None => {
            let vpc = match vpc {
                Some(vpc) => vpc,
                None => default_vpc(client)?.id,
            };
            best(client, &vpc, zone)
        }
    }
}

fn named<H: Host>(
    client: &Client<'_, H>,
    subnet: &str,
    vpc: Option<&str>,
    zone: Option<&str>,
) -> Result<Thing<Candidate>, Error> {
    let refuse = |message| Err(Error::invalid_argument("nics.subnet", message));
    let of_vpc: Vec<&str> = vpc.into_iter().collect();
    let within = [("vpc-id", of_vpc.as_slice())];
    let filters: &[_] = if vpc.is_some() { &within } else { &[] };
    let found = SUBNET
        .find(client, subnet, filters, Candidate::read)?
        .ok_or_else(|| Error::not_found("subnet", subnet))?;
    let place = &found.more.place;
    if vpc.is_some_and(|vpc| vpc != place.vpc) {
        return refuse(format!("subnet `{subnet}` belongs to another network, `{}`", place.vpc));
    }
    match (zone, &place.zone) {
        (Some(wanted), Some(zone)) if wanted != zone => {
            refuse(format!("subnet `{subnet}` is in `{zone}`, not in `{wanted}`"))
        }
        _ => Ok(found),
    }
}

fn best<H: Host>(client: &Client<'_, H>, vpc: &str, zone: Option<&str>) -> Result<Thing<Candidate>, Error> {
    let (of_vpc, in_zone) = ([vpc], zone.as_slice());
    let mut filters = vec![("vpc-id", &of_vpc[..])];
    if zone.is_some() {
        filters.push(("availability-zone", in_zone));
    }
    let found = SUBNET.all(client, &filters, Candidate::read)?;
    let best = found
        .into_iter()
        .max_by_key(|subnet| (subnet.more.is_default, subnet.more.free, Reverse(subnet.id.clone())));
    best.ok_or_else(|| {
        let place = zone.map(|zone| format!(" in `{zone}`")).unwrap_or_default();
        Error::invalid_argument(
            "nics.subnet",
            format!("network `{vpc}` has no subnet{place}: create one"),
        )
    })
}

/// Whether a range of addresses holds this address and has a prefix of this length.
pub(crate) fn holds(cidr: &str, address: Ipv4Addr, length: u8) -> bool {
    let has_length = cidr.split_once('/').is_some_and(|(_, of)| of == length.to_string());
    let range = Cidr::parse(cidr);
    has_length && range.is_some_and(|range| range.contains(Cidr::of(IpAddr::V4(address))))
}

/// The ids of security groups of a VPC, which are given by names or ids.
///
/// # Errors
/// `not-found`.
pub(crate) fn groups<H: Host>(client: &Client<'_, H>, vpc: &str, names: &[String]) -> Result<Vec<String>, Error> {
    let of_vpc = [vpc];
    let one = |name: &String| {
        let vpc_of = |group: Element<'_>| group.string("vpcId");
        let found = GROUP.find(client, name, &[("vpc-id", &of_vpc[..])], vpc_of)?;
        match found.filter(|group| group.more.as_deref().is_none_or(|of| of == vpc)) {
            Some(group) => Ok(group.id),
            None => Err(Error::not_found("security-group", name)),
        }
    };
    names.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_a_range_with_its_own_prefix() {
        let holds = |cidr, address: &str, length| holds(cidr, address.parse().expect("address"), length);
        assert!(holds("10.0.1.0/24", "10.0.1.7", 24));
        assert!(!holds("10.0.1.0/24", "10.0.2.7", 24));
        assert!(!holds("10.0.1.0/24", "10.0.1.7", 16));
        assert!(holds("0.0.0.0/0", "10.0.1.7", 0));
        assert!(!holds("", "10.0.1.7", 24));
    }
}
