//! Load balancers: made whole or not at all, their members replaced, deleted with everything that was made for them.

use serde_json::{Map, Value, json};

use stockade_provider::abilities::LoadBalancers;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{
    Change, DnsRecord, Error, ErrorKind, LoadBalancer, LoadBalancerPage, LoadBalancerSpec, OperationState, PageRequest,
};

use super::read::{Parts, WireBalancer};
use super::spec::{Member, check_ports, listener};
use crate::Openstack;
use crate::change::{done, pending};
use crate::cloud::{Cloud, PAGE, is_not_found};
use crate::compute::{Operation, state};
use crate::name::check_name;
use crate::network::{NewFloating, Port};
use crate::service::Service;
use crate::wait;

/// What goes before the name in DNS in a load balancer's description: by it the name is deleted again.
const DNS_NOTE: &str = "made by Stockade with the name ";

impl<H: Host> LoadBalancers<H> for Openstack {
    fn list_load_balancers(host: &H, page: PageRequest) -> Result<LoadBalancerPage, Error> {
        let cloud = Cloud::open(host, "list-load-balancers")?;
        let doing = "listing load balancers";
        let all = cloud.balancers(doing)?;
        let (all, next) = page::cut(all, &page, PAGE, |balancer| balancer.id.clone())?;
        let items = match all.is_empty() {
            true => vec![],
            false => {
                let parts = Parts::read(&cloud, None, doing)?;
                all.iter().map(|balancer| parts.to_balancer(balancer)).collect()
            }
        };
        Ok(LoadBalancerPage { items, next })
    }

    fn get_load_balancer(host: &H, load_balancer: String) -> Result<LoadBalancer, Error> {
        let cloud = Cloud::open(host, "get-load-balancer")?;
        let found = cloud.balancer(&load_balancer)?;
        let doing = format!("reading load balancer `{load_balancer}`");
        Ok(Parts::read(&cloud, Some(&found.id), &doing)?.to_balancer(&found))
    }

    fn create_load_balancer(host: &H, spec: LoadBalancerSpec) -> Result<Change, Error> {
        create(&Cloud::open(host, "create-load-balancer")?, spec)
    }

    fn set_load_balancer_members(host: &H, load_balancer: String, members: Vec<String>) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "set-load-balancer-members")?;
        let found = cloud.balancer(&load_balancer)?;
        let doing = format!("replacing the members of load balancer `{load_balancer}`");
        let members = find_members(&cloud, &members, found.vip_network_id.as_deref(), &doing)?;
        let parts = Parts::read(&cloud, Some(&found.id), &doing)?;
        for (pool, port) in parts.pools_of(&found.id) {
            // A load balancer takes one change at a time.
            if !settle(&cloud, &found.id, &doing)? {
                let message = format!("while {doing}: it is still changing; try again");
                return Err(Error::conflict(message));
            }
            let all: Vec<_> = members.iter().map(|member| member.body(port)).collect();
            cloud
                .call(Service::Balancer, "PUT", ["lbaas", "pools", &pool.id, "members"])
                .about("load-balancer", &load_balancer)
                .json(json!({"members": all}))
                .send(&doing)?;
        }
        answer(&cloud, &found.id, &doing)
    }

    fn delete_load_balancer(host: &H, load_balancer: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "delete-load-balancer")?;
        let found = cloud.balancer(&load_balancer)?;
        delete(&cloud, &found, &format!("deleting load balancer `{load_balancer}`"))?;
        Ok(done(found.id))
    }
}

fn create<H: Host>(cloud: &Cloud<'_, H>, spec: LoadBalancerSpec) -> Result<Change, Error> {
    // Without `..`: a new field of the contract must be used or refused here before this compiles.
    let LoadBalancerSpec {
        name,
        network,
        internal,
        listeners,
        members,
        dns_name,
        options,
    } = spec;
    check_name(&name)?;
    let options = Options::of(&options);
    options.refuse_others(&["provider", "algorithm"])?;
    let algorithm = options.text("algorithm")?.unwrap_or("ROUND_ROBIN");
    if listeners.is_empty() {
        return Err(Error::invalid_argument(
            "listeners",
            "a load balancer has at least one port",
        ));
    }
    check_ports(&listeners)?;
    let doing = format!("creating load balancer `{name}`");
    if cloud.balancers(&doing)?.iter().any(|balancer| balancer.name == name) {
        return Err(Error::already_exists("load-balancer", &name));
    }
    let (vip, vip_network) = vip(cloud, network.as_deref())?;
    let found = find_members(cloud, &members, Some(&vip_network), &doing)?;
    let external = match internal {
        true => None,
        false => Some(cloud.external_network("internal")?.id),
    };
    let zone = dns_name.as_deref().map(|name| cloud.zone_of(name)).transpose()?;
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(name));
    body.extend(vip);
    body.extend(
        options
            .text("provider")?
            .map(|provider| ("provider".to_owned(), json!(provider))),
    );
    if let Some(dns_name) = &dns_name {
        body.insert("description".to_owned(), json!(format!("{DNS_NOTE}{dns_name}")));
    }
    let parts = listeners
        .iter()
        .map(|one| listener(&name, one, &found, algorithm))
        .collect::<Result<Vec<_>, _>>()?;
    body.insert("listeners".to_owned(), Value::Array(parts));
    let call = cloud.call(Service::Balancer, "POST", ["lbaas", "loadbalancers"]);
    let made: WireBalancer = call.json(json!({"loadbalancer": body})).part("/loadbalancer", &doing)?;
    let finished = publish(cloud, &made, external, zone.as_deref(), dns_name.as_deref(), &doing)
        .and_then(|()| answer(cloud, &made.id, &doing));
    if finished.is_err() {
        // What the caller must know is the first error.
        let _ = delete(cloud, &made, &doing);
    }
    finished
}

/// The attribute that says where the load balancer's address is from, and its network.
fn vip<H: Host>(cloud: &Cloud<'_, H>, network: Option<&str>) -> Result<(Option<(String, Value)>, String), Error> {
    let of_network = |id: String| (Some(("vip_network_id".to_owned(), json!(id))), id);
    let Some(name) = network else {
        return Ok(of_network(cloud.default_network("network")?.id));
    };
    match cloud.network(name) {
        Ok(network) => Ok(of_network(network.id)),
        Err(error) if is_not_found(&error) => match cloud.subnet(name) {
            Ok(subnet) => Ok((Some(("vip_subnet_id".to_owned(), json!(subnet.id))), subnet.network_id)),
            Err(other) if is_not_found(&other) => Err(error),
            Err(other) => Err(other),
        },
        Err(error) => Err(error),
    }
}

/// The addresses of VMs, on the load balancer's network where they have one there.
fn find_members<H: Host>(
    cloud: &Cloud<'_, H>,
    vms: &[String],
    network: Option<&str>,
    doing: &str,
) -> Result<Vec<Member>, Error> {
    let mut members = Vec::new();
    for vm in vms {
        let server = cloud.server(vm)?;
        let mut ports: Vec<Port> = cloud.ports_of(&server.id, doing)?;
        ports.sort_by_key(|port| (Some(port.network_id.as_str()) != network, port.id.clone()));
        let fixed = ports.into_iter().flat_map(|port| port.fixed_ips).next();
        let fixed = fixed.ok_or_else(|| {
            let message = format!("while {doing}: vm `{vm}` has no address");
            Error::conflict(message)
        })?;
        let member = Member {
            vm: server.name().to_owned(),
            address: fixed.ip_address,
            subnet: fixed.subnet_id,
        };
        // Who is named twice is one member.
        if !members.contains(&member) {
            members.push(member);
        }
    }
    Ok(members)
}

/// Gives a new load balancer a public address and a name.
fn publish<H: Host>(
    cloud: &Cloud<'_, H>,
    made: &WireBalancer,
    external: Option<String>,
    zone: Option<&str>,
    dns_name: Option<&str>,
    doing: &str,
) -> Result<(), Error> {
    let mut address = made.vip_address.clone();
    if let (Some(network), Some(port)) = (external, &made.vip_port_id) {
        let new = NewFloating {
            network,
            port: port.clone(),
        };
        address = Some(cloud.create_floating(&new, doing)?.address);
    }
    if let (Some(zone), Some(name), Some(address)) = (zone, dns_name, address) {
        let entry = DnsRecord {
            name: name.to_owned(),
            type_: if address.contains(':') { "AAAA" } else { "A" }.to_owned(),
            ttl_seconds: None,
            values: vec![address],
        };
        cloud.set_record(zone, &entry, false)?;
    }
    Ok(())
}

/// Deletes a load balancer with what was made for it, and waits until it is gone.
fn delete<H: Host>(cloud: &Cloud<'_, H>, balancer: &WireBalancer, doing: &str) -> Result<(), Error> {
    if let Some(port) = &balancer.vip_port_id {
        cloud.delete_floating_made_for(std::slice::from_ref(port), doing)?;
    }
    if let Some(name) = balancer.description.strip_prefix(DNS_NOTE) {
        let zone = cloud.zone_of(name);
        for kind in ["A", "AAAA"] {
            match zone.clone().and_then(|zone| cloud.delete_record(&zone, name, kind)) {
                Err(error) if !is_not_found(&error) => return Err(error),
                _ => {}
            }
        }
    }
    settle(cloud, &balancer.id, doing).or_else(|error| match error.kind {
        // One that failed can be deleted.
        ErrorKind::Upstream(_) | ErrorKind::NotFound(_) => Ok(true),
        _ => Err(error),
    })?;
    cloud
        .call(Service::Balancer, "DELETE", ["lbaas", "loadbalancers", &balancer.id])
        .query("cascade", "true")
        .remove(doing)?;
    let gone = wait::until(cloud.host, wait::BUDGET_MS, || {
        Ok(cloud.balancer_by_id(&balancer.id)?.is_none().then_some(()))
    })?;
    gone.ok_or_else(|| {
        let message = format!("while {doing}: Octavia has not finished in time and goes on with it");
        Error::new(ErrorKind::TimedOut, message)
    })
}

fn failed(balancer: &WireBalancer, doing: &str) -> Error {
    let message = format!("while {doing}: the load balancer is `{}`", balancer.provisioning_status);
    Error::upstream(None, Some(balancer.provisioning_status.clone()), message)
}

/// Waits until a load balancer takes changes; whether it does.
fn settle<H: Host>(cloud: &Cloud<'_, H>, id: &str, doing: &str) -> Result<bool, Error> {
    let settled = wait::until(cloud.host, wait::BUDGET_MS, || {
        let now = cloud
            .balancer_by_id(id)?
            .ok_or_else(|| Error::not_found("load-balancer", id))?;
        match now.provisioning_status.as_str() {
            "ACTIVE" => Ok(Some(())),
            "ERROR" => Err(failed(&now, doing)),
            _ => Ok(None),
        }
    })?;
    Ok(settled.is_some())
}

fn answer<H: Host>(cloud: &Cloud<'_, H>, id: &str, doing: &str) -> Result<Change, Error> {
    match settle(cloud, id, doing)? {
        true => Ok(done(id)),
        false => Ok(pending(id, &Operation::Balancer(id.to_owned()))),
    }
}

/// How far a load balancer is.
pub(crate) fn poll<H: Host>(cloud: &Cloud<'_, H>, id: &str) -> Result<OperationState, Error> {
    let now = cloud
        .balancer_by_id(id)?
        .ok_or_else(|| Error::not_found("load-balancer", id))?;
    match now.provisioning_status.as_str() {
        "ERROR" => Err(failed(&now, &format!("changing load balancer `{}`", now.name))),
        status => Ok(state(status == "ACTIVE", Some(status.to_owned()))),
    }
}
