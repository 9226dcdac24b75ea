//! Deleting a VPC with its subnets and what was made along with it.
//!
//! What others made in it (VMs, interfaces, gateways, route tables, security groups) is looked for first: then nothing is
//! deleted at all.

use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, ErrorKind, Subject};

use super::gateways::Owner;
use super::gateways::{DHCP_OPTIONS, INTERNET_GATEWAY, NAT_GATEWAY, ROUTE_TABLE, give_options, is_part};
use super::{VPC, Vpc};
use crate::client::Client;
use crate::instance;
use crate::operations::done;
use crate::paging::USUAL;
use crate::query::Query;
use crate::security_groups::GROUP;
use crate::subnets::SUBNET;
use crate::things::{Kind, Thing};

/// How long a NAT gateway may take to go, in seconds. It usually takes less than one minute
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html>), and a call has two by default.
const NAT_SECONDS: u32 = 90;

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html>.
const INTERFACE: Kind = Kind {
    noun: "network interface",
    prefix: "eni",
    action: "DescribeNetworkInterfaces",
    set: "networkInterfaceSet",
    id: "networkInterfaceId",
    id_filter: "network-interface-id",
    name_filter: "tag:Name",
    sizes: Some(USUAL),
};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAddresses.html>; it has no pages.
const ADDRESS: Kind = Kind {
    noun: "address",
    prefix: "eipalloc",
    action: "DescribeAddresses",
    set: "addressesSet",
    id: "allocationId",
    id_filter: "allocation-id",
    name_filter: "tag:Name",
    sizes: None,
};

/// What goes with a VPC, as ids.
#[derive(Debug, Default)]
struct Parts {
    nats: Vec<String>,
    addresses: Vec<String>,
    gateways: Vec<String>,
    subnets: Vec<String>,
    /// With the associations that must end first.
    tables: Vec<(String, Vec<String>)>,
    dhcp_options: Vec<String>,
}

/// Deletes a network.
pub(super) fn delete<H: Host>(client: &Client<'_, H>, network: &str) -> Result<Change, Error> {
    let found = VPC.get(client, network, Vpc::read)?;
    let doing = format!("deleting network `{}`", found.name);
    let subject = || Some(Subject::new("network", network));
    let (parts, blockers) = examine(client, &found.id)?;
    if !blockers.is_empty() {
        let message = format!(
            "while {doing}: it is in use by {}; delete them first",
            blockers.join(", ")
        );
        return Err(Error::conflict(message));
    }
    let change = |query: Query| client.change(&query, &doing, subject());
    for nat in &parts.nats {
        change(Query::ec2("DeleteNatGateway").with("NatGatewayId", nat))?;
    }
    wait_until_gone(client, &parts.nats, &doing)?;
    for address in &parts.addresses {
        change(Query::ec2("ReleaseAddress").with("AllocationId", address))?;
    }
    for (table, associations) in &parts.tables {
        for association in associations {
            change(Query::ec2("DisassociateRouteTable").with("AssociationId", association))?;
        }
        change(Query::ec2("DeleteRouteTable").with("RouteTableId", table))?;
    }
    for subnet in &parts.subnets {
        change(Query::ec2("DeleteSubnet").with("SubnetId", subnet))?;
    }
    for gateway in &parts.gateways {
        let detach = Query::ec2("DetachInternetGateway").with("InternetGatewayId", gateway);
        change(detach.with("VpcId", &found.id))?;
        change(Query::ec2("DeleteInternetGateway").with("InternetGatewayId", gateway))?;
    }
    if !parts.dhcp_options.is_empty() {
        let owner = Owner {
            id: &found.id,
            name: &found.name,
        };
        give_options(client, owner, "default")?;
    }
    change(Query::ec2("DeleteVpc").with("VpcId", &found.id))?;
    for options in &parts.dhcp_options {
        change(Query::ec2("DeleteDhcpOptions").with("DhcpOptionsId", options))?;
    }
    Ok(done(found.id))
}

/// What goes with a VPC, and what of others keeps it.
fn examine<H: Host>(client: &Client<'_, H>, vpc: &str) -> Result<(Parts, Vec<String>), Error> {
    let within: [(&str, &[&str]); 1] = [("vpc-id", &[vpc])];
    let mut parts = Parts::default();
    let mut blockers = Vec::new();
    let mut sort = |kind: &Kind, id: String, is_part: bool, parts: &mut Vec<String>| match is_part {
        true => parts.push(id),
        false => blockers.push(format!("{} `{id}`", kind.noun)),
    };
    let nats = NAT_GATEWAY.all(client, &within, |nat| {
        let addresses = nat.set("natGatewayAddressSet");
        let interfaces = addresses.filter_map(|address| address.string("networkInterfaceId"));
        (nat.string("state"), interfaces.collect::<Vec<_>>())
    })?;
    let of_nats: Vec<String> = nats.iter().flat_map(|nat| nat.more.1.clone()).collect();
    for nat in nats {
        if !matches!(nat.more.0.as_deref(), Some("deleted" | "deleting" | "failed")) {
            let is_part = is_part(&nat, vpc);
            sort(&NAT_GATEWAY, nat.id, is_part, &mut parts.nats);
        }
    }
    for gateway in INTERNET_GATEWAY.all(client, &[("attachment.vpc-id", &[vpc])], |_| ())? {
        let is_part = is_part(&gateway, vpc);
        sort(&INTERNET_GATEWAY, gateway.id, is_part, &mut parts.gateways);
    }
    let tables = ROUTE_TABLE.all(client, &within, |table| {
        let associations = table.set("associationSet");
        associations
            .map(|association| {
                let id = association.string("routeTableAssociationId");
                (id, association.boolean("main") == Some(true))
            })
            .collect::<Vec<_>>()
    })?;
    for table in tables {
        if table.more.iter().any(|(_, is_main)| *is_main) {
            continue; // It goes with the VPC.
        }
        let associations = table.more.iter().filter_map(|(id, _)| id.clone()).collect();
        if is_part(&table, vpc) {
            parts.tables.push((table.id, associations));
        } else {
            blockers.push(format!("{} `{}`", ROUTE_TABLE.noun, table.id));
        }
    }
    for group in GROUP.all(client, &within, |_| ())? {
        if group.name != "default" {
            blockers.push(format!("security group `{}`", group.name));
        }
    }
    blockers.extend(users(client, vpc, &of_nats)?);
    let subnets = SUBNET.all(client, &within, |_| ())?;
    parts.subnets = subnets.into_iter().map(|subnet| subnet.id).collect();
    let ours: [(&str, &[&str]); 1] = [("tag:stockade:part-of", &[vpc])];
    let addresses = ADDRESS.all(client, &ours, |_| ())?;
    parts.addresses = addresses
        .into_iter()
        .filter(|address| is_part(address, vpc))
        .map(|address| address.id)
        .collect();
    let options = DHCP_OPTIONS.all(client, &ours, |_| ())?;
    parts.dhcp_options = options
        .into_iter()
        .filter(|options| is_part(options, vpc))
        .map(|options| options.id)
        .collect();
    Ok((parts, blockers))
}

/// VMs and interfaces in a VPC. Interfaces of NAT gateways go with these.
fn users<H: Host>(client: &Client<'_, H>, vpc: &str, of_nats: &[String]) -> Result<Vec<String>, Error> {
    let query = Query::ec2("DescribeInstances").with_filter("vpc-id", [vpc]);
    let vms = client.read(&query, "looking for VMs in the network", |root| Ok(instance::all(root)))?;
    let vms = vms.into_iter().filter(|vm| !vm.is_gone());
    let mut users: Vec<String> = vms.map(|vm| format!("vm `{}`", vm.name())).collect();
    let interfaces = INTERFACE.all(client, &[("vpc-id", &[vpc])], |interface| {
        let attachment = interface.child("attachment");
        attachment.is_some_and(|attachment| attachment.text("instanceId").is_some())
    })?;
    let is_other = |interface: &Thing<bool>| !interface.more && !of_nats.contains(&interface.id);
    let others = interfaces.into_iter().filter(is_other);
    users.extend(others.map(|interface| format!("{} `{}`", INTERFACE.noun, interface.id)));
    Ok(users)
}

/// Waits until NAT gateways are gone: until then their addresses and subnet are in use.
fn wait_until_gone<H: Host>(client: &Client<'_, H>, nats: &[String], doing: &str) -> Result<(), Error> {
    let mut waited_ms = 0;
    for nat in nats {
        loop {
            match super::nat_state(client, nat)?.as_deref() {
                None | Some("deleted" | "failed") => break,
                Some(_) if waited_ms >= NAT_SECONDS * 1000 => {
                    let message =
                        format!("while {doing}: NAT gateway `{nat}` is still going; delete the network again later");
                    return Err(Error::new(ErrorKind::TimedOut, message));
                }
                Some(_) => {
                    client.host().sleep(2000);
                    waited_ms += 2000;
                }
            }
        }
    }
    Ok(())
}
