//! Makes the component.

use crate::Openstack;

stockade_provider::export!(
    Openstack: buckets, consoles, disks, dns, flavors, hosts, images, load_balancers, networks, nics, operations, pools,
    security_groups, snapshots, subnets, vm_clone, vm_export, vm_metadata, vm_pause, vm_resize
);
