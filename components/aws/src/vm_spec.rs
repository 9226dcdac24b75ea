//! A VM's spec as EC2 takes it, as far as that needs no question: every field is used or refused by its name.

use stockade_provider::options::Options;
use stockade_provider::types::{Error, Tag, VmDiskSpec, VmNicSpec, VmSpec};

use crate::config::Config;
use crate::instance::{DESCRIPTION_TAG, NAME_TAG};
use crate::metadata;
use crate::user_data;
use crate::volume;

/// The size of a VM that names none: what Amazon's own images are made for.
const DEFAULT_CPUS: u32 = 1;
const DEFAULT_MEMORY_MIB: u32 = 1024;

/// A VM to create.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewVm {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) size: Size,
    /// The root disk's size; none for the image's.
    pub(crate) root_gib: Option<u32>,
    pub(crate) root_pool: String,
    /// Size and type of further disks.
    pub(crate) disks: Vec<(u32, String)>,
    /// Disks that are there already.
    pub(crate) existing: Vec<String>,
    pub(crate) nics: Vec<NewNic>,
    pub(crate) zone: Option<String>,
    /// Encoded.
    pub(crate) user_data: Option<String>,
    pub(crate) ssh_key: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) start: bool,
    pub(crate) tags: Vec<Tag>,
    pub(crate) key_pair: Option<String>,
    pub(crate) instance_profile: Option<String>,
    pub(crate) is_spot: bool,
    pub(crate) is_router: bool,
}

/// How large a VM shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// Of this type.
    Named(String),
    /// At least so many CPUs and MiB.
    AtLeast(u32, u32),
}

/// A network interface to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewNic {
    pub(crate) network: Option<String>,
    pub(crate) subnet: Option<String>,
    /// The address, and the length of its prefix.
    pub(crate) address: Option<(std::net::Ipv4Addr, u8)>,
    pub(crate) public: Option<bool>,
}

impl NewVm {
    /// Checks a spec.
    pub(crate) fn from_spec(spec: VmSpec, config: &Config) -> Result<Self, Error> {
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
        check_name("name", &name)?;
        refuse(
            "autostart",
            autostart,
            "EC2 restarts instances after a failure in any case, and has no such switch",
        )?;
        let options = Options::of(&options);
        options.refuse_others(&["spot", "key_pair", "instance_profile", "router"])?;
        let image = image.ok_or_else(|| {
            Error::invalid_argument(
                "image",
                "EC2 creates instances from images only: name one by id or name",
            )
        })?;
        let is_spot = options.boolean("spot")?.unwrap_or(false);
        refuse(
            "start",
            is_spot && !start,
            "a spot instance cannot be stopped, and EC2 starts every instance that it creates",
        )?;
        let key_pair = options.text("key_pair")?.map(str::to_owned);
        refuse(
            "ssh-keys",
            key_pair.is_some() && !ssh_keys.is_empty(),
            "an instance has one key: give `ssh-keys` or the option `key_pair`",
        )?;
        let (ssh_key, user_data) = guest(user_data, ssh_keys, hostname.as_deref())?;
        let pool = pool.unwrap_or_else(|| config.pool.clone());
        let disks = Disks::from_specs(disks, &pool)?;
        let mut tags = vec![tag(NAME_TAG, &name)];
        tags.extend(description.map(|description| tag(DESCRIPTION_TAG, &description)));
        metadata::check(&metadata, tags.len())?;
        tags.extend(metadata);
        metadata::check_values(&tags)?;
        Ok(Self {
            name,
            image,
            size: size(flavor, cpus, memory_mib)?,
            root_gib: disks.root_gib,
            root_pool: disks.root_pool,
            disks: disks.new,
            existing: disks.existing,
            nics: nics
                .into_iter()
                .map(|nic| NewNic::from_spec("nics.", nic))
                .collect::<Result<_, _>>()?,
            zone: location.or_else(|| config.zone.clone()),
            user_data,
            ssh_key,
            groups: security_groups,
            start,
            tags,
            key_pair,
            instance_profile: options.text("instance_profile")?.map(str::to_owned),
            is_spot,
            is_router: options.boolean("router")?.unwrap_or(false),
        })
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

/// A name is a tag's value: 1 to 256 characters
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html>).
pub(crate) fn check_name(field: &str, name: &str) -> Result<(), Error> {
    if !name.is_empty() && name.chars().count() <= 256 && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let message = "a name is a tag in EC2: 1 to 256 characters, none of them a control character";
    Err(Error::invalid_argument(field, message))
}

/// Refuses a field that is given.
pub(crate) fn refuse(field: &str, is_given: bool, why: &str) -> Result<(), Error> {
    if is_given {
        Err(Error::cannot_honour(field, why))
    } else {
        Ok(())
    }
}

fn at_least_one(field: &str, value: u32) -> Result<u32, Error> {
    if value > 0 {
        Ok(value)
    } else {
        Err(Error::invalid_argument(field, format!("`{field}` must be at least 1")))
    }
}

fn size(flavor: Option<String>, cpus: Option<u32>, memory_mib: Option<u32>) -> Result<Size, Error> {
    match flavor {
        Some(_) if cpus.is_some() || memory_mib.is_some() => {
            let message = "a flavor has its own CPUs and memory: give a flavor, or `cpus` and `memory-mib`";
            Err(Error::invalid_argument("flavor", message))
        }
        Some(flavor) => Ok(Size::Named(flavor)),
        None => Ok(Size::AtLeast(
            at_least_one("cpus", cpus.unwrap_or(DEFAULT_CPUS))?,
            at_least_one("memory-mib", memory_mib.unwrap_or(DEFAULT_MEMORY_MIB))?,
        )),
    }
}

/// What the guest is told: EC2 passes on one key by itself; more keys and a host name need user data.
fn guest(
    user_data: Option<String>,
    mut ssh_keys: Vec<String>,
    hostname: Option<&str>,
) -> Result<(Option<String>, Option<String>), Error> {
    for key in &ssh_keys {
        let is_line = key.split_whitespace().count() >= 2 && !key.chars().any(char::is_control);
        if !is_line {
            return Err(Error::invalid_argument(
                "ssh-keys",
                "a key is one line as OpenSSH writes it: type, key, comment",
            ));
        }
    }
    if let Some(hostname) = hostname {
        let is_host = (1..=253).contains(&hostname.len())
            && hostname
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        if !is_host {
            return Err(Error::invalid_argument(
                "hostname",
                format!("`{hostname}` is no host name"),
            ));
        }
    }
    let first = (!ssh_keys.is_empty()).then(|| ssh_keys.remove(0));
    let text = match user_data {
        Some(_) if !ssh_keys.is_empty() => {
            let why = "EC2 passes on one key beside `user-data`: put the others into those";
            return Err(Error::cannot_honour("ssh-keys", why));
        }
        Some(_) if hostname.is_some() => {
            let why = "EC2 names guests itself, and only `user-data` can change that: put it into those";
            return Err(Error::cannot_honour("hostname", why));
        }
        Some(text) => Some(text),
        None => user_data::cloud_config(hostname, &ssh_keys),
    };
    Ok((first, text.map(|text| user_data::encode(&text)).transpose()?))
}

/// The disks of a spec.
struct Disks {
    root_gib: Option<u32>,
    root_pool: String,
    new: Vec<(u32, String)>,
    existing: Vec<String>,
}

impl Disks {
    fn from_specs(specs: Vec<VmDiskSpec>, default_pool: &str) -> Result<Self, Error> {
        volume::check_type(default_pool)?;
        let mut disks = Self {
            root_gib: None,
            root_pool: default_pool.to_owned(),
            new: Vec::new(),
            existing: Vec::new(),
        };
        for (index, spec) in specs.into_iter().enumerate() {
            let VmDiskSpec {
                size_gib,
                pool,
                image,
                existing,
                bus,
                format,
            } = spec;
            refuse("disks.bus", bus.is_some(), "EC2 chooses how a disk is connected")?;
            refuse("disks.format", format.is_some(), "EBS volumes have no format")?;
            refuse(
                "disks.image",
                image.is_some(),
                "the image is the vm's; further disks are empty",
            )?;
            let size_gib = size_gib.map(|gib| at_least_one("disks.size-gib", gib)).transpose()?;
            if let Some(existing) = existing {
                refuse("disks.existing", index == 0, "the first disk is made from the image")?;
                refuse("disks.size-gib", size_gib.is_some(), "an existing disk has its size")?;
                refuse("disks.pool", pool.is_some(), "an existing disk has its pool")?;
                disks.existing.push(existing);
                continue;
            }
            let pool = pool.unwrap_or_else(|| default_pool.to_owned());
            volume::check_type(&pool)?;
            if index == 0 {
                (disks.root_gib, disks.root_pool) = (size_gib, pool);
                continue;
            }
            let size_gib = size_gib.ok_or_else(|| {
                Error::invalid_argument("disks.size-gib", "a further disk is empty, so it needs a size")
            })?;
            disks.new.push((size_gib, pool));
        }
        Ok(disks)
    }
}

impl NewNic {
    /// Checks an interface's spec; `prefix` goes before the names of refused fields.
    pub(crate) fn from_spec(prefix: &str, spec: VmNicSpec) -> Result<Self, Error> {
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
        for (field, is_given, why) in [
            ("mac", mac.is_some(), "EC2 chooses MAC addresses"),
            ("model", model.is_some(), "the instance type decides it"),
            ("gateway", gateway.is_some(), "the subnet's router is the gateway"),
            (
                "dns-servers",
                !dns_servers.is_empty(),
                "the VPC's DHCP options name them",
            ),
        ] {
            refuse(&format!("{prefix}{field}"), is_given, why)?;
        }
        let address = address.map(|text| {
            let parsed = || {
                let (address, length) = text.split_once('/')?;
                Some((
                    address.parse().ok()?,
                    length.parse().ok().filter(|length| *length <= 32)?,
                ))
            };
            parsed().ok_or_else(|| {
                let message = format!("`{text}` is no IPv4 address with the length of its prefix, like `10.0.0.7/24`");
                Error::invalid_argument(&format!("{prefix}address"), message)
            })
        });
        Ok(Self {
            network,
            subnet,
            address: address.transpose()?,
            public,
        })
    }

    /// Whether it asks for nothing in particular.
    pub(crate) fn is_plain(&self) -> bool {
        self.network.is_none() && self.subnet.is_none() && self.address.is_none() && self.public.is_none()
    }
}
