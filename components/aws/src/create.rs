//! Creating a VM: every name becomes an id, then one request creates it; after an error nothing of it is left.

use stockade_provider::host::Host;
use stockade_provider::idempotency::{self, Recall};
use stockade_provider::types::{Change, Error, ErrorKind, Level, Subject, VmSpec};

use crate::attachments;
use crate::client::Client;
use crate::config::Config;
use crate::digest::digest;
use crate::flavor;
use crate::image::{self, MachineImage};
use crate::instance::Instance;
use crate::instances;
use crate::key_pairs;
use crate::launch::{Launch, PlacedNic};
use crate::listed;
use crate::networking::{self, Candidate};
use crate::networks::default_vpc;
use crate::operations::{self, Kind, done};
use crate::query::Query;
use crate::things::Thing;
use crate::vm_spec::{NewNic, NewVm, Size};
use crate::volume::Volume;

/// How long a VM may take until it runs, where something must be done to it then: usually seconds.
pub(crate) const RUNNING_SECONDS: u32 = 120;

/// The longest client token (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>).
const MAX_TOKEN: usize = 64;

/// Creates a VM.
pub(crate) fn create<H: Host>(host: &H, spec: VmSpec) -> Result<Change, Error> {
    let config = Config::read(host)?;
    let key = spec.idempotency_key.clone();
    let new = NewVm::from_spec(spec, &config)?;
    let client = Client::new(host, "create-vm");
    let is_repeated = match &key {
        Some(key) => idempotency::claim(host, key, &new.name)? == Recall::Repeated,
        None => false,
    };
    match instances::find(&client, &new.name)? {
        Some(found) if is_repeated => return Ok(resume(host, &found, new.start)),
        Some(_) => return Err(Error::already_exists("vm", &new.name)),
        None => {}
    }
    let image = image::get(&client, &config, &new.image)?;
    check_image(&image, &new)?;
    let architecture = image.architecture.as_deref();
    let instance_type = match &new.size {
        Size::Named(name) => flavor::named(&client, name, architecture)?,
        Size::AtLeast(cpus, memory_mib) => flavor::smallest(&client, *cpus, *memory_mib, architecture)?,
    };
    let existing = existing(&client, &new)?;
    let zone = new
        .zone
        .clone()
        .or_else(|| existing.first().and_then(|disk| disk.zone.clone()));
    let (nics, vpc) = place(&client, &new.nics, zone.as_deref(), &config)?;
    let groups = match (&new.groups[..], vpc) {
        ([], _) => Vec::new(),
        (groups, Some(vpc)) => networking::groups(&client, &vpc, groups)?,
        (groups, None) => networking::groups(&client, &default_vpc(&client)?.id, groups)?,
    };
    let mut launch = Launch {
        new: &new,
        image: &image,
        instance_type: &instance_type.name,
        nics,
        groups,
        zone,
        key_pair: None,
        client_token: client_token(host, &new.name, key.as_deref()),
    };
    let devices = launch
        .devices()
        .ok_or_else(|| Error::invalid_argument("disks", "EC2 has device names for eleven further disks"))?;
    let key_pair = match &new.ssh_key {
        Some(key) => Some(key_pairs::lend(&client, &new.name, key)?),
        None => None,
    };
    launch.key_pair.clone_from(&key_pair);
    let answer = run(&client, &launch.query(&devices), &new.name)
        .inspect_err(|error| clean_up_unseen(&client, error, &launch.client_token));
    if let Some(key_pair) = key_pair {
        // The instance has its copy: see `key_pairs`.
        key_pairs::take_back(&client, &key_pair);
    }
    let id = answer?;
    finish(&client, &new, &id, &existing).inspect_err(|_| clean_up(&client, &id))
}

/// A repeated call finds what the first made, and waits for what the first waited for.
fn resume<H: Host>(host: &H, found: &Instance, start: bool) -> Change {
    let state = if start { "running" } else { "stopped" };
    if found.state == state {
        done(found.id.clone())
    } else {
        operations::pending(host, Kind::Vm, &found.id, state)
    }
}

/// The token by which EC2 recognises a repetition: the caller's key where it fits, otherwise one that nobody had before.
fn client_token<H: Host>(host: &H, name: &str, key: Option<&str>) -> String {
    match key {
        Some(key) if key.len() <= MAX_TOKEN && key.bytes().all(|byte| byte.is_ascii_graphic()) => key.to_owned(),
        Some(key) => format!("stockade-{}", digest(key)),
        None => format!("stockade-{}", digest(&format!("{name} {}", host.now()))),
    }
}

fn check_image(image: &MachineImage, new: &NewVm) -> Result<(), Error> {
    if !matches!(image.state.as_str(), "available" | "") {
        let message = format!(
            "image `{}` is `{}`; wait until it is `available`",
            new.image, image.state
        );
        return Err(Error::conflict(message));
    }
    match (new.root_gib, image.root_gib) {
        (Some(wanted), Some(least)) if wanted < least => {
            let message = format!(
                "image `{}` needs a disk of at least {least} GiB, not {wanted}",
                new.image
            );
            Err(Error::invalid_argument("disks.size-gib", message))
        }
        _ => Ok(()),
    }
}

/// The disks that are there already: all free, and in one zone.
fn existing<H: Host>(client: &Client<'_, H>, new: &NewVm) -> Result<Vec<Volume>, Error> {
    let mut zone = new.zone.clone();
    let mut disks: Vec<Volume> = Vec::new();
    for name in &new.existing {
        let disk: Volume = listed::get(client, name)?;
        if disk.state != "available" {
            return Err(Error::conflict(format!("disk `{name}` is `{}`, not free", disk.state)));
        }
        match (&zone, &disk.zone) {
            (Some(zone), Some(of)) if zone != of => {
                let message = format!("disk `{name}` is in `{of}`, and the vm would be in `{zone}`");
                return Err(Error::invalid_argument("disks.existing", message));
            }
            _ => zone = zone.or_else(|| disk.zone.clone()),
        }
        disks.push(disk);
    }
    Ok(disks)
}

/// Finds a subnet for each interface; answers them, and the VPC that they are in where it is known.
fn place<H: Host>(
    client: &Client<'_, H>,
    nics: &[NewNic],
    zone: Option<&str>,
    config: &Config,
) -> Result<(Vec<PlacedNic>, Option<String>), Error> {
    let plain = NewNic {
        network: None,
        subnet: None,
        address: None,
        public: None,
    };
    let nics = match nics {
        [] if config.network.is_some() => std::slice::from_ref(&plain),
        [only] if only.is_plain() && config.network.is_none() => &[],
        nics => nics,
    };
    let (mut placed, mut vpc) = (Vec::new(), None);
    for nic in nics {
        let subnet = subnet_of(client, nic, zone, config)?;
        vpc.get_or_insert_with(|| subnet.more.place.vpc.clone());
        placed.push(PlacedNic {
            subnet: Some(subnet.id),
            address: nic.address.map(|(address, _)| address),
            public: nic.public,
        });
    }
    Ok((placed, vpc))
}

/// The subnet for an interface, in which its address must be.
pub(crate) fn subnet_of<H: Host>(
    client: &Client<'_, H>,
    nic: &NewNic,
    zone: Option<&str>,
    config: &Config,
) -> Result<Thing<Candidate>, Error> {
    let network = nic
        .network
        .as_deref()
        .or(config.network.as_deref().filter(|_| nic.subnet.is_none()));
    let subnet = networking::subnet(client, network, nic.subnet.as_deref(), zone)?;
    if let Some((address, length)) = nic.address
        && !networking::holds(&subnet.more.place.cidr, address, length)
    {
        let message = format!(
            "`{address}/{length}` is not in subnet `{}`, which is {}",
            subnet.id, subnet.more.place.cidr
        );
        return Err(Error::invalid_argument("nics.address", message));
    }
    Ok(subnet)
}

/// Creates an instance; answers its id.
pub(crate) fn run<H: Host>(client: &Client<'_, H>, query: &Query, name: &str) -> Result<String, Error> {
    let doing = format!("creating vm `{name}`");
    client.read(query, &doing, |root| {
        let instance = root.set("instancesSet").next();
        instance
            .and_then(|instance| instance.string("instanceId"))
            .ok_or_else(|| {
                Error::upstream(
                    None,
                    None,
                    format!("while {doing}: AWS answered without the id of an instance"),
                )
            })
    })
}

/// Does what EC2 does only to an instance that is there.
fn finish<H: Host>(client: &Client<'_, H>, new: &NewVm, id: &str, existing: &[Volume]) -> Result<Change, Error> {
    if new.is_router {
        let query = Query::ec2("ModifyInstanceAttribute")
            .with("InstanceId", id)
            .with("SourceDestCheck.Value", false);
        let doing = format!("letting vm `{}` forward packets", new.name);
        instances::soon(client, || {
            client.change(&query, &doing, Some(Subject::new("vm", &new.name)))
        })?;
    }
    if existing.is_empty() && new.start {
        return Ok(operations::pending(client.host(), Kind::Vm, id, "running"));
    }
    // EC2 neither attaches to nor stops what does not run yet.
    instances::wait_for(client, id, "running", RUNNING_SECONDS)?;
    for disk in existing {
        let found = instances::by_id(client, id)?.ok_or_else(|| Error::not_found("vm", &new.name))?;
        attachments::attach(client, &found, disk)?;
    }
    if new.start {
        return Ok(done(id));
    }
    stop(client, id, &new.name)
}

/// Stops what EC2 started because it starts everything that it creates.
pub(crate) fn stop<H: Host>(client: &Client<'_, H>, id: &str, name: &str) -> Result<Change, Error> {
    let query = Query::ec2("StopInstances")
        .with_list("InstanceId", [id])
        .with("Force", true)
        .with("SkipOsShutdown", true);
    let doing = format!("stopping vm `{name}`, which EC2 started");
    client.change(&query, &doing, Some(Subject::new("vm", name)))?;
    Ok(operations::pending(client.host(), Kind::Vm, id, "stopped"))
}

/// Deletes what was created although its answer was lost, or was none of AWS's: the token finds it.
fn clean_up_unseen<H: Host>(client: &Client<'_, H>, error: &Error, token: &str) {
    let is_unknown = match &error.kind {
        ErrorKind::Upstream(fault) => fault.code.is_none(),
        ErrorKind::Unavailable | ErrorKind::TimedOut => true,
        _ => false,
    };
    if !is_unknown {
        return;
    }
    match instances::by_client_token(client, token) {
        Ok(found) => found.iter().for_each(|instance| clean_up(client, &instance.id)),
        Err(error) => {
            let message = format!(
                "{}: look for a vm that the failed creation may have made",
                error.message
            );
            client.host().log(Level::Warn, &message);
        }
    }
}

/// Deletes what a failed creation made. What the caller must know is the first error, not one of these.
pub(crate) fn clean_up<H: Host>(client: &Client<'_, H>, id: &str) {
    let query = Query::ec2("TerminateInstances").with_list("InstanceId", [id]);
    let doing = format!("deleting `{id}` after a failure");
    if let Err(error) = instances::soon(client, || client.change(&query, &doing, None)) {
        client.host().log(Level::Warn, &format!("{}: delete it", error.message));
    }
}
