#![doc = include_str!("../README.md")]

mod attachments;
mod client;
mod config;
mod consoles;
mod create;
mod describe;
mod digest;
mod disks;
mod error;
mod error_codes;
#[cfg(target_arch = "wasm32")]
mod export;
mod flavor;
mod flavors;
mod hosts;
mod image;
mod images;
mod instance;
mod instances;
mod key_pairs;
mod launch;
mod listed;
mod metadata;
mod networking;
mod nics;
mod operations;
mod paging;
mod query;
mod replace;
mod resize;
mod snapshot;
mod snapshots;
#[cfg(test)]
mod tests;
mod user_data;
mod vm_details;
mod vm_images;
mod vm_spec;
mod vms;
mod volume;
mod xml;

/// The provider.
#[derive(Clone, Copy, Debug)]
pub struct Aws;
