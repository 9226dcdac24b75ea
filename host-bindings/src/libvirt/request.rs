//! Checks a `vm-spec` before anything is asked or changed: every field is used or refused, by its name.
//!
//! What is left is typed and complete: [`VmRequest`] holds no wish that `create` could overlook. Whether images, pools and
//! networks exist is `create`'s question.

use crate::contract::{Error, Tag, VmSpec};

use super::capabilities::PlatformWish;
use super::disk_request::{DiskRequest, check_disks, tune_disks};
use super::hardware::{Hardware, Size};
use super::names::{check_hostname, check_name, check_text, is_uuid, printable};
use super::nic_request::{NicRequest, check_nics, tune_nics};
use super::option_reader::OptionReader;
use super::options::Options;
use super::template::{self, TemplateContext, TemplateNic};

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

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
