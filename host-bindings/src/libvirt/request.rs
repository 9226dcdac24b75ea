//! Checks a `vm-spec` before anything is asked or changed: every field is used or refused, by its name.
//!
//! What is left is typed and complete: [`VmRequest`] holds no wish that `create` could overlook. Whether images, pools and
//! networks exist is `create`'s question.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::contract::{Error, Tag, VmDiskSpec, VmNicSpec, VmSpec};

use super::capabilities::PlatformWish;
use super::disk_tuning::DiskTuning;
use super::domain_xml::DiskBus;
use super::hardware::{Hardware, Size};
use super::keyed::Keyed;
use super::names::{check_hostname, check_name, check_text, is_uuid, normal_mac, printable, random_mac};
use super::nic_source::NicSource;
use super::nic_tuning::NicTuning;
use super::option_reader::OptionReader;
use super::options::Options;
use super::template::{self, TemplateContext, TemplateNic};
use super::volumes::GIB;

/// Virtual CPUs of a VM that asks for no number.
pub(super) const DEFAULT_CPUS: u32 = 2;
/// Memory in MiB of a VM that asks for none.
pub(super) const DEFAULT_MEMORY_MIB: u32 = 512;
/// Disks and interfaces that one VM may have; QEMU's PCI buses hold more, but not much.
pub(super) const DEVICES_MAX: usize = 16;

/// A VM to create, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VmRequest {
    pub(super) name: String,
    pub(super) cpus: u32,
    pub(super) memory_mib: u32,
    pub(super) disks: Vec<DiskRequest>,
    pub(super) nics: Vec<NicRequest>,
    pub(super) seed: Option<SeedRequest>,
    /// Where the seed goes.
    pub(super) pool: String,
    pub(super) start: bool,
    pub(super) autostart: bool,
    pub(super) description: Option<String>,
    pub(super) metadata: Vec<Tag>,
    pub(super) idempotency_key: Option<String>,
    pub(super) uuid: Option<String>,
    /// What Ignition reads at the first boot.
    pub(super) ignition: Option<Secret>,
    pub(super) platform: PlatformWish,
    pub(super) hardware: Hardware,
}

/// A disk, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DiskRequest {
    pub(super) source: DiskSourceRequest,
    pub(super) bus: DiskBus,
    pub(super) tuning: DiskTuning,
}

/// Where a disk's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DiskSourceRequest {
    /// A volume that exists.
    Existing(String),
    /// A new volume.
    New {
        /// The image under it.
        image: Option<String>,
        /// Its size; none for the image's.
        bytes: Option<u64>,
        /// Its pool.
        pool: String,
        /// Its format; none for the pool's default.
        format: Option<String>,
    },
}

/// An interface, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NicRequest {
    pub(super) source: NicSource,
    pub(super) mac: String,
    pub(super) model: String,
    pub(super) tuning: NicTuning,
    pub(super) address: Option<IpNet>,
    pub(super) gateway: Option<IpAddr>,
    pub(super) dns_servers: Vec<IpAddr>,
}

/// A text that is in no debug output.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(hidden)")
    }
}

/// What the guest is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeedRequest {
    pub(super) hostname: String,
    pub(super) user_data: Option<String>,
    pub(super) ssh_keys: Vec<String>,
}

impl VmRequest {
    /// Checks a spec.
    ///
    /// # Errors
    /// `invalid-argument` with the name of the first field that cannot be honoured.
    pub(super) fn from_spec(spec: VmSpec, options: &Options) -> Result<Self, Error> {
        check_name("name", &spec.name)?;
        refuse_foreign_fields(&spec)?;
        let pool = spec.pool.clone().unwrap_or_else(|| options.pool.clone());
        let mut spec = spec;
        let mut reader = OptionReader::new(std::mem::take(&mut spec.options))?;
        let mut nics = check_nics(&spec.nics, options)?;
        tune_nics(&mut nics, &reader.list("nic_options")?)?;
        let mut disks = check_disks(&spec, &pool)?;
        tune_disks(&mut disks, &reader.list("disk_options")?)?;
        let fixed_address = nics.iter().any(|nic| nic.address.is_some());
        let (cpus, memory_mib) = (
            at_least_one("cpus", spec.cpus, DEFAULT_CPUS)?,
            at_least_one("memory-mib", spec.memory_mib, DEFAULT_MEMORY_MIB)?,
        );
        let size = Size {
            cpus,
            memory_mib,
            disks: disks.len(),
            nics: nics.len(),
        };
        let hardware = Hardware::read(&mut reader, size, &options.allowed)?;
        let platform = PlatformWish {
            architecture: reader.text("arch")?,
            machine: reader.text("machine")?,
            cpu_model: reader.text("cpu_model")?,
            emulator: reader.text("emulator")?,
        };
        let uuid = check_uuid(reader.text("uuid")?)?;
        let ignition = check_ignition(reader.text("ignition")?)?;
        if reader.flag("user_data_template")?.unwrap_or(false) {
            fill_in_user_data(&mut spec, &nics)?;
        }
        reader.finish("vm")?;
        if let Some(description) = &spec.description {
            check_text("description", description)?;
        }
        if let Some(key) = &spec.idempotency_key {
            check_text("idempotency-key", key)?;
        }
        Ok(Self {
            cpus,
            memory_mib,
            disks,
            seed: check_seed(&spec, fixed_address)?,
            nics,
            pool,
            start: spec.start,
            autostart: spec.autostart,
            description: spec.description,
            metadata: check_metadata(spec.metadata)?,
            idempotency_key: spec.idempotency_key,
            uuid,
            ignition,
            platform,
            hardware,
            name: spec.name,
        })
    }
}

/// Ignition's configuration is JSON (<https://coreos.github.io/ignition/specs/>), and the guest would refuse anything else.
fn check_ignition(text: Option<String>) -> Result<Option<Secret>, Error> {
    let Some(text) = text else { return Ok(None) };
    let version = serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .and_then(|value| value.get("ignition")?.get("version")?.as_str().map(str::to_owned));
    match version {
        Some(_) => Ok(Some(Secret(text))),
        None => {
            let message = "ignition is a JSON document with `ignition.version`; `butane` makes one of YAML";
            Err(Error::invalid_argument("ignition", message))
        }
    }
}

/// Fills the user-data in as a template.
fn fill_in_user_data(spec: &mut VmSpec, nics: &[NicRequest]) -> Result<(), Error> {
    let Some(template) = &spec.user_data else {
        let message = "user_data_template goes with user-data";
        return Err(Error::invalid_argument("user_data_template", message));
    };
    let context = TemplateContext {
        name: spec.name.clone(),
        hostname: spec.hostname.clone().unwrap_or_else(|| spec.name.clone()),
        metadata: spec
            .metadata
            .iter()
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect(),
        ssh_keys: spec.ssh_keys.clone(),
        nics: nics
            .iter()
            .map(|nic| TemplateNic {
                mac: nic.mac.clone(),
                address: nic.address.map(|address| address.to_string()),
                gateway: nic.gateway.map(|gateway| gateway.to_string()),
            })
            .collect(),
    };
    spec.user_data = Some(template::render(template, &context)?);
    Ok(())
}

fn check_uuid(uuid: Option<String>) -> Result<Option<String>, Error> {
    match uuid {
        Some(uuid) if !is_uuid(&uuid) => {
            let message = format!(
                "`{}` is not a UUID like `11111111-2222-4333-8444-555555555555`",
                printable(&uuid)
            );
            Err(Error::invalid_argument("uuid", message))
        }
        uuid => Ok(uuid.map(|uuid| uuid.to_ascii_lowercase())),
    }
}

/// What libvirt has no notion of.
fn refuse_foreign_fields(spec: &VmSpec) -> Result<(), Error> {
    let refused = [
        (
            "flavor",
            spec.flavor.is_some(),
            "libvirt has no flavors: use `cpus` and `memory-mib`",
        ),
        (
            "location",
            spec.location.is_some(),
            "a libvirt connection is one host: choose the connection instead",
        ),
        (
            "security-groups",
            !spec.security_groups.is_empty(),
            "libvirt has no security groups",
        ),
    ];
    for (field, given, reason) in refused {
        if given {
            return Err(Error::invalid_argument(field, reason));
        }
    }
    Ok(())
}

fn at_least_one(field: &str, value: Option<u32>, default: u32) -> Result<u32, Error> {
    match value.unwrap_or(default) {
        0 => Err(Error::invalid_argument(field, format!("{field} must be at least 1"))),
        value => Ok(value),
    }
}

fn check_disks(spec: &VmSpec, pool: &str) -> Result<Vec<DiskRequest>, Error> {
    if spec.disks.len() > DEVICES_MAX {
        return Err(Error::invalid_argument(
            "disks",
            format!("a vm can be created with at most {DEVICES_MAX} disks"),
        ));
    }
    let mut disks = Vec::with_capacity(spec.disks.len().max(1));
    for (index, disk) in spec.disks.iter().enumerate() {
        let image = if index == 0 { spec.image.as_ref() } else { None };
        disks.push(check_disk(disk, image, pool)?);
    }
    if let (true, Some(image)) = (spec.disks.is_empty(), &spec.image) {
        let source = DiskSourceRequest::New {
            image: Some(image.clone()),
            bytes: None,
            pool: pool.to_owned(),
            format: None,
        };
        disks.push(DiskRequest {
            source,
            bus: DiskBus::default(),
            tuning: DiskTuning::default(),
        });
    }
    Ok(disks)
}

fn check_disk(disk: &VmDiskSpec, vm_image: Option<&String>, pool: &str) -> Result<DiskRequest, Error> {
    let bus = match disk.bus.as_deref() {
        None => DiskBus::default(),
        Some(name) => DiskBus::parse("bus", name)?,
    };
    if let (Some(own), Some(of_vm)) = (&disk.image, vm_image)
        && own != of_vm
    {
        return Err(Error::invalid_argument(
            "image",
            "the first disk names another image than the vm: give one of them",
        ));
    }
    let image = disk.image.as_ref().or(vm_image).cloned();
    if let Some(existing) = &disk.existing {
        let others = [
            image.is_some(),
            disk.size_gib.is_some(),
            disk.pool.is_some(),
            disk.format.is_some(),
        ];
        if others.contains(&true) {
            let message = "an existing disk keeps its image, size, pool and format: give `existing` alone, and no image for the vm";
            return Err(Error::invalid_argument("existing", message));
        }
        return Ok(DiskRequest {
            source: DiskSourceRequest::Existing(existing.clone()),
            bus,
            tuning: DiskTuning::default(),
        });
    }
    let bytes = match disk.size_gib {
        Some(0) => return Err(Error::invalid_argument("size-gib", "a disk has at least 1 GiB")),
        size => size.map(|size| u64::from(size) * GIB),
    };
    match (disk.format.as_deref(), &image, bytes) {
        (None | Some("qcow2" | "raw"), None, None) => Err(Error::invalid_argument(
            "size-gib",
            "a disk without an image needs a size",
        )),
        (Some("raw"), Some(_), _) => Err(Error::invalid_argument(
            "format",
            "a disk that is based on an image is always qcow2: leave `format` out",
        )),
        (None | Some("qcow2" | "raw"), ..) => {
            let pool = disk.pool.clone().unwrap_or_else(|| pool.to_owned());
            Ok(DiskRequest {
                source: DiskSourceRequest::New {
                    image,
                    bytes,
                    pool,
                    format: disk.format.clone(),
                },
                bus,
                tuning: DiskTuning::default(),
            })
        }
        (Some(other), ..) => {
            let message = format!(
                "`{}` is not a disk format of this provider: use qcow2 or raw",
                printable(other)
            );
            Err(Error::invalid_argument("format", message))
        }
    }
}

fn check_nics(nics: &[VmNicSpec], options: &Options) -> Result<Vec<NicRequest>, Error> {
    if nics.len() > DEVICES_MAX {
        return Err(Error::invalid_argument(
            "nics",
            format!("a vm can be created with at most {DEVICES_MAX} interfaces"),
        ));
    }
    if nics.is_empty() {
        let nic = NicRequest {
            source: NicSource::from_text(&options.network)?,
            mac: random_mac(),
            model: "virtio".to_owned(),
            tuning: NicTuning::default(),
            address: None,
            gateway: None,
            dns_servers: Vec::new(),
        };
        return Ok(vec![nic]);
    }
    nics.iter().map(|nic| check_nic(nic, options)).collect()
}

/// Checks an interface.
///
/// # Errors
/// `invalid-argument` with the field's name.
pub(super) fn check_nic(nic: &VmNicSpec, options: &Options) -> Result<NicRequest, Error> {
    if nic.subnet.is_some() {
        return Err(Error::invalid_argument(
            "subnet",
            "libvirt networks have no subnets: name the network alone",
        ));
    }
    if nic.public == Some(true) {
        return Err(Error::invalid_argument(
            "public",
            "libvirt hands out no public addresses: use a bridged network",
        ));
    }
    let address = nic
        .address
        .as_deref()
        .map(|text| parse("address", text, "192.0.2.7/24"))
        .transpose()?;
    if address.is_none() && (nic.gateway.is_some() || !nic.dns_servers.is_empty()) {
        let field = if nic.gateway.is_some() {
            "gateway"
        } else {
            "dns-servers"
        };
        return Err(Error::invalid_argument(
            field,
            format!("{field} goes with a fixed `address`; DHCP brings its own"),
        ));
    }
    let model = nic.model.clone().unwrap_or_else(|| "virtio".to_owned());
    if model.is_empty()
        || !model
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    {
        return Err(Error::invalid_argument(
            "model",
            format!("`{}` is not a device model", printable(&model)),
        ));
    }
    Ok(NicRequest {
        source: NicSource::from_text(nic.network.as_deref().unwrap_or(&options.network))?,
        tuning: NicTuning::default(),
        mac: nic.mac.as_deref().map_or_else(|| Ok(random_mac()), normal_mac)?,
        model,
        address,
        gateway: nic
            .gateway
            .as_deref()
            .map(|text| parse("gateway", text, "192.0.2.1"))
            .transpose()?,
        dns_servers: nic
            .dns_servers
            .iter()
            .map(|text| parse("dns-servers", text, "192.0.2.53"))
            .collect::<Result<_, _>>()?,
    })
}

fn parse<T: std::str::FromStr>(field: &str, text: &str, example: &str) -> Result<T, Error> {
    let refused = |_| Error::invalid_argument(field, format!("{field} `{}` is not like `{example}`", printable(text)));
    text.parse().map_err(refused)
}

/// A seed is made only when the guest is to be told something.
fn check_seed(spec: &VmSpec, fixed_address: bool) -> Result<Option<SeedRequest>, Error> {
    if spec.user_data.is_none() && spec.ssh_keys.is_empty() && spec.hostname.is_none() && !fixed_address {
        return Ok(None);
    }
    let hostname = spec.hostname.clone().unwrap_or_else(|| spec.name.clone());
    check_hostname(&hostname)?;
    for key in &spec.ssh_keys {
        if key.trim().is_empty() || key.trim().chars().any(char::is_control) {
            return Err(Error::invalid_argument(
                "ssh-keys",
                "an ssh key is one line in OpenSSH's public key format",
            ));
        }
    }
    let (user_data, ssh_keys) = (spec.user_data.clone(), spec.ssh_keys.clone());
    Ok(Some(SeedRequest {
        hostname,
        user_data,
        ssh_keys,
    }))
}

fn check_metadata(mut metadata: Vec<Tag>) -> Result<Vec<Tag>, Error> {
    metadata.sort_by(|a, b| a.key.cmp(&b.key));
    for pair in metadata.windows(2) {
        if pair[0].key == pair[1].key {
            let message = format!("the key `{}` is given twice", printable(&pair[0].key));
            return Err(Error::invalid_argument("metadata", message));
        }
    }
    for tag in &metadata {
        check_text("metadata", &tag.key)?;
        check_text("metadata", &tag.value)?;
    }
    Ok(metadata)
}

/// Adds the settings of the option `disk_options` to the disks.
fn tune_disks(disks: &mut [DiskRequest], texts: &[String]) -> Result<(), Error> {
    const OPTION: &str = "disk_options";
    for text in texts {
        let (index, mut keyed) = Keyed::parse_indexed(OPTION, text)?;
        let count = disks.len();
        let Some(disk) = disks.get_mut(index) else {
            return Err(keyed.refused(&format!("the vm has {count} disks, the first of which is 0")));
        };
        if disk.tuning != DiskTuning::default() {
            return Err(keyed.refused("the disk has settings already: give them in one text"));
        }
        disk.tuning = DiskTuning::from_keyed(&mut keyed)?;
        keyed.finish()?;
        // Whether the format allows it is known once a volume is chosen.
        disk.tuning.check(disk.bus, None)?;
    }
    Ok(())
}

/// Adds the settings of the option `nic_options` to the interfaces.
fn tune_nics(nics: &mut [NicRequest], texts: &[String]) -> Result<(), Error> {
    const OPTION: &str = "nic_options";
    for text in texts {
        let (index, mut keyed) = Keyed::parse_indexed(OPTION, text)?;
        let count = nics.len();
        let Some(nic) = nics.get_mut(index) else {
            return Err(keyed.refused(&format!("the vm has {count} interfaces, the first of which is 0")));
        };
        if nic.tuning != NicTuning::default() {
            return Err(keyed.refused("the interface has settings already: give them in one text"));
        }
        nic.tuning = NicTuning::from_keyed(&mut keyed)?;
        keyed.finish()?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
