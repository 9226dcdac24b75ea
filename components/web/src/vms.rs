//! The life of VMs.
//!
//! kweb stops a VM by cutting its power only; asking the guest is `unsupported` unless there is nothing to stop.

use serde_json::json;

use stockade_provider::abilities::Vms;
use stockade_provider::host::Host;
use stockade_provider::idempotency::{self, Recall};
use stockade_provider::page;
use stockade_provider::types::{
    Change, Error, ErrorKind, PageRequest, StopMode, Vm, VmDeleteOptions, VmPage, VmSpec, VmStatus,
};

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
        let is_repeated = match key {
            Some(key) => idempotency::claim(host, &key, &new.name)? == Recall::Repeated,
            None => false,
        };
        // Looked up first, because what a failed creation leaves behind must be told from what was there before.
        match client.find_vm(&new.name)? {
            Some(vm) if is_repeated => return Ok(done(vm.id())),
            Some(_) => return Err(Error::already_exists("vm", &new.name)),
            None => {}
        }
        let doing = format!("creating vm `{}`", new.name);
        let created = client.change("POST", &["vms"], &new.body, &doing);
        created
            .and_then(|()| finish(&client, &new))
            .inspect_err(|error| clean_up(&client, &new.name, error))
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

/// Deletes what a failed creation left: kweb keeps a VM that it defined but could not start. When there was no answer, the
/// creation may still be under way, and when somebody else was faster, the VM is theirs: both are left alone.
fn clean_up<H: Host>(client: &Client<'_, H>, name: &str, error: &Error) {
    let is_unknown = matches!(
        error.kind,
        ErrorKind::TimedOut | ErrorKind::Unavailable | ErrorKind::Denied
    );
    if is_unknown || matches!(error.kind, ErrorKind::AlreadyExists(_)) {
        return;
    }
    // What the caller must know is the first error, not one of these.
    if let Ok(Some(vm)) = client.find_vm(name) {
        let _ = client.delete_vm(&vm.name, true);
    }
}

/// Reads a new VM back and does what kweb cannot do while creating it.
fn finish<H: Host>(client: &Client<'_, H>, new: &NewVm) -> Result<Change, Error> {
    let created = client.vm(&new.name)?;
    if new.start && created.vm_status() == VmStatus::Stopped {
        let message = format!(
            "kweb reported success, but vm `{}` does not run; it was deleted again",
            new.name
        );
        return Err(Error::upstream(None, None, message));
    }
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
