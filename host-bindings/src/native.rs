//! Providers that are part of this crate instead of components.
//!
//! They are trusted code: they hold real connections, and are bounded by what they implement, not by grants.

use std::sync::Arc;

use crate::contract::{Ability, Error, OptionEntry, Provider, ProviderInfo};
use crate::engine::EngineProfile;

/// Opens a provider for a connection with these options, in a process of this kind.
pub type OpenProvider = fn(&[OptionEntry], EngineProfile) -> Result<Arc<dyn Provider>, Error>;

/// A provider that is compiled in.
#[derive(Clone, Copy, Debug)]
pub struct NativeProvider {
    /// Its name, which is also in what it says about itself.
    pub name: &'static str,
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
            name: crate::libvirt::Libvirt::NAME,
            info: crate::libvirt::Libvirt::describe,
            abilities: crate::libvirt::Libvirt::ABILITIES,
            open: |options, profile| {
                use crate::libvirt::Libvirt;
                let libvirt = match profile {
                    EngineProfile::Command => Libvirt::new(options)?,
                    EngineProfile::Server => Libvirt::lasting(options)?,
                };
                Ok(Arc::new(libvirt))
            },
        },
    ]
}
