//! What is noted on VMs.

use stockade_provider::abilities::VmMetadata;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, MetadataChange};

use crate::Fake;
use crate::client::Client;
use crate::cloud::done;
use crate::records::StoredVm;

impl<H: Host> VmMetadata<H> for Fake {
    fn update_vm_metadata(host: &H, vm: String, changes: Vec<MetadataChange>) -> Result<Change, Error> {
        let client = Client::open(host, "update-vm-metadata")?;
        if changes.iter().any(|change| change.key.is_empty()) {
            return Err(Error::invalid_argument("changes", "a metadata key must not be empty"));
        }
        change(&client, &vm, |vm| {
            for MetadataChange { key, value } in &changes {
                match value {
                    Some(value) => vm.saved.metadata.insert(key.clone(), value.clone()),
                    None => vm.saved.metadata.remove(key),
                };
            }
        })
    }

    fn set_vm_description(host: &H, vm: String, description: Option<String>) -> Result<Change, Error> {
        let client = Client::open(host, "set-vm-description")?;
        change(&client, &vm, |vm| vm.saved.description.clone_from(&description))
    }

    fn set_vm_autostart(host: &H, vm: String, autostart: bool) -> Result<Change, Error> {
        let client = Client::open(host, "set-vm-autostart")?;
        change(&client, &vm, |vm| vm.autostart = autostart)
    }
}

fn change<H: Host>(client: &Client<'_, H>, vm: &str, change: impl Fn(&mut StoredVm)) -> Result<Change, Error> {
    let changed = client.update::<StoredVm>(vm, |vm| {
        change(vm);
        Ok(())
    })?;
    Ok(done(changed.id))
}
