//! Routers: how networks reach the outside (<https://docs.openstack.org/api-ref/network/v2/#routers-routers>).
//!
//! The contract knows no routers, only a network's mode. A network of mode `nat` or `route` gets a router of its own, which
//! goes with it; networks that others connected keep theirs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use stockade_provider::host::Host;
use stockade_provider::types::Error;

use super::{MADE, Port, WireNetwork};
use crate::cloud::Cloud;
use crate::service::Service;

/// The owners of ports by which a network is connected to a router; the others than the first are those of routers that
/// are distributed or run on several nodes.
const ROUTER_PORTS: [&str; 3] = [
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
];

/// A router.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Router {
    pub(crate) id: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    external_gateway_info: Option<Gateway>,
}

#[derive(Clone, Debug, Deserialize)]
struct Gateway {
    #[serde(default = "yes")]
    enable_snat: bool,
}

fn yes() -> bool {
    true
}

/// Which networks are connected to which routers.
#[derive(Debug, Default)]
pub(crate) struct Routers {
    routers: BTreeMap<String, Router>,
    /// Network and router.
    connections: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
struct RouterPort {
    network_id: String,
    device_id: String,
}

impl Routers {
    /// Reads all that the project sees.
    pub(crate) fn read<H: Host>(cloud: &Cloud<'_, H>, doing: &str) -> Result<Self, Error> {
        let routers: Vec<Router> = cloud.list(Service::Network, &["routers"], "routers", &[], doing)?;
        if routers.is_empty() {
            return Ok(Self::default());
        }
        let owners = ROUTER_PORTS.map(|owner| ("device_owner", owner));
        let ports: Vec<RouterPort> = cloud.list(Service::Network, &["ports"], "ports", &owners, doing)?;
        Ok(Self {
            routers: routers.into_iter().map(|router| (router.id.clone(), router)).collect(),
            connections: ports
                .into_iter()
                .map(|port| (port.network_id, port.device_id))
                .collect(),
        })
    }

    fn of_network(&self, network: &str) -> impl Iterator<Item = &Router> {
        self.connections
            .iter()
            .filter(move |(connected, _)| connected == network)
            .filter_map(|(_, router)| self.routers.get(router))
    }

    /// The router that was created with a network.
    pub(crate) fn made_for(&self, network: &str) -> Option<&Router> {
        self.of_network(network).find(|router| router.description == MADE)
    }

    /// How a network reaches the outside.
    pub(crate) fn mode(&self, network: &WireNetwork) -> &'static str {
        if network.external {
            return "external";
        }
        let mut gateways = self
            .of_network(&network.id)
            .filter_map(|router| router.external_gateway_info.as_ref());
        match gateways.next() {
            None => "isolated",
            Some(gateway) if gateway.enable_snat => "nat",
            Some(_) => "route",
        }
    }
}

impl<H: Host> Cloud<'_, H> {
    /// Creates a router between a network's subnets and the external network. After an error there is none.
    pub(crate) fn create_router(
        &self,
        network: &WireNetwork,
        subnets: &[String],
        snat: bool,
        doing: &str,
    ) -> Result<(), Error> {
        let external = self.external_network("mode")?;
        let mut gateway = json!({"network_id": external.id});
        if !snat {
            // Only administrators may say so, in most clouds.
            gateway["enable_snat"] = json!(false);
        }
        let body = json!({"router": {"name": network.name, "description": MADE, "external_gateway_info": gateway}});
        let call = self.call(Service::Network, "POST", ["routers"]).json(body);
        let router: Router = call.part("/router", doing)?;
        for subnet in subnets {
            let connected = self.connect_subnet(&router, "add_router_interface", json!({"subnet_id": subnet}), doing);
            if let Err(error) = connected {
                // What the caller must know is the first error.
                let _ = self.delete_router(&router, subnets, doing);
                return Err(error);
            }
        }
        Ok(())
    }

    fn connect_subnet(&self, router: &Router, verb: &str, body: Value, doing: &str) -> Result<(), Error> {
        self.call(Service::Network, "PUT", ["routers", &router.id, verb])
            .json(body)
            .send(doing)
            .map(drop)
    }

    /// Disconnects a network's subnets from a router and deletes it.
    pub(crate) fn delete_router(&self, router: &Router, subnets: &[String], doing: &str) -> Result<(), Error> {
        let ports: Vec<Port> = self.list(
            Service::Network,
            &["ports"],
            "ports",
            &[("device_id", &router.id)],
            doing,
        )?;
        for port in ports {
            let is_of_them = port
                .fixed_ips
                .iter()
                .any(|fixed| fixed.subnet_id.as_ref().is_some_and(|subnet| subnets.contains(subnet)));
            if is_of_them {
                self.connect_subnet(router, "remove_router_interface", json!({"port_id": port.id}), doing)?;
            }
        }
        self.call(Service::Network, "DELETE", ["routers", &router.id])
            .remove(doing)
    }
}
