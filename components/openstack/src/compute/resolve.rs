//! From the names in a VM's spec to ids of things that are there. Nothing is created yet.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use stockade_provider::host::Host;
use stockade_provider::types::{Error, VmNicSpec};

use super::flavors::{self, Size, WireFlavor};
use super::spec::{Wanted, WantedDisk, refuse};
use crate::cidr::Cidr;
use crate::cloud::Cloud;
use crate::find;
use crate::image::WireImage;
use crate::microversion::COMPUTE_HOSTNAME;
use crate::network::{NewPort, Port, WireNetwork, WireSubnet};
use crate::service::Service;

/// What a VM is made from.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) flavor: WireFlavor,
    pub(super) image: Option<WireImage>,
    /// The block device mapping; empty for one disk of the flavor's size from the image.
    pub(super) devices: Vec<Value>,
    pub(super) nics: Vec<Nic>,
    /// Ids.
    pub(super) security_groups: Vec<String>,
    pub(super) server_group: Option<String>,
    pub(super) external_network: Option<String>,
}

/// An interface of a VM to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Nic {
    /// Nova makes a port, and deletes it with the VM.
    Plain { network: String, address: Option<String> },
    /// Nova cannot say all of this: a port of our own.
    Port { port: NewPort, is_public: bool },
}

impl Resolved {
    /// Looks everything up.
    ///
    /// # Errors
    /// `not-found` for the name that means nothing, `invalid-argument` for what does not fit together.
    pub(super) fn find<H: Host>(cloud: &Cloud<'_, H>, wanted: &Wanted) -> Result<Self, Error> {
        let doing = format!("creating vm `{}`", wanted.name);
        let image = wanted.image.as_deref().map(|image| cloud.image(image)).transpose()?;
        let flavor = flavor(cloud, wanted, image.as_ref(), &doing)?;
        let devices = devices(cloud, wanted, image.as_ref(), &flavor)?;
        let security_groups = wanted
            .security_groups
            .iter()
            .map(|group| cloud.security_group(group).map(|group| group.id))
            .collect::<Result<Vec<_>, _>>()?;
        let mut nics = Vec::new();
        if wanted.nics.is_empty() {
            nics.push(Nic::Plain {
                network: cloud.default_network("nics")?.id,
                address: None,
            });
        }
        for spec in &wanted.nics {
            nics.push(nic(cloud, spec, &security_groups, "nics.")?);
        }
        let is_public = |nic: &Nic| matches!(nic, Nic::Port { is_public: true, .. });
        let external_network = match nics.iter().any(is_public) {
            true => Some(cloud.external_network("nics.public")?.id),
            false => None,
        };
        if let Some(location) = &wanted.location {
            check_location(cloud, location)?;
        }
        if wanted.hostname.is_some() {
            cloud.require_compute(COMPUTE_HOSTNAME, "hostname")?;
        }
        let server_group = wanted.server_group.as_deref();
        Ok(Self {
            server_group: server_group.map(|group| find_server_group(cloud, group)).transpose()?,
            flavor,
            image,
            devices,
            nics,
            security_groups,
            external_network,
        })
    }
}

fn flavor<H: Host>(
    cloud: &Cloud<'_, H>,
    wanted: &Wanted,
    image: Option<&WireImage>,
    doing: &str,
) -> Result<WireFlavor, Error> {
    let all = cloud.flavors(doing)?;
    match &wanted.flavor {
        Some(name) => flavors::named(all, name),
        None => {
            let size = Size {
                cpus: wanted.cpus,
                memory_mib: wanted.memory_mib,
                disk_gib: wanted.disks.first().and_then(|disk| disk.size_gib),
                least_disk_gib: image.map_or(0, WireImage::least_gib),
            };
            flavors::of_size(&all, &size)
        }
    }
}

/// The block device mapping
/// (<https://docs.openstack.org/nova/latest/user/block-device-mapping.html>).
fn devices<H: Host>(
    cloud: &Cloud<'_, H>,
    wanted: &Wanted,
    image: Option<&WireImage>,
    flavor: &WireFlavor,
) -> Result<Vec<Value>, Error> {
    let Some((first, others)) = wanted.disks.split_first() else {
        return Ok(vec![]);
    };
    let least = image.map_or(0, WireImage::least_gib);
    if let Some(size) = first.size_gib.filter(|size| *size < least) {
        let message = format!("a disk of {size} GiB is smaller than its image, which needs {least} GiB");
        return Err(Error::invalid_argument("disks.size-gib", message));
    }
    let is_local_size = first.size_gib.is_none_or(|size| size == flavor.disk);
    let is_volume = wanted.boot_volume
        || first.pool.is_some()
        || first.existing.is_some()
        || wanted.volume_snapshot.is_some()
        || image.is_none();
    if !is_volume && !is_local_size && !cloud.has(Service::Volume)? {
        let message = format!(
            "a vm of flavor `{}` has a disk of {} on its host, and the cloud has no block storage for one of another size",
            flavor.name,
            match flavor.disk {
                0 => "its image's size".to_owned(),
                gib => format!("{gib} GiB"),
            }
        );
        return Err(Error::invalid_argument("disks.size-gib", message));
    }
    let is_volume = is_volume || !is_local_size;
    if !is_volume && flavor.disk > 0 && flavor.disk < least {
        let message = format!(
            "the image needs {least} GiB, and a vm of flavor `{}` has {} GiB",
            flavor.name, flavor.disk
        );
        return Err(Error::invalid_argument("disks.size-gib", message));
    }
    if !is_volume && others.is_empty() && first.bus.is_none() {
        return Ok(vec![]);
    }
    let mut all = vec![match (is_volume, image) {
        (false, Some(image)) => with_bus(
            json!({
                "boot_index": 0, "source_type": "image", "destination_type": "local", "uuid": image.id,
                "delete_on_termination": true,
            }),
            first,
        ),
        _ => {
            let size = first.size_gib.unwrap_or_else(|| least.max(flavor.disk).max(1));
            let source = match &wanted.volume_snapshot {
                Some(id) => json!({"source_type": "snapshot", "uuid": cloud.volume_snapshot(id)?.id}),
                None => source(cloud, first, image)?,
            };
            volume(cloud, source, first, size, 0)?
        }
    }];
    for disk in others {
        let image = disk.image.as_deref().map(|image| cloud.image(image)).transpose()?;
        let least = image.as_ref().map_or(0, WireImage::least_gib);
        let size = disk.size_gib.unwrap_or_else(|| least.max(1));
        if size < least {
            let message = format!("a disk of {size} GiB is smaller than its image, which needs {least} GiB");
            return Err(Error::invalid_argument("disks.size-gib", message));
        }
        all.push(volume(cloud, source(cloud, disk, image.as_ref())?, disk, size, -1)?);
    }
    Ok(all)
}

/// Where a volume's content comes from.
fn source<H: Host>(cloud: &Cloud<'_, H>, disk: &WantedDisk, image: Option<&WireImage>) -> Result<Value, Error> {
    match (&disk.existing, image) {
        (Some(existing), _) => Ok(json!({"source_type": "volume", "uuid": cloud.volume(existing)?.id})),
        (None, Some(image)) => Ok(json!({"source_type": "image", "uuid": image.id})),
        (None, None) => Ok(json!({"source_type": "blank"})),
    }
}

/// A volume that Nova has Cinder make, or that is there. What is made goes with the VM.
fn volume<H: Host>(
    cloud: &Cloud<'_, H>,
    mut device: Value,
    disk: &WantedDisk,
    size: u32,
    boot_index: i32,
) -> Result<Value, Error> {
    cloud.need(Service::Volume)?;
    device["boot_index"] = json!(boot_index);
    device["destination_type"] = json!("volume");
    device["delete_on_termination"] = json!(disk.existing.is_none());
    if disk.existing.is_none() {
        device["volume_size"] = json!(size);
    }
    if let Some(pool) = &disk.pool {
        device["volume_type"] = json!(cloud.volume_type(pool)?.name);
    }
    Ok(with_bus(device, disk))
}

fn with_bus(mut device: Value, disk: &WantedDisk) -> Value {
    if let Some(bus) = &disk.bus {
        device["disk_bus"] = json!(bus);
    }
    device
}

/// An interface from its spec; `prefix` goes before the names of refused fields.
pub(super) fn nic<H: Host>(
    cloud: &Cloud<'_, H>,
    spec: &VmNicSpec,
    groups: &[String],
    prefix: &str,
) -> Result<Nic, Error> {
    // Without `..`: a new field of the contract must be used or refused here before this compiles.
    let VmNicSpec {
        network,
        subnet,
        mac,
        model,
        address,
        gateway,
        dns_servers,
        public,
    } = spec;
    let field = |name: &str| format!("{prefix}{name}");
    refuse(
        &field("model"),
        model.is_some(),
        "Nova takes the model of interfaces from the image's property `hw_vif_model`",
    )?;
    if let Some(mac) = mac.as_deref().filter(|mac| !is_mac(mac)) {
        let message = format!("`{mac}` is no MAC address such as `52:54:00:12:34:56`");
        return Err(Error::invalid_argument(&field("mac"), message));
    }
    let address = match address.as_deref() {
        None => None,
        Some(text) => Some(Cidr::parse(text).ok_or_else(|| {
            let message = format!("`{text}` is no address with prefix length such as `192.0.2.7/24`");
            Error::invalid_argument(&field("address"), message)
        })?),
    };
    let network: WireNetwork = match network {
        Some(name) => cloud.network(name)?,
        None => cloud.default_network(&field("network"))?,
    };
    let subnets = match address.is_some() || subnet.is_some() || gateway.is_some() || !dns_servers.is_empty() {
        true => cloud.subnets_of(Some(&network.id), "creating an interface")?,
        false => vec![],
    };
    let subnet = match subnet.as_deref() {
        None => None,
        Some(name) => {
            let found = cloud.subnet(name)?;
            if found.network_id != network.id {
                let message = format!("subnet `{name}` is not one of network `{}`", network.name);
                return Err(Error::invalid_argument(&field("subnet"), message));
            }
            Some(found)
        }
    };
    let subnet = match address {
        None => subnet,
        Some(address) => Some(subnet_of(
            &subnets,
            subnet.as_ref(),
            address,
            &network,
            &field("address"),
        )?),
    };
    check_given(subnet.as_ref(), gateway.as_deref(), dns_servers, &field)?;
    let is_public = *public == Some(true);
    if mac.is_none() && !is_public && (subnet.is_none() || address.is_some()) {
        return Ok(Nic::Plain {
            network: network.id,
            address: address.map(|address| address.address.to_string()),
        });
    }
    let fixed = subnet.map(|subnet| crate::network::FixedIp {
        ip_address: address.map(|address| address.address.to_string()).unwrap_or_default(),
        subnet_id: Some(subnet.id),
    });
    let port = NewPort {
        network: network.id,
        mac: mac.as_ref().map(|mac| mac.to_ascii_lowercase()),
        fixed,
        groups: Some(groups.to_vec()).filter(|groups| !groups.is_empty()),
    };
    Ok(Nic::Port { port, is_public })
}

/// The subnet that an address belongs to: its range has the address and its prefix length.
fn subnet_of(
    subnets: &[WireSubnet],
    given: Option<&WireSubnet>,
    address: Cidr,
    network: &WireNetwork,
    field: &str,
) -> Result<WireSubnet, Error> {
    let fits = |subnet: &&WireSubnet| {
        let prefix = Cidr::parse(&subnet.cidr).map(|cidr| cidr.prefix);
        subnet.contains(address.address)
            && prefix == Some(address.prefix)
            && given.is_none_or(|given| given.id == subnet.id)
    };
    subnets.iter().find(fits).cloned().ok_or_else(|| {
        let ranges: Vec<_> = subnets.iter().map(|subnet| subnet.cidr.as_str()).collect();
        let message = format!(
            "`{}/{}` fits no subnet of network `{}`, which has: {}",
            address.address,
            address.prefix,
            network.name,
            ranges.join(", ")
        );
        Error::invalid_argument(field, message)
    })
}

/// Gateway and name servers are the subnet's: others cannot be honoured.
fn check_given(
    subnet: Option<&WireSubnet>,
    gateway: Option<&str>,
    dns_servers: &[String],
    field: &impl Fn(&str) -> String,
) -> Result<(), Error> {
    let is_other_gateway =
        gateway.is_some_and(|gateway| subnet.and_then(|subnet| subnet.gateway_ip.as_deref()) != Some(gateway));
    refuse(
        &field("gateway"),
        is_other_gateway,
        "Neutron hands out the gateway of the subnet, so give that one, with an `address` in it, or none",
    )?;
    let is_other_dns = !dns_servers.is_empty() && subnet.is_none_or(|subnet| subnet.dns_nameservers != dns_servers);
    refuse(
        &field("dns-servers"),
        is_other_dns,
        "Neutron hands out the name servers of the subnet, so give those, with an `address` in it, or none",
    )
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<_> = text.split(':').collect();
    parts.len() == 6
        && parts
            .iter()
            .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[derive(Debug, Deserialize)]
struct Zone {
    #[serde(rename = "zoneName")]
    name: String,
}

/// Checks that an availability zone is there; administrators may put a host behind it: `nova:compute-1`.
fn check_location<H: Host>(cloud: &Cloud<'_, H>, location: &str) -> Result<(), Error> {
    let call = cloud.get(Service::Compute, ["os-availability-zone"]);
    let zones: Vec<Zone> = call.part("/availabilityZoneInfo", "looking for availability zones")?;
    let zone = location.split(':').next().unwrap_or(location);
    if zones.iter().any(|have| have.name == zone) {
        return Ok(());
    }
    let names: BTreeSet<_> = zones.iter().map(|zone| zone.name.as_str()).collect();
    let names: Vec<_> = names.into_iter().collect();
    let message = format!("there is no availability zone `{zone}`, only: {}", names.join(", "));
    Err(Error::invalid_argument("location", message))
}

#[derive(Debug, Deserialize)]
struct Named {
    id: String,
    name: String,
}

fn find_server_group<H: Host>(cloud: &Cloud<'_, H>, group: &str) -> Result<String, Error> {
    let call = cloud.get(Service::Compute, ["os-server-groups"]);
    let groups: Vec<Named> = call.part("/server_groups", "looking for server groups")?;
    let found = find::one("server-group", group, groups, |found| &found.id, |found| &found.name)?;
    Ok(found.id)
}

/// A port's groups for a new port of the same VM.
pub(super) fn groups_of(ports: &[Port]) -> Vec<String> {
    let all: BTreeSet<_> = ports
        .iter()
        .flat_map(|port| port.security_groups.iter().cloned())
        .collect();
    all.into_iter().collect()
}
