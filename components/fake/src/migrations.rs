//! VMs that move between the zones. Disks are in no zone, so that they are always where the VM is.

use stockade_provider::abilities::Migrations;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, MigrationSpec, VmStatus};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{LOCATIONS, done};
use crate::records::StoredVm;

impl<H: Host> Migrations<H> for Fake {
    fn migrate_vm(host: &H, vm: String, spec: MigrationSpec) -> Result<Change, Error> {
        let client = Client::open(host, "migrate-vm")?;
        let MigrationSpec {
            target,
            live,
            with_storage: _,
        } = spec;
        let changed = client.update::<StoredVm>(&vm, |vm| {
            let next = match &target {
                Some(target) if LOCATIONS.contains(&target.as_str()) => target.clone(),
                Some(target) => return Err(Error::not_found("host", target)),
                None => other_than(&vm.location)?,
            };
            if next == vm.location {
                return Err(Error::conflict(format!("vm `{}` is in `{next}` already", vm.name)));
            }
            match (vm.status, live) {
                (VmStatus::Running, true) | (VmStatus::Stopped, false) => {}
                (_, true) => {
                    let message = format!("vm `{}` does not run, so that it cannot move live", vm.name);
                    return Err(Error::conflict(message));
                }
                (_, false) => {
                    let message = format!("vm `{}` must be stopped to move, or move live", vm.name);
                    return Err(Error::conflict(message));
                }
            }
            vm.location = next;
            Ok(())
        })?;
        Ok(done(changed.id))
    }
}

fn other_than(location: &str) -> Result<String, Error> {
    let other = LOCATIONS.iter().find(|other| **other != location);
    other
        .map(|other| (*other).to_owned())
        .ok_or_else(|| Error::conflict("there is no other zone to move to"))
}
