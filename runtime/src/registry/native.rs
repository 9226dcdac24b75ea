//! The providers that are compiled in, described once: what they say about themselves is long, and looked at in every call.

use std::sync::{Arc, LazyLock, OnceLock};

use stockade_host::native::{NativeProvider, native_providers};

use super::installed::InstalledProvider;

/// A provider that is compiled in.
pub(super) struct Native {
    pub(super) provider: &'static NativeProvider,
    installed: OnceLock<Arc<InstalledProvider>>,
}

/// All of them.
pub(super) fn natives() -> &'static [Native] {
    static NATIVES: LazyLock<Vec<Native>> = LazyLock::new(|| native_providers().iter().map(Native::new).collect());
    &NATIVES
}

/// The one of that name.
pub(super) fn find_native(name: &str) -> Option<&'static Native> {
    natives().iter().find(|native| native.provider.name == name)
}

impl Native {
    fn new(provider: &'static NativeProvider) -> Self {
        Self {
            provider,
            installed: OnceLock::new(),
        }
    }

    /// What is known of it.
    pub(super) fn installed(&self) -> &Arc<InstalledProvider> {
        self.installed
            .get_or_init(|| Arc::new(InstalledProvider::native(self.provider)))
    }
}
