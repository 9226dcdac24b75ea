//! A VM's spec as kweb's request body: every field is used or refused by its name.

use serde_json::{Map, Value, json};

use stockade_provider::options::Options;
use stockade_provider::types::{Error, Tag, VmDiskSpec, VmNicSpec, VmSpec};

use crate::config::Config;
use crate::wire::file_name;

/// A VM to create, as kweb takes it.
#[derive(Debug)]
pub(crate) struct NewVm {
    pub(crate) name: String,
    pub(crate) body: Value,
    pub(crate) cpus: Option<u32>,
    pub(crate) memory_mib: Option<u32>,
    /// Whether it must run in the end.
    pub(crate) start: bool,
    /// kweb ignores this while creating; it is set afterwards.
    pub(crate) autostart: bool,
}

impl NewVm {
    /// Checks a spec and puts the body together.
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
        check_name(&name)?;
        refuse("flavor", flavor.is_some(), "kweb sizes vms by `cpus` and `memory-mib`")?;
        refuse("location", location.is_some(), "kweb chooses the host")?;
        refuse(
            "user-data",
            user_data.is_some(),
            "kcli writes the user-data itself; `ssh-keys` are taken",
        )?;
        refuse(
            "hostname",
            hostname.is_some_and(|host| host != name),
            "kcli gives a vm its own name as host name",
        )?;
        refuse("security-groups", !security_groups.is_empty(), "kweb has none")?;
        refuse("description", description.is_some(), "kweb never shows one")?;

        let mut body = Map::new();
        body.insert("name".to_owned(), json!(name));
        body.insert(
            "profile".to_owned(),
            json!(profile(image, Options::of(&options), config)?),
        );
        if let Some(cpus) = cpus {
            body.insert("numcpus".to_owned(), json!(at_least_one("cpus", cpus)?));
        }
        if let Some(memory_mib) = memory_mib {
            body.insert("memory".to_owned(), json!(at_least_one("memory-mib", memory_mib)?));
        }
        body.insert("pool".to_owned(), json!(pool.unwrap_or_else(|| config.pool.clone())));
        body.insert("disks".to_owned(), disks_body(disks, config)?);
        body.insert("nets".to_owned(), nets_body(nics, config)?);
        if !ssh_keys.is_empty() {
            body.insert("keys".to_owned(), json!(ssh_keys));
        }
        if let Some(plan) = plan(metadata)? {
            body.insert("plan".to_owned(), json!(plan));
        }
        body.insert("start".to_owned(), json!(start));
        Ok(Self {
            name,
            body: Value::Object(body),
            cpus,
            memory_mib,
            start,
            autostart,
        })
    }
}

/// kcli makes a file of this name and kweb a path segment; a random name is made for an empty one.
fn check_name(name: &str) -> Result<(), Error> {
    let is_usable = !name.is_empty()
        && name.len() <= 63
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && name.as_bytes()[0].is_ascii_alphanumeric();
    if is_usable {
        return Ok(());
    }
    let message = format!(
        "`{name}` cannot name a vm of kcli: use 1 to 63 letters, digits, `-`, `_` and `.`, a letter or digit first"
    );
    Err(Error::invalid_argument("name", message))
}

fn refuse(field: &str, is_given: bool, why: &str) -> Result<(), Error> {
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

/// The profile: kcli takes an image's file name as a profile too.
fn profile(image: Option<String>, options: Options<'_>, config: &Config) -> Result<String, Error> {
    options.refuse_others(&["profile"])?;
    match (image, options.text("profile")?) {
        (Some(_), Some(_)) => Err(Error::invalid_argument(
            "profile",
            "give an image or a profile, not both",
        )),
        (Some(image), None) => Ok(file_name(&image).to_owned()),
        (None, Some(profile)) => Ok(profile.to_owned()),
        (None, None) => config.profile.clone().ok_or_else(|| {
            let message =
                "kweb creates vms from an image or a profile only: name one, or set `profile` on the connection";
            Error::invalid_argument("image", message)
        }),
    }
}

/// kweb makes one disk of its own size when it gets none, and a VM without disks when it gets an empty list.
fn disks_body(disks: Vec<VmDiskSpec>, config: &Config) -> Result<Value, Error> {
    if disks.is_empty() {
        return Ok(json!([config.disk_gib]));
    }
    disks
        .into_iter()
        .map(|disk| disk_body(disk, config))
        .collect::<Result<Vec<_>, _>>()
        .map(Value::Array)
}

fn disk_body(disk: VmDiskSpec, config: &Config) -> Result<Value, Error> {
    let VmDiskSpec {
        size_gib,
        pool,
        image,
        existing,
        bus,
        format,
    } = disk;
    refuse(
        "disks.image",
        image.is_some(),
        "kweb puts the vm's image on its first disk and leaves the others empty",
    )?;
    refuse("disks.existing", existing.is_some(), "kweb only creates disks")?;
    refuse(
        "disks.bus",
        bus.is_some_and(|bus| bus != "virtio"),
        "kweb makes `virtio` disks",
    )?;
    refuse(
        "disks.format",
        format.is_some_and(|format| format != "qcow2"),
        "kweb makes `qcow2` disks",
    )?;
    let size_gib = at_least_one("disks.size-gib", size_gib.unwrap_or(config.disk_gib))?;
    Ok(match pool {
        None => json!(size_gib),
        Some(pool) => json!({"size": size_gib, "pool": pool}),
    })
}

/// kweb gives a VM no interface at all when it gets no list.
fn nets_body(nics: Vec<VmNicSpec>, config: &Config) -> Result<Value, Error> {
    if nics.is_empty() {
        return Ok(json!([config.network]));
    }
    let names = nics.into_iter().map(|nic| {
        let (network, model) = network_and_model("nics.", nic, config)?;
        refuse(
            "nics.model",
            model.is_some_and(|model| model != "virtio"),
            "kweb makes `virtio` interfaces",
        )?;
        Ok(json!(network))
    });
    names.collect::<Result<Vec<_>, Error>>().map(Value::Array)
}

/// The network and the model of an interface; `prefix` goes before the names of refused fields.
pub(crate) fn network_and_model(
    prefix: &str,
    nic: VmNicSpec,
    config: &Config,
) -> Result<(String, Option<String>), Error> {
    let VmNicSpec {
        network,
        subnet,
        mac,
        model,
        address,
        gateway,
        dns_servers,
        public,
    } = nic;
    for (field, is_given) in [
        ("subnet", subnet.is_some()),
        ("mac", mac.is_some()),
        ("address", address.is_some()),
        ("gateway", gateway.is_some()),
        ("dns-servers", !dns_servers.is_empty()),
        ("public", public.is_some()),
    ] {
        refuse(
            &format!("{prefix}{field}"),
            is_given,
            "kweb takes the network of an interface only",
        )?;
    }
    Ok((network.unwrap_or_else(|| config.network.clone()), model))
}

/// kweb keeps one note that a caller may choose: the plan.
fn plan(metadata: Vec<Tag>) -> Result<Option<String>, Error> {
    let mut plan = None;
    for tag in metadata {
        refuse(
            "metadata",
            tag.key != "plan",
            &format!("kweb keeps no key `{}`, only `plan`", tag.key),
        )?;
        plan = Some(tag.value);
    }
    Ok(plan)
}
