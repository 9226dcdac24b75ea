//! Makes the component.

use crate::Web;

stockade_provider::export!(Web: disks, hosts, images, networks, nics, pools, snapshots, vm_metadata, vm_resize);
