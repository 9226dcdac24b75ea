//! What EC2 says about a VM only when it is asked for more than the list: memory, and its disks' sizes and types.

use std::collections::BTreeMap;

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Vm};

use crate::client::Client;
use crate::instance::Instance;
use crate::query::Query;

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
    if instance.disks.is_empty() {
        return Ok(vm);
    }
    let query = Query::ec2("DescribeVolumes").with_filter("attachment.instance-id", [&instance.id]);
    let volumes: BTreeMap<String, (Option<u32>, Option<String>)> = client.read(&query, &doing, |root| {
        let volume = |volume: crate::xml::Element<'_>| {
            Some((
                volume.string("volumeId")?,
                (volume.number("size"), volume.string("volumeType")),
            ))
        };
        Ok(root.set("volumeSet").filter_map(volume).collect())
    })?;
    for disk in vm.disks.iter_mut().flatten() {
        if let Some((size_gib, pool)) = disk.id.as_ref().and_then(|id| volumes.get(id)) {
            disk.size_gib = *size_gib;
            disk.pool.clone_from(pool);
        }
    }
    Ok(vm)
}
