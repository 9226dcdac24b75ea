#![doc = include_str!("../README.md")]

mod buckets;
mod client;
mod clone;
mod cloud;
mod config;
mod consoles;
mod disks;
mod dns;
mod events;
#[cfg(target_arch = "wasm32")]
mod export;
mod failure;
mod flavors;
mod guest;
mod hosts;
mod images;
mod load_balancers;
mod media;
mod metadata;
mod migrations;
mod networks;
mod nic_spec;
mod nics;
mod operations;
mod pause;
mod pieces;
mod pools;
mod records;
mod resize;
mod security_groups;
mod service_records;
mod snapshots;
mod subnets;
#[cfg(test)]
mod tests;
mod vm_export;
mod vm_spec;
mod vms;

/// The provider.
#[derive(Clone, Copy, Debug)]
pub struct Fake;
