//! Network interfaces of existing VMs.

use stockade_provider::abilities::Nics;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, Level, Subject, VmNicSpec};

use crate::Aws;
use crate::client::Client;
use crate::config::Config;
use crate::create::subnet_of;
use crate::instance::{Instance, Interface};
use crate::instances;
use crate::operations::done;
use crate::query::Query;
use crate::vm_spec::{NewNic, refuse};
use crate::xml::Element;

/// How long EC2 may take to let an interface go: usually seconds.
const FREE_SECONDS: u32 = 60;

impl<H: Host> Nics<H> for Aws {
    fn add_nic(host: &H, vm: String, spec: VmNicSpec) -> Result<Change, Error> {
        let nic = NewNic::from_spec("", spec)?;
        refuse(
            "public",
            nic.public == Some(true),
            "EC2 gives public addresses to interfaces that are created with their vm",
        )?;
        let client = Client::new(host, "add-nic");
        let found = instances::get(&client, &vm)?;
        let mut config = Config::read(host)?;
        // Where nothing is said it goes where the vm is.
        config.network = config.network.or_else(|| found.vpc.clone());
        let subnet = subnet_of(&client, &nic, found.zone.as_deref(), &config)?;
        let query = Query::ec2("CreateNetworkInterface")
            .with("SubnetId", &subnet.id)
            .with_some("PrivateIpAddress", nic.address.map(|(address, _)| address))
            .with("Description", format!("interface of vm {}", found.id));
        let doing = format!("adding an interface to vm `{}`", found.name());
        let id = client.read(&query, &doing, |root| {
            root.child("networkInterface")
                .and_then(|nic| nic.string("networkInterfaceId"))
                .ok_or_else(|| Error::upstream(None, None, format!("while {doing}: AWS answered without an id")))
        })?;
        attach(&client, &found, &id).inspect_err(|_| clean_up(&client, &id))?;
        Ok(done(id))
    }

    fn remove_nic(host: &H, vm: String, nic: String) -> Result<Change, Error> {
        let client = Client::new(host, "remove-nic");
        let found = instances::get(&client, &vm)?;
        let nic = held(&found, &nic)?;
        let attachment = match &nic.attachment {
            Some(attachment) if nic.index != 0 => attachment,
            _ => {
                let message = format!(
                    "interface `{}` is the first of vm `{}`, which EC2 never takes",
                    nic.id,
                    found.name()
                );
                return Err(Error::conflict(message));
            }
        };
        let query = Query::ec2("DetachNetworkInterface").with("AttachmentId", attachment);
        let doing = format!("removing interface `{}` from vm `{}`", nic.id, found.name());
        client.change(&query, &doing, Some(Subject::new("nic", &nic.id)))?;
        // One that was to go with the vm is nobody's now; another was somebody's before.
        if nic.goes_with_vm {
            instances::until(
                &client,
                &format!("interface `{}` to be free", nic.id),
                FREE_SECONDS,
                || Ok((status(&client, &nic.id)?.as_deref() == Some("available")).then_some(())),
            )?;
            delete(&client, &nic.id)?;
        }
        Ok(done(nic.id.clone()))
    }

    fn update_nic(host: &H, vm: String, nic: String, _network: String) -> Result<Change, Error> {
        let found = instances::get(&Client::new(host, "update-nic"), &vm)?;
        held(&found, &nic)?;
        let why = "an interface stays in its subnet: add another one and remove this";
        Err(Error::unsupported("update-nic", why))
    }
}

/// The VM's interface of this id or MAC address.
fn held<'v>(vm: &'v Instance, nic: &str) -> Result<&'v Interface, Error> {
    let is_it =
        |held: &&Interface| held.id == nic || held.mac.as_deref().is_some_and(|mac| mac.eq_ignore_ascii_case(nic));
    vm.nics.iter().find(is_it).ok_or_else(|| Error::not_found("nic", nic))
}

/// Attaches an interface behind the others, and has it deleted with the VM.
fn attach<H: Host>(client: &Client<'_, H>, vm: &Instance, id: &str) -> Result<(), Error> {
    let next = (0..)
        .find(|index| vm.nics.iter().all(|nic| nic.index != *index))
        .unwrap_or(1);
    let query = Query::ec2("AttachNetworkInterface")
        .with("NetworkInterfaceId", id)
        .with("InstanceId", &vm.id)
        .with("DeviceIndex", next);
    let doing = format!("adding interface `{id}` to vm `{}`", vm.name());
    let subject = || Some(Subject::new("vm", vm.name()));
    let attachment = client.read_about(&query, &doing, subject(), |root: Element<'_>| {
        root.string("attachmentId")
            .ok_or_else(|| Error::upstream(None, None, format!("while {doing}: AWS answered without an id")))
    })?;
    let query = Query::ec2("ModifyNetworkInterfaceAttribute")
        .with("NetworkInterfaceId", id)
        .with("Attachment.AttachmentId", &attachment)
        .with("Attachment.DeleteOnTermination", true);
    client.change(&query, &doing, subject()).inspect_err(|_| {
        // The first error is what the caller must know.
        let query = Query::ec2("DetachNetworkInterface").with("AttachmentId", &attachment);
        let _ = client.change(&query, &doing, None);
    })
}

/// `available`, `in-use` and so on; none when there is no such interface.
fn status<H: Host>(client: &Client<'_, H>, id: &str) -> Result<Option<String>, Error> {
    let query = Query::ec2("DescribeNetworkInterfaces").with_filter("network-interface-id", [id]);
    client.read(&query, &format!("reading interface `{id}`"), |root| {
        let found = root.set("networkInterfaceSet").next();
        Ok(found.and_then(|nic| nic.string("status")))
    })
}

fn delete<H: Host>(client: &Client<'_, H>, id: &str) -> Result<(), Error> {
    let query = Query::ec2("DeleteNetworkInterface").with("NetworkInterfaceId", id);
    client.change(
        &query,
        &format!("deleting interface `{id}`"),
        Some(Subject::new("nic", id)),
    )
}

fn clean_up<H: Host>(client: &Client<'_, H>, id: &str) {
    if let Err(error) = instances::soon(client, || delete(client, id)) {
        client.host().log(Level::Warn, &format!("{}: delete it", error.message));
    }
}
