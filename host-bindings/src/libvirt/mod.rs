//! The native libvirt provider: KVM and QEMU VMs of this host.
//!
//! [`Libvirt`] implements [`crate::contract::Provider`]; the runtime makes one for each connection. Native because no
//! sandboxed component can reach libvirt's socket or its C library. It runs no programs: what `virsh`, `qemu-img` or
//! `genisoimage` would do goes through libvirt's own calls or is written here. The one exception is `ssh`, the way to a
//! remote host.
//!
//! Not supported yet, and answered so: `import-image`, `create-pool`, `delete-pool`, `create-network`, `update-network`,
//! `delete-network`.
//!
//! - `uri`, `remote_options`, `endpoint`, `tunnel`, `ssh_failure`: this host or another one, and how it is reached.
//! - `connection`, `ffi`, `error`, `lookup`: libvirt's calls, on threads that may block, with limits and typed errors.
//! - `watch`, `inventory`, `happenings`, `ffi_events`: what a running server keeps by libvirt's events.
//! - `list`, `get`, `power`, `create`, `delete`, `images`, `upload`, `pools`, `networks`: one file for each function.
//! - `pause`, `resize`, `notes`, `disks`, `disk_attach`, `nics`, `media`: changes of existing VMs, through `handle`, which
//!   knows a VM's two definitions, `hotplug`, which changes both, and `edit`, which cuts and replaces XML verbatim.
//! - `hardware`: the options of a VM beyond its size, disks and interfaces, one file for each kind.
//! - `option_reader`, `keyed`, `disk_tuning`, `nic_tuning`, `nic_source`: the options of specs, typed.
//! - `domain_xml`, `volume_xml` write, `facts` reads, `metadata` does both; `seed`, `iso9660`, `image_format`: formats.

mod addresses;
mod capabilities;
mod connection;
mod create;
mod delete;
mod disk_attach;
mod disk_survey;
mod disk_tuning;
mod disks;
mod domain_xml;
mod edit;
mod element;
mod endpoint;
mod error;
mod facts;
mod ffi;
mod ffi_events;
mod gates;
mod get;
mod handle;
mod happenings;
mod hardware;
mod hotplug;
mod image_format;
mod images;
mod inventory;
mod iso9660;
mod kcli_metadata;
mod keyed;
mod library;
mod list;
mod lookup;
mod machine;
mod media;
mod metadata;
mod names;
mod networks;
mod nic_source;
mod nic_tuning;
mod nics;
mod notes;
mod option_reader;
mod options;
mod page;
mod pause;
mod pools;
mod power;
mod provider;
mod remote_options;
mod request;
mod resize;
#[cfg(test)]
mod schema_check;
mod seed;
mod size_facts;
mod ssh_failure;
mod status;
mod tunnel;
mod upload;
mod uri;
mod volume_xml;
mod volumes;
mod wait;
mod watch;

pub use provider::Libvirt;
