//! Providers that are components: loading one, and calling its functions.
//!
//! A component is loaded once ([`LoadedComponent`]) and used through connections ([`ComponentProvider`]). Each call gets
//! a store and an instance of its own, which are dropped with it whatever happens: nothing that a guest did or that was
//! done to it is left for the next call.

mod failure;
mod loaded;
mod provider;
mod store;

pub use loaded::{LoadError, LoadedComponent};
pub use provider::{BlobLender, ComponentProvider};
pub(crate) use store::CallState;

use std::fmt;

use crate::contract::Ability;

/// A function of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// The ability that it belongs to.
    pub ability: Ability,
    /// Its name: `list-vms`.
    pub name: &'static str,
}

/// As the contract addresses it: `vms/list-vms`.
impl fmt::Display for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.ability.name(), self.name)
    }
}
