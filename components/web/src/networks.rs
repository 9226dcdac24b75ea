//! Networks.

use serde_json::{Map, json};

use stockade_provider::abilities::Networks;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, Network, NetworkPage, NetworkSpec, NetworkUpdate, PageRequest};

use crate::Web;
use crate::client::Client;
use crate::vms::{DEFAULT_PAGE, done};
use crate::wire::WireNetwork;

impl<H: Host> Networks<H> for Web {
    fn list_networks(host: &H, page: PageRequest) -> Result<NetworkPage, Error> {
        let networks: Vec<_> = Client::new(host).networks()?.networks.into_iter().collect();
        let (networks, next) = page::cut(networks, &page, DEFAULT_PAGE, |(name, _)| name.clone())?;
        Ok(NetworkPage {
            items: networks
                .iter()
                .map(|(name, network)| network.to_network(name))
                .collect(),
            next,
        })
    }

    fn get_network(host: &H, network: String) -> Result<Network, Error> {
        Ok(find(&Client::new(host), &network)?.to_network(&network))
    }

    fn create_network(host: &H, spec: NetworkSpec) -> Result<Change, Error> {
        let NetworkSpec {
            name,
            cidrs,
            mode,
            dhcp,
            domain,
            metadata,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        if name.is_empty() || name.contains('/') {
            return Err(Error::invalid_argument(
                "name",
                "a network's name must not be empty and has no `/`",
            ));
        }
        let [cidr] = cidrs.as_slice() else {
            return Err(Error::cannot_honour("cidrs", "kweb needs exactly one range"));
        };
        if domain.is_some() {
            return Err(Error::cannot_honour(
                "domain",
                "kweb gives a new network its own name as domain",
            ));
        }
        if !metadata.is_empty() {
            return Err(Error::cannot_honour("metadata", "kweb keeps none for networks"));
        }
        let is_isolated = is_isolated(mode.as_deref().unwrap_or("nat"))?;
        let body = json!({"network": name, "cidr": cidr, "dhcp": dhcp, "isolated": is_isolated});
        Client::new(host).change("POST", &["networks"], &body, &format!("creating network `{name}`"))?;
        Ok(done(name))
    }

    fn update_network(host: &H, network: String, update: NetworkUpdate) -> Result<Change, Error> {
        let NetworkUpdate {
            dhcp,
            mode,
            domain,
            options,
        } = update;
        Options::of(&options).refuse_others(&[])?;
        let client = Client::new(host);
        find(&client, &network)?;
        let mut body = Map::new();
        if let Some(dhcp) = dhcp {
            body.insert("dhcp".to_owned(), json!(dhcp));
        }
        if let Some(mode) = &mode {
            body.insert("isolated".to_owned(), json!(is_isolated(mode)?));
        }
        if let Some(domain) = &domain {
            body.insert("domain".to_owned(), json!(domain));
        }
        if !body.is_empty() {
            client.change(
                "UPDATE",
                &["networks", &network],
                &body,
                &format!("changing network `{network}`"),
            )?;
        }
        let after = find(&client, &network)?;
        for (field, is_changed) in [
            ("dhcp", dhcp.is_none() || after.dhcp == dhcp),
            ("mode", mode.is_none() || after.mode == mode),
            ("domain", domain.is_none() || after.domain == domain),
        ] {
            if !is_changed {
                let message = format!("kweb reported success, but `{field}` of network `{network}` did not change");
                return Err(Error::upstream(None, None, message));
            }
        }
        Ok(done(network))
    }

    fn delete_network(host: &H, network: String) -> Result<Change, Error> {
        let client = Client::new(host);
        find(&client, &network)?;
        client.change(
            "DELETE",
            &["networks", &network],
            &json!({}),
            &format!("deleting network `{network}`"),
        )?;
        Ok(done(network))
    }
}

/// kweb's one bit for the mode.
fn is_isolated(mode: &str) -> Result<bool, Error> {
    match mode {
        "nat" => Ok(false),
        "isolated" => Ok(true),
        _ => Err(Error::cannot_honour("mode", "kweb makes `nat` and `isolated` networks")),
    }
}

fn find<H: Host>(client: &Client<'_, H>, network: &str) -> Result<WireNetwork, Error> {
    client
        .networks()?
        .networks
        .remove(network)
        .ok_or_else(|| Error::not_found("network", network))
}
