//! Interfaces of existing VMs (<https://docs.openstack.org/api-ref/compute/#port-interfaces-servers-os-interface>).
//!
//! An interface is a port of Neutron's, and is named by its id. [`super::vm`] lists them.

use serde_json::{Value, json};

use stockade_provider::abilities::Nics;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, ErrorKind, Subject, VmNicSpec};

use super::resolve::{Nic, groups_of, nic};
use super::server::Server;
use crate::Openstack;
use crate::change::done;
use crate::cloud::Cloud;
use crate::network::{NewFloating, NewPort, Port};
use crate::service::Service;
use crate::wait;

impl<H: Host> Nics<H> for Openstack {
    fn add_nic(host: &H, vm: String, spec: VmNicSpec) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "add-nic")?;
        let server = cloud.server(&vm)?;
        let doing = format!("adding an interface to vm `{vm}`");
        let groups = groups_of(&cloud.ports_of(&server.id, &doing)?);
        match nic(&cloud, &spec, &groups, "")? {
            Nic::Plain { network, address } => {
                let mut body = json!({"net_id": network});
                if let Some(address) = address {
                    body["fixed_ips"] = json!([{"ip_address": address}]);
                }
                Ok(done(attach(&cloud, &server, &body, &doing)?))
            }
            Nic::Port { port, is_public } => {
                let external = match is_public {
                    true => Some(cloud.external_network("public")?.id),
                    false => None,
                };
                let port = cloud.create_port(&port, &doing)?;
                let attached = furnish(&cloud, &server, &port, external, &doing);
                if attached.is_err() {
                    // What the caller must know is the first error.
                    let _ = cloud.delete_made_for(std::slice::from_ref(&port), &doing);
                }
                attached.map(done)
            }
        }
    }

    fn remove_nic(host: &H, vm: String, nic: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "remove-nic")?;
        let server = cloud.server(&vm)?;
        let doing = format!("removing interface `{nic}` of vm `{vm}`");
        let port = find(&cloud, &server, &nic, &doing)?;
        detach(&cloud, &server, &port, &doing)?;
        cloud.delete_made_for(std::slice::from_ref(&port), &doing)?;
        Ok(done(server.id))
    }

    fn update_nic(host: &H, vm: String, nic: String, network: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "update-nic")?;
        let server = cloud.server(&vm)?;
        let doing = format!("moving interface `{nic}` of vm `{vm}` to network `{network}`");
        let old = find(&cloud, &server, &nic, &doing)?;
        let target = cloud.network(&network)?;
        if target.id == old.network_id {
            return Ok(done(old.id));
        }
        // One MAC address may be on several networks, so that the new port can be there before the old one goes.
        let new = NewPort {
            network: target.id,
            mac: Some(old.mac_address.clone()),
            fixed: None,
            groups: Some(old.security_groups.clone()),
        };
        let new = cloud.create_port(&new, &doing)?;
        let moved = detach(&cloud, &server, &old, &doing)
            .and_then(|()| attach(&cloud, &server, &json!({"port_id": new.id}), &doing));
        match moved {
            Ok(port) => {
                cloud.delete_made_for(std::slice::from_ref(&old), &doing)?;
                Ok(done(port))
            }
            Err(error) => {
                let _ = cloud.delete_port(&new.id, &doing);
                // Back to where it was, as far as that is still possible: a port that Nova made went with the detaching.
                let is_attached = cloud
                    .ports_of(&server.id, &doing)
                    .is_ok_and(|ports| ports.iter().any(|port| port.id == old.id));
                if !is_attached {
                    let _ = reattach(&cloud, &server, &old, &doing);
                }
                Err(error)
            }
        }
    }
}

/// Attaches a port with its public address.
fn furnish<H: Host>(
    cloud: &Cloud<'_, H>,
    server: &Server,
    port: &Port,
    external: Option<String>,
    doing: &str,
) -> Result<String, Error> {
    let id = attach(cloud, server, &json!({"port_id": port.id}), doing)?;
    if let Some(network) = external {
        let new = NewFloating {
            network,
            port: port.id.clone(),
        };
        if let Err(error) = cloud.create_floating(&new, doing) {
            let _ = detach(cloud, server, port, doing);
            return Err(error);
        }
    }
    Ok(id)
}

fn reattach<H: Host>(cloud: &Cloud<'_, H>, server: &Server, port: &Port, doing: &str) -> Result<String, Error> {
    match attach(cloud, server, &json!({"port_id": port.id}), doing) {
        Ok(id) => Ok(id),
        Err(_) => {
            let same = NewPort {
                network: port.network_id.clone(),
                mac: Some(port.mac_address.clone()),
                fixed: port.fixed_ips.first().cloned(),
                groups: Some(port.security_groups.clone()),
            };
            let same = cloud.create_port(&same, doing)?;
            attach(cloud, server, &json!({"port_id": same.id}), doing)
        }
    }
}

/// Answers the port's id.
fn attach<H: Host>(cloud: &Cloud<'_, H>, server: &Server, body: &Value, doing: &str) -> Result<String, Error> {
    let call = cloud.call(Service::Compute, "POST", ["servers", &server.id, "os-interface"]);
    call.about("vm", server.name())
        .json(json!({"interfaceAttachment": body}))
        .text("/interfaceAttachment/port_id", doing)
}

/// Detaches a port and waits until the server has let go of it.
fn detach<H: Host>(cloud: &Cloud<'_, H>, server: &Server, port: &Port, doing: &str) -> Result<(), Error> {
    cloud
        .call(
            Service::Compute,
            "DELETE",
            ["servers", &server.id, "os-interface", &port.id],
        )
        .remove(doing)?;
    let gone = wait::until(cloud.host, wait::BUDGET_MS, || {
        let ports = cloud.ports_of(&server.id, doing)?;
        Ok((!ports.iter().any(|have| have.id == port.id)).then_some(()))
    })?;
    gone.ok_or_else(|| {
        let message = format!("while {doing}: the guest has not let go of it");
        Error::new(ErrorKind::TimedOut, message)
    })
}

/// One interface by its name or MAC address.
fn find<H: Host>(cloud: &Cloud<'_, H>, server: &Server, nic: &str, doing: &str) -> Result<Port, Error> {
    let ports = cloud.ports_of(&server.id, doing)?;
    let is_it = |port: &Port| port.id == nic || port.mac_address.eq_ignore_ascii_case(nic);
    let mut found: Vec<_> = ports.into_iter().filter(is_it).collect();
    match (found.pop(), found.len()) {
        (Some(port), 0) => Ok(port),
        (Some(port), _) => {
            let ids = found.into_iter().chain([port]).map(|port| port.id).collect();
            Err(Error::ambiguous("nic", nic, ids))
        }
        (None, _) => Err(Error {
            kind: ErrorKind::NotFound(Subject::new("nic", nic)),
            ..Error::conflict(format!("vm `{}` has no interface `{nic}`", server.name()))
        }),
    }
}
