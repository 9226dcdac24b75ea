//! Copies of VMs.

use stockade_provider::abilities::VmClone;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, Network, VmCloneSpec, VmStatus};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{self, settle};
use crate::records::{StoredDisk, StoredVm};
use crate::vm_spec::disk_name;
use crate::vms;

impl<H: Host> VmClone<H> for Fake {
    fn clone_vm(host: &H, vm: String, spec: VmCloneSpec) -> Result<Change, Error> {
        let client = Client::open(host, "clone-vm")?;
        let VmCloneSpec {
            name,
            linked,
            snapshot,
            start,
        } = spec;
        let original = client.get::<StoredVm>(&vm)?;
        let mut copy = original.clone();
        if let Some(snapshot) = snapshot {
            copy.saved = crate::snapshots::find(&original, &snapshot)?.saved.clone();
        }
        copy.id = format!("vm-{}", client.next_number()?);
        copy.name.clone_from(&name);
        copy.hostname = name;
        copy.status = VmStatus::Provisioning;
        copy.created_at = client.now();
        copy.snapshots.clear();
        renew_addresses(&client, &mut copy)?;
        client.insert(&copy)?;
        let after = if start { VmStatus::Running } else { VmStatus::Stopped };
        let made = copy_disks(&client, &original, &copy, linked)
            .and_then(|()| settle(&client, &copy, VmStatus::Provisioning, after));
        // After an error nothing may be left; the first error is the one that the caller must know.
        made.inspect_err(|_| drop(vms::delete(&client, &copy, false)))
    }
}

fn renew_addresses<H: Host>(client: &Client<'_, H>, copy: &mut StoredVm) -> Result<(), Error> {
    let mut taken = cloud::all_nics(client)?;
    for nic in &mut copy.saved.nics {
        nic.mac = Some(cloud::mac(client.next_number()?));
        let network = nic
            .network
            .as_ref()
            .map(|network| client.get::<Network>(network))
            .transpose()?;
        nic.ips = match network.filter(|network| network.dhcp == Some(true)) {
            Some(network) => cloud::free_address(&network, &taken)?.into_iter().collect(),
            None => Vec::new(),
        };
        taken.push(nic.clone());
    }
    Ok(())
}

/// Copies the disks that were created for the original; disks of others cannot be in two places.
fn copy_disks<H: Host>(
    client: &Client<'_, H>,
    original: &StoredVm,
    copy: &StoredVm,
    linked: bool,
) -> Result<(), Error> {
    let all = client.all::<StoredDisk>()?;
    let owned = all
        .iter()
        .filter(|disk| disk.created_for.as_ref() == Some(&original.id));
    for (index, disk) in owned.enumerate() {
        cloud::check_capacity(&disk.pool, &client.all::<StoredDisk>()?, disk.size_gib)?;
        let attachments = disk
            .attachments
            .iter()
            .filter(|attachment| attachment.vm == original.id);
        client.insert(&StoredDisk {
            id: format!("disk-{}", client.next_number()?),
            name: disk_name(&copy.name, index),
            backing: if linked {
                Some(disk.id.clone())
            } else {
                disk.backing.clone()
            },
            created_for: Some(copy.id.clone()),
            attachments: attachments
                .map(|attachment| crate::records::Attachment {
                    vm: copy.id.clone(),
                    ..attachment.clone()
                })
                .collect(),
            created_at: client.now(),
            ..disk.clone()
        })?;
    }
    Ok(())
}
