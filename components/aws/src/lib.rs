#![doc = include_str!("../README.md")]

mod client;
mod config;
mod describe;
mod error;
mod error_codes;
#[cfg(target_arch = "wasm32")]
mod export;
mod instance;
mod instances;
mod operations;
mod paging;
mod query;
#[cfg(test)]
mod tests;
mod vm_details;
mod vms;
mod xml;

/// The provider.
#[derive(Clone, Copy, Debug)]
pub struct Aws;
