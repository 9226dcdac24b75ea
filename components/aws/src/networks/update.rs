//! Changing a VPC: its domain, and whether it reaches the outside.

use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{Change, Error, NetworkUpdate};

use super::gateways::{self, ANYWHERE, DHCP_OPTIONS, INTERNET_GATEWAY, Owner, is_part};
use super::{Mode, VPC, Vpc, vpc};
use crate::client::Client;
use crate::operations::done;
use crate::query::Query;
use crate::things::Undo;

/// Changes a network.
pub(super) fn update<H: Host>(client: &Client<'_, H>, network: &str, update: &NetworkUpdate) -> Result<Change, Error> {
    if update.dhcp == Some(false) {
        return Err(Error::cannot_honour("dhcp", "every VPC hands out addresses"));
    }
    Options::of(&update.options).refuse_others(&[])?;
    let wanted = update.mode.as_deref().map(Mode::read).transpose()?;
    let found = VPC.get(client, network, Vpc::read)?;
    let vpc = Owner {
        id: &found.id,
        name: &found.name,
    };
    if let Some(wanted) = wanted {
        let mode = vpc::mode(client, &found.id)?;
        match (mode, wanted) {
            (have, want) if have == want => {}
            (Mode::Isolated, Mode::Route) => open(client, vpc)?,
            (Mode::Route, Mode::Isolated) => close(client, vpc)?,
            (have, want) => {
                return Err(Error::conflict(format!(
                    "network `{}` cannot be changed from `{}` to `{}`: a NAT gateway is made with its VPC; make another network",
                    found.name,
                    have.word(),
                    want.word()
                )));
            }
        }
    }
    if let Some(domain) = &update.domain {
        set_domain(client, vpc, domain)?;
    }
    Ok(done(found.id))
}

fn open<H: Host>(client: &Client<'_, H>, vpc: Owner<'_>) -> Result<(), Error> {
    let mut undo = Undo::default();
    let outcome = gateways::attach_internet(client, vpc, &mut undo).and_then(|internet| {
        let table = gateways::main_table(client, vpc)?;
        gateways::route(client, &table, ("GatewayId", &internet), vpc, &mut undo)
    });
    undo.unless_ok(client, outcome)
}

/// Takes the internet gateway away that was made along with the VPC.
fn close<H: Host>(client: &Client<'_, H>, vpc: Owner<'_>) -> Result<(), Error> {
    let doing = format!("closing network `{}`", vpc.name);
    let gateways = INTERNET_GATEWAY.all(client, &[("attachment.vpc-id", &[vpc.id])], |_| ())?;
    if let Some(foreign) = gateways.iter().find(|gateway| !is_part(gateway, vpc.id)) {
        return Err(Error::conflict(format!(
            "while {doing}: internet gateway `{}` was made by somebody else, who must take it away",
            foreign.id
        )));
    }
    let table = gateways::main_table(client, vpc)?;
    let unroute = Query::ec2("DeleteRoute")
        .with("RouteTableId", table)
        .with("DestinationCidrBlock", ANYWHERE);
    client.change(&unroute, &doing, None)?;
    for gateway in gateways {
        let detach = Query::ec2("DetachInternetGateway")
            .with("InternetGatewayId", &gateway.id)
            .with("VpcId", vpc.id);
        client.change(&detach, &doing, None)?;
        let delete = Query::ec2("DeleteInternetGateway").with("InternetGatewayId", &gateway.id);
        client.change(&delete, &doing, None)?;
    }
    Ok(())
}

/// Gives the VPC DHCP options with this domain, and deletes those that it had from here.
fn set_domain<H: Host>(client: &Client<'_, H>, vpc: Owner<'_>, domain: &str) -> Result<(), Error> {
    let mut undo = Undo::default();
    let outcome = gateways::set_domain(client, vpc, domain, &mut undo);
    let new = undo.unless_ok(client, outcome)?;
    for old in DHCP_OPTIONS.all(client, &[("tag:stockade:part-of", &[vpc.id])], |_| ())? {
        if old.id != new && is_part(&old, vpc.id) {
            let query = Query::ec2("DeleteDhcpOptions").with("DhcpOptionsId", &old.id);
            client.change(&query, &format!("setting the domain of network `{}`", vpc.name), None)?;
        }
    }
    Ok(())
}
