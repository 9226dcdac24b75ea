#![doc = include_str!("../README.md")]

mod attachments;
mod buckets;
mod cidr;
mod client;
mod config;
mod consoles;
mod create;
mod describe;
mod digest;
mod disk_import;
mod disks;
mod dns;
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
mod load_balancers;
mod metadata;
mod networking;
mod networks;
mod new_image;
mod nics;
mod operations;
mod paging;
mod query;
mod replace;
mod resize;
mod rest;
mod screenshot;
mod security_groups;
mod side_by_side;
mod snapshot;
mod snapshots;
mod subnets;
#[cfg(test)]
mod tests;
mod things;
mod user_data;
mod vm_details;
mod vm_images;
mod vm_spec;
mod vms;
mod volume;
mod xml;
mod xml_text;

/// The provider.
#[derive(Clone, Copy, Debug)]
pub struct Aws;
