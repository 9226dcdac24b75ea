//! What a VM needs to know of networks: VPCs, subnets and security groups, by name or id.

use std::net::Ipv4Addr;

use stockade_provider::host::Host;
use stockade_provider::types::Error;

use crate::client::Client;
use crate::instance::{NAME_TAG, tag, tags};
use crate::listed::{self, Catalogue, Listed};
use crate::paging;
use crate::xml::Element;

/// A VPC, the contract's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    name: Option<String>,
}

impl Listed for Vpc {
    const CATALOGUE: Catalogue = Catalogue {
        noun: "network",
        action: "DescribeVpcs",
        set: "vpcSet",
        id_filter: "vpc-id",
        id_prefix: "vpc",
        name_filter: "tag:Name",
        sizes: Some(paging::USUAL),
    };

    fn read(vpc: Element<'_>) -> Option<Self> {
        Some(Self {
            id: vpc.string("vpcId")?,
            name: tag(&tags(vpc), NAME_TAG),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubnetOfVpc {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) zone: Option<String>,
    pub(crate) cidr: String,
    free: u32,
    is_default: bool,
    name: Option<String>,
}

impl Listed for SubnetOfVpc {
    const CATALOGUE: Catalogue = Catalogue {
        noun: "subnet",
        action: "DescribeSubnets",
        set: "subnetSet",
        id_filter: "subnet-id",
        id_prefix: "subnet",
        name_filter: "tag:Name",
        sizes: Some(paging::USUAL),
    };

    fn read(subnet: Element<'_>) -> Option<Self> {
        Some(Self {
            id: subnet.string("subnetId")?,
            vpc: subnet.string("vpcId")?,
            zone: subnet.string("availabilityZone"),
            cidr: subnet.string("cidrBlock").unwrap_or_default(),
            free: subnet.number("availableIpAddressCount").unwrap_or(0),
            is_default: subnet.boolean("defaultForAz").unwrap_or(false),
            name: tag(&tags(subnet), NAME_TAG),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// A security group. Its name is no tag, and is unique within its VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) vpc: Option<String>,
    name: Option<String>,
}

impl Listed for Group {
    const CATALOGUE: Catalogue = Catalogue {
        noun: "security-group",
        action: "DescribeSecurityGroups",
        set: "securityGroupInfo",
        id_filter: "group-id",
        id_prefix: "sg",
        name_filter: "group-name",
        sizes: Some(paging::USUAL),
    };

    fn read(group: Element<'_>) -> Option<Self> {
        Some(Self {
            id: group.string("groupId")?,
            vpc: group.string("vpcId"),
            name: group.string("groupName"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// The account's default VPC in this region.
///
/// # Errors
/// `invalid-argument` when it has none: then a network must be named.
pub(crate) fn default_vpc<H: Host>(client: &Client<'_, H>) -> Result<String, Error> {
    let query = listed::query::<Vpc>().with_filter("is-default", ["true"]);
    let found: Vec<Vpc> = listed::all(client, &query, "looking for the default VPC")?;
    found.into_iter().next().map(|vpc| vpc.id).ok_or_else(|| {
        let message =
            "this account has no default VPC in this region: name a network, or set `network` on the connection";
        Error::invalid_argument("nics.network", message)
    })
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
) -> Result<SubnetOfVpc, Error> {
    let vpc = match network {
        Some(network) => Some(listed::get::<Vpc, H>(client, network)?.id),
        None => None,
    };
    if let Some(subnet) = subnet {
        let found = listed::find_among::<SubnetOfVpc, H>(client, subnet, |query| match &vpc {
            Some(vpc) => query.with_filter("vpc-id", [vpc]),
            None => query,
        })?
        .ok_or_else(|| Error::not_found("subnet", subnet))?;
        if vpc.is_some_and(|vpc| vpc != found.vpc) {
            let message = format!("subnet `{subnet}` belongs to another network, `{}`", found.vpc);
            return Err(Error::invalid_argument("nics.subnet", message));
        }
        if let (Some(wanted), Some(zone)) = (zone, &found.zone)
            && wanted != zone
        {
            let message = format!("subnet `{subnet}` is in `{zone}`, not in `{wanted}`");
            return Err(Error::invalid_argument("nics.subnet", message));
        }
        return Ok(found);
    }
    let vpc = match vpc {
        Some(vpc) => vpc,
        None => default_vpc(client)?,
    };
    let mut query = listed::query::<SubnetOfVpc>().with_filter("vpc-id", [&vpc]);
    if let Some(zone) = zone {
        query = query.with_filter("availability-zone", [zone]);
    }
    let found: Vec<SubnetOfVpc> = listed::all(client, &query, &format!("looking for a subnet of network `{vpc}`"))?;
    found
        .into_iter()
        .max_by_key(|subnet| (subnet.is_default, subnet.free, std::cmp::Reverse(subnet.id.clone())))
        .ok_or_else(|| {
            let place = zone.map(|zone| format!(" in `{zone}`")).unwrap_or_default();
            Error::invalid_argument(
                "nics.subnet",
                format!("network `{vpc}` has no subnet{place}: create one"),
            )
        })
}

/// Whether a range of addresses holds this address and has a prefix of this length.
pub(crate) fn holds(cidr: &str, address: Ipv4Addr, length: u8) -> bool {
    let parsed = || {
        let (network, of) = cidr.split_once('/')?;
        Some((network.parse::<Ipv4Addr>().ok()?, of.parse::<u8>().ok()?))
    };
    let Some((network, of)) = parsed() else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - u32::from(of.min(32))).unwrap_or(0);
    of == length && u32::from(network) & mask == u32::from(address) & mask
}

/// The ids of security groups of a VPC, which are given by names or ids.
///
/// # Errors
/// `not-found`.
pub(crate) fn groups<H: Host>(client: &Client<'_, H>, vpc: &str, names: &[String]) -> Result<Vec<String>, Error> {
    let one = |name: &String| {
        let found = listed::find_among::<Group, H>(client, name, |query| query.with_filter("vpc-id", [vpc]))?;
        match found.filter(|group| group.vpc.as_deref().is_none_or(|of| of == vpc)) {
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
