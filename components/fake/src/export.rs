//! Makes the component.

use crate::Fake;

stockade_provider::export!(
    Fake: buckets, consoles, disks, dns, events, flavors, guest_agent, hosts, images, load_balancers, migrations, networks, nics,
    operations, pools, security_groups, snapshots, subnets, vm_clone, vm_export, vm_media, vm_metadata, vm_pause,
    vm_resize
);
