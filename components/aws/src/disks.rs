//! Disks: EBS volumes.

use std::collections::BTreeMap;

use stockade_provider::abilities::Disks;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{AttachSpec, Change, Disk, DiskPage, DiskSpec, Error, Level, PageRequest, Subject, Tag};

use crate::Aws;
use crate::attachments;
use crate::client::Client;
use crate::config::Config;
use crate::instance::{Instance, NAME_TAG};
use crate::instances;
use crate::listed;
use crate::metadata;
use crate::operations::{self, Kind, done};
use crate::query::Query;
use crate::vm_spec::{check_name, refuse};
use crate::volume::{self, Volume};

/// The states of volumes that are there: one that is being deleted is gone for whoever asks.
const STATES: [&str; 4] = ["creating", "available", "in-use", "error"];

/// How long an empty volume may take until it can be attached: usually seconds.
const READY_SECONDS: u32 = 60;

impl<H: Host> Disks<H> for Aws {
    fn list_disks(host: &H, page: PageRequest) -> Result<DiskPage, Error> {
        let client = Client::new(host, "list-disks");
        let query = listed::query::<Volume>().with_filter("status", STATES);
        let (volumes, next) = listed::page::<Volume, H>(&client, &query, &page)?;
        Ok(DiskPage {
            items: with_vms(&client, &volumes)?,
            next,
        })
    }

    fn get_disk(host: &H, disk: String) -> Result<Disk, Error> {
        let client = Client::new(host, "get-disk");
        let found = get(&client, &disk)?;
        let mut disks = with_vms(&client, std::slice::from_ref(&found))?;
        disks.pop().ok_or_else(|| Error::not_found("disk", &disk))
    }

    fn create_disk(host: &H, spec: DiskSpec) -> Result<Change, Error> {
        create(host, spec)
    }

    fn delete_disk(host: &H, disk: String) -> Result<Change, Error> {
        let client = Client::new(host, "delete-disk");
        let found = get(&client, &disk)?;
        if let Some(attachment) = found.attachments.first() {
            let message = format!(
                "disk `{disk}` is attached to `{}`: detach it first",
                attachment.instance
            );
            return Err(Error::conflict(message));
        }
        delete(&client, &found.id)?;
        Ok(done(found.id))
    }

    fn resize_disk(host: &H, disk: String, size_gib: u32) -> Result<Change, Error> {
        let client = Client::new(host, "resize-disk");
        let found = get(&client, &disk)?;
        if size_gib < found.size_gib {
            let message = format!("disk `{disk}` has {} GiB, and EBS volumes never shrink", found.size_gib);
            return Err(Error::invalid_argument("size-gib", message));
        }
        if size_gib == found.size_gib {
            return Ok(done(found.id));
        }
        let query = Query::ec2("ModifyVolume")
            .with("VolumeId", &found.id)
            .with("Size", size_gib);
        client.change(&query, &format!("growing disk `{disk}`"), subject(&disk))?;
        Ok(operations::pending(
            host,
            Kind::DiskSize,
            &found.id,
            &size_gib.to_string(),
        ))
    }

    fn attach_disk(host: &H, vm: String, spec: AttachSpec) -> Result<Change, Error> {
        let AttachSpec {
            disk,
            bus,
            read_only,
            shareable,
        } = spec;
        refuse("bus", bus.is_some(), "EC2 chooses how a disk is connected")?;
        refuse("read-only", read_only, "EC2 attaches volumes for writing only")?;
        refuse(
            "shareable",
            shareable,
            "only volumes that were made for it can be shared",
        )?;
        let client = Client::new(host, "attach-disk");
        let found = instances::get(&client, &vm)?;
        let disk = get(&client, &disk)?;
        if disk
            .attachments
            .iter()
            .any(|attachment| attachment.instance == found.id)
        {
            return Ok(done(disk.id));
        }
        if let Some(attachment) = disk.attachments.first() {
            let message = format!(
                "disk `{}` is attached to `{}`: detach it first",
                disk.id, attachment.instance
            );
            return Err(Error::conflict(message));
        }
        attachments::attach(&client, &found, &disk)?;
        Ok(operations::pending(host, Kind::Disk, &disk.id, "in-use"))
    }

    fn detach_disk(host: &H, vm: String, disk: String) -> Result<Change, Error> {
        let client = Client::new(host, "detach-disk");
        let found = instances::get(&client, &vm)?;
        let by_device = found.disks.iter().find(|held| held.device == disk);
        let volume = match by_device {
            Some(held) => held.volume.clone(),
            None => {
                let named = get(&client, &disk)?;
                if !named.is_held_by(&found.id) {
                    let message = format!("disk `{disk}` is not attached to vm `{}`", found.name());
                    return Err(Error::conflict(message));
                }
                named.id
            }
        };
        attachments::detach(&client, &found, &volume)?;
        Ok(operations::pending(host, Kind::Disk, &volume, "available"))
    }
}

fn subject(disk: &str) -> Option<Subject> {
    Some(Subject::new("disk", disk))
}

/// One disk by id or name.
pub(crate) fn get<H: Host>(client: &Client<'_, H>, disk: &str) -> Result<Volume, Error> {
    let found = listed::find_among::<Volume, H>(client, disk, |query| query.with_filter("status", STATES))?;
    found
        .filter(|volume| STATES.contains(&volume.state.as_str()))
        .ok_or_else(|| Error::not_found("disk", disk))
}

/// Deletes a volume.
pub(crate) fn delete<H: Host>(client: &Client<'_, H>, id: &str) -> Result<(), Error> {
    let query = Query::ec2("DeleteVolume").with("VolumeId", id);
    client.change(&query, &format!("deleting disk `{id}`"), subject(id))
}

/// Disks with the names of the VMs that hold them: one request for each 200 VMs, the most values of a filter
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>).
fn with_vms<H: Host>(client: &Client<'_, H>, volumes: &[Volume]) -> Result<Vec<Disk>, Error> {
    let mut ids: Vec<&str> = volumes
        .iter()
        .flat_map(|volume| volume.attachments.iter().map(|attachment| attachment.instance.as_str()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for ids in ids.chunks(200) {
        let found = instances::by_ids(client, ids)?;
        names.extend(found.into_iter().map(|vm| (vm.id.clone(), vm.name().to_owned())));
    }
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    Ok(volumes.iter().map(|volume| volume.to_disk(name)).collect())
}

fn create<H: Host>(host: &H, spec: DiskSpec) -> Result<Change, Error> {
    let DiskSpec {
        name,
        size_gib,
        pool,
        format,
        image,
        vm,
        metadata,
        options,
    } = spec;
    let options = Options::of(&options);
    options.refuse_others(&["zone"])?;
    refuse("format", format.is_some(), "EBS volumes have no format")?;
    refuse(
        "image",
        image.is_some(),
        "EC2 makes disks from images with their vm only",
    )?;
    if size_gib == 0 {
        return Err(Error::invalid_argument("size-gib", "`size-gib` must be at least 1"));
    }
    let config = Config::read(host)?;
    let pool = pool.unwrap_or_else(|| config.pool.clone());
    volume::check_type(&pool)?;
    metadata::check(&metadata, 1)?;
    metadata::check_values(&metadata)?;
    let mut tags = metadata;
    let is_named = name.is_some();
    let client = Client::new(host, "create-disk");
    if let Some(name) = name {
        check_name("name", &name)?;
        if listed::find::<Volume, H>(&client, &name)?.is_some_and(|volume| STATES.contains(&volume.state.as_str())) {
            return Err(Error::already_exists("disk", &name));
        }
        tags.push(Tag {
            key: NAME_TAG.to_owned(),
            value: name,
        });
    }
    let vm = vm.map(|vm| instances::get(&client, &vm)).transpose()?;
    let zone = zone(&client, vm.as_ref(), options.text("zone")?, &config)?;
    let query = Query::ec2("CreateVolume")
        .with("AvailabilityZone", zone)
        .with("Size", size_gib)
        .with("VolumeType", pool);
    let mut query = metadata::with_tag_specification(query, 1, "volume", &tags);
    if is_named {
        query = client.once(query);
    }
    let doing = "creating a disk";
    let id = client.read(&query, doing, |root| {
        root.string("volumeId")
            .ok_or_else(|| Error::upstream(None, None, format!("while {doing}: AWS answered without an id")))
    })?;
    let Some(vm) = vm else {
        return Ok(operations::pending(host, Kind::Disk, &id, "available"));
    };
    let attached = wait_for(&client, &id, "available", READY_SECONDS)
        .and_then(|disk| attachments::attach(&client, &vm, &disk))
        .inspect_err(|_| clean_up(&client, &id));
    attached.map(|()| operations::pending(host, Kind::Disk, &id, "in-use"))
}

/// Where a volume is made: with its VM, or where the caller, the connection or the alphabet says.
fn zone<H: Host>(
    client: &Client<'_, H>,
    vm: Option<&Instance>,
    option: Option<&str>,
    config: &Config,
) -> Result<String, Error> {
    if let Some(zone) = vm.and_then(|vm| vm.zone.clone()) {
        refuse(
            "zone",
            option.is_some_and(|wanted| wanted != zone),
            "the vm is in another zone",
        )?;
        return Ok(zone);
    }
    if let Some(zone) = option.or(config.zone.as_deref()) {
        return Ok(zone.to_owned());
    }
    let query = Query::ec2("DescribeAvailabilityZones").with_filter("state", ["available"]);
    let zones: Vec<String> = client.read(&query, "looking for a zone", |root| {
        let zones = root.set("availabilityZoneInfo");
        Ok(zones.filter_map(|zone| zone.string("zoneName")).collect())
    })?;
    zones
        .into_iter()
        .min()
        .ok_or_else(|| Error::invalid_argument("zone", "no availability zone can be used: name one"))
}

/// Waits within the call until a volume is in a state; only where the next step needs that.
///
/// # Errors
/// `timed-out` when it takes longer.
pub(crate) fn wait_for<H: Host>(
    client: &Client<'_, H>,
    id: &str,
    state: &str,
    max_seconds: u32,
) -> Result<Volume, Error> {
    let what = format!("disk `{id}` to be `{state}`");
    instances::until(client, &what, max_seconds, || {
        let found: Option<Volume> = listed::by_id(client, id)?;
        match found {
            Some(volume) if volume.state == "error" => Err(Error::upstream(
                None,
                None,
                format!("disk `{id}` could not be created: EBS calls it `error`"),
            )),
            found => Ok(found.filter(|volume| volume.state == state)),
        }
    })
}

/// Deletes a volume that a failed call made.
pub(crate) fn clean_up<H: Host>(client: &Client<'_, H>, id: &str) {
    if let Err(error) = instances::soon(client, || delete(client, id)) {
        client.host().log(Level::Warn, &format!("{}: delete it", error.message));
    }
}
