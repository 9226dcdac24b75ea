#![doc = include_str!("../README.md")]

mod buckets;
mod cidr;
mod client;
mod config;
mod describe;
mod dns;
mod error;
mod error_codes;
#[cfg(target_arch = "wasm32")]
mod export;
mod instance;
mod instances;
mod load_balancers;
mod networks;
mod operations;
mod paging;
mod query;
mod rest;
mod security_groups;
mod side_by_side;
mod subnets;
#[cfg(test)]
mod tests;
mod things;
mod vm_details;
mod vms;
mod xml;
mod xml_text;

/// The provider.
#[derive(Clone, Copy, Debug)]
pub struct Aws;
