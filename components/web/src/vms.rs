//! The life of VMs.
//!
//! kweb stops a VM by cutting its power only; asking the guest is `unsupported` unless there is nothing to stop.

use serde_json::json;

use stockade_provider::abilities::Vms;
use stockade_provider::host::Host;
use stockade_provider::idempotency::{self, Recall};
use stockade_provider::page;
use stockade_provider::types::{Change, Error, PageRequest, StopMode, Vm, VmDeleteOptions, VmPage, VmSpec, VmStatus};

use crate::Web;
use crate::client::Client;
use crate::config::Config;
use crate::vm_spec::NewVm;

/// The page size when the caller names none; kweb answers the whole list anyway.
pub(crate) const DEFAULT_PAGE: u32 = 200;

/// A change that is complete.
pub(crate) fn done(id: impl Into<String>) -> Change {
    Change {
        id: id.into(),
        pending: None,
    }
}

impl<H: Host> Vms<H> for Web {
    fn list_vms(host: &H, page: PageRequest) -> Result<VmPage, Error> {
        let vms = Client::new(host).vms()?;
        let (vms, next) = page::cut(vms, &page, DEFAULT_PAGE, |vm| vm.name.clone())?;
        Ok(VmPage {
            items: vms.iter().map(|vm| vm.to_vm(None)).collect(),
            next,
        })
    }

    fn get_vm(host: &H, vm: String) -> Result<Vm, Error> {
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        Ok(found.to_vm(Some(&client.pools()?)))
    }

    fn create_vm(host: &H, spec: VmSpec) -> Result<Change, Error> {
        let key = spec.idempotency_key.clone();
        let new = NewVm::from_spec(spec, &Config::read(host)?)?;
        let client = Client::new(host);
        if let Some(key) = key
            && idempotency::claim(host, &key, &new.name)? == Recall::Repeated
            && let Some(vm) = client.find_vm(&new.name)?
        {
            return Ok(done(vm.id()));
        }
        client.change("POST", &["vms"], &new.body, &format!("creating vm `{}`", new.name))?;
        finish(&client, &new).inspect_err(|_| {
            // After an error nothing may be left. What the caller must know is the first error, not this one's.
            let _ = client.delete_vm(&new.name, true);
        })
    }

    fn delete_vm(host: &H, vm: String, options: VmDeleteOptions) -> Result<Change, Error> {
        if options.keep_disks {
            return Err(Error::cannot_honour(
                "keep-disks",
                "kweb deletes the first disk of a vm in any case",
            ));
        }
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        client.delete_vm(&found.name, options.delete_snapshots)?;
        Ok(done(found.id()))
    }

    fn start_vm(host: &H, vm: String) -> Result<Change, Error> {
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        client.start_vm(&found.name)?;
        Ok(done(found.id()))
    }

    fn stop_vm(host: &H, vm: String, mode: StopMode) -> Result<Change, Error> {
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        if found.vm_status() != VmStatus::Stopped {
            require_forced(mode, "stop-vm")?;
            client.stop_vm(&found.name)?;
        }
        Ok(done(found.id()))
    }

    fn restart_vm(host: &H, vm: String, mode: StopMode) -> Result<Change, Error> {
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        if found.vm_status() != VmStatus::Stopped {
            require_forced(mode, "restart-vm")?;
            client.stop_vm(&found.name)?;
        }
        client.start_vm(&found.name)?;
        Ok(done(found.id()))
    }
}

/// Reads a new VM back and does what kweb cannot do while creating it.
fn finish<H: Host>(client: &Client<'_, H>, new: &NewVm) -> Result<Change, Error> {
    let created = client.vm(&new.name)?;
    if new.autostart {
        let doing = format!("setting autostart of vm `{}`", new.name);
        client.update_vm(&new.name, &json!({"autostart": true}), &doing)?;
    }
    for (field, wanted, got) in [
        ("cpus", new.cpus, created.cpus()),
        ("memory-mib", new.memory_mib, created.memory_mib()),
    ] {
        if let (Some(wanted), Some(got)) = (wanted, got)
            && wanted != got
        {
            let message = format!(
                "kweb gave vm `{}` {got} instead of {wanted} for `{field}`; it was deleted again",
                new.name
            );
            return Err(Error::upstream(None, None, message));
        }
    }
    Ok(done(created.id()))
}

fn require_forced(mode: StopMode, function: &str) -> Result<(), Error> {
    match mode {
        StopMode::Forced => Ok(()),
        StopMode::Graceful(_) => Err(Error::unsupported(
            function,
            "kweb can only cut the power; use a forced stop",
        )),
    }
}
