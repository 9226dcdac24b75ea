//! Replacing a volume of a stopped VM by one that is made from a snapshot of it.

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Subject};

use crate::attachments;
use crate::client::Client;
use crate::disks;
use crate::instance::{BlockDevice, Instance};
use crate::query::Query;
use crate::snapshot::DiskSnapshot;
use crate::volume::Volume;

/// How long EBS may take for a step: usually seconds; content is fetched later, when it is read.
const STEP_SECONDS: u32 = 120;

/// Makes a volume from the snapshot and puts it into the place of the one that the snapshot was taken of. Until the new
/// one is in its place, a failure puts the old one back. `of_same` are all snapshots of the old volume: they become those
/// of the new one, so that the VM can go back to any of them again.
///
/// # Errors
/// `conflict` when the volume is no longer the VM's.
pub(crate) fn volume<H: Host>(
    client: &Client<'_, H>,
    vm: &Instance,
    part: &DiskSnapshot,
    of_same: &[&str],
) -> Result<(), Error> {
    let device = vm.disks.iter().find(|disk| disk.volume == part.volume).ok_or_else(|| {
        let message = format!(
            "disk `{}` of the snapshot is not attached to vm `{}` any more",
            part.volume,
            vm.name()
        );
        Error::conflict(message)
    })?;
    let old = disks::get(client, &part.volume)?;
    let new = create_from(client, &old, part)?;
    let swapped = swap(client, vm, device, &new);
    swapped.inspect_err(|_| disks::clean_up(client, &new))?;
    retag(client, of_same, &new)?;
    disks::delete(client, &old.id)
}

fn create_from<H: Host>(client: &Client<'_, H>, old: &Volume, part: &DiskSnapshot) -> Result<String, Error> {
    let query = Query::ec2("CreateVolume")
        .with("SnapshotId", &part.id)
        .with_some("AvailabilityZone", old.zone.as_ref())
        .with_some("VolumeType", old.kind.as_ref());
    let query = client.once(query);
    let doing = format!("making a disk from snapshot `{}`", part.id);
    let id = client.read_about(&query, &doing, Some(Subject::new("snapshot", &part.id)), |root| {
        root.string("volumeId")
            .ok_or_else(|| Error::upstream(None, None, format!("while {doing}: AWS answered without an id")))
    })?;
    match disks::wait_for(client, &id, "available", STEP_SECONDS) {
        Ok(_) => Ok(id),
        Err(error) => {
            disks::clean_up(client, &id);
            Err(error)
        }
    }
}

fn swap<H: Host>(client: &Client<'_, H>, vm: &Instance, device: &BlockDevice, new: &str) -> Result<(), Error> {
    attachments::detach(client, vm, &device.volume)?;
    disks::wait_for(client, &device.volume, "available", STEP_SECONDS)?;
    let attached = attachments::attach_as(client, vm, new, &device.device)
        .and_then(|()| disks::wait_for(client, new, "in-use", STEP_SECONDS))
        .and_then(|_| attachments::set_goes_with_vm(client, vm, &device.device, device.goes_with_vm));
    attached.inspect_err(|_| {
        // The first error is what the caller must know.
        let _ = attachments::detach(client, vm, new);
        let _ = disks::wait_for(client, new, "available", STEP_SECONDS);
        let _ = attachments::attach_as(client, vm, &device.volume, &device.device);
    })
}

/// Notes on snapshots which volume is in the old one's place now.
fn retag<H: Host>(client: &Client<'_, H>, snapshots: &[&str], new: &str) -> Result<(), Error> {
    let query = Query::ec2("CreateTags")
        .with_list("ResourceId", snapshots)
        .with("Tag.1.Key", crate::snapshot::VOLUME_TAG)
        .with("Tag.1.Value", new);
    client.change(&query, &format!("noting disk `{new}` on its snapshots"), None)
}
