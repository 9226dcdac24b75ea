//! Providers that are part of this crate instead of components.
//!
//! They are trusted code: they hold real connections, and are bounded by what they implement, not by grants.

use std::sync::Arc;

use crate::contract::{Ability, Error, OptionEntry, Provider, ProviderInfo};

/// Opens a provider for a connection with these options.
pub type OpenProvider = fn(&[OptionEntry]) -> Result<Arc<dyn Provider>, Error>;

/// A provider that is compiled in.
#[derive(Clone, Copy, Debug)]
pub struct NativeProvider {
    /// What it says about itself.
    pub info: fn() -> ProviderInfo,
    /// Its abilities.
    pub abilities: &'static [Ability],
    /// Opens it for a connection with validated options. It connects when it is first used.
    pub open: OpenProvider,
}

/// Every provider that is compiled in.
pub fn native_providers() -> &'static [NativeProvider] {
    &[
        #[cfg(feature = "libvirt")]
        NativeProvider {
            info: crate::libvirt::Libvirt::describe,
            abilities: crate::libvirt::Libvirt::ABILITIES,
            open: |options| Ok(Arc::new(crate::libvirt::Libvirt::new(options)?)),
        },
    ]
}
