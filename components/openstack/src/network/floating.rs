//! Floating addresses: public addresses of VMs (<https://docs.openstack.org/api-ref/network/v2/#floating-ips>).

use serde::Deserialize;
use serde_json::{Value, json};

use stockade_provider::host::Host;
use stockade_provider::types::Error;

use super::MADE;
use crate::cloud::Cloud;
use crate::service::Service;

/// A floating address.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Floating {
    pub(crate) id: String,
    #[serde(default, rename = "floating_ip_address")]
    pub(crate) address: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    port_id: Option<String>,
}

/// A floating address to create for a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewFloating {
    /// The external network.
    pub(crate) network: String,
    pub(crate) port: String,
}

impl NewFloating {
    fn body(&self) -> Value {
        json!({"floatingip": {
            "floating_network_id": self.network,
            "port_id": self.port,
            "description": MADE,
        }})
    }
}

impl<H: Host> Cloud<'_, H> {
    /// Creates a floating address that goes with the VM that it is for. Neutron refuses one whose network no router
    /// connects to the external one.
    pub(crate) fn create_floating(&self, new: &NewFloating, doing: &str) -> Result<Floating, Error> {
        let call = self.call(Service::Network, "POST", ["floatingips"]).json(new.body());
        call.part("/floatingip", doing)
    }

    /// Deletes a floating address; one that is gone already is as good.
    pub(crate) fn delete_floating(&self, id: &str, doing: &str) -> Result<(), Error> {
        self.call(Service::Network, "DELETE", ["floatingips", id]).remove(doing)
    }

    /// Deletes the floating addresses on these ports, by their ids, that this provider created.
    pub(crate) fn delete_floating_made_for(&self, ports: &[String], doing: &str) -> Result<(), Error> {
        if ports.is_empty() {
            return Ok(());
        }
        // Neutron takes a name of the query several times as "any of".
        let query: Vec<_> = ports.iter().map(|port| ("port_id", port.as_str())).collect();
        let all: Vec<Floating> = self.list(Service::Network, &["floatingips"], "floatingips", &query, doing)?;
        let is_on_them = |floating: &Floating| floating.port_id.as_ref().is_some_and(|port| ports.contains(port));
        for floating in all {
            if floating.description == MADE && is_on_them(&floating) {
                self.delete_floating(&floating.id, doing)?;
            }
        }
        Ok(())
    }

    /// The network that public addresses come from: the connection's, or the only external one.
    ///
    /// # Errors
    /// `not-found` for a name that is none; `invalid-argument` for `field` where there is none or no single one.
    pub(crate) fn external_network(&self, field: &str) -> Result<super::WireNetwork, Error> {
        if let Some(name) = &self.config.external_network {
            return self.network(name);
        }
        let query = [("router:external", "true")];
        let doing = "looking for the external network";
        let mut all: Vec<super::WireNetwork> = self.list(Service::Network, &["networks"], "networks", &query, doing)?;
        match (all.pop(), all.len()) {
            (Some(only), 0) => Ok(only),
            (None, _) => Err(Error::cannot_honour(field, "the project sees no external network")),
            (Some(_), others) => {
                let why = format!(
                    "the project sees {} external networks; set the connection's `external_network`",
                    others + 1
                );
                Err(Error::cannot_honour(field, &why))
            }
        }
    }
}
