//! Makes the component.

use crate::Fake;

stockade_provider::export!(
    Fake: disks, flavors, images, networks, nics, operations, pools, snapshots, vm_clone, vm_metadata, vm_pause, vm_resize
);
