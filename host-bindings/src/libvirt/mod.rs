//! The native libvirt provider: KVM and QEMU VMs of this host.
//!
//! [`Libvirt`] implements [`crate::contract::Provider`]; the runtime makes one for each connection. Native because no
//! sandboxed component can reach libvirt's socket or its C library. It runs no programs: what `virsh`, `qemu-img` or
//! `genisoimage` would do goes through libvirt's own calls or is written here. Remote hosts are not supported yet.
//!
//! Not supported yet, and answered so: `import-image`, `create-pool`, `delete-pool`, `create-network`, `update-network`,
//! `delete-network`.
//!
//! - `connection`, `ffi`, `error`, `lookup`: libvirt's calls, on threads that may block, with limits and typed errors.
//! - `list`, `get`, `power`, `create`, `delete`, `images`, `upload`, `pools`, `networks`: one file for each function.
//! - `domain_xml`, `volume_xml` write, `facts` reads, `metadata` does both; `seed`, `iso9660`, `image_format`: formats.

mod addresses;
mod capabilities;
mod connection;
mod create;
mod delete;
mod domain_xml;
mod element;
mod error;
mod facts;
mod ffi;
mod get;
mod image_format;
mod images;
mod iso9660;
mod library;
mod list;
mod lookup;
mod metadata;
mod names;
mod networks;
mod options;
mod page;
mod pools;
mod power;
mod provider;
mod request;
mod seed;
mod status;
mod upload;
mod uri;
mod volume_xml;
mod volumes;

pub use provider::Libvirt;
