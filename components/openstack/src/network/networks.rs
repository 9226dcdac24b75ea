//! Networks (<https://docs.openstack.org/api-ref/network/v2/#networks>).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use stockade_provider::abilities::Networks;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{
    Change, Error, Network, NetworkPage, NetworkSpec, NetworkUpdate, OptionEntry, PageRequest,
};

use super::routers::Routers;
use super::subnets::{NewSubnet, WireSubnet};
use super::tags;
use crate::Openstack;
use crate::change::done;
use crate::cloud::{Cloud, PAGE, is_id};
use crate::find;
use crate::name::check_name;
use crate::service::Service;

/// A network.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireNetwork {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    status: String,
    #[serde(default, rename = "router:external")]
    pub(crate) external: bool,
    #[serde(default)]
    dns_domain: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

impl WireNetwork {
    fn to_network(&self, subnets: &[WireSubnet], routers: &Routers) -> Network {
        let own = || subnets.iter().filter(|subnet| subnet.network_id == self.id);
        Network {
            id: self.id.clone(),
            name: self.name.clone(),
            active: self.status == "ACTIVE",
            mode: routers.mode(self).to_owned(),
            cidrs: own().map(|subnet| subnet.cidr.clone()).collect(),
            dhcp: own().next().map(|_| own().any(|subnet| subnet.enable_dhcp)),
            domain: self
                .dns_domain
                .as_deref()
                .map(|domain| domain.trim_end_matches('.').to_owned())
                .filter(|domain| !domain.is_empty()),
            bridge: None,
            metadata: tags::to_metadata(&self.tags),
        }
    }
}

impl<H: Host> Cloud<'_, H> {
    /// One network by its id or name.
    ///
    /// # Errors
    /// `not-found` or `ambiguous`, and what reading failed with.
    pub(crate) fn network(&self, network: &str) -> Result<WireNetwork, Error> {
        let doing = format!("looking for network `{network}`");
        let by =
            |field: &'static str| self.list(Service::Network, &["networks"], "networks", &[(field, network)], &doing);
        let mut all: Vec<WireNetwork> = if is_id(network) { by("id")? } else { vec![] };
        if all.is_empty() && !network.is_empty() {
            all = by("name")?;
        }
        find::one("network", network, all, |found| &found.id, |found| &found.name)
    }

    /// The network for interfaces that name none.
    ///
    /// # Errors
    /// `invalid-argument` for `field` where there is no single one.
    pub(crate) fn default_network(&self, field: &str) -> Result<WireNetwork, Error> {
        if let Some(name) = &self.config.network {
            return self.network(name);
        }
        let query = [("router:external", "false")];
        let doing = "looking for the project's network";
        let mut all: Vec<WireNetwork> = self.list(Service::Network, &["networks"], "networks", &query, doing)?;
        match (all.pop(), all.len()) {
            (Some(only), 0) => Ok(only),
            (None, _) => Err(Error::cannot_honour(field, "the project sees no network; create one")),
            (Some(_), others) => {
                let message = format!(
                    "name a network, or set the connection's `network`: the project sees {}",
                    others + 1
                );
                Err(Error::invalid_argument(field, message))
            }
        }
    }

    fn read_network(&self, network: &WireNetwork) -> Result<Network, Error> {
        let doing = format!("reading network `{}`", network.name);
        let subnets = self.subnets_of(Some(&network.id), &doing)?;
        Ok(network.to_network(&subnets, &Routers::read(self, &doing)?))
    }
}

impl<H: Host> Networks<H> for Openstack {
    fn list_networks(host: &H, page: PageRequest) -> Result<NetworkPage, Error> {
        let cloud = Cloud::open(host, "list-networks")?;
        let doing = "listing networks";
        let all: Vec<WireNetwork> = cloud.list(Service::Network, &["networks"], "networks", &[], doing)?;
        let (subnets, routers) = (cloud.subnets_of(None, doing)?, Routers::read(&cloud, doing)?);
        let (all, next) = page::cut(all, &page, PAGE, |network| network.id.clone())?;
        let items = all
            .iter()
            .map(|network| network.to_network(&subnets, &routers))
            .collect();
        Ok(NetworkPage { items, next })
    }

    fn get_network(host: &H, network: String) -> Result<Network, Error> {
        let cloud = Cloud::open(host, "get-network")?;
        let found = cloud.network(&network)?;
        cloud.read_network(&found)
    }

    fn create_network(host: &H, spec: NetworkSpec) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "create-network")?;
        let new = NewNetwork::from_spec(spec)?;
        let doing = format!("creating network `{}`", new.name);
        match cloud.network(&new.name) {
            Ok(_) => return Err(Error::already_exists("network", &new.name)),
            Err(error) if crate::cloud::is_not_found(&error) => {}
            // Several of that name are as much in the way as one.
            Err(error) if matches!(error.kind, stockade_provider::types::ErrorKind::Ambiguous(_)) => {
                return Err(Error::already_exists("network", &new.name));
            }
            Err(error) => return Err(error),
        }
        let call = cloud
            .call(Service::Network, "POST", ["networks"])
            .json(new.body.clone());
        let network: WireNetwork = call.part("/network", &doing)?;
        if let Err(error) = new.furnish(&cloud, &network, &doing) {
            // What the caller must know is the first error.
            let _ = cloud
                .call(Service::Network, "DELETE", ["networks", &network.id])
                .remove(&doing);
            return Err(error);
        }
        Ok(done(network.id))
    }

    fn update_network(host: &H, network: String, update: NetworkUpdate) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "update-network")?;
        let found = cloud.network(&network)?;
        let NetworkUpdate {
            dhcp,
            mode,
            domain,
            options,
        } = update;
        let doing = format!("changing network `{}`", found.name);
        let subnets = cloud.subnets_of(Some(&found.id), &doing)?;
        let mut changes = extras(&options)?;
        if !Options::of(&options).text_list("dns_servers")?.is_empty() {
            let why = "name servers belong to subnets and are given when the network is created";
            return Err(Error::cannot_honour("dns_servers", why));
        }
        if let Some(domain) = domain {
            changes.insert("dns_domain".to_owned(), json!(absolute(&domain)));
        }
        if let Some(mode) = mode {
            change_mode(&cloud, &found, &subnets, &mode, &doing)?;
        }
        if !changes.is_empty() {
            let body = json!({"network": changes});
            let call = cloud.call(Service::Network, "PUT", ["networks", &found.id]);
            call.about("network", &network).json(body).send(&doing)?;
        }
        if let Some(dhcp) = dhcp {
            for subnet in subnets.iter().filter(|subnet| subnet.enable_dhcp != dhcp) {
                cloud.change_subnet(&subnet.id, &json!({"enable_dhcp": dhcp}), &doing)?;
            }
        }
        Ok(done(found.id))
    }

    fn delete_network(host: &H, network: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "delete-network")?;
        let found = cloud.network(&network)?;
        let doing = format!("deleting network `{}`", found.name);
        let ports: Vec<super::Port> = cloud.list(
            Service::Network,
            &["ports"],
            "ports",
            &[("network_id", &found.id)],
            &doing,
        )?;
        // Neutron's own ports of DHCP and routers go with the network.
        let used = ports
            .iter()
            .filter(|port| !port.device_owner.starts_with("network:"))
            .count();
        if used > 0 {
            let message = format!("while {doing}: {used} interfaces are on it; remove them first");
            return Err(Error::conflict(message));
        }
        let routers = Routers::read(&cloud, &doing)?;
        if let Some(router) = routers.made_for(&found.id) {
            let subnets: Vec<_> = cloud
                .subnets_of(Some(&found.id), &doing)?
                .into_iter()
                .map(|subnet| subnet.id)
                .collect();
            cloud.delete_router(router, &subnets, &doing)?;
        }
        cloud
            .call(Service::Network, "DELETE", ["networks", &found.id])
            .about("network", &network)
            .send(&doing)?;
        Ok(done(found.id))
    }
}

/// Gives a network a router or takes it away.
fn change_mode<H: Host>(
    cloud: &Cloud<'_, H>,
    network: &WireNetwork,
    subnets: &[WireSubnet],
    mode: &str,
    doing: &str,
) -> Result<(), Error> {
    let wanted = Mode::parse(mode)?;
    let routers = Routers::read(cloud, doing)?;
    if routers.mode(network) == wanted.word() {
        return Ok(());
    }
    let subnets: Vec<_> = subnets.iter().map(|subnet| subnet.id.clone()).collect();
    match (routers.made_for(&network.id), routers.mode(network)) {
        (Some(router), _) => cloud.delete_router(router, &subnets, doing)?,
        (None, "isolated") => {}
        (None, _) => {
            let message = format!("while {doing}: it is connected to a router that others made; disconnect it there");
            return Err(Error::conflict(message));
        }
    }
    match wanted {
        Mode::Isolated => Ok(()),
        Mode::Nat | Mode::Route => cloud.create_router(network, &subnets, wanted == Mode::Nat, doing),
    }
}

/// How a network reaches the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Isolated,
    Nat,
    Route,
}

impl Mode {
    fn parse(mode: &str) -> Result<Self, Error> {
        match mode {
            "isolated" => Ok(Self::Isolated),
            "nat" => Ok(Self::Nat),
            "route" => Ok(Self::Route),
            other => {
                let message = format!("a network is `isolated`, `nat` or `route` here, not `{other}`");
                Err(Error::invalid_argument("mode", message))
            }
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Isolated => "isolated",
            Self::Nat => "nat",
            Self::Route => "route",
        }
    }
}

/// A network to create.
#[derive(Debug)]
struct NewNetwork {
    name: String,
    body: Value,
    subnets: Vec<NewSubnet>,
    mode: Mode,
    tags: Vec<String>,
}

impl NewNetwork {
    fn from_spec(spec: NetworkSpec) -> Result<Self, Error> {
        // Without `..`: a new field of the contract must be used or refused here before this compiles.
        let NetworkSpec {
            name,
            cidrs,
            mode,
            dhcp,
            domain,
            metadata,
            options,
        } = spec;
        check_name(&name)?;
        let mode = mode.as_deref().map_or(Ok(Mode::Isolated), Mode::parse)?;
        if mode != Mode::Isolated && cidrs.is_empty() {
            let message = "a network with a router needs an address range";
            return Err(Error::invalid_argument("cidrs", message));
        }
        let mut body = extras(&options)?;
        body.insert("name".to_owned(), json!(name));
        if let Some(domain) = domain {
            body.insert("dns_domain".to_owned(), json!(absolute(&domain)));
        }
        let dns_servers = Options::of(&options).text_list("dns_servers")?;
        let subnet = |cidr: &String| NewSubnet {
            name: name.clone(),
            dhcp,
            dns_servers: dns_servers.to_vec(),
            ..NewSubnet::of(cidr)
        };
        let subnets = cidrs.iter().map(subnet).collect::<Vec<_>>();
        for subnet in &subnets {
            subnet.check("cidrs")?;
        }
        Ok(Self {
            body: json!({"network": body}),
            subnets,
            mode,
            tags: tags::of_metadata(&metadata)?,
            name,
        })
    }

    /// Creates what belongs to the new network.
    fn furnish<H: Host>(&self, cloud: &Cloud<'_, H>, network: &WireNetwork, doing: &str) -> Result<(), Error> {
        let mut subnets = Vec::new();
        for subnet in &self.subnets {
            subnets.push(cloud.create_subnet(&network.id, subnet, doing)?.id);
        }
        cloud.set_tags("networks", &network.id, &self.tags, doing)?;
        match self.mode {
            Mode::Isolated => Ok(()),
            Mode::Nat | Mode::Route => cloud.create_router(network, &subnets, self.mode == Mode::Nat, doing),
        }
    }
}

/// Attributes from the provider's own options.
fn extras(options: &[OptionEntry]) -> Result<Map<String, Value>, Error> {
    let options = Options::of(options);
    options.refuse_others(&["mtu", "dns_servers", "port_security"])?;
    let mut body = Map::new();
    if let Some(mtu) = options.integer_within("mtu", 68..=65_535)? {
        body.insert("mtu".to_owned(), json!(mtu));
    }
    if let Some(security) = options.boolean("port_security")? {
        body.insert("port_security_enabled".to_owned(), json!(security));
    }
    Ok(body)
}

/// Neutron wants domains with their final dot.
fn absolute(domain: &str) -> String {
    match domain {
        "" => String::new(),
        domain => format!("{}.", domain.trim_end_matches('.')),
    }
}
