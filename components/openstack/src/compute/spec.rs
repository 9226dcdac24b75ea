//! A VM's spec, checked as far as that needs no request: every field is used or refused by its name.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use stockade_provider::options::Options;
use stockade_provider::types::{Error, Tag, VmDiskSpec, VmNicSpec, VmSpec};

use crate::config::Config;
use crate::name::check_name;

/// The most bytes of user-data after Base64 (`nova.api.openstack.compute.schemas.servers`: 65535 characters).
const MAX_USER_DATA: usize = 65_535;

/// The longest key and value of a server's metadata (<https://docs.openstack.org/api-ref/compute/#create-server>).
const MAX_METADATA: usize = 255;

/// The buses that a block device mapping takes (`nova.virt.libvirt.blockinfo`).
const BUSES: [&str; 6] = ["virtio", "scsi", "sata", "ide", "usb", "fdc"];

/// A VM to create.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// A name or an id.
    pub(super) image: Option<String>,
    pub(super) flavor: Option<String>,
    pub(super) cpus: Option<u32>,
    pub(super) memory_mib: Option<u32>,
    /// At least one.
    pub(super) disks: Vec<WantedDisk>,
    /// Whether the first disk is a volume whatever else is said.
    pub(super) boot_volume: bool,
    /// The id of a volume's snapshot.
    pub(super) volume_snapshot: Option<String>,
    pub(super) nics: Vec<VmNicSpec>,
    pub(super) location: Option<String>,
    /// In Base64.
    pub(super) user_data: Option<String>,
    /// One line each.
    pub(super) ssh_keys: Option<String>,
    pub(super) key_pair: Option<String>,
    pub(super) hostname: Option<String>,
    pub(super) security_groups: Vec<String>,
    pub(super) server_group: Option<String>,
    pub(super) config_drive: Option<bool>,
    pub(super) start: bool,
    pub(super) description: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) tags: Vec<String>,
}

/// A disk of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WantedDisk {
    pub(super) size_gib: Option<u32>,
    pub(super) pool: Option<String>,
    pub(super) image: Option<String>,
    pub(super) existing: Option<String>,
    pub(super) bus: Option<String>,
}

impl Wanted {
    /// Checks a spec.
    pub(super) fn from_spec(spec: VmSpec, config: &Config) -> Result<Self, Error> {
        // Without `..`: a new field of the contract must be used or refused here before this compiles.
        let VmSpec {
            name,
            image,
            flavor,
            cpus,
            memory_mib,
            disks,
            nics,
            pool,
            location,
            user_data,
            ssh_keys,
            hostname,
            security_groups,
            start,
            autostart,
            description,
            metadata,
            idempotency_key: _,
            options,
        } = spec;
        let options = Options::of(&options);
        options.refuse_others(&[
            "boot_volume",
            "volume_snapshot",
            "config_drive",
            "server_group",
            "key_pair",
            "tags",
        ])?;
        let text = |name: &str| -> Result<Option<String>, Error> { Ok(options.text(name)?.map(str::to_owned)) };
        check_name(&name)?;
        refuse(
            "autostart",
            autostart,
            "whether vms start with their host is the cloud's matter in Nova",
        )?;
        for (field, value) in [("cpus", cpus), ("memory-mib", memory_mib)] {
            if value == Some(0) {
                return Err(Error::invalid_argument(field, format!("`{field}` must be at least 1")));
            }
            refuse(
                field,
                value.is_some() && flavor.is_some(),
                "the flavor says the size; give one or the other",
            )?;
        }
        let (ssh_keys, key_pair) = (keys(&ssh_keys)?, text("key_pair")?);
        refuse(
            "ssh-keys",
            ssh_keys.is_some() && key_pair.is_some(),
            "Nova takes one key pair; give the option `key_pair` or keys",
        )?;
        let volume_snapshot = text("volume_snapshot")?;
        let disks = wanted_disks(disks, pool)?;
        check_first_disk(&disks, image.as_deref(), volume_snapshot.as_deref())?;
        Ok(Self {
            name,
            image: image.or_else(|| disks.first().and_then(|disk| disk.image.clone())),
            flavor: flavor.or_else(|| match (cpus, memory_mib) {
                (None, None) => config.flavor.clone(),
                _ => None,
            }),
            cpus,
            memory_mib,
            disks,
            boot_volume: options.boolean("boot_volume")?.unwrap_or(config.boot_volume),
            volume_snapshot,
            nics,
            location,
            user_data: user_data.map(encoded).transpose()?,
            ssh_keys,
            key_pair,
            hostname,
            security_groups,
            server_group: text("server_group")?,
            config_drive: options.boolean("config_drive")?,
            start,
            description,
            metadata: checked_metadata(metadata)?,
            tags: options.text_list("tags")?.to_vec(),
        })
    }
}

pub(super) fn refuse(field: &str, is_given: bool, why: &str) -> Result<(), Error> {
    if is_given {
        Err(Error::cannot_honour(field, why))
    } else {
        Ok(())
    }
}

fn wanted_disks(disks: Vec<VmDiskSpec>, pool: Option<String>) -> Result<Vec<WantedDisk>, Error> {
    if disks.is_empty() {
        return Ok(vec![WantedDisk {
            pool,
            ..WantedDisk::default()
        }]);
    }
    let wanted = |disk: VmDiskSpec| {
        let VmDiskSpec {
            size_gib,
            pool: own_pool,
            image,
            existing,
            bus,
            format,
        } = disk;
        refuse(
            "disks.format",
            format.is_some(),
            "the cloud chooses the format of disks",
        )?;
        if size_gib == Some(0) {
            return Err(Error::invalid_argument("disks.size-gib", "a disk has at least 1 GiB"));
        }
        if let Some(bus) = bus.as_deref().filter(|bus| !BUSES.contains(bus)) {
            let message = format!("Nova knows no bus `{bus}`; there are: {}", BUSES.join(", "));
            return Err(Error::invalid_argument("disks.bus", message));
        }
        let is_created = size_gib.is_some() || image.is_some() || own_pool.is_some();
        refuse(
            "disks.existing",
            existing.is_some() && is_created,
            "an existing disk has its size, image and pool",
        )?;
        Ok(WantedDisk {
            size_gib,
            pool: own_pool.or_else(|| pool.clone().filter(|_| existing.is_none())),
            image,
            existing,
            bus,
        })
    };
    disks.into_iter().map(wanted).collect()
}

/// The first disk comes from one place.
fn check_first_disk(disks: &[WantedDisk], image: Option<&str>, snapshot: Option<&str>) -> Result<(), Error> {
    let Some(first) = disks.first() else { return Ok(()) };
    let own = first.image.as_deref();
    refuse(
        "disks.image",
        own.is_some() && image.is_some() && own != image,
        "the vm's image is under its first disk",
    )?;
    let places = [own.or(image), first.existing.as_deref(), snapshot];
    let given = places.iter().filter(|place| place.is_some()).count();
    refuse(
        if snapshot.is_some() {
            "volume_snapshot"
        } else {
            "disks.existing"
        },
        given > 1,
        "the first disk comes from an image, an existing disk or a snapshot, not from two of them",
    )
}

/// Nova hands one key pair over; cloud-init takes each of its lines for a key of its own
/// (`cloudinit.sources.normalize_pubkey_data`).
fn keys(keys: &[String]) -> Result<Option<String>, Error> {
    if keys.is_empty() {
        return Ok(None);
    }
    let lines: Vec<_> = keys.iter().map(|key| key.trim()).collect();
    if lines.iter().any(|line| line.is_empty() || line.contains(['\n', '\r'])) {
        let message = "each key is one line as OpenSSH writes it";
        return Err(Error::invalid_argument("ssh-keys", message));
    }
    Ok(Some(lines.join("\n")))
}

fn encoded(user_data: String) -> Result<String, Error> {
    let encoded = STANDARD.encode(user_data);
    if encoded.len() <= MAX_USER_DATA {
        return Ok(encoded);
    }
    let message = format!(
        "the user-data has {} bytes in Base64, and Nova takes {MAX_USER_DATA}",
        encoded.len()
    );
    Err(Error::invalid_argument("user-data", message))
}

/// Refuses what Nova refuses.
pub(super) fn checked_metadata(metadata: Vec<Tag>) -> Result<BTreeMap<String, String>, Error> {
    let mut all = BTreeMap::new();
    for Tag { key, value } in metadata {
        check_metadata(&key, &value, "metadata")?;
        all.insert(key, value);
    }
    Ok(all)
}

/// Refuses a key or a value that Nova refuses.
pub(super) fn check_metadata(key: &str, value: &str, field: &str) -> Result<(), Error> {
    let is_key = (1..=MAX_METADATA).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_:. ".contains(&byte));
    if !is_key {
        let message = format!(
            "`{key}` cannot be a key: Nova takes 1 to {MAX_METADATA} letters, digits, `-`, `_`, `:`, `.` and spaces"
        );
        return Err(Error::invalid_argument(field, message));
    }
    if value.chars().count() > MAX_METADATA {
        let message = format!("the value of `{key}` is longer than Nova's {MAX_METADATA} characters");
        return Err(Error::invalid_argument(field, message));
    }
    Ok(())
}
