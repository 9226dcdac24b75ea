//! The size of existing VMs: at once, also while they run, or from the next start on.

use stockade_provider::abilities::VmResize;
use stockade_provider::host::Host;
use stockade_provider::types::{ApplyWhen, Change, Error, VmResizeSpec, VmStatus};

use crate::Fake;
use crate::client::Client;
use crate::cloud::done;
use crate::records::{Size, StoredVm};
use crate::vm_spec;

impl<H: Host> VmResize<H> for Fake {
    fn resize_vm(host: &H, vm: String, spec: VmResizeSpec) -> Result<Change, Error> {
        let client = Client::open(host, "resize-vm")?;
        let VmResizeSpec {
            cpus,
            memory_mib,
            flavor,
            apply,
        } = spec;
        let asked = vm_spec::size(flavor, cpus, memory_mib)?;
        let changed = client.update::<StoredVm>(&vm, |vm| {
            let base = vm
                .next_size
                .as_ref()
                .filter(|_| apply == ApplyWhen::NextStart)
                .unwrap_or(&vm.saved.size);
            let size = match (&asked.flavor, cpus, memory_mib) {
                (None, None, None) => return Ok(()),
                (Some(_), _, _) => asked.clone(),
                (None, cpus, memory_mib) => Size {
                    cpus: cpus.unwrap_or(base.cpus),
                    memory_mib: memory_mib.unwrap_or(base.memory_mib),
                    flavor: None,
                },
            };
            if apply == ApplyWhen::Now || vm.status == VmStatus::Stopped {
                vm.saved.size = size;
            } else {
                vm.next_size = Some(size);
            }
            Ok(())
        })?;
        Ok(done(changed.id))
    }

    fn upgrade_vm_hardware(host: &H, vm: String, _version: Option<String>) -> Result<Change, Error> {
        Client::open(host, "upgrade-vm-hardware")?.get::<StoredVm>(&vm)?;
        Err(Error::unsupported(
            "upgrade-vm-hardware",
            "the simulated hardware has no versions",
        ))
    }
}
