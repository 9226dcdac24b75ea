//! Volumes on instances: attaching and detaching.

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Subject};

use crate::client::Client;
use crate::instance::Instance;
use crate::launch::free_device;
use crate::query::Query;
use crate::volume::Volume;

/// Attaches a volume under the first free device name.
pub(crate) fn attach<H: Host>(client: &Client<'_, H>, found: &Instance, disk: &Volume) -> Result<(), Error> {
    let taken: Vec<&str> = found.disks.iter().map(|disk| disk.device.as_str()).collect();
    let device = free_device(&taken).ok_or_else(|| {
        let message = format!("vm `{}` has no device name left for another disk", found.name());
        Error::conflict(message)
    })?;
    attach_as(client, found, &disk.id, &device)
}

/// Attaches a volume under this device name.
pub(crate) fn attach_as<H: Host>(
    client: &Client<'_, H>,
    found: &Instance,
    volume: &str,
    device: &str,
) -> Result<(), Error> {
    let query = Query::ec2("AttachVolume")
        .with("VolumeId", volume)
        .with("InstanceId", &found.id)
        .with("Device", device);
    let doing = format!("attaching disk `{volume}` to vm `{}`", found.name());
    client.change(&query, &doing, Some(Subject::new("disk", volume)))
}

/// Says whether what is under a device name is deleted with its VM.
pub(crate) fn set_goes_with_vm<H: Host>(
    client: &Client<'_, H>,
    found: &Instance,
    device: &str,
    goes_with_vm: bool,
) -> Result<(), Error> {
    let query = Query::ec2("ModifyInstanceAttribute")
        .with("InstanceId", &found.id)
        .with("BlockDeviceMapping.1.DeviceName", device)
        .with("BlockDeviceMapping.1.Ebs.DeleteOnTermination", goes_with_vm);
    let doing = format!("changing disk `{device}` of vm `{}`", found.name());
    client.change(&query, &doing, Some(Subject::new("vm", found.name())))
}

/// Detaches a volume.
pub(crate) fn detach<H: Host>(client: &Client<'_, H>, found: &Instance, volume: &str) -> Result<(), Error> {
    let query = Query::ec2("DetachVolume")
        .with("VolumeId", volume)
        .with("InstanceId", &found.id);
    let doing = format!("detaching disk `{volume}` from vm `{}`", found.name());
    client.change(&query, &doing, Some(Subject::new("disk", volume)))
}
