//! Disks.

use stockade_provider::abilities::Disks;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{AttachSpec, Change, Disk, DiskPage, DiskSpec, Error, Image, PageRequest, Pool};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{self, DEFAULT, done};
use crate::records::{Attachment, StoredDisk, StoredVm, metadata, tags};
use crate::vm_spec::{BUSES, FORMATS, choice, device, disk_size};

impl<H: Host> Disks<H> for Fake {
    fn list_disks(host: &H, page: PageRequest) -> Result<DiskPage, Error> {
        let client = Client::open(host, "list-disks")?;
        let vms = client.all::<StoredVm>()?;
        let disks = client.all::<StoredDisk>()?;
        let (disks, next) = page::cut(disks, &page, client.config.page_size, |disk| disk.name.clone())?;
        Ok(DiskPage {
            items: disks.iter().map(|disk| disk.to_disk(&vms)).collect(),
            next,
        })
    }

    fn get_disk(host: &H, disk: String) -> Result<Disk, Error> {
        let client = Client::open(host, "get-disk")?;
        Ok(client.get::<StoredDisk>(&disk)?.to_disk(&client.all::<StoredVm>()?))
    }

    fn create_disk(host: &H, spec: DiskSpec) -> Result<Change, Error> {
        let client = Client::open(host, "create-disk")?;
        let DiskSpec {
            name,
            size_gib,
            pool,
            format,
            image,
            vm,
            metadata: wanted,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        if size_gib == 0 {
            return Err(Error::invalid_argument("size-gib", "`size-gib` must be at least 1"));
        }
        let image = image.map(|image| client.get::<Image>(&image)).transpose()?;
        let vm = vm.map(|vm| client.get::<StoredVm>(&vm)).transpose()?;
        let pool = client.get::<Pool>(pool.as_deref().unwrap_or(DEFAULT))?.name;
        let all = client.all::<StoredDisk>()?;
        cloud::check_capacity(&pool, &all, size_gib)?;
        let id = format!("disk-{}", client.next_number()?);
        client.insert(&StoredDisk {
            name: name.unwrap_or_else(|| id.clone()),
            size_gib: disk_size("size-gib", Some(size_gib), image.as_ref())?,
            pool,
            format: choice("format", format, &FORMATS)?,
            backing: image.map(|image| image.id),
            created_for: None,
            attachments: vm
                .iter()
                .map(|vm| attachment(vm, &all, BUSES[0].to_owned(), false, false))
                .collect(),
            created_at: client.now(),
            metadata: tags(&metadata(wanted)?),
            id: id.clone(),
        })?;
        Ok(done(id))
    }

    fn delete_disk(host: &H, disk: String) -> Result<Change, Error> {
        let client = Client::open(host, "delete-disk")?;
        let found = client.get::<StoredDisk>(&disk)?;
        if let Some(child) = client
            .all::<StoredDisk>()?
            .into_iter()
            .find(|child| child.backing.as_ref() == Some(&found.id))
        {
            return Err(Error::conflict(format!(
                "disk `{disk}` is in use: disk `{}` is based on it",
                child.name
            )));
        }
        let removed = client.remove::<StoredDisk>(&disk, |disk| match disk.attachments.as_slice() {
            [] => Ok(()),
            _ => Err(Error::conflict(format!(
                "disk `{}` is attached; detach it first",
                disk.name
            ))),
        })?;
        Ok(done(removed.id))
    }

    fn resize_disk(host: &H, disk: String, size_gib: u32) -> Result<Change, Error> {
        let client = Client::open(host, "resize-disk")?;
        let found = client.get::<StoredDisk>(&disk)?;
        cloud::check_capacity(
            &found.pool,
            &client.all::<StoredDisk>()?,
            size_gib.saturating_sub(found.size_gib),
        )?;
        let changed = client.update::<StoredDisk>(&disk, |disk| {
            if size_gib < disk.size_gib {
                let message = format!(
                    "disk `{}` has {} GiB and cannot shrink to {size_gib}",
                    disk.name, disk.size_gib
                );
                return Err(Error::invalid_argument("size-gib", message));
            }
            disk.size_gib = size_gib;
            Ok(())
        })?;
        Ok(done(changed.id))
    }

    fn attach_disk(host: &H, vm: String, spec: AttachSpec) -> Result<Change, Error> {
        let client = Client::open(host, "attach-disk")?;
        let AttachSpec {
            disk,
            bus,
            read_only,
            shareable,
        } = spec;
        let vm = client.get::<StoredVm>(&vm)?;
        let bus = choice("bus", bus, &BUSES)?;
        let id = client.get::<StoredDisk>(&disk)?.id;
        let attachment = attachment(&vm, &client.all::<StoredDisk>()?, bus, read_only, shareable);
        attach(&client, &id, &attachment)?;
        Ok(done(id))
    }

    fn detach_disk(host: &H, vm: String, disk: String) -> Result<Change, Error> {
        let client = Client::open(host, "detach-disk")?;
        let vm = client.get::<StoredVm>(&vm)?;
        let holds = |have: &StoredDisk| have.attachments.iter().any(|attachment| attachment.vm == vm.id);
        let is_device = |have: &StoredDisk| {
            have.attachments
                .iter()
                .any(|attachment| attachment.vm == vm.id && attachment.device == disk)
        };
        let all = client.all::<StoredDisk>()?;
        let found = all
            .iter()
            .filter(|have| holds(have))
            .find(|have| have.id == disk || have.name == disk || is_device(have));
        let id = found
            .map(|found| found.id.clone())
            .ok_or_else(|| Error::not_found("disk", &disk))?;
        client.update::<StoredDisk>(&id, |disk| {
            disk.attachments.retain(|attachment| attachment.vm != vm.id);
            // A disk that was taken out of its VM does not go with it any more.
            disk.created_for = None;
            Ok(())
        })?;
        Ok(done(id))
    }
}

/// The next free device of a VM.
fn attachment(vm: &StoredVm, disks: &[StoredDisk], bus: String, read_only: bool, shareable: bool) -> Attachment {
    let taken: Vec<&String> = disks
        .iter()
        .flat_map(|disk| &disk.attachments)
        .filter(|attachment| attachment.vm == vm.id)
        .map(|attachment| &attachment.device)
        .collect();
    let device = (0..)
        .map(device)
        .find(|device| !taken.contains(&device))
        .unwrap_or_default();
    Attachment {
        vm: vm.id.clone(),
        device,
        bus,
        read_only,
        shareable,
    }
}

/// Attaches a disk; one that is attached already must be shareable on both sides.
pub(crate) fn attach<H: Host>(client: &Client<'_, H>, disk: &str, attachment: &Attachment) -> Result<(), Error> {
    client
        .update::<StoredDisk>(disk, |disk| {
            let is_free = disk
                .attachments
                .iter()
                .all(|have| have.shareable && attachment.shareable && have.vm != attachment.vm);
            if !is_free {
                return Err(Error::conflict(format!(
                    "disk `{}` is attached already; detach it first",
                    disk.name
                )));
            }
            disk.attachments.push(attachment.clone());
            Ok(())
        })
        .map(drop)
}
