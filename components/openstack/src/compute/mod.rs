//! Nova: VMs and what belongs to them.

mod boot;
mod clone;
mod consoles;
mod export;
mod flavors;
mod hostname;
mod hosts;
mod metadata;
mod nics;
mod operations;
mod pause;
mod power;
mod resize;
mod resolve;
mod server;
mod snapshots;
mod spec;
mod vm;
mod vms;

pub(crate) use operations::{Operation, state};
pub(crate) use server::Server;
