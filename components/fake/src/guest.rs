//! The agent inside the simulated guests, which answers while the VM runs.

use stockade_provider::abilities::GuestAgent;
use stockade_provider::host::Host;
use stockade_provider::types::{
    Error, ErrorKind, GuestCommand, GuestCommandResult, GuestFilesystem, GuestInfo, Image, VmStatus,
};

use crate::Fake;
use crate::client::Client;
use crate::records::{StoredDisk, StoredVm};

/// The only user of every simulated guest.
const USER: &str = "cloud";

impl<H: Host> GuestAgent<H> for Fake {
    fn get_guest_info(host: &H, vm: String) -> Result<GuestInfo, Error> {
        let client = Client::open(host, "get-guest-info")?;
        let vm = running(client.get::<StoredVm>(&vm)?)?;
        let image = vm
            .image
            .as_ref()
            .map(|image| client.find::<Image>(image))
            .transpose()?
            .flatten();
        let root = held(&client, &vm)?.into_iter().next();
        Ok(GuestInfo {
            hostname: Some(vm.hostname),
            os_name: image.and_then(|image| image.os_name),
            kernel: None,
            agent_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            users: Vec::new(),
            filesystems: root
                .map(|disk| GuestFilesystem {
                    mount_point: "/".to_owned(),
                    type_: "ext4".to_owned(),
                    total_mib: Some(disk.size_gib.saturating_mul(1024)),
                    used_mib: None,
                })
                .into_iter()
                .collect(),
        })
    }

    fn run_guest_command(host: &H, vm: String, _command: GuestCommand) -> Result<GuestCommandResult, Error> {
        running(Client::open(host, "run-guest-command")?.get::<StoredVm>(&vm)?)?;
        Err(Error::unsupported(
            "run-guest-command",
            "the simulated guests have no programs",
        ))
    }

    fn set_guest_password(host: &H, vm: String, _user: String, _password: String) -> Result<(), Error> {
        running(Client::open(host, "set-guest-password")?.get::<StoredVm>(&vm)?)?;
        Err(Error::unsupported(
            "set-guest-password",
            "the simulated guests have no passwords",
        ))
    }

    fn set_guest_ssh_keys(host: &H, vm: String, user: String, keys: Vec<String>) -> Result<(), Error> {
        let client = Client::open(host, "set-guest-ssh-keys")?;
        client.update::<StoredVm>(&vm, |vm| {
            *vm = running(vm.clone())?;
            if user != USER {
                return Err(Error::not_found("user", &user));
            }
            vm.ssh_keys.clone_from(&keys);
            Ok(())
        })?;
        Ok(())
    }

    fn freeze_guest(host: &H, vm: String) -> Result<u32, Error> {
        let client = Client::open(host, "freeze-guest")?;
        let changed = client.update::<StoredVm>(&vm, |vm| {
            *vm = running(vm.clone())?;
            if vm.is_frozen {
                return Err(Error::conflict(format!(
                    "the guest of vm `{}` is frozen already; thaw it",
                    vm.name
                )));
            }
            vm.is_frozen = true;
            Ok(())
        })?;
        count(&held(&client, &changed)?)
    }

    fn thaw_guest(host: &H, vm: String) -> Result<u32, Error> {
        let client = Client::open(host, "thaw-guest")?;
        if !running(client.get::<StoredVm>(&vm)?)?.is_frozen {
            return Ok(0);
        }
        let changed = client.update::<StoredVm>(&vm, |vm| {
            vm.is_frozen = false;
            Ok(())
        })?;
        count(&held(&client, &changed)?)
    }
}

fn running(vm: StoredVm) -> Result<StoredVm, Error> {
    match vm.status {
        VmStatus::Running => Ok(vm),
        _ => {
            let message = format!(
                "the agent in vm `{}` does not answer, because the vm does not run",
                vm.name
            );
            Err(Error::new(ErrorKind::Unavailable, message))
        }
    }
}

/// The disks that a VM holds, each with one file system.
fn held<H: Host>(client: &Client<'_, H>, vm: &StoredVm) -> Result<Vec<StoredDisk>, Error> {
    let mut disks = client.all::<StoredDisk>()?;
    disks.retain(|disk| disk.attachments.iter().any(|attachment| attachment.vm == vm.id));
    Ok(disks)
}

fn count(disks: &[StoredDisk]) -> Result<u32, Error> {
    u32::try_from(disks.len()).map_err(|_| Error::internal("a vm has more disks than can be counted"))
}
