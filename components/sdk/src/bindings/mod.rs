//! The bindings that `wit-bindgen` generates from the contract; nothing in here is written by hand.
//!
//! One module holds every type and every import, so that all abilities of all providers share one set of Rust types.
//! Beside it, one module per ability holds that ability's `Guest` trait, its page records and the macro that exports
//! it. A component carries the type section of an ability only when [`crate::export!`] names the ability, and the
//! tools that make a component drop every import that is not called.
//!
//! Used through [`crate::types`], [`crate::abilities`] and [`crate::host`].

/// Types and imports of the contract, shared by all abilities.
pub mod shared {
    wit_bindgen::generate!({
        inline: "
            package stockade:sdk;
            world shared {
                import stockade:provider/types@0.1.0;
                import stockade:provider/info-types@0.1.0;
                import stockade:provider/vm-types@0.1.0;
                import stockade:provider/storage-types@0.1.0;
                import stockade:provider/network-types@0.1.0;
                import stockade:provider/http-types@0.1.0;
                include stockade:provider/imports@0.1.0;
            }
        ",
        path: "../../wit",
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

/// Generates the module of one ability: its world exports that ability only, and its types are the shared ones.
macro_rules! ability {
    ($module:ident, $world:tt, $($interface:tt: $types:ident,)+) => {
        #[doc = concat!("What a provider implements and exports for `", stringify!($module), "`.")]
        pub mod $module {
            wit_bindgen::generate!({
                inline: $world,
                path: "../../wit",
                pub_export_macro: true,
                additional_derives: [PartialEq],
                with: { $($interface: crate::bindings::shared::stockade::provider::$types,)+ },
            });
        }
    };
}

// `info` and `vms` belong to every provider, so they are one module.
ability! {
    base,
    "package stockade:sdk-base; world base { export stockade:provider/info@0.1.0; export stockade:provider/vms@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/info-types@0.1.0": info_types,
    "stockade:provider/vm-types@0.1.0": vm_types,
}
ability! {
    buckets,
    "package stockade:sdk-buckets; world buckets { export stockade:provider/buckets@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/blobs@0.1.0": blobs,
}
ability! {
    consoles,
    "package stockade:sdk-consoles; world consoles { export stockade:provider/consoles@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
}
ability! {
    disks,
    "package stockade:sdk-disks; world disks { export stockade:provider/disks@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/storage-types@0.1.0": storage_types,
}
ability! {
    dns,
    "package stockade:sdk-dns; world dns { export stockade:provider/dns@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/network-types@0.1.0": network_types,
}
ability! {
    events,
    "package stockade:sdk-events; world events { export stockade:provider/events@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
}
ability! {
    flavors,
    "package stockade:sdk-flavors; world flavors { export stockade:provider/flavors@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
}
ability! {
    guest_agent,
    "package stockade:sdk-guest-agent; world guest-agent { export stockade:provider/guest-agent@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
}
ability! {
    hosts,
    "package stockade:sdk-hosts; world hosts { export stockade:provider/hosts@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
}
ability! {
    images,
    "package stockade:sdk-images; world images { export stockade:provider/images@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/storage-types@0.1.0": storage_types,
    "stockade:provider/blobs@0.1.0": blobs,
}
ability! {
    load_balancers,
    "package stockade:sdk-load-balancers; world load-balancers { export stockade:provider/load-balancers@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/network-types@0.1.0": network_types,
}
ability! {
    migrations,
    "package stockade:sdk-migrations; world migrations { export stockade:provider/migrations@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/vm-types@0.1.0": vm_types,
}
ability! {
    networks,
    "package stockade:sdk-networks; world networks { export stockade:provider/networks@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/network-types@0.1.0": network_types,
}
ability! {
    nics,
    "package stockade:sdk-nics; world nics { export stockade:provider/nics@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/vm-types@0.1.0": vm_types,
}
ability! {
    operations,
    "package stockade:sdk-operations; world operations { export stockade:provider/operations@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
}
ability! {
    pools,
    "package stockade:sdk-pools; world pools { export stockade:provider/pools@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/storage-types@0.1.0": storage_types,
}
ability! {
    security_groups,
    "package stockade:sdk-security-groups; world security-groups { export stockade:provider/security-groups@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/network-types@0.1.0": network_types,
}
ability! {
    snapshots,
    "package stockade:sdk-snapshots; world snapshots { export stockade:provider/snapshots@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/storage-types@0.1.0": storage_types,
}
ability! {
    subnets,
    "package stockade:sdk-subnets; world subnets { export stockade:provider/subnets@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/network-types@0.1.0": network_types,
}
ability! {
    vm_clone,
    "package stockade:sdk-vm-clone; world vm-clone { export stockade:provider/vm-clone@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/vm-types@0.1.0": vm_types,
}
ability! {
    vm_export,
    "package stockade:sdk-vm-export; world vm-export { export stockade:provider/vm-export@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/vm-types@0.1.0": vm_types,
    "stockade:provider/blobs@0.1.0": blobs,
}
ability! {
    vm_media,
    "package stockade:sdk-vm-media; world vm-media { export stockade:provider/vm-media@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
}
ability! {
    vm_metadata,
    "package stockade:sdk-vm-metadata; world vm-metadata { export stockade:provider/vm-metadata@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/vm-types@0.1.0": vm_types,
}
ability! {
    vm_pause,
    "package stockade:sdk-vm-pause; world vm-pause { export stockade:provider/vm-pause@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
}
ability! {
    vm_resize,
    "package stockade:sdk-vm-resize; world vm-resize { export stockade:provider/vm-resize@0.1.0; }",
    "stockade:provider/types@0.1.0": types,
    "stockade:provider/vm-types@0.1.0": vm_types,
}
