#![doc = include_str!("../README.md")]

mod client;
mod clone;
mod cloud;
mod config;
mod disks;
#[cfg(target_arch = "wasm32")]
mod export;
mod failure;
mod flavors;
mod images;
mod metadata;
mod networks;
mod nics;
mod operations;
mod pause;
mod pools;
mod records;
mod resize;
mod snapshots;
#[cfg(test)]
mod tests;
mod vm_spec;
mod vms;

/// The provider.
#[derive(Clone, Copy, Debug)]
pub struct Fake;
