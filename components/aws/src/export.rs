//! Makes the component.

use crate::Aws;

stockade_provider::export!(
    Aws: buckets, consoles, disks, dns, flavors, hosts, images, load_balancers, networks, nics, operations, security_groups,
        snapshots, subnets, vm_clone, vm_export, vm_metadata, vm_resize
);
