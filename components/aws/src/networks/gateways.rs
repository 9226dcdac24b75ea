//! What VPCs are connected by: internet gateways, NAT gateways, routes, DHCP options.

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Subject};

use crate::client::Client;
use crate::error;
use crate::paging::USUAL;
use crate::query::Query;
use crate::things::{self, Kind, Undo, part_of, settled, tagged};
use crate::xml::Element;

/// Where everything goes that no other route leads to.
pub(super) const ANYWHERE: &str = "0.0.0.0/0";

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInternetGateways.html>.
pub(super) const INTERNET_GATEWAY: Kind = Kind {
    noun: "internet gateway",
    prefix: "igw",
    action: "DescribeInternetGateways",
    set: "internetGatewaySet",
    id: "internetGatewayId",
    id_filter: "internet-gateway-id",
    name_filter: "tag:Name",
    sizes: Some(USUAL),
};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNatGateways.html>.
pub(super) const NAT_GATEWAY: Kind = Kind {
    noun: "NAT gateway",
    prefix: "nat",
    action: "DescribeNatGateways",
    set: "natGatewaySet",
    id: "natGatewayId",
    id_filter: "nat-gateway-id",
    name_filter: "tag:Name",
    sizes: Some(USUAL),
};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeDhcpOptions.html>.
pub(super) const DHCP_OPTIONS: Kind = Kind {
    noun: "set of DHCP options",
    prefix: "dopt",
    action: "DescribeDhcpOptions",
    set: "dhcpOptionsSet",
    id: "dhcpOptionsId",
    id_filter: "dhcp-options-id",
    name_filter: "tag:Name",
    sizes: Some(USUAL),
};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html>; its pages have at most 100.
pub(super) const ROUTE_TABLE: Kind = Kind {
    noun: "route table",
    prefix: "rtb",
    action: "DescribeRouteTables",
    set: "routeTableSet",
    id: "routeTableId",
    id_filter: "route-table-id",
    name_filter: "tag:Name",
    sizes: Some(crate::paging::Sizes {
        smallest: 5,
        largest: 100,
    }),
};

/// The domain that DHCP options hand out.
pub(super) fn domain_name(options: Element<'_>) -> Option<String> {
    let named = options.set("dhcpConfigurationSet");
    let mut named = named.filter(|option| option.text("key") == Some("domain-name"));
    named.next()?.set("valueSet").next()?.string("value")
}

/// A VPC, or what is made along with it: its id and the name that all of it carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
}

impl Owner<'_> {
    /// A creation of something that goes with the VPC.
    fn tagged(&self, query: Query, resource_type: &str) -> Query {
        tagged(query, resource_type, self.name, &[part_of(self.id)])
    }
}

/// Sends the creation of something, and reads its id.
fn created<H: Host>(client: &Client<'_, H>, query: &Query, doing: &str, id: &str) -> Result<String, Error> {
    client.read(query, doing, |root| {
        let found = root.below(id).map(|id| id.own_text().to_owned());
        found.ok_or_else(|| Error::upstream(Some(200), None, format!("while {doing}: the answer has no `{id}`")))
    })
}

/// A change of what may be too new to be seen.
fn connected<H: Host>(client: &Client<'_, H>, query: &Query, doing: &str) -> Result<(), Error> {
    settled(client.host(), || client.change(query, doing, None))
}

/// Makes an internet gateway and attaches it.
pub(super) fn attach_internet<H: Host>(
    client: &Client<'_, H>,
    vpc: Owner<'_>,
    undo: &mut Undo,
) -> Result<String, Error> {
    let doing = format!("making an internet gateway for network `{}`", vpc.name);
    let query = vpc.tagged(Query::ec2("CreateInternetGateway"), "internet-gateway");
    let gateway = created(client, &query, &doing, "internetGatewayId")?;
    undo.note(Query::ec2("DeleteInternetGateway").with("InternetGatewayId", &gateway));
    let ids = |query: Query| query.with("InternetGatewayId", &gateway).with("VpcId", vpc.id);
    connected(client, &ids(Query::ec2("AttachInternetGateway")), &doing)?;
    undo.note(ids(Query::ec2("DetachInternetGateway")));
    Ok(gateway)
}

/// The main route table of a VPC.
pub(super) fn main_table<H: Host>(client: &Client<'_, H>, vpc: Owner<'_>) -> Result<String, Error> {
    let filters: [(&str, &[&str]); 2] = [("vpc-id", &[vpc.id]), ("association.main", &["true"])];
    settled(client.host(), || {
        let table = ROUTE_TABLE.all(client, &filters, |_| ())?.pop();
        table
            .map(|table| table.id)
            .ok_or_else(|| Error::not_found("route table", vpc.name))
    })
}

/// Lets a route table lead everything to a gateway: `GatewayId` or `NatGatewayId`.
pub(super) fn route<H: Host>(
    client: &Client<'_, H>,
    table: &str,
    gateway: (&str, &str),
    vpc: Owner<'_>,
    undo: &mut Undo,
) -> Result<(), Error> {
    let doing = format!("routing network `{}` to its gateway", vpc.name);
    let way = |query: Query| query.with("RouteTableId", table).with("DestinationCidrBlock", ANYWHERE);
    let query = way(Query::ec2("CreateRoute")).with(gateway.0, gateway.1);
    connected(client, &query, &doing)?;
    undo.note(way(Query::ec2("DeleteRoute")));
    Ok(())
}

/// Makes a NAT gateway in a subnet of its own that leads to the internet gateway, and answers its id. It is on its way then.
pub(super) fn translate<H: Host>(
    client: &Client<'_, H>,
    vpc: Owner<'_>,
    (internet, cidr): (&str, &str),
    undo: &mut Undo,
) -> Result<String, Error> {
    let doing = format!("making a NAT gateway for network `{}`", vpc.name);
    let query = Query::ec2("CreateSubnet").with("VpcId", vpc.id).with("CidrBlock", cidr);
    let subnet = created(client, &vpc.tagged(query, "subnet"), &doing, "subnetId")?;
    undo.note(Query::ec2("DeleteSubnet").with("SubnetId", &subnet));

    let query = Query::ec2("CreateRouteTable").with("VpcId", vpc.id);
    let query = client.once(vpc.tagged(query, "route-table"));
    let table = created(client, &query, &doing, "routeTableId")?;
    undo.note(Query::ec2("DeleteRouteTable").with("RouteTableId", &table));
    let associate = Query::ec2("AssociateRouteTable")
        .with("RouteTableId", &table)
        .with("SubnetId", &subnet);
    let association = settled(client.host(), || created(client, &associate, &doing, "associationId"))?;
    undo.note(Query::ec2("DisassociateRouteTable").with("AssociationId", association));
    route(client, &table, ("GatewayId", internet), vpc, undo)?;

    let query = Query::ec2("AllocateAddress").with("Domain", "vpc");
    let address = created(client, &vpc.tagged(query, "elastic-ip"), &doing, "allocationId")?;
    undo.note(Query::ec2("ReleaseAddress").with("AllocationId", &address));
    let query = Query::ec2("CreateNatGateway")
        .with("SubnetId", &subnet)
        .with("AllocationId", &address);
    let query = client.once(vpc.tagged(query, "natgateway"));
    let nat = settled(client.host(), || created(client, &query, &doing, "natGatewayId"))?;
    undo.note(Query::ec2("DeleteNatGateway").with("NatGatewayId", &nat));
    Ok(nat)
}

/// EC2's word for what a NAT gateway is doing; none when there is none of this id.
///
/// # Errors
/// Why it failed, when it did.
pub(crate) fn nat_state<H: Host>(client: &Client<'_, H>, nat: &str) -> Result<Option<String>, Error> {
    let found = NAT_GATEWAY.find(client, nat, &[], |nat| {
        let part = |name| nat.string(name);
        (part("state"), part("failureCode"), part("failureMessage"))
    })?;
    match found.map(|nat| nat.more) {
        Some((state, Some(code), words)) if state.as_deref() == Some("failed") => {
            let doing = format!("waiting for NAT gateway `{nat}`");
            let context = client.context(&doing, Some(Subject::new("network", nat)));
            Err(error::from_code(&code, &words.unwrap_or_default(), None, &context))
        }
        Some((state, _, _)) => Ok(state),
        None => Ok(None),
    }
}

/// Makes DHCP options that hand out a domain, and gives them to the VPC. Answers their id.
pub(super) fn set_domain<H: Host>(
    client: &Client<'_, H>,
    vpc: Owner<'_>,
    domain: &str,
    undo: &mut Undo,
) -> Result<String, Error> {
    let doing = format!("setting the domain of network `{}`", vpc.name);
    let configuration = |query: Query, number: u32, key: &str, value: &str| {
        query
            .with(format!("DhcpConfiguration.{number}.Key"), key)
            .with(format!("DhcpConfiguration.{number}.Value.1"), value)
    };
    let query = configuration(Query::ec2("CreateDhcpOptions"), 1, "domain-name", domain);
    let query = configuration(query, 2, "domain-name-servers", "AmazonProvidedDNS");
    let options = created(client, &vpc.tagged(query, "dhcp-options"), &doing, "dhcpOptionsId")?;
    undo.note(Query::ec2("DeleteDhcpOptions").with("DhcpOptionsId", &options));
    give_options(client, vpc, &options)?;
    undo.note(
        Query::ec2("AssociateDhcpOptions")
            .with("DhcpOptionsId", "default")
            .with("VpcId", vpc.id),
    );
    Ok(options)
}

/// Gives a VPC DHCP options; `default` for none of its own.
pub(super) fn give_options<H: Host>(client: &Client<'_, H>, vpc: Owner<'_>, options: &str) -> Result<(), Error> {
    let query = Query::ec2("AssociateDhcpOptions")
        .with("DhcpOptionsId", options)
        .with("VpcId", vpc.id);
    connected(client, &query, &format!("setting the domain of network `{}`", vpc.name))
}

/// Whether a thing was made along with this VPC.
pub(super) fn is_part<T>(thing: &things::Thing<T>, vpc: &str) -> bool {
    thing.part_of().as_deref() == Some(vpc)
}
