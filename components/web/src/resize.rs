//! The size of existing VMs: kweb's `UPDATE`, which always means the next start.

use serde_json::{Map, json};

use stockade_provider::abilities::VmResize;
use stockade_provider::host::Host;
use stockade_provider::types::{ApplyWhen, Change, Error, VmResizeSpec, VmStatus};

use crate::Web;
use crate::client::Client;
use crate::vms::done;

impl<H: Host> VmResize<H> for Web {
    fn resize_vm(host: &H, vm: String, spec: VmResizeSpec) -> Result<Change, Error> {
        let VmResizeSpec {
            cpus,
            memory_mib,
            flavor,
            apply,
        } = spec;
        if flavor.is_some() {
            return Err(Error::cannot_honour(
                "flavor",
                "kweb sizes vms by `cpus` and `memory-mib`",
            ));
        }
        for (field, value) in [("cpus", cpus), ("memory-mib", memory_mib)] {
            if value == Some(0) {
                return Err(Error::invalid_argument(field, format!("`{field}` must be at least 1")));
            }
        }
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        let is_stopped = found.vm_status() == VmStatus::Stopped;
        if apply == ApplyWhen::Now && !is_stopped {
            let message = format!(
                "kweb resizes vm `{}` at its next start only: stop it, or ask for the next start",
                found.name
            );
            return Err(Error::conflict(message));
        }
        let mut body = Map::new();
        if let Some(cpus) = cpus {
            body.insert("numcpus".to_owned(), json!(cpus));
        }
        if let Some(memory_mib) = memory_mib {
            body.insert("memory".to_owned(), json!(memory_mib));
        }
        if !body.is_empty() {
            client.update_vm(&found.name, &body.into(), &format!("resizing vm `{}`", found.name))?;
        }
        // A running VM still shows its present size, so only a stopped one can be checked.
        let after = client.vm(&found.name)?;
        let is_wrong = |wanted: Option<u32>, got: Option<u32>| wanted.is_some() && wanted != got;
        if is_stopped && (is_wrong(cpus, after.cpus()) || is_wrong(memory_mib, after.memory_mib())) {
            let message = format!("kweb reported success, but vm `{}` did not change its size", found.name);
            return Err(Error::upstream(None, None, message));
        }
        Ok(done(found.id()))
    }

    fn upgrade_vm_hardware(_host: &H, _vm: String, _version: Option<String>) -> Result<Change, Error> {
        Err(Error::unsupported("upgrade-vm-hardware", "kweb has no route for it"))
    }
}
