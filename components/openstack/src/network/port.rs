//! Ports: the interfaces of VMs (<https://docs.openstack.org/api-ref/network/v2/#ports>).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use stockade_provider::host::Host;
use stockade_provider::types::Error;

use super::MADE;
use crate::cloud::Cloud;
use crate::service::Service;

/// A port.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Port {
    pub(crate) id: String,
    pub(crate) network_id: String,
    #[serde(default)]
    pub(crate) mac_address: String,
    #[serde(default)]
    pub(crate) fixed_ips: Vec<FixedIp>,
    #[serde(default)]
    pub(crate) device_owner: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) created_at: Option<String>,
    #[serde(default)]
    pub(crate) security_groups: Vec<String>,
}

/// An address of a port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct FixedIp {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) ip_address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subnet_id: Option<String>,
}

/// A port to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NewPort {
    pub(crate) network: String,
    pub(crate) mac: Option<String>,
    pub(crate) fixed: Option<FixedIp>,
    /// Ids; none for Neutron's default group.
    pub(crate) groups: Option<Vec<String>>,
}

impl NewPort {
    fn body(&self) -> Value {
        let mut port = json!({"network_id": self.network, "description": MADE});
        if let Some(mac) = &self.mac {
            port["mac_address"] = json!(mac);
        }
        if let Some(fixed) = &self.fixed {
            port["fixed_ips"] = json!([fixed]);
        }
        if let Some(groups) = &self.groups {
            port["security_groups"] = json!(groups);
        }
        json!({"port": port})
    }
}

impl<H: Host> Cloud<'_, H> {
    /// The ports of a server.
    pub(crate) fn ports_of(&self, server: &str, doing: &str) -> Result<Vec<Port>, Error> {
        self.list(Service::Network, &["ports"], "ports", &[("device_id", server)], doing)
    }

    /// Creates a port that goes with the VM that it is for.
    pub(crate) fn create_port(&self, new: &NewPort, doing: &str) -> Result<Port, Error> {
        let call = self.call(Service::Network, "POST", ["ports"]).json(new.body());
        call.part("/port", doing)
    }

    /// Deletes a port; one that is gone already is as good.
    pub(crate) fn delete_port(&self, id: &str, doing: &str) -> Result<(), Error> {
        self.call(Service::Network, "DELETE", ["ports", id]).remove(doing)
    }

    /// Deletes what was created for a VM: the ports that it does not take with it, and the public addresses on any of
    /// its ports. What others created stays.
    pub(crate) fn delete_made_for(&self, ports: &[Port], doing: &str) -> Result<(), Error> {
        let ids: Vec<_> = ports.iter().map(|port| port.id.clone()).collect();
        self.delete_floating_made_for(&ids, doing)?;
        for port in ports.iter().filter(|port| port.description == MADE) {
            self.delete_port(&port.id, doing)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_asks_for_what_was_given_only() {
        let new = NewPort {
            network: "n".to_owned(),
            ..NewPort::default()
        };
        assert_eq!(new.body(), json!({"port": {"network_id": "n", "description": MADE}}));
        let new = NewPort {
            mac: Some("52:54:00:00:00:01".to_owned()),
            fixed: Some(FixedIp {
                ip_address: String::new(),
                subnet_id: Some("s".to_owned()),
            }),
            groups: Some(vec![]),
            ..new
        };
        let expected = json!({"port": {
            "network_id": "n", "description": MADE, "mac_address": "52:54:00:00:00:01",
            "fixed_ips": [{"subnet_id": "s"}], "security_groups": [],
        }});
        assert_eq!(new.body(), expected);
    }
}
