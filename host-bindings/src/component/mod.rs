//! Providers that are components: loading one, and calling its functions.
//!
//! A component is loaded once ([`LoadedComponent`]) and used through connections ([`ComponentProvider`]). Each call gets
//! a store and an instance of its own, which are dropped with it whatever happens: nothing that a guest did or that was
//! done to it is left for the next call.

mod export;
mod failure;
mod guest;
mod loaded;
mod provider;
mod store;

pub use export::Function;
pub(crate) use export::{Export, Handles};
pub(crate) use failure::Failure;
pub(crate) use guest::Guest;
pub use loaded::{LoadError, LoadedComponent};
pub use provider::ComponentProvider;
pub(crate) use store::CallState;
