//! Cinder: disks, and the types of volumes, which are the contract's pools.

mod disks;
mod pools;
mod wire;

pub(crate) use disks::poll;
pub(crate) use wire::Volume;
