//! Makes the component.

use crate::Aws;

stockade_provider::export!(
    Aws: consoles, disks, flavors, hosts, images, nics, operations, snapshots, vm_clone, vm_export, vm_metadata, vm_resize
);
