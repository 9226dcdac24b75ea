//! Creating VMs: what Nova cannot make itself first, then the server; after an error nothing of all that is left.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use stockade_provider::host::Host;
use stockade_provider::idempotency::{self, Recall};
use stockade_provider::types::{Change, Error, ErrorKind, VmSpec};

use super::hostname;
use super::operations::Operation;
use super::resolve::{Nic, Resolved};
use super::server::Server;
use super::spec::Wanted;
use crate::change::{done, pending};
use crate::cloud::Cloud;
use crate::microversion::COMPUTE_HOSTNAME;
use crate::network::NewFloating;
use crate::service::Service;

/// Creates a VM.
pub(super) fn create<H: Host>(cloud: &Cloud<'_, H>, spec: VmSpec) -> Result<Change, Error> {
    let key = spec.idempotency_key.clone();
    let wanted = Wanted::from_spec(spec, &cloud.config)?;
    let is_repeated = match key {
        Some(key) => idempotency::claim(cloud.host, &key, &wanted.name)? == Recall::Repeated,
        None => false,
    };
    // Nova lets several servers have one name.
    match cloud.servers_named(&wanted.name)?.as_slice() {
        [] => {}
        [server] if is_repeated => return Ok(done(&server.id)),
        _ => return Err(Error::already_exists("vm", &wanted.name)),
    }
    let resolved = Resolved::find(cloud, &wanted)?;
    boot(cloud, &wanted, &resolved)
}

/// Makes a server and what it needs.
pub(super) fn boot<H: Host>(cloud: &Cloud<'_, H>, wanted: &Wanted, resolved: &Resolved) -> Result<Change, Error> {
    let mut made = Made::new(&wanted.name);
    match made.server(cloud, wanted, resolved) {
        Ok(change) => Ok(change),
        Err(error) => {
            made.undo(cloud);
            Err(error)
        }
    }
}

/// What was made so far.
#[derive(Debug)]
struct Made {
    doing: String,
    key_pair: Option<String>,
    ports: Vec<String>,
    floating: Vec<String>,
    server: Option<String>,
}

impl Made {
    fn new(name: &str) -> Self {
        Self {
            doing: format!("creating vm `{name}`"),
            key_pair: None,
            ports: Vec::new(),
            floating: Vec::new(),
            server: None,
        }
    }

    fn server<H: Host>(&mut self, cloud: &Cloud<'_, H>, wanted: &Wanted, resolved: &Resolved) -> Result<Change, Error> {
        let networks = self.networks(cloud, resolved)?;
        if let Some(keys) = &wanted.ssh_keys {
            self.make_key_pair(cloud, &wanted.name, keys)?;
        }
        let mut body = body(wanted, resolved, &networks, self.key_pair.as_deref());
        if wanted.hostname.is_none()
            && let Some(label) = hostname::of_name(&wanted.name)
            && cloud.compute_version()? >= COMPUTE_HOSTNAME
        {
            body["server"]["hostname"] = json!(label);
        }
        let id = self.send(cloud, &wanted.name, body)?;
        // Nova has copied the keys into the server; the pair would only count towards the user's quota.
        self.delete_key_pair(cloud)?;
        let server = Server {
            id: id.clone(),
            name: Some(wanted.name.clone()),
            ..Server::default()
        };
        let is_booted = |server: &Server| !matches!(server.status.as_str(), "BUILD" | "ERROR") && !server.is_busy();
        match cloud.wait_for(&server, &self.doing, is_booted)? {
            None if wanted.start => return Ok(pending(id, &Operation::Boot(server.id))),
            None => return Err(self.too_slow("boot")),
            Some(_) => {}
        }
        if !wanted.start {
            cloud.act(&server, "os-stop", &Value::Null, &self.doing)?;
            let is_stopped = |server: &Server| server.status == "SHUTOFF" && !server.is_busy();
            if cloud.wait_for(&server, &self.doing, is_stopped)?.is_none() {
                return Err(self.too_slow("stop again"));
            }
        }
        Ok(done(id))
    }

    fn too_slow(&self, what: &str) -> Error {
        let message = format!(
            "while {}: Nova starts every new vm, and this one did not {what} in time, so it was deleted again; \
             create it with `start`",
            self.doing
        );
        Error::new(ErrorKind::TimedOut, message)
    }

    /// Asks Nova for the server. Without an answer it may have been made nevertheless: nobody else has this name.
    fn send<H: Host>(&mut self, cloud: &Cloud<'_, H>, name: &str, body: Value) -> Result<String, Error> {
        let call = cloud.call(Service::Compute, "POST", ["servers"]).json(body);
        match call.text("/server/id", &self.doing) {
            Ok(id) => {
                self.server = Some(id.clone());
                Ok(id)
            }
            Err(error) => {
                if matches!(
                    error.kind,
                    ErrorKind::TimedOut | ErrorKind::Unavailable | ErrorKind::Upstream(_)
                ) && let Ok([server]) = cloud.servers_named(name).as_deref()
                {
                    self.server = Some(server.id.clone());
                }
                Err(error)
            }
        }
    }

    /// The server's networks, with the ports and public addresses that Nova does not make.
    fn networks<H: Host>(&mut self, cloud: &Cloud<'_, H>, resolved: &Resolved) -> Result<Vec<Value>, Error> {
        let mut networks = Vec::new();
        for nic in &resolved.nics {
            networks.push(match nic {
                Nic::Plain { network, address: None } => json!({"uuid": network}),
                Nic::Plain {
                    network,
                    address: Some(address),
                } => json!({"uuid": network, "fixed_ip": address}),
                Nic::Port { port, is_public } => {
                    let port = cloud.create_port(port, &self.doing)?.id;
                    self.ports.push(port.clone());
                    if let (true, Some(network)) = (is_public, &resolved.external_network) {
                        let new = NewFloating {
                            network: network.clone(),
                            port: port.clone(),
                        };
                        self.floating.push(cloud.create_floating(&new, &self.doing)?.id);
                    }
                    json!({"port": port})
                }
            });
        }
        Ok(networks)
    }

    fn make_key_pair<H: Host>(&mut self, cloud: &Cloud<'_, H>, vm: &str, keys: &str) -> Result<(), Error> {
        let digest = Sha256::digest(format!("{vm} {}", cloud.host.now()));
        let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("stockade-{digits}");
        let body = json!({"keypair": {"name": name, "type": "ssh", "public_key": keys}});
        let call = cloud.call(Service::Compute, "POST", ["os-keypairs"]).json(body);
        let outcome = call.send(&self.doing);
        self.key_pair = Some(name);
        outcome.map(drop).map_err(|error| match error.kind {
            // Nova says "Keypair data is invalid".
            ErrorKind::Upstream(_) => Error {
                kind: ErrorKind::InvalidArgument("ssh-keys".to_owned()),
                ..error
            },
            _ => error,
        })
    }

    fn delete_key_pair<H: Host>(&mut self, cloud: &Cloud<'_, H>) -> Result<(), Error> {
        match self.key_pair.take() {
            None => Ok(()),
            Some(name) => cloud
                .call(Service::Compute, "DELETE", ["os-keypairs", &name])
                .remove(&self.doing),
        }
    }

    /// Deletes everything again. What the caller must know is the error before, not one of these.
    fn undo<H: Host>(&mut self, cloud: &Cloud<'_, H>) {
        let _ = self.delete_key_pair(cloud);
        if let Some(id) = &self.server {
            let _ = cloud
                .call(Service::Compute, "DELETE", ["servers", id])
                .remove(&self.doing);
            let _ = cloud.wait_until_gone(id);
        }
        for id in &self.floating {
            let _ = cloud.delete_floating(id, &self.doing);
        }
        for id in &self.ports {
            let _ = cloud.delete_port(id, &self.doing);
        }
    }
}

/// The request's body (<https://docs.openstack.org/api-ref/compute/#create-server>).
fn body(wanted: &Wanted, resolved: &Resolved, networks: &[Value], key_pair: Option<&str>) -> Value {
    let mut server = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            server.insert(name.to_owned(), value);
        }
    };
    let is_from_volume = resolved
        .devices
        .first()
        .is_some_and(|device| device["destination_type"] == "volume");
    add("name", Some(json!(wanted.name)));
    add("flavorRef", Some(json!(resolved.flavor.id)));
    add(
        "imageRef",
        resolved
            .image
            .as_ref()
            .filter(|_| !is_from_volume)
            .map(|image| json!(image.id)),
    );
    add(
        "block_device_mapping_v2",
        Some(json!(resolved.devices)).filter(|_| !resolved.devices.is_empty()),
    );
    add("networks", Some(json!(networks)));
    let groups: Vec<_> = resolved.security_groups.iter().map(|id| json!({"name": id})).collect();
    add("security_groups", Some(json!(groups)).filter(|_| !groups.is_empty()));
    add("availability_zone", wanted.location.as_ref().map(|zone| json!(zone)));
    add("user_data", wanted.user_data.as_ref().map(|data| json!(data)));
    add(
        "key_name",
        key_pair.or(wanted.key_pair.as_deref()).map(|name| json!(name)),
    );
    add("hostname", wanted.hostname.as_ref().map(|name| json!(name)));
    add("config_drive", wanted.config_drive.map(|drive| json!(drive)));
    add("description", wanted.description.as_ref().map(|text| json!(text)));
    add(
        "metadata",
        Some(json!(wanted.metadata)).filter(|_| !wanted.metadata.is_empty()),
    );
    // Since microversion 2.52.
    add("tags", Some(json!(wanted.tags)).filter(|_| !wanted.tags.is_empty()));
    let mut body = json!({"server": server});
    if let Some(group) = &resolved.server_group {
        body["os:scheduler_hints"] = json!({"group": group});
    }
    body
}
