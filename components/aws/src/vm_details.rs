//! What EC2 says about a VM only when it is asked for more than the list: memory, and its disks' sizes and types.

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Vm, VmDisk};

use crate::client::Client;
use crate::instance::Instance;
use crate::listed;
use crate::query::Query;
use crate::volume::Volume;

/// One VM with everything known about it: two requests beside the one that found it, whatever it has.
pub(crate) fn read<H: Host>(client: &Client<'_, H>, instance: &Instance) -> Result<Vm, Error> {
    let doing = format!("reading the type and disks of vm `{}`", instance.name());
    let query = Query::ec2("DescribeInstanceTypes").with_list("InstanceType", [&instance.instance_type]);
    let (cpus, memory_mib) = client.read(&query, &doing, |root| {
        let size = root.set("instanceTypeSet").next();
        let cpus = size.and_then(|size| size.child("vCpuInfo")?.number("defaultVCpus"));
        Ok((
            cpus,
            size.and_then(|size| size.child("memoryInfo")?.number("sizeInMiB")),
        ))
    })?;
    let mut vm = instance.to_vm();
    vm.memory_mib = memory_mib;
    vm.cpus = vm.cpus.or(cpus);
    let query = listed::query::<Volume>().with_filter("attachment.instance-id", [&instance.id]);
    let volumes: Vec<Volume> = listed::all(client, &query, &doing)?;
    let disks = vm.disks.get_or_insert_default();
    for volume in &volumes {
        // Volumes know where they are attached before instances do.
        let attachments = volume.attachments.iter();
        for attachment in attachments.filter(|attachment| attachment.instance == instance.id) {
            let is_it = |disk: &&mut VmDisk| disk.id.as_ref() == Some(&volume.id);
            if let Some(disk) = disks.iter_mut().find(is_it) {
                disk.size_gib = Some(volume.size_gib);
                disk.pool.clone_from(&volume.kind);
            } else if attachment.is_held() {
                disks.push(volume.to_vm_disk(&attachment.device));
            }
        }
    }
    Ok(vm)
}
