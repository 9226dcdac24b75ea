#![doc = include_str!("../README.md")]

mod client;
mod config;
mod disks;
mod error;
#[cfg(target_arch = "wasm32")]
mod export;
mod hosts;
mod images;
mod metadata;
mod networks;
mod nics;
mod pools;
mod resize;
mod snapshots;
#[cfg(test)]
mod tests;
mod vm_spec;
mod vms;
mod wire;

/// The provider.
#[derive(Clone, Copy, Debug)]
pub struct Web;
