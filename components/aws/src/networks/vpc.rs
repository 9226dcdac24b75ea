//! VPCs as networks.

use std::collections::{BTreeMap, BTreeSet};

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Network, PageRequest};

use super::Mode;
use super::gateways::{DHCP_OPTIONS, INTERNET_GATEWAY, NAT_GATEWAY, domain_name};
use crate::client::Client;
use crate::paging::{Part, USUAL};
use crate::things::{Kind, Thing};
use crate::xml::Element;

/// VPCs: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html>.
pub(crate) const VPC: Kind = Kind {
    noun: "network",
    prefix: "vpc",
    action: "DescribeVpcs",
    set: "vpcSet",
    id: "vpcId",
    id_filter: "vpc-id",
    name_filter: "tag:Name",
    sizes: Some(USUAL),
};

/// What is read of a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vpc {
    pub(crate) cidrs: Vec<String>,
    pub(super) state: String,
    pub(super) dhcp_options: Option<String>,
}

impl Vpc {
    pub(crate) fn read(item: Element<'_>) -> Self {
        let is_there = |state: Option<Element<'_>>| {
            !matches!(
                state.and_then(|state| state.text("state")),
                Some("disassociating" | "disassociated" | "failing" | "failed")
            )
        };
        let blocks = |set: &'static str, cidr: &'static str, state: &'static str| {
            let there = item.set(set).filter(move |block| is_there(block.child(state)));
            there.filter_map(move |block| block.string(cidr))
        };
        let mut cidrs: Vec<String> = blocks("cidrBlockAssociationSet", "cidrBlock", "cidrBlockState").collect();
        if cidrs.is_empty() {
            cidrs.extend(item.string("cidrBlock"));
        }
        cidrs.extend(blocks(
            "ipv6CidrBlockAssociationSet",
            "ipv6CidrBlock",
            "ipv6CidrBlockState",
        ));
        Self {
            cidrs,
            state: item.string("state").unwrap_or_default(),
            dhcp_options: item.string("dhcpOptionsId"),
        }
    }

    /// One of these ranges.
    #[cfg(test)]
    pub(crate) fn of(cidrs: &[&str]) -> Self {
        Self {
            cidrs: cidrs.iter().map(|&cidr| cidr.to_owned()).collect(),
            state: "available".to_owned(),
            dhcp_options: None,
        }
    }
}

/// The account's default VPC in the region.
///
/// # Errors
/// `not-found` when it was deleted.
pub(crate) fn default_vpc<H: Host>(client: &Client<'_, H>) -> Result<Thing<Vpc>, Error> {
    let found = VPC.all(client, &[("is-default", &["true"])], Vpc::read)?.pop();
    found.ok_or_else(|| {
        let mut error = Error::not_found("network", "default");
        error.message = "this account has no default VPC in the region; name a network".to_owned();
        error
    })
}

/// What belongs to VPCs and says how they reach the outside.
struct Surroundings {
    routed: BTreeSet<String>,
    translated: BTreeSet<String>,
    /// Domains by the id of DHCP options.
    domains: BTreeMap<String, String>,
}

impl Surroundings {
    /// Those of one VPC, or of all: three requests however many there are, and more only for further pages.
    fn read<H: Host>(client: &Client<'_, H>, vpc: Option<&str>) -> Result<Self, Error> {
        let of = |filter: &'static str| vpc.map(|vpc| (filter, [vpc]));
        let attached = of("attachment.vpc-id");
        let attached: Vec<(&str, &[&str])> = attached.iter().map(|(name, vpc)| (*name, &vpc[..])).collect();
        let gateways = INTERNET_GATEWAY.all(client, &attached, |gateway| {
            let attachments = gateway.set("attachmentSet");
            attachments
                .filter_map(|attachment| attachment.string("vpcId"))
                .collect::<Vec<_>>()
        })?;
        let within = of("vpc-id");
        let within: Vec<(&str, &[&str])> = within.iter().map(|(name, vpc)| (*name, &vpc[..])).collect();
        let nats = NAT_GATEWAY.all(client, &within, |nat| {
            let is_there = matches!(nat.text("state"), Some("available" | "pending"));
            nat.string("vpcId").filter(|_| is_there)
        })?;
        let options = DHCP_OPTIONS.all(client, &[], domain_name)?;
        Ok(Self {
            routed: gateways.into_iter().flat_map(|gateway| gateway.more).collect(),
            translated: nats.into_iter().filter_map(|nat| nat.more).collect(),
            domains: options
                .into_iter()
                .filter_map(|options| Some((options.id, options.more?)))
                .collect(),
        })
    }

    fn mode(&self, vpc: &str) -> Mode {
        if self.translated.contains(vpc) {
            Mode::Nat
        } else if self.routed.contains(vpc) {
            Mode::Route
        } else {
            Mode::Isolated
        }
    }

    fn network(&self, vpc: &Thing<Vpc>) -> Network {
        let options = vpc.more.dhcp_options.as_ref();
        Network {
            id: vpc.id.clone(),
            name: vpc.name.clone(),
            active: vpc.more.state == "available",
            mode: self.mode(&vpc.id).word().to_owned(),
            cidrs: vpc.more.cidrs.clone(),
            // Every VPC does (<https://docs.aws.amazon.com/vpc/latest/userguide/VPC_DHCP_Options.html>).
            dhcp: Some(true),
            domain: options.and_then(|options| self.domains.get(options).cloned()),
            bridge: None,
            metadata: vpc.metadata(),
        }
    }
}

/// A page of networks.
pub(super) fn page<H: Host>(client: &Client<'_, H>, request: &PageRequest) -> Result<Part<Network>, Error> {
    let (found, next) = VPC.page(client, request, &[], Vpc::read)?;
    if found.is_empty() {
        return Ok((Vec::new(), next));
    }
    let surroundings = Surroundings::read(client, None)?;
    Ok((found.iter().map(|vpc| surroundings.network(vpc)).collect(), next))
}

/// One network with everything known about it.
pub(super) fn network<H: Host>(client: &Client<'_, H>, vpc: &Thing<Vpc>) -> Result<Network, Error> {
    Ok(Surroundings::read(client, Some(&vpc.id))?.network(vpc))
}

/// How a VPC reaches the outside now.
pub(super) fn mode<H: Host>(client: &Client<'_, H>, vpc: &str) -> Result<Mode, Error> {
    Ok(Surroundings::read(client, Some(vpc))?.mode(vpc))
}
