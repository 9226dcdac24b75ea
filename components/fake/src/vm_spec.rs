//! A VM's spec as records: every field is checked before anything is stored, and used or refused by its name.

use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::size::gib_from_mib;
use stockade_provider::types::{Error, Image, Pool, SecurityGroup, VmDiskSpec, VmSpec, VmStatus};

use crate::client::Client;
use crate::cloud::{DEFAULT, LOCATIONS};
use crate::flavors;
use crate::nic_spec::new_nics;
use crate::records::{Attachment, Saved, Size, StoredDisk, StoredVm, metadata};

/// Virtual CPUs and MiB of memory of a VM for which nothing is asked.
const DEFAULT_SIZE: (u32, u32) = (1, 512);

/// The most user-data, as on AWS (16 KiB, <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html>).
const MAX_USER_DATA_BYTES: usize = 16 * 1024;

/// The buses that a disk can have; the first is the default.
pub(crate) const BUSES: [&str; 3] = ["virtio", "scsi", "sata"];

/// The formats that a disk can have; the first is the default.
pub(crate) const FORMATS: [&str; 2] = ["qcow2", "raw"];

/// A VM to create: its record, and its disks in order.
#[derive(Debug)]
pub(crate) struct NewVm {
    pub(crate) vm: StoredVm,
    pub(crate) disks: Vec<NewDisk>,
    pub(crate) start: bool,
}

/// A disk of a VM to create.
#[derive(Debug)]
pub(crate) enum NewDisk {
    /// Made for the VM.
    Create(StoredDisk),
    /// There already, by id.
    Existing(String, Attachment),
}

impl NewVm {
    /// Checks a spec against the cloud and makes the records; stores nothing.
    pub(crate) fn from_spec<H: Host>(client: &Client<'_, H>, spec: VmSpec) -> Result<Self, Error> {
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
            metadata: tags,
            idempotency_key: _,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        if user_data.as_ref().is_some_and(|data| data.len() > MAX_USER_DATA_BYTES) {
            return Err(Error::invalid_argument(
                "user-data",
                format!("`user-data` is limited to {MAX_USER_DATA_BYTES} bytes"),
            ));
        }
        let image = image.map(|image| client.get::<Image>(&image)).transpose()?;
        let id = format!("vm-{}", client.next_number()?);
        let vm = StoredVm {
            id: id.clone(),
            status: VmStatus::Provisioning,
            saved: Saved {
                size: size(flavor, cpus, memory_mib)?,
                nics: new_nics(client, nics)?,
                description,
                metadata: metadata(tags)?,
            },
            next_size: None,
            image: image.as_ref().map(|image| image.name.clone()),
            location: choice("location", location, &LOCATIONS)?,
            autostart,
            created_at: client.now(),
            hostname: hostname.unwrap_or_else(|| name.clone()),
            user_data,
            ssh_keys,
            snapshots: Vec::new(),
            security_groups: group_ids(client, &security_groups)?,
            drive: None,
            console: Vec::new(),
            is_frozen: false,
            name,
        };
        let pool = client.get::<Pool>(pool.as_deref().unwrap_or(DEFAULT))?;
        let maker = DiskMaker {
            client,
            vm: &vm,
            image: image.as_ref(),
            pool: &pool.name,
        };
        let disks = maker.all(disks)?;
        Ok(Self { vm, disks, start })
    }
}

/// The ids of security groups, each once.
fn group_ids<H: Host>(client: &Client<'_, H>, groups: &[String]) -> Result<Vec<String>, Error> {
    let mut ids = Vec::new();
    for group in groups {
        let id = client.get::<SecurityGroup>(group)?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// One of a few words; the first when none is given.
pub(crate) fn choice(field: &str, given: Option<String>, choices: &[&str]) -> Result<String, Error> {
    match given {
        None => Ok(choices[0].to_owned()),
        Some(given) if choices.contains(&given.as_str()) => Ok(given),
        Some(given) => Err(Error::invalid_argument(
            field,
            format!("`{field}` is one of `{}`, not `{given}`", choices.join("`, `")),
        )),
    }
}

/// A VM's size from a flavor or from numbers, not from both.
pub(crate) fn size(flavor: Option<String>, cpus: Option<u32>, memory_mib: Option<u32>) -> Result<Size, Error> {
    for (field, value) in [("cpus", cpus), ("memory-mib", memory_mib)] {
        if value == Some(0) {
            return Err(Error::invalid_argument(field, format!("`{field}` must be at least 1")));
        }
        if value.is_some() && flavor.is_some() {
            return Err(Error::invalid_argument(
                field,
                format!("give a flavor or `{field}`, not both"),
            ));
        }
    }
    match flavor {
        Some(name) => {
            let flavor = flavors::find(&name).ok_or_else(|| Error::not_found("flavor", &name))?;
            Ok(Size {
                cpus: flavor.cpus,
                memory_mib: flavor.memory_mib,
                flavor: Some(flavor.name),
            })
        }
        None => Ok(Size {
            cpus: cpus.unwrap_or(DEFAULT_SIZE.0),
            memory_mib: memory_mib.unwrap_or(DEFAULT_SIZE.1),
            flavor: None,
        }),
    }
}

/// Makes the disks of one new VM.
struct DiskMaker<'a, H> {
    client: &'a Client<'a, H>,
    vm: &'a StoredVm,
    image: Option<&'a Image>,
    pool: &'a str,
}

impl<H: Host> DiskMaker<'_, H> {
    fn all(&self, mut specs: Vec<VmDiskSpec>) -> Result<Vec<NewDisk>, Error> {
        if specs.is_empty() && self.image.is_some() {
            specs.push(VmDiskSpec {
                size_gib: None,
                pool: None,
                image: None,
                existing: None,
                bus: None,
                format: None,
            });
        }
        specs
            .into_iter()
            .enumerate()
            .map(|(index, spec)| self.one(index, spec))
            .collect()
    }

    fn one(&self, index: usize, spec: VmDiskSpec) -> Result<NewDisk, Error> {
        let VmDiskSpec {
            size_gib,
            pool,
            image,
            existing,
            bus,
            format,
        } = spec;
        let attachment = Attachment {
            vm: self.vm.id.clone(),
            device: device(index),
            bus: choice("disks.bus", bus, &BUSES)?,
            read_only: false,
            shareable: false,
        };
        if let Some(existing) = existing {
            if size_gib.is_some() || pool.is_some() || image.is_some() || format.is_some() {
                let message = "an existing disk keeps its size, pool, image and format";
                return Err(Error::invalid_argument("disks.existing", message));
            }
            return Ok(NewDisk::Existing(
                self.client.get::<StoredDisk>(&existing)?.id,
                attachment,
            ));
        }
        let own_image = image.map(|image| self.client.get::<Image>(&image)).transpose()?;
        let backing = own_image.as_ref().or(self.image.filter(|_| index == 0));
        let pool = pool
            .map(|pool| self.client.get::<Pool>(&pool).map(|pool| pool.name))
            .transpose()?;
        Ok(NewDisk::Create(StoredDisk {
            id: format!("disk-{}", self.client.next_number()?),
            name: disk_name(&self.vm.name, index),
            size_gib: disk_size("disks.size-gib", size_gib, backing)?,
            pool: pool.unwrap_or_else(|| self.pool.to_owned()),
            format: choice("disks.format", format, &FORMATS)?,
            backing: backing.map(|image| image.id.clone()),
            created_for: Some(self.vm.id.clone()),
            attachments: vec![attachment],
            created_at: self.client.now(),
            metadata: Vec::new(),
        }))
    }
}

/// The name of a VM's disk; a long VM's name is cut so that the disk's is storable.
pub(crate) fn disk_name(vm: &str, index: usize) -> String {
    let kept: String = vm
        .char_indices()
        .take_while(|(start, c)| start + c.len_utf8() <= 48)
        .map(|(_, c)| c)
        .collect();
    format!("{kept}-disk-{index}")
}

/// The device name of a VM's disk: `vda` to `vdz`, then `vdaa`.
pub(crate) fn device(index: usize) -> String {
    let letter = |index: usize| char::from(b'a' + u8::try_from(index % 26).unwrap_or(0));
    match index {
        0..26 => format!("vd{}", letter(index)),
        _ => format!("vd{}{}", letter(index / 26 - 1), letter(index)),
    }
}

/// A disk's size: what is asked, at least that of the image under it.
pub(crate) fn disk_size(field: &str, asked: Option<u32>, image: Option<&Image>) -> Result<u32, Error> {
    let least = image
        .and_then(|image| image.size_mib)
        .map_or(1, |mib| gib_from_mib(mib).max(1));
    match asked {
        Some(asked) if asked < least => Err(Error::invalid_argument(
            field,
            format!("the disk needs at least {least} GiB, not {asked}"),
        )),
        Some(asked) => Ok(asked),
        None if image.is_some() => Ok(least),
        None => Err(Error::invalid_argument(field, "an empty disk needs a size")),
    }
}
