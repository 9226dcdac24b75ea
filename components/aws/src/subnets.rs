//! Subnets of VPCs.
//!
//! A VPC's router is the second address of each subnet, and every subnet hands out addresses; neither can be changed.

use std::net::IpAddr;

use stockade_provider::abilities::Subnets;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{
    Change, Error, ErrorKind, OptionSchema, PageRequest, SpecOptions, Subject, Subnet, SubnetPage, SubnetSpec,
};

use crate::Aws;
use crate::cidr::Cidr;
use crate::client::Client;
use crate::networks::{VPC, Vpc};
use crate::operations::done;
use crate::paging::USUAL;
use crate::query::Query;
use crate::things::{Kind, Thing, Undo, check_metadata, check_name, settled, tagged};
use crate::xml::Element;

/// Subnets: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>.
pub(crate) const SUBNET: Kind = Kind {
    noun: "subnet",
    prefix: "subnet",
    action: "DescribeSubnets",
    set: "subnetSet",
    id: "subnetId",
    id_filter: "subnet-id",
    name_filter: "tag:Name",
    sizes: Some(USUAL),
};

/// The option that says whether VMs get public addresses.
const PUBLIC: &str = "public";

/// What is read of a subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The id of its VPC.
    pub(crate) vpc: String,
    /// Its IPv4 range.
    pub(crate) cidr: String,
    /// Its availability zone.
    pub(crate) zone: Option<String>,
    /// Whether VMs in it get public addresses.
    pub(crate) is_public: bool,
}

impl Place {
    pub(crate) fn read(item: Element<'_>) -> Self {
        Self {
            vpc: item.string("vpcId").unwrap_or_default(),
            cidr: item.string("cidrBlock").unwrap_or_default(),
            zone: item.string("availabilityZone"),
            is_public: item.boolean("mapPublicIpOnLaunch") == Some(true),
        }
    }
}

/// What a subnet's spec may say beyond the contract.
pub(crate) fn spec_options() -> SpecOptions {
    SpecOptions {
        noun: "subnet".to_owned(),
        options: vec![
            OptionSchema::boolean(PUBLIC, "give VMs in it public addresses unless they say otherwise")
                .with_default(false),
        ],
    }
}

/// As the contract has it; `network` is its VPC's name.
fn subnet(found: Thing<Place>, network: String) -> Subnet {
    Subnet {
        metadata: found.metadata(),
        gateway: router(&found.more.cidr).map(|router| router.to_string()),
        id: found.id,
        name: found.name,
        network,
        cidr: found.more.cidr,
        dhcp: Some(true),
        location: found.more.zone,
    }
}

/// Where the VPC's router is in a subnet.
fn router(cidr: &str) -> Option<IpAddr> {
    Cidr::parse(cidr)?.second()
}

impl<H: Host> Subnets<H> for Aws {
    fn list_subnets(host: &H, network: Option<String>, page: PageRequest) -> Result<SubnetPage, Error> {
        let client = Client::new(host, "list-subnets");
        let vpc = match &network {
            Some(network) => Some(VPC.get(&client, network, |_| ())?),
            None => None,
        };
        let id = vpc.as_ref().map(|vpc| [vpc.id.as_str()]);
        let filters: Vec<(&str, &[&str])> = id.iter().map(|id| ("vpc-id", &id[..])).collect();
        let (found, next) = SUBNET.page(&client, &page, &filters, Place::read)?;
        let vpcs = match (vpc, found.is_empty()) {
            (Some(vpc), _) => vec![vpc],
            (None, true) => Vec::new(),
            (None, false) => VPC.all(&client, &[], |_| ())?,
        };
        let name = |id: &str| {
            let vpc = vpcs.iter().find(|vpc| vpc.id == id);
            vpc.map_or_else(|| id.to_owned(), |vpc| vpc.name.clone())
        };
        let items = found.into_iter().map(|found| {
            let network = name(&found.more.vpc);
            subnet(found, network)
        });
        Ok(SubnetPage {
            items: items.collect(),
            next,
        })
    }

    fn get_subnet(host: &H, subnet: String) -> Result<Subnet, Error> {
        let client = Client::new(host, "get-subnet");
        let found = SUBNET.get(&client, &subnet, Place::read)?;
        let vpc = VPC.all(&client, &[("vpc-id", &[&found.more.vpc])], |_| ())?.pop();
        let network = vpc.map_or_else(|| found.more.vpc.clone(), |vpc| vpc.name);
        Ok(self::subnet(found, network))
    }

    fn create_subnet(host: &H, spec: SubnetSpec) -> Result<Change, Error> {
        create(&Client::new(host, "create-subnet"), &spec)
    }

    fn update_subnet(host: &H, subnet: String, dhcp: Option<bool>, gateway: Option<String>) -> Result<Change, Error> {
        let found = SUBNET.get(&Client::new(host, "update-subnet"), &subnet, Place::read)?;
        check_fixed(dhcp.unwrap_or(true), gateway.as_deref(), &found.more.cidr)?;
        Ok(done(found.id))
    }

    fn delete_subnet(host: &H, subnet: String) -> Result<Change, Error> {
        let client = Client::new(host, "delete-subnet");
        let found = SUBNET.get(&client, &subnet, |_| ())?;
        let query = Query::ec2("DeleteSubnet").with("SubnetId", &found.id);
        let doing = format!("deleting subnet `{}`", found.name);
        client.change(&query, &doing, Some(Subject::new("subnet", &subnet)))?;
        Ok(done(found.id))
    }
}

/// Refuses what no subnet can be changed to.
fn check_fixed(dhcp: bool, gateway: Option<&str>, cidr: &str) -> Result<(), Error> {
    if !dhcp {
        return Err(Error::cannot_honour(
            "dhcp",
            "every subnet of a VPC hands out addresses",
        ));
    }
    let wanted = gateway.map(|gateway| (gateway, gateway.parse::<IpAddr>().ok()));
    match (wanted, router(cidr)) {
        (None, _) => Ok(()),
        (Some((_, Some(wanted))), Some(router)) if wanted == router => Ok(()),
        (Some((gateway, _)), router) => {
            let router = router.map_or_else(|| "the VPC's router".to_owned(), |router| router.to_string());
            let why = format!("the gateway of `{cidr}` is {router}, not `{gateway}`");
            Err(Error::cannot_honour("gateway", &why))
        }
    }
}

/// Refuses a range that does not fit; AWS does too, and clouds that speak like it often do not.
fn check_range(cidr: &str, vpc: &Thing<Vpc>, others: &[Thing<Place>]) -> Result<(), Error> {
    let invalid = |message: String| Err(Error::invalid_argument("cidr", message));
    let Some(range) = Cidr::parse(cidr).filter(|range| !range.is_ipv6()) else {
        return invalid(format!("`{cidr}` is no IPv4 range: `10.0.1.0/24`"));
    };
    let mut around = vpc.more.cidrs.iter().filter_map(|cidr| Cidr::parse(cidr));
    if !around.any(|around| around.contains(range)) {
        let ranges = vpc.more.cidrs.join(", ");
        return invalid(format!("`{cidr}` is not within network `{}`: {ranges}", vpc.name));
    }
    let is_in_the_way =
        |other: &&Thing<Place>| Cidr::parse(&other.more.cidr).is_some_and(|other| other.overlaps(range));
    match others.iter().find(is_in_the_way) {
        None => Ok(()),
        Some(other) => Err(Error::conflict(format!(
            "`{cidr}` overlaps subnet `{}`, which is {}",
            other.name, other.more.cidr
        ))),
    }
}

fn create<H: Host>(client: &Client<'_, H>, spec: &SubnetSpec) -> Result<Change, Error> {
    check_name(&spec.name)?;
    check_metadata(&spec.metadata)?;
    check_fixed(spec.dhcp, spec.gateway.as_deref(), &spec.cidr)?;
    let options = Options::of(&spec.options);
    options.refuse_others(&[PUBLIC])?;
    let is_public = options.boolean(PUBLIC)?.unwrap_or(false);
    let vpc = VPC.get(client, &spec.network, Vpc::read)?;
    let others = SUBNET.all(client, &[("vpc-id", &[&vpc.id])], Place::read)?;
    if others.iter().any(|other| other.name == spec.name) {
        return Err(Error::already_exists("subnet", &spec.name));
    }
    check_range(&spec.cidr, &vpc, &others)?;
    let doing = format!("creating subnet `{}`", spec.name);
    let query = Query::ec2("CreateSubnet")
        .with("VpcId", &vpc.id)
        .with("CidrBlock", &spec.cidr)
        .with_some("AvailabilityZone", spec.location.as_deref());
    let query = tagged(query, "subnet", &spec.name, &spec.metadata);
    let id = client.read(&query, &doing, |root| {
        let id = root.child("subnet").and_then(|subnet| subnet.string("subnetId"));
        id.ok_or_else(|| Error::upstream(Some(200), None, format!("while {doing}: the answer has no `subnetId`")))
    });
    let id = id.map_err(|error| complaint(error, spec))?;
    let mut undo = Undo::default();
    undo.note(Query::ec2("DeleteSubnet").with("SubnetId", &id));
    let publish = Query::ec2("ModifySubnetAttribute")
        .with("SubnetId", &id)
        .with("MapPublicIpOnLaunch.Value", true);
    let outcome = match is_public {
        true => settled(client.host(), || client.change(&publish, &doing, None)),
        false => Ok(()),
    };
    undo.unless_ok(client, outcome)?;
    Ok(done(id))
}

/// Complaints of `CreateSubnet` that name a parameter, by the contract's field.
fn complaint(error: Error, spec: &SubnetSpec) -> Error {
    let field = match &error.kind {
        ErrorKind::InvalidArgument(field) if field == "location" => return error,
        ErrorKind::InvalidArgument(_) if spec.location.is_some() && error.message.contains("vailability") => "location",
        ErrorKind::InvalidArgument(_) => "cidr",
        _ => return error,
    };
    Error {
        kind: ErrorKind::InvalidArgument(field.to_owned()),
        ..error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(cidr: &str) -> Thing<Place> {
        Thing {
            id: "subnet-1".to_owned(),
            name: "other".to_owned(),
            tags: Vec::new(),
            more: Place {
                vpc: "vpc-1".to_owned(),
                cidr: cidr.to_owned(),
                zone: None,
                is_public: false,
            },
        }
    }

    #[test]
    fn the_gateway_and_dhcp_of_a_subnet_are_fixed() {
        let check = |dhcp, gateway| check_fixed(dhcp, gateway, "10.0.1.0/24").map_err(|error| error.kind);
        let field = |name: &str| Err(ErrorKind::InvalidArgument(name.to_owned()));
        assert_eq!(check(true, None), Ok(()));
        assert_eq!(check(true, Some("10.0.1.1")), Ok(()));
        assert_eq!(check(true, Some("10.0.1.254")), field("gateway"));
        assert_eq!(check(true, Some("x")), field("gateway"));
        assert_eq!(check(false, None), field("dhcp"));
    }

    #[test]
    fn a_range_lies_in_its_network_and_beside_others() {
        let vpc = Thing {
            id: "vpc-1".to_owned(),
            name: "net".to_owned(),
            tags: Vec::new(),
            more: Vpc::of(&["10.0.0.0/16", "10.2.0.0/16"]),
        };
        let check = |cidr| check_range(cidr, &vpc, &[place("10.0.1.0/24")]).map_err(|error| error.kind);
        let invalid = || Err(ErrorKind::InvalidArgument("cidr".to_owned()));
        assert_eq!(check("10.0.2.0/24"), Ok(()));
        assert_eq!(check("10.2.0.0/24"), Ok(()));
        assert_eq!(check("10.1.0.0/24"), invalid());
        assert_eq!(check("10.0.0.0/8"), invalid());
        assert_eq!(check("2001:db8::/64"), invalid());
        assert_eq!(check("10.0.1.128/25"), Err(ErrorKind::Conflict));
        assert_eq!(check("10.0.0.0/23"), Err(ErrorKind::Conflict));
    }
}
