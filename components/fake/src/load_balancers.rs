//! Load balancers. They spread nothing, but hold addresses, members and names like real ones.

use std::net::{IpAddr, Ipv4Addr};

use stockade_provider::abilities::LoadBalancers;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{
    Change, DnsRecord, Error, ErrorKind, Listener, LoadBalancer, LoadBalancerPage, LoadBalancerSpec, Network,
    PageRequest,
};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{self, DEFAULT, done};
use crate::dns;
use crate::records::StoredVm;
use crate::service_records::StoredBalancer;

/// Protocols that clients can speak; with the last two, members are asked over HTTP.
const PROTOCOLS: [&str; 4] = ["tcp", "udp", "http", "https"];

/// Where balancers that everybody may reach get their addresses: a range for documentation (RFC 5737, section 3).
const PUBLIC: [u8; 3] = [203, 0, 113];

impl<H: Host> LoadBalancers<H> for Fake {
    fn list_load_balancers(host: &H, page: PageRequest) -> Result<LoadBalancerPage, Error> {
        let client = Client::open(host, "list-load-balancers")?;
        let balancers = client.all::<StoredBalancer>()?;
        let vms = client.all::<StoredVm>()?;
        let (balancers, next) = page::cut(balancers, &page, client.config.page_size, |have| have.name.clone())?;
        Ok(LoadBalancerPage {
            items: balancers.iter().map(|have| have.to_balancer(&vms)).collect(),
            next,
        })
    }

    fn get_load_balancer(host: &H, load_balancer: String) -> Result<LoadBalancer, Error> {
        let client = Client::open(host, "get-load-balancer")?;
        let found = client.get::<StoredBalancer>(&load_balancer)?;
        Ok(found.to_balancer(&client.all::<StoredVm>()?))
    }

    fn create_load_balancer(host: &H, spec: LoadBalancerSpec) -> Result<Change, Error> {
        let client = Client::open(host, "create-load-balancer")?;
        let LoadBalancerSpec {
            name,
            network,
            internal,
            listeners,
            members,
            dns_name,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        check_listeners(&listeners)?;
        let members = member_ids(&client, &members)?;
        let network = client.get::<Network>(network.as_deref().unwrap_or(DEFAULT))?;
        let zone = dns_name.as_ref().map(|name| dns::zone_of(&client, name)).transpose()?;
        let address = match internal {
            true => internal_address(&client, &network)?,
            false => public_address(&client.all::<StoredBalancer>()?)?,
        };
        let id = format!("lb-{}", client.next_number()?);
        client.insert(&StoredBalancer {
            id: id.clone(),
            name,
            network: network.name,
            internal,
            address: address.clone(),
            listeners,
            members,
            dns: zone.as_ref().map(|zone| zone.id.clone()).zip(dns_name.clone()),
        })?;
        if let Some((zone, name)) = zone.zip(dns_name) {
            let record = DnsRecord {
                name,
                type_: "A".to_owned(),
                ttl_seconds: None,
                values: vec![address],
            };
            // After an error nothing may be left; the first error is the one that the caller must know.
            dns::set(&client, &zone.id, &record, false)
                .inspect_err(|_| drop(client.remove::<StoredBalancer>(&id, |_| Ok(()))))?;
        }
        Ok(done(id))
    }

    fn set_load_balancer_members(host: &H, load_balancer: String, members: Vec<String>) -> Result<Change, Error> {
        let client = Client::open(host, "set-load-balancer-members")?;
        client.get::<StoredBalancer>(&load_balancer)?;
        let members = member_ids(&client, &members)?;
        let changed = client.update::<StoredBalancer>(&load_balancer, |have| {
            have.members.clone_from(&members);
            Ok(())
        })?;
        Ok(done(changed.id))
    }

    fn delete_load_balancer(host: &H, load_balancer: String) -> Result<Change, Error> {
        let client = Client::open(host, "delete-load-balancer")?;
        let removed = client.remove::<StoredBalancer>(&load_balancer, |_| Ok(()))?;
        if let Some((zone, name)) = removed.dns {
            match dns::remove(&client, &zone, &name, "A") {
                // Somebody deleted the name before.
                Err(Error {
                    kind: ErrorKind::NotFound(_),
                    ..
                }) => {}
                other => drop(other?),
            }
        }
        Ok(done(removed.id))
    }
}

fn check_listeners(listeners: &[Listener]) -> Result<(), Error> {
    let invalid = |why: String| Err(Error::invalid_argument("listeners", why));
    if listeners.is_empty() {
        return invalid("a load balancer needs at least one listener".to_owned());
    }
    for (index, listener) in listeners.iter().enumerate() {
        let Listener {
            protocol,
            port,
            member_port,
            check_path,
        } = listener;
        if !PROTOCOLS.contains(&protocol.as_str()) {
            return invalid(format!("`{protocol}` is none of `{}`", PROTOCOLS.join("`, `")));
        }
        if *port == 0 || *member_port == Some(0) {
            return invalid("a port is 1 to 65535".to_owned());
        }
        if check_path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            return invalid("a path to check starts with `/`".to_owned());
        }
        let is_datagram = |protocol: &str| protocol == "udp";
        let is_taken = |have: &Listener| have.port == *port && is_datagram(&have.protocol) == is_datagram(protocol);
        if listeners[..index].iter().any(is_taken) {
            return invalid(format!("port {port} is there twice"));
        }
    }
    Ok(())
}

/// The ids of VMs, each once.
fn member_ids<H: Host>(client: &Client<'_, H>, members: &[String]) -> Result<Vec<String>, Error> {
    let mut ids = Vec::new();
    for member in members {
        let id = client.get::<StoredVm>(member)?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn internal_address<H: Host>(client: &Client<'_, H>, network: &Network) -> Result<String, Error> {
    cloud::free_address(network, &cloud::all_nics(client)?)?.ok_or_else(|| {
        Error::invalid_argument(
            "network",
            format!("network `{}` has no IPv4 range to take an address from", network.name),
        )
    })
}

fn public_address(balancers: &[StoredBalancer]) -> Result<String, Error> {
    let [a, b, c] = PUBLIC;
    (1..=254)
        .map(|last| IpAddr::from(Ipv4Addr::new(a, b, c, last)).to_string())
        .find(|address| !balancers.iter().any(|have| &have.address == address))
        .ok_or_else(|| {
            let message = "all public addresses are in use; delete load balancers";
            Error::new(ErrorKind::QuotaExceeded(Some("addresses".to_owned())), message)
        })
}
