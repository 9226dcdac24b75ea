//! The life of VMs.

use stockade_provider::abilities::Vms;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, PageRequest, StopMode, Vm, VmDeleteOptions, VmPage, VmSpec, VmStatus};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{self, done, settle};
use crate::records::{StoredDisk, StoredVm};
use crate::vm_spec::{NewDisk, NewVm};

impl<H: Host> Vms<H> for Fake {
    fn list_vms(host: &H, page: PageRequest) -> Result<VmPage, Error> {
        let client = Client::open(host, "list-vms")?;
        let vms = client.all::<StoredVm>()?;
        let (vms, next) = page::cut(vms, &page, client.config.page_size, |vm| vm.name.clone())?;
        let disks = client.all::<StoredDisk>()?;
        Ok(VmPage {
            items: vms.iter().map(|vm| vm.to_vm(&disks)).collect(),
            next,
        })
    }

    fn get_vm(host: &H, vm: String) -> Result<Vm, Error> {
        let client = Client::open(host, "get-vm")?;
        Ok(client.get::<StoredVm>(&vm)?.to_vm(&client.all::<StoredDisk>()?))
    }

    fn create_vm(host: &H, spec: VmSpec) -> Result<Change, Error> {
        let client = Client::open(host, "create-vm")?;
        if client.is_repeated(spec.idempotency_key.as_deref(), &spec.name)?
            && let Some(vm) = client.find::<StoredVm>(&spec.name)?
        {
            return Ok(done(vm.id));
        }
        let new = NewVm::from_spec(&client, spec)?;
        client.progress(10, "reserving the name");
        client.insert(&new.vm)?;
        client.progress(50, "making the disks");
        let created = store_disks(&client, &new).and_then(|()| {
            let after = if new.start {
                VmStatus::Running
            } else {
                VmStatus::Stopped
            };
            settle(&client, &new.vm, VmStatus::Provisioning, after)
        });
        // After an error nothing may be left; the first error is the one that the caller must know.
        created.inspect_err(|_| drop(delete(&client, &new.vm, false)))
    }

    fn delete_vm(host: &H, vm: String, options: VmDeleteOptions) -> Result<Change, Error> {
        let client = Client::open(host, "delete-vm")?;
        let found = client.get::<StoredVm>(&vm)?;
        if !found.snapshots.is_empty() && !options.delete_snapshots {
            let message = format!(
                "vm `{}` has {} snapshots; delete them, or ask to",
                found.name,
                found.snapshots.len()
            );
            return Err(Error::conflict(message));
        }
        delete(&client, &found, options.keep_disks)?;
        Ok(done(found.id))
    }

    fn start_vm(host: &H, vm: String) -> Result<Change, Error> {
        let client = Client::open(host, "start-vm")?;
        let found = client.get::<StoredVm>(&vm)?;
        match found.status {
            VmStatus::Running => Ok(done(found.id)),
            VmStatus::Stopped | VmStatus::Paused | VmStatus::Suspended | VmStatus::Crashed => {
                settle(&client, &found, found.status, VmStatus::Running)
            }
            _ => Err(busy(&found)),
        }
    }

    fn stop_vm(host: &H, vm: String, _mode: StopMode) -> Result<Change, Error> {
        // The simulated guest obeys at once, so that both modes do the same.
        let client = Client::open(host, "stop-vm")?;
        let found = client.get::<StoredVm>(&vm)?;
        match found.status {
            VmStatus::Stopped => Ok(done(found.id)),
            VmStatus::Running | VmStatus::Paused | VmStatus::Suspended | VmStatus::Crashed => {
                settle(&client, &found, found.status, VmStatus::Stopped)
            }
            _ => Err(busy(&found)),
        }
    }

    fn restart_vm(host: &H, vm: String, _mode: StopMode) -> Result<Change, Error> {
        let client = Client::open(host, "restart-vm")?;
        let found = client.get::<StoredVm>(&vm)?;
        match found.status {
            VmStatus::Running | VmStatus::Stopped | VmStatus::Paused | VmStatus::Suspended | VmStatus::Crashed => {
                let stopped = client.update::<StoredVm>(&found.id, |vm| {
                    cloud::enter(vm, VmStatus::Stopped);
                    Ok(())
                })?;
                settle(&client, &stopped, VmStatus::Stopped, VmStatus::Running)
            }
            _ => Err(busy(&found)),
        }
    }
}

/// The VM is between two states.
pub(crate) fn busy(vm: &StoredVm) -> Error {
    Error::conflict(format!(
        "vm `{}` is {}; wait until that is done",
        vm.name,
        format!("{:?}", vm.status).to_lowercase().replace("vmstatus::", "")
    ))
}

fn store_disks<H: Host>(client: &Client<'_, H>, new: &NewVm) -> Result<(), Error> {
    for disk in &new.disks {
        match disk {
            NewDisk::Create(disk) => {
                cloud::check_capacity(&disk.pool, &client.all::<StoredDisk>()?, disk.size_gib)?;
                client.insert(disk)?;
            }
            NewDisk::Existing(id, attachment) => crate::disks::attach(client, id, attachment)?,
        }
    }
    Ok(())
}

/// Deletes a VM with the disks that were created for it, or without; disks of others are detached.
pub(crate) fn delete<H: Host>(client: &Client<'_, H>, vm: &StoredVm, keep_disks: bool) -> Result<(), Error> {
    for disk in client.all::<StoredDisk>()? {
        let goes = disk.created_for.as_ref() == Some(&vm.id) && !keep_disks;
        if goes {
            client.remove::<StoredDisk>(&disk.id, |_| Ok(()))?;
        } else if disk.attachments.iter().any(|attachment| attachment.vm == vm.id) {
            client.update::<StoredDisk>(&disk.id, |disk| {
                disk.attachments.retain(|attachment| attachment.vm != vm.id);
                disk.created_for = disk.created_for.take().filter(|owner| *owner != vm.id);
                Ok(())
            })?;
        }
    }
    client.remove::<StoredVm>(&vm.id, |_| Ok(())).map(drop)
}
