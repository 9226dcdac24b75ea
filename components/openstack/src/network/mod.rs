//! Neutron: networks, subnets, security groups, and the interfaces and public addresses of VMs.

mod floating;
mod group_rules;
mod networks;
mod port;
mod routers;
mod security_groups;
mod subnets;
mod tags;

pub(crate) use floating::NewFloating;
pub(crate) use networks::WireNetwork;
pub(crate) use port::{FixedIp, NewPort, Port};
pub(crate) use subnets::WireSubnet;

/// What is written into the description of everything that was created for a VM or a network and goes with it.
pub(crate) const MADE: &str = "made by Stockade; goes with what it was made for";
