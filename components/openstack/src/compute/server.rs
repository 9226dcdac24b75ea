//! A server as Nova shows it (<https://docs.openstack.org/api-ref/compute/#list-servers-detailed>).

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Value, json};

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Response, VmStatus};

use crate::cloud::{Cloud, is_id, is_not_found};
use crate::find;
use crate::service::Service;
use crate::wait;

/// A server. Since microversion 2.69 those of a part of the cloud that is down have an id and little else.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Server {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) created: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) flavor: Option<ServerFlavor>,
    #[serde(default, deserialize_with = "image_id")]
    pub(crate) image: Option<String>,
    #[serde(default)]
    pub(crate) addresses: Addresses,
    #[serde(default)]
    pub(crate) fault: Option<Fault>,
    #[serde(default, rename = "OS-EXT-STS:task_state")]
    pub(crate) task_state: Option<String>,
    #[serde(default, rename = "OS-EXT-STS:power_state")]
    pub(crate) power_state: Option<u32>,
    #[serde(default, rename = "OS-EXT-AZ:availability_zone")]
    pub(crate) zone: Option<String>,
    #[serde(default, rename = "OS-EXT-SRV-ATTR:root_device_name")]
    pub(crate) root_device: Option<String>,
    #[serde(default, rename = "os-extended-volumes:volumes_attached")]
    pub(crate) volumes: Vec<AttachedVolume>,
}

/// A flavor inside of a server: since microversion 2.47 its sizes as they were.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ServerFlavor {
    pub(crate) original_name: String,
    pub(crate) vcpus: u32,
    pub(crate) ram: u32,
    pub(crate) disk: u32,
}

/// An address of a server.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ServerAddress {
    pub(crate) addr: String,
    pub(crate) version: u8,
    #[serde(default, rename = "OS-EXT-IPS:type")]
    pub(crate) kind: Option<String>,
    #[serde(default, rename = "OS-EXT-IPS-MAC:mac_addr")]
    pub(crate) mac: Option<String>,
}

/// The addresses by network, in Nova's order, which is that of the interfaces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses(pub(crate) Vec<(String, Vec<ServerAddress>)>);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Addresses;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("addresses by network")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Addresses, A::Error> {
                let mut networks = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    networks.push(entry);
                }
                Ok(Addresses(networks))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

impl Addresses {
    /// Each address with its network's name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &ServerAddress)> {
        self.0
            .iter()
            .flat_map(|(network, addresses)| addresses.iter().map(move |address| (network.as_str(), address)))
    }
}

/// Why a server is in state ERROR.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Fault {
    #[serde(default)]
    pub(crate) message: String,
}

/// A volume of a server.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AttachedVolume {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) delete_on_termination: bool,
}

/// The image is an object with an id, or an empty text for a server that boots from a volume.
fn image_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::Object(image) => match image.get("id") {
            Some(Value::String(id)) => Ok(Some(id.clone())),
            _ => Err(D::Error::custom("a server's image has no id")),
        },
        _ => Err(D::Error::custom(
            "a server's image is neither an object nor an empty text",
        )),
    }
}

impl Server {
    /// Its name; its id where the cloud does not know more.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// What it is doing (<https://docs.openstack.org/api-guide/compute/server_concepts.html#server-status>).
    pub(crate) fn vm_status(&self) -> VmStatus {
        match (self.status.as_str(), self.task_state.as_deref()) {
            (_, Some("deleting" | "soft-deleting")) => VmStatus::Provisioning,
            (_, Some("powering-off")) => VmStatus::Stopping,
            (_, Some("powering-on" | "resuming" | "unpausing")) => VmStatus::Starting,
            ("ACTIVE" | "PASSWORD" | "RESCUE" | "VERIFY_RESIZE", _) => match self.power_state {
                // `nova.compute.power_state`: 3 is paused, 4 shut down, 6 crashed, 7 suspended.
                Some(6) => VmStatus::Crashed,
                Some(4) => VmStatus::Stopped,
                _ => VmStatus::Running,
            },
            ("SHUTOFF" | "SHELVED" | "SHELVED_OFFLOADED" | "SOFT_DELETED", _) => VmStatus::Stopped,
            ("PAUSED", _) => VmStatus::Paused,
            ("SUSPENDED", _) => VmStatus::Suspended,
            ("REBOOT" | "HARD_REBOOT", _) => VmStatus::Starting,
            ("BUILD" | "REBUILD" | "DELETED", _) => VmStatus::Provisioning,
            ("MIGRATING" | "RESIZE" | "REVERT_RESIZE", _) => VmStatus::Migrating,
            ("ERROR", _) => VmStatus::Error,
            _ => VmStatus::Unknown,
        }
    }

    /// Whether Nova is working on it.
    pub(crate) fn is_busy(&self) -> bool {
        self.task_state.is_some() || matches!(self.status.as_str(), "BUILD" | "REBUILD" | "RESIZE" | "REVERT_RESIZE")
    }
}

impl<H: Host> Cloud<'_, H> {
    /// One server by its id or name.
    ///
    /// # Errors
    /// `not-found` or `ambiguous`, and what reading failed with.
    pub(crate) fn server(&self, vm: &str) -> Result<Server, Error> {
        if is_id(vm)
            && let Some(server) = self.server_by_id(vm)?
        {
            return Ok(server);
        }
        let named = self.servers_named(vm)?;
        find::one("vm", vm, named, |server| &server.id, |server| server.name())
    }

    /// One server by its id; none when there is none.
    pub(crate) fn server_by_id(&self, id: &str) -> Result<Option<Server>, Error> {
        let call = self.get(Service::Compute, ["servers", id]);
        call.find_part("/server", &format!("reading vm `{id}`"))
    }

    /// The servers of a name.
    pub(crate) fn servers_named(&self, name: &str) -> Result<Vec<Server>, Error> {
        if name.is_empty() || name.chars().any(char::is_control) {
            return Ok(vec![]);
        }
        let pattern = name_pattern(name);
        let query = [("name", pattern.as_str())];
        let doing = format!("looking for vm `{name}`");
        let mut servers: Vec<Server> =
            self.list(Service::Compute, &["servers", "detail"], "servers", &query, &doing)?;
        servers.retain(|server| server.name.as_deref() == Some(name));
        Ok(servers)
    }

    /// Has a server do something (<https://docs.openstack.org/api-ref/compute/#servers-run-an-action-servers-action>).
    pub(crate) fn act(&self, server: &Server, action: &str, argument: &Value, doing: &str) -> Result<Response, Error> {
        self.call(Service::Compute, "POST", ["servers", &server.id, "action"])
            .about("vm", server.name())
            .json(json!({ action: argument }))
            .send(doing)
    }

    /// Waits until a server is as wanted; none when the time is over first.
    ///
    /// # Errors
    /// `not-found` when it is gone, the fault's error when it fails, and what reading failed with.
    pub(crate) fn wait_for(
        &self,
        server: &Server,
        doing: &str,
        is_there: impl Fn(&Server) -> bool,
    ) -> Result<Option<Server>, Error> {
        wait::until(self.host, wait::BUDGET_MS, || {
            let now = self
                .server_by_id(&server.id)?
                .ok_or_else(|| Error::not_found("vm", server.name()))?;
            if is_there(&now) {
                return Ok(Some(now));
            }
            if now.status == "ERROR" && !now.is_busy() {
                let fault = now.fault.as_ref().map(|fault| fault.message.as_str());
                return Err(crate::error::of_fault(fault, doing));
            }
            Ok(None)
        })
    }

    /// Waits until a server is gone; whether it is. One that is `DELETED` is not: Nova lists it until it has dropped it too.
    pub(crate) fn wait_until_gone(&self, id: &str) -> Result<bool, Error> {
        let gone = wait::until(self.host, wait::BUDGET_MS, || match self.server_by_id(id) {
            Ok(None) => Ok(Some(())),
            Ok(Some(_)) => Ok(None),
            Err(error) if is_not_found(&error) => Ok(Some(())),
            Err(error) => Err(error),
        })?;
        Ok(gone.is_some())
    }
}

/// A regular expression that matches a name, and perhaps others: Nova's filter by name is one, in the dialect of its
/// database. Only letters and digits mean themselves in all of them.
fn name_pattern(name: &str) -> String {
    let mut pattern = String::from("^");
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            pattern.push(c);
        } else if !pattern.ends_with(".*") {
            pattern.push_str(".*");
        }
    }
    pattern.push('$');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_by_letters_and_digits_only() {
        for (name, pattern) in [
            ("web1", "^web1$"),
            ("web-1", "^web.*1$"),
            ("a (b)", "^a.*b.*$"),
            ("機械", "^.*$"),
            ("^.*$", "^.*$"),
        ] {
            assert_eq!(name_pattern(name), pattern);
        }
    }

    #[test]
    fn each_status_word_has_its_meaning() {
        let status = |word: &str, task: Option<&str>, power: Option<u32>| {
            let server = Server {
                status: word.to_owned(),
                task_state: task.map(str::to_owned),
                power_state: power,
                ..Server::default()
            };
            server.vm_status()
        };
        for (word, task, power, expected) in [
            ("ACTIVE", None, Some(1), VmStatus::Running),
            ("ACTIVE", Some("powering-off"), Some(1), VmStatus::Stopping),
            ("ACTIVE", Some("deleting"), Some(1), VmStatus::Provisioning),
            ("ACTIVE", None, Some(6), VmStatus::Crashed),
            ("ACTIVE", None, Some(4), VmStatus::Stopped),
            ("SHUTOFF", None, Some(4), VmStatus::Stopped),
            ("SHUTOFF", Some("powering-on"), Some(4), VmStatus::Starting),
            ("PAUSED", None, Some(3), VmStatus::Paused),
            ("SUSPENDED", None, Some(4), VmStatus::Suspended),
            ("BUILD", Some("scheduling"), None, VmStatus::Provisioning),
            ("VERIFY_RESIZE", None, Some(1), VmStatus::Running),
            ("MIGRATING", None, Some(1), VmStatus::Migrating),
            ("ERROR", None, None, VmStatus::Error),
            ("UNKNOWN", None, None, VmStatus::Unknown),
            ("hibernating-oddly", None, None, VmStatus::Unknown),
        ] {
            assert_eq!(status(word, task, power), expected, "{word} {task:?} {power:?}");
        }
    }

    #[test]
    fn a_server_of_a_part_that_is_down_can_be_read() {
        let server: Server = serde_json::from_value(
            json!({"id": "1", "status": "UNKNOWN", "tenant_id": "2", "created": "x", "links": []}),
        )
        .expect("a server");
        assert_eq!((server.name(), server.vm_status()), ("1", VmStatus::Unknown));
        let server: Server =
            serde_json::from_value(json!({"id": "1", "status": "ACTIVE", "image": ""})).expect("a server");
        assert_eq!(server.image, None);
        assert!(serde_json::from_value::<Server>(json!({"id": "1", "status": "ACTIVE", "image": 7})).is_err());
    }
}
