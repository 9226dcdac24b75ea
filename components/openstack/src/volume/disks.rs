//! Disks: volumes of Cinder, which Nova attaches to VMs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use stockade_provider::abilities::Disks;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{
    AttachSpec, Change, Disk, DiskPage, DiskSpec, Error, ErrorKind, OperationState, PageRequest, Subject, VmStatus,
};

use super::wire::Volume;
use crate::Openstack;
use crate::change::{done, pending};
use crate::cloud::{Cloud, PAGE};
use crate::compute::{Operation, Server, state};
use crate::microversion::VOLUME_EXTEND_ATTACHED;
use crate::name::check_name;
use crate::service::Service;
use crate::wait;

impl<H: Host> Disks<H> for Openstack {
    fn list_disks(host: &H, page: PageRequest) -> Result<DiskPage, Error> {
        let cloud = Cloud::open(host, "list-disks")?;
        let all: Vec<Volume> = cloud.list(Service::Volume, &["volumes", "detail"], "volumes", &[], "listing disks")?;
        let (all, next) = page::cut(all, &page, PAGE, |volume| volume.id.clone())?;
        let vms = vm_names(&cloud, &all)?;
        Ok(DiskPage {
            items: all.iter().map(|volume| volume.to_disk(&vms)).collect(),
            next,
        })
    }

    fn get_disk(host: &H, disk: String) -> Result<Disk, Error> {
        let cloud = Cloud::open(host, "get-disk")?;
        let volume = cloud.volume(&disk)?;
        let vms = vm_names(&cloud, std::slice::from_ref(&volume))?;
        Ok(volume.to_disk(&vms))
    }

    fn create_disk(host: &H, spec: DiskSpec) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "create-disk")?;
        // Without `..`: a new field of the contract must be used or refused here before this compiles.
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
        options.refuse_others(&["availability_zone", "volume_snapshot"])?;
        let snapshot = options.text("volume_snapshot")?;
        if image.is_some() && snapshot.is_some() {
            let why = "a disk is a copy of an image or of a snapshot, not of both";
            return Err(Error::cannot_honour("volume_snapshot", why));
        }
        if format.is_some() {
            return Err(Error::cannot_honour("format", "Cinder chooses the format of volumes"));
        }
        if size_gib == 0 {
            return Err(Error::invalid_argument("size-gib", "a disk has at least 1 GiB"));
        }
        cloud.need(Service::Volume)?;
        let mut body = Map::new();
        body.insert("size".to_owned(), json!(size_gib));
        if let Some(name) = &name {
            check_name(name)?;
            match cloud.volume(name) {
                Err(error) if crate::cloud::is_not_found(&error) => {}
                Err(error) if !matches!(error.kind, ErrorKind::Ambiguous(_)) => return Err(error),
                _ => return Err(Error::already_exists("disk", name)),
            }
            body.insert("name".to_owned(), json!(name));
        }
        if let Some(pool) = &pool {
            body.insert("volume_type".to_owned(), json!(cloud.volume_type(pool)?.name));
        }
        if let Some(image) = &image {
            body.insert("imageRef".to_owned(), json!(cloud.image(image)?.id));
        }
        if let Some(snapshot) = snapshot {
            body.insert("snapshot_id".to_owned(), json!(cloud.volume_snapshot(snapshot)?.id));
        }
        if let Some(zone) = options.text("availability_zone")? {
            body.insert("availability_zone".to_owned(), json!(zone));
        }
        if !metadata.is_empty() {
            let metadata: BTreeMap<_, _> = metadata.into_iter().map(|tag| (tag.key, tag.value)).collect();
            body.insert("metadata".to_owned(), json!(metadata));
        }
        let server = vm.as_deref().map(|vm| cloud.server(vm)).transpose()?;
        create(
            &cloud,
            &body,
            server.as_ref(),
            name.as_deref().unwrap_or("without a name"),
        )
    }

    fn delete_disk(host: &H, disk: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "delete-disk")?;
        let volume = cloud.volume(&disk)?;
        let doing = format!("deleting disk `{disk}`");
        if volume.status == "in-use" {
            let message = format!("while {doing}: a vm holds it; detach it first");
            return Err(Error::conflict(message));
        }
        delete(&cloud, &volume.id, &disk, &doing)?;
        let gone = wait::until(host, wait::BUDGET_MS, || match cloud.volume_by_id(&volume.id)? {
            None => Ok(Some(())),
            Some(volume) => volume.is_settled(&doing).map(|_| None),
        })?;
        match gone {
            Some(()) => Ok(done(volume.id)),
            None => Err(Error::new(
                ErrorKind::TimedOut,
                format!("while {doing}: Cinder has not finished in time and goes on with it"),
            )),
        }
    }

    fn resize_disk(host: &H, disk: String, size_gib: u32) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "resize-disk")?;
        let volume = cloud.volume(&disk)?;
        let doing = format!("growing disk `{disk}` to {size_gib} GiB");
        if size_gib < volume.size {
            let message = format!("while {doing}: it has {} GiB, and volumes only grow", volume.size);
            return Err(Error::invalid_argument("size-gib", message));
        }
        if size_gib == volume.size {
            return Ok(done(volume.id));
        }
        let mut call = cloud.call(Service::Volume, "POST", ["volumes", &volume.id, "action"]);
        if volume.status == "in-use" {
            call = call.version(VOLUME_EXTEND_ATTACHED);
        }
        call.about("disk", &disk)
            .json(json!({"os-extend": {"new_size": size_gib}}))
            .send(&doing)?;
        settle(&cloud, &volume.id, &doing)
    }

    fn attach_disk(host: &H, vm: String, spec: AttachSpec) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "attach-disk")?;
        let AttachSpec {
            disk,
            bus,
            read_only,
            shareable,
        } = spec;
        for (field, is_given, why) in [
            (
                "bus",
                bus.is_some(),
                "Nova takes the bus of attached volumes from the image's property `hw_disk_bus`",
            ),
            ("read-only", read_only, "Nova attaches volumes for writing"),
            (
                "shareable",
                shareable,
                "a volume of a pool of type `multiattach` is shareable, and no other",
            ),
        ] {
            if is_given {
                return Err(Error::cannot_honour(field, why));
            }
        }
        let server = cloud.server(&vm)?;
        let volume = cloud.volume(&disk)?;
        attach(&cloud, &server, &volume.id)?;
        Ok(done(volume.id))
    }

    fn detach_disk(host: &H, vm: String, disk: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "detach-disk")?;
        let server = cloud.server(&vm)?;
        let doing = format!("detaching disk `{disk}` of vm `{vm}`");
        let id = held(&cloud, &server, &disk)?;
        cloud
            .call(
                Service::Compute,
                "DELETE",
                ["servers", &server.id, "os-volume_attachments", &id],
            )
            .about("disk", &disk)
            .send(&doing)?;
        let free = wait::until(host, wait::BUDGET_MS, || {
            let now = cloud
                .server_by_id(&server.id)?
                .ok_or_else(|| Error::not_found("vm", &vm))?;
            Ok((!now.volumes.iter().any(|volume| volume.id == id)).then_some(()))
        })?;
        match free {
            Some(()) => Ok(done(id)),
            None => Err(Error::new(
                ErrorKind::TimedOut,
                format!("while {doing}: the guest has not let go of it"),
            )),
        }
    }
}

/// Creates a volume and attaches it; after an error there is none.
fn create<H: Host>(
    cloud: &Cloud<'_, H>,
    body: &Map<String, Value>,
    server: Option<&Server>,
    name: &str,
) -> Result<Change, Error> {
    let doing = format!("creating disk `{name}`");
    let call = cloud
        .call(Service::Volume, "POST", ["volumes"])
        .json(json!({"volume": body}));
    let volume: Volume = call.part("/volume", &doing)?;
    let finished = settle(cloud, &volume.id, &doing).and_then(|change| match (server, &change.pending) {
        (None, _) => Ok(change),
        (Some(server), None) => attach(cloud, server, &volume.id).map(|()| change),
        (Some(_), Some(_)) => Err(Error::new(
            ErrorKind::TimedOut,
            format!("while {doing}: Cinder has not made it in time to attach it; nothing was kept"),
        )),
    });
    if finished.is_err() {
        // What the caller must know is the first error.
        let _ = delete(cloud, &volume.id, name, &doing);
    }
    finished
}

fn delete<H: Host>(cloud: &Cloud<'_, H>, id: &str, name: &str, doing: &str) -> Result<(), Error> {
    cloud
        .call(Service::Volume, "DELETE", ["volumes", id])
        .about("disk", name)
        .send(doing)
        .map(drop)
}

/// Waits until Cinder has finished with a volume.
fn settle<H: Host>(cloud: &Cloud<'_, H>, id: &str, doing: &str) -> Result<Change, Error> {
    let settled = wait::until(cloud.host, wait::BUDGET_MS, || match cloud.volume_by_id(id)? {
        None => Err(Error::not_found("disk", id)),
        Some(volume) => Ok(volume.is_settled(doing)?.then_some(())),
    })?;
    match settled {
        Some(()) => Ok(done(id)),
        None => Ok(pending(id, &Operation::Volume(id.to_owned()))),
    }
}

/// How far a volume is.
pub(crate) fn poll<H: Host>(cloud: &Cloud<'_, H>, id: &str) -> Result<OperationState, Error> {
    let volume = cloud.volume_by_id(id)?.ok_or_else(|| Error::not_found("disk", id))?;
    let is_settled = volume.is_settled(&format!("changing disk `{}`", volume.name()))?;
    Ok(state(is_settled, Some(volume.status)))
}

/// Attaches a volume and waits for it
/// (<https://docs.openstack.org/api-ref/compute/#attach-a-volume-to-an-instance>).
fn attach<H: Host>(cloud: &Cloud<'_, H>, server: &Server, volume: &str) -> Result<(), Error> {
    let doing = format!("attaching disk `{volume}` to vm `{}`", server.name());
    if matches!(
        server.vm_status(),
        VmStatus::Provisioning | VmStatus::Migrating | VmStatus::Error
    ) {
        return Err(Error::conflict(format!("while {doing}: the vm is `{}`", server.status)));
    }
    cloud
        .call(
            Service::Compute,
            "POST",
            ["servers", &server.id, "os-volume_attachments"],
        )
        .about("disk", volume)
        .json(json!({"volumeAttachment": {"volumeId": volume}}))
        .send(&doing)?;
    let attached = wait::until(cloud.host, wait::BUDGET_MS, || {
        let now = cloud
            .volume_by_id(volume)?
            .ok_or_else(|| Error::not_found("disk", volume))?;
        let is_attached = now
            .attachments
            .iter()
            .any(|attachment| attachment.server_id == server.id);
        now.is_settled(&doing)?;
        Ok((now.status == "in-use" && is_attached).then_some(()))
    })?;
    attached.ok_or_else(|| {
        let message = format!("while {doing}: Nova has not finished in time and goes on with it");
        Error::new(ErrorKind::TimedOut, message)
    })
}

/// The id of a volume that a server holds, from its id, its name or its device.
fn held<H: Host>(cloud: &Cloud<'_, H>, server: &Server, disk: &str) -> Result<String, Error> {
    let missing = || {
        let message = format!("vm `{}` holds no disk `{disk}`", server.name());
        Error::new(ErrorKind::NotFound(Subject::new("disk", disk)), message)
    };
    if server.volumes.iter().any(|volume| volume.id == disk) {
        return Ok(disk.to_owned());
    }
    if server.volumes.is_empty() {
        return Err(missing());
    }
    let is_device =
        |device: Option<&str>| device.is_some_and(|device| device == disk || device.rsplit('/').next() == Some(disk));
    let by_device = cloud
        .attachments(server)?
        .into_iter()
        .find(|attachment| is_device(attachment.device.as_deref()));
    if let Some(attachment) = by_device {
        return Ok(attachment.volume);
    }
    if !cloud.has(Service::Volume)? {
        return Err(missing());
    }
    let volume = cloud.volume(disk)?;
    match server.volumes.iter().any(|held| held.id == volume.id) {
        true => Ok(volume.id),
        false => Err(missing()),
    }
}

/// The names of the VMs that hold volumes: one request for all servers, and none when nothing is held.
fn vm_names<H: Host>(cloud: &Cloud<'_, H>, volumes: &[Volume]) -> Result<BTreeMap<String, String>, Error> {
    let mut ids: Vec<_> = volumes
        .iter()
        .flat_map(|volume| &volume.attachments)
        .map(|attachment| attachment.server_id.as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    if let [only] = ids.as_slice() {
        let server = cloud.server_by_id(only)?;
        return Ok(server
            .map(|server| (server.id.clone(), server.name().to_owned()))
            .into_iter()
            .collect());
    }
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let all: Vec<Server> = cloud.list(
        Service::Compute,
        &["servers", "detail"],
        "servers",
        &[],
        "listing disks",
    )?;
    Ok(all
        .into_iter()
        .map(|server| (server.id.clone(), server.name().to_owned()))
        .collect())
}
