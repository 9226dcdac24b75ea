//! The native libvirt provider: KVM and QEMU VMs of this host.
//!
//! [`Libvirt`] implements [`crate::contract::Provider`]; the runtime makes one for each connection. Native because no
//! sandboxed component can reach libvirt's socket or its C library. It runs no programs: what `virsh`, `qemu-img` or
//! `genisoimage` would do goes through libvirt's own calls or is written here. The one exception is `ssh`, the way to a
//! remote host.
//!
//! What libvirt cannot do, and is answered so: `clone-vm` and `export-vm` of a snapshot that is inside the disks, which only
//! reverting takes out; `create-snapshot` beside disks that are no files.
//!
//! Depends on the VM: `read-vm-console-log` needs the option `console_log` at its creation, `take-vm-screenshot` a QEMU that
//! takes pictures as PNG, `set-guest-password` a program for it in the guest, `suspend-vm` a VM that is defined, and
//! `open-vm-console` a screen or a serial line.
//!
//! - `uri`, `remote_options`, `endpoint`, `tunnel`, `ssh_failure`: this host or another one, and how it is reached.
//! - `host`, `provider`: a connection as an object, and the contract's functions, each handed to the module that knows how.
//! - `connection`, `ffi`, `error`, `lookup`: libvirt's calls, on threads that may block, with limits and typed errors.
//! - `watch`, `inventory`, `happenings`, `ffi_events`: what a running server keeps by libvirt's events.
//! - `list_vms` asks by `wire`, libvirt's protocol without its library, or by the library; `listed` decides what is asked, and
//!   `list` what is shown of the answers.
//! - `get`, `power`, `create`, `delete`, `images`, `upload`, `pools`, `networks`: one file for each function.
//! - `pool_changes`, `network_changes`, `network_update`: what changes those; `*_request` checks what is asked for.
//! - `snapshots`, `clone`, `export`, `hosts`: one file for each ability; `own_volumes`, `leftovers`: what goes with a VM.
//! - `fetch`, `image_sources`, `content`, `packing`: how images come here; `upload`, `download`: through libvirt's streams.
//! - `pause`, `resize`, `notes`, `disks`, `disk_attach`, `nics`, `media`: changes of existing VMs, through `handle`, which
//!   knows a VM's two definitions, `hotplug`, which changes both, and `edit`, which cuts and replaces XML verbatim.
//! - `migration` moves VMs to hosts that the option `migration_targets` names.
//! - `agent` asks the guest's agent; `consoles`, `console_facts` and `console_session` open screens and serial lines.
//! - `hardware`: the options of a VM beyond its size, disks and interfaces, one file for each kind.
//! - `option_reader`, `keyed`, `disk_tuning`, `nic_tuning`, `nic_source`: the options of specs, typed.
//! - `domain_xml`, `volume_xml` write, `facts` reads, `metadata` does both; `seed`, `template`,
//!   `iso9660`, `image_format`: formats.

mod addresses;
mod agent;
mod capabilities;
mod clone;
mod clone_seed;
mod clone_xml;
mod connection;
mod console_facts;
mod console_session;
mod consoles;
mod content;
mod create;
mod delete;
mod disk_attach;
mod disk_request;
mod disk_state;
mod disk_survey;
mod disk_tuning;
mod disks;
mod domain_xml;
mod download;
mod edit;
mod element;
mod endpoint;
mod error;
mod export;
mod facts;
mod fetch;
mod ffi;
mod ffi_events;
mod gates;
mod get;
mod handle;
mod happenings;
mod hardware;
mod host;
mod hosts;
mod hotplug;
mod image_format;
mod image_sources;
mod images;
mod inventory;
mod iso9660;
mod iso_reader;
mod kcli_metadata;
mod keyed;
mod leftovers;
mod library;
mod list;
mod list_vms;
mod listed;
mod lookup;
mod machine;
mod media;
mod metadata;
mod migration;
mod names;
mod network_changes;
mod network_entries;
mod network_request;
mod network_update;
mod network_xml;
mod networks;
mod new_disk;
mod nic_request;
mod nic_source;
mod nic_tuning;
mod nics;
mod notes;
mod option_reader;
mod options;
mod own_volumes;
mod packing;
mod page;
mod pause;
mod pool_capabilities;
mod pool_changes;
mod pool_request;
mod pools;
mod power;
mod provider;
mod remote_options;
mod request;
mod resize;
mod room;
mod seed;
mod size_facts;
mod snapshot_facts;
mod snapshot_plan;
mod snapshots;
mod spec_options;
mod ssh_failure;
mod status;
mod template;
mod transaction;
mod tree;
mod tunnel;
mod upload;
mod uri;
mod volume_xml;
mod volumes;
mod wait;
mod watch;
mod wire;

#[cfg(test)]
mod schema_check;
#[cfg(test)]
mod test_host;

pub use host::Libvirt;
