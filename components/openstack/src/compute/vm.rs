//! From Nova's servers to the contract's VMs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Deserialize;

use stockade_provider::host::Host;
use stockade_provider::types::{DiskDevice, Error, Tag, Vm, VmDisk, VmNic};

use super::server::Server;
use crate::cloud::Cloud;
use crate::network::Port;
use crate::service::Service;
use crate::volume::Volume;

/// How many ids go into one request for images: a URL of 100 ids has about 4 KiB, half of what servers take.
const IDS_IN_A_REQUEST: usize = 100;

/// The names of the images that servers were created from.
#[derive(Debug, Default)]
pub(crate) struct ServerImages(BTreeMap<String, String>);

#[derive(Debug, Deserialize)]
struct ImageName {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

impl ServerImages {
    /// Asks Glance for all of them at once. Where it does not answer, ids stand for names: a list of VMs is worth more.
    pub(crate) fn of<H: Host>(cloud: &Cloud<'_, H>, servers: &[Server]) -> Self {
        let ids: BTreeSet<&str> = servers.iter().filter_map(|server| server.image.as_deref()).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let mut names = BTreeMap::new();
        for some in ids.chunks(IDS_IN_A_REQUEST) {
            // <https://docs.openstack.org/api-ref/image/v2/#list-images>: "in" is an operator of filters.
            let wanted = format!("in:{}", some.join(","));
            let query = [("id", wanted.as_str())];
            let found = cloud.list::<ImageName>(
                Service::Image,
                &["images"],
                "images",
                &query,
                "reading the images of vms",
            );
            for image in found.unwrap_or_default() {
                names.extend(image.name.map(|name| (image.id, name)));
            }
        }
        Self(names)
    }

    /// An image's name; its id where there is none any more.
    fn name(&self, id: &str) -> String {
        self.0.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }
}

/// What a list does not tell about a server.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) ports: Vec<Port>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) volumes: Vec<Volume>,
}

/// How a volume is attached
/// (<https://docs.openstack.org/api-ref/compute/#list-volume-attachments-for-an-instance>).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attachment {
    #[serde(rename = "volumeId")]
    pub(crate) volume: String,
    #[serde(default)]
    pub(crate) device: Option<String>,
}

impl<H: Host> Cloud<'_, H> {
    /// How a server's volumes are attached.
    pub(crate) fn attachments(&self, server: &Server) -> Result<Vec<Attachment>, Error> {
        let call = self.get(Service::Compute, ["servers", &server.id, "os-volume_attachments"]);
        let doing = format!("reading the disks of vm `{}`", server.name());
        call.about("vm", server.name()).part("/volumeAttachments", &doing)
    }
}

impl Details {
    /// Reads them.
    ///
    /// # Errors
    /// What reading failed with.
    pub(crate) fn read<H: Host>(cloud: &Cloud<'_, H>, server: &Server) -> Result<Self, Error> {
        let doing = format!("reading vm `{}`", server.name());
        let ports = cloud.ports_of(&server.id, &doing)?;
        if server.volumes.is_empty() {
            return Ok(Self {
                ports,
                ..Self::default()
            });
        }
        let attachments = cloud.attachments(server)?;
        let volumes = match cloud.has(Service::Volume)? {
            true => cloud.volumes_by_id(attachments.iter().map(|attachment| attachment.volume.as_str()))?,
            false => vec![],
        };
        Ok(Self {
            ports,
            attachments,
            volumes,
        })
    }
}

/// A server as the contract shows it; `details` only where one VM is read.
pub(crate) fn to_vm(server: &Server, images: &ServerImages, details: Option<&Details>) -> Vm {
    let flavor = server.flavor.as_ref();
    let image = server.image.as_deref().map(|id| images.name(id));
    Vm {
        id: server.id.clone(),
        name: server.name().to_owned(),
        status: server.vm_status(),
        vendor_status: server.status.clone(),
        ips: ips(server),
        cpus: flavor.map(|flavor| flavor.vcpus),
        memory_mib: flavor.map(|flavor| flavor.ram),
        flavor: flavor.map(|flavor| flavor.original_name.clone()),
        location: server.zone.clone().filter(|zone| !zone.is_empty()),
        autostart: None,
        description: server.description.clone().filter(|text| !text.is_empty()),
        created_at: server.created.clone(),
        disks: details.map(|details| disks(server, image.as_deref(), details)),
        nics: details.map(|details| nics(server, details)),
        metadata: Some(metadata(server)),
        image,
    }
}

fn metadata(server: &Server) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag {
        key: key.clone(),
        value: value.clone(),
    };
    server.metadata.iter().map(tag).collect()
}

/// Floating addresses first, then those that the world can route, IPv4 before IPv6; no link-local ones.
fn ips(server: &Server) -> Vec<String> {
    let mut all: Vec<_> = server
        .addresses
        .iter()
        .filter_map(|(_, address)| {
            let parsed: IpAddr = address.addr.parse().ok()?;
            let is_floating = address.kind.as_deref() == Some("floating");
            let is_local = match parsed {
                IpAddr::V4(v4) => v4.is_link_local(),
                IpAddr::V6(v6) => v6.is_unicast_link_local(),
            };
            (!is_local).then(|| {
                (
                    (!is_floating, is_private(parsed), address.version),
                    address.addr.clone(),
                )
            })
        })
        .collect();
    all.sort_by_key(|(rank, _)| *rank);
    all.into_iter().map(|(_, address)| address).collect()
}

/// Private IPv4 addresses (RFC 1918) and unique local IPv6 addresses (RFC 4193).
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

/// The disk that came with the image first, then the volumes by their device.
fn disks(server: &Server, image: Option<&str>, details: &Details) -> Vec<VmDisk> {
    let mut all = Vec::new();
    if let Some(image) = image {
        let root = server.root_device.as_deref().map_or("vda", device_name);
        let size = server.flavor.as_ref().map(|flavor| flavor.disk).filter(|gib| *gib > 0);
        all.push(VmDisk {
            size_gib: size,
            backing: Some(image.to_owned()),
            ..disk(root)
        });
    }
    let mut attachments: Vec<_> = details.attachments.iter().collect();
    attachments.sort_by_key(|attachment| attachment.device.clone());
    for attachment in attachments {
        let volume = details.volumes.iter().find(|volume| volume.id == attachment.volume);
        let name = attachment
            .device
            .as_deref()
            .map_or(attachment.volume.as_str(), device_name);
        all.push(VmDisk {
            id: Some(attachment.volume.clone()),
            pool: volume.and_then(|volume| volume.volume_type.clone()),
            size_gib: volume.map(|volume| volume.size),
            backing: volume.and_then(Volume::image),
            ..disk(name)
        });
    }
    all
}

fn disk(name: &str) -> VmDisk {
    VmDisk {
        name: name.to_owned(),
        device: DiskDevice::Disk,
        id: None,
        pool: None,
        size_gib: None,
        format: None,
        bus: None,
        backing: None,
    }
}

/// `vdb` of `/dev/vdb`.
fn device_name(device: &str) -> &str {
    device.rsplit('/').next().unwrap_or(device)
}

/// The interfaces in Nova's order, as far as it shows one: by the addresses that they have.
fn nics(server: &Server, details: &Details) -> Vec<VmNic> {
    let place = |port: &Port| {
        let mut all = server.addresses.iter().enumerate();
        all.find(|(_, (_, address))| address.mac.as_deref() == Some(&port.mac_address))
            .map_or(usize::MAX, |(index, _)| index)
    };
    let mut ports: Vec<_> = details.ports.iter().collect();
    ports.sort_by_key(|port| (place(port), port.created_at.clone(), port.id.clone()));
    ports
        .into_iter()
        .map(|port| {
            let here = || {
                server
                    .addresses
                    .iter()
                    .filter(|(_, address)| address.mac.as_deref() == Some(&port.mac_address))
            };
            let network = here().map(|(network, _)| network.to_owned()).next();
            let floating = here()
                .filter(|(_, address)| address.kind.as_deref() == Some("floating"))
                .map(|(_, address)| address.addr.clone());
            let fixed = port.fixed_ips.iter().map(|fixed| fixed.ip_address.clone());
            VmNic {
                name: port.id.clone(),
                mac: Some(port.mac_address.to_ascii_lowercase()),
                network: network.or_else(|| Some(port.network_id.clone())),
                model: None,
                ips: floating.chain(fixed).collect(),
            }
        })
        .collect()
}
