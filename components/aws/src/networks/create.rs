//! Creating a VPC with what its mode needs.

use std::net::Ipv6Addr;

use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{Change, Error, NetworkSpec};

use super::gateways::{self, Owner};
use super::{DEFAULT_CIDR, Mode, NAT_SUBNET, VPC};
use crate::client::Client;
use crate::operations::{self, Kind};
use crate::query::Query;
use crate::things::{Undo, check_metadata, check_name, tagged};

/// What a spec asks for.
struct Wanted<'a> {
    cidr: &'a str,
    mode: Mode,
    nat_subnet: Option<&'a str>,
}

/// Reads a spec, and refuses what AWS cannot do.
fn wanted(spec: &NetworkSpec) -> Result<Wanted<'_>, Error> {
    check_name(&spec.name)?;
    check_metadata(&spec.metadata)?;
    if !spec.dhcp {
        return Err(Error::cannot_honour("dhcp", "every VPC hands out addresses"));
    }
    let is_ipv6 = |cidr: &&String| {
        cidr.split('/')
            .next()
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
    };
    if spec.cidrs.iter().any(|cidr| is_ipv6(&cidr)) {
        return Err(Error::cannot_honour("cidrs", "AWS chooses a VPC's IPv6 range itself"));
    }
    let cidr = match spec.cidrs.as_slice() {
        [] => DEFAULT_CIDR,
        [cidr] => cidr,
        _ => return Err(Error::invalid_argument("cidrs", "a VPC is created with one IPv4 range")),
    };
    let mode = spec.mode.as_deref().map_or(Ok(Mode::Route), Mode::read)?;
    let options = Options::of(&spec.options);
    options.refuse_others(&[NAT_SUBNET])?;
    let nat_subnet = options.text(NAT_SUBNET)?;
    match (mode, nat_subnet) {
        (Mode::Nat, None) => Err(Error::invalid_argument(
            NAT_SUBNET,
            "mode `nat` needs a range for the NAT gateway",
        )),
        (Mode::Isolated | Mode::Route, Some(_)) => {
            let message = format!("mode `{}` has no NAT gateway", mode.word());
            Err(Error::invalid_argument(NAT_SUBNET, message))
        }
        _ => Ok(Wanted { cidr, mode, nat_subnet }),
    }
}

/// Creates a network.
pub(super) fn create<H: Host>(client: &Client<'_, H>, spec: &NetworkSpec) -> Result<Change, Error> {
    let wanted = wanted(spec)?;
    let there = VPC.all(client, &[("tag:Name", &[&crate::query::pattern(&spec.name)])], |_| ())?;
    if there.iter().any(|vpc| vpc.name == spec.name) {
        return Err(Error::already_exists("network", &spec.name));
    }
    let doing = format!("creating network `{}`", spec.name);
    let query = Query::ec2("CreateVpc").with("CidrBlock", wanted.cidr);
    let query = tagged(query, "vpc", &spec.name, &spec.metadata);
    let id = client.read(&query, &doing, |root| {
        let id = root.child("vpc").and_then(|vpc| vpc.string("vpcId"));
        id.ok_or_else(|| Error::upstream(Some(200), None, format!("while {doing}: the answer has no `vpcId`")))
    });
    let id = id.map_err(in_cidrs)?;
    let mut undo = Undo::default();
    undo.note(Query::ec2("DeleteVpc").with("VpcId", &id));
    let vpc = Owner {
        id: &id,
        name: &spec.name,
    };
    let outcome = connect(client, vpc, &wanted, spec.domain.as_deref(), &mut undo);
    let nat = undo.unless_ok(client, outcome)?;
    Ok(match nat {
        None => operations::done(id),
        Some(nat) => Change {
            id,
            ..operations::pending(client.host(), Kind::NatGateway, &nat, "available")
        },
    })
}

/// A complaint about a range is about the spec's ranges.
fn in_cidrs(error: Error) -> Error {
    use stockade_provider::types::ErrorKind::InvalidArgument;
    match error.kind {
        InvalidArgument(_) => Error {
            kind: InvalidArgument("cidrs".to_owned()),
            ..error
        },
        _ => error,
    }
}

/// Connects a new VPC; answers the NAT gateway that is on its way.
fn connect<H: Host>(
    client: &Client<'_, H>,
    vpc: Owner<'_>,
    wanted: &Wanted<'_>,
    domain: Option<&str>,
    undo: &mut Undo,
) -> Result<Option<String>, Error> {
    if let Some(domain) = domain {
        gateways::set_domain(client, vpc, domain, undo)?;
    }
    if wanted.mode == Mode::Isolated {
        return Ok(None);
    }
    let internet = gateways::attach_internet(client, vpc, undo)?;
    let table = gateways::main_table(client, vpc)?;
    let Some(cidr) = wanted.nat_subnet else {
        gateways::route(client, &table, ("GatewayId", &internet), vpc, undo)?;
        return Ok(None);
    };
    let nat = gateways::translate(client, vpc, (&internet, cidr), undo)?;
    gateways::route(client, &table, ("NatGatewayId", &nat), vpc, undo)?;
    Ok(Some(nat))
}
