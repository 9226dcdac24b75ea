//! Installed providers: components by digest, and the native ones that are compiled in.
//!
//! Installing runs a component's `describe` without any grant and keeps the answer, so that listing and configuring run
//! none of its code. What is kept is used only while the lock file and the policy say so: see `admission`.

mod admission;
mod files;
mod install;
mod installed;
mod lock;
mod native;
mod verification;

use std::sync::Arc;
use std::time::Duration;

use stockade_host::artifact::{ComponentBytes, ComponentLoader};
use stockade_host::call::Call;
use stockade_host::component::{ComponentProvider, LoadedComponent};
use stockade_host::connection::{Connection, Isolation};
use stockade_host::contract::{Error as ContractError, Provider as _};
use stockade_host::native::NativeProvider;

pub(crate) use admission::{Admission, Identity};
pub use install::Installation;
pub(crate) use install::Prepared;
pub use installed::{InstalledProvider, ProviderKind, Signer};
pub use verification::Verification;

use admission::{admit, read_verified};
use files::{Description, KeptDescription, RegistryFiles};
use lock::LockFile;
use native::{find_native, natives};

use crate::error::{Error, Result};
use crate::home::{Home, check_name};
use crate::suggest;
use crate::trust::{Trust, TrustStore};

/// How long a component may take to describe itself, in all and computing: the contract asks for a constant. The first is
/// far longer, because on a busy host computing takes its time.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(10);
const DESCRIBE_CPU_MS: u32 = 500;

/// The installed providers.
#[derive(Debug)]
pub(crate) struct Registry {
    home: Home,
    files: RegistryFiles,
    trust: TrustStore,
    loader: Arc<ComponentLoader>,
    /// Where components run that are inspected.
    inspection: Isolation,
}

/// A provider that is ready to be used.
pub(crate) enum Loaded {
    Component(Arc<LoadedComponent>),
    Native(&'static NativeProvider),
}

impl Registry {
    pub(crate) fn new(home: Home, loader: ComponentLoader, inspection: Isolation) -> Self {
        Self {
            files: RegistryFiles::new(&home),
            trust: TrustStore::new(&home),
            home,
            loader: Arc::new(loader),
            inspection,
        }
    }

    /// Whom the operator trusts.
    pub(crate) fn trust(&self) -> &TrustStore {
        &self.trust
    }

    /// Every installed provider, sorted by name; those that cannot be used say why.
    pub(crate) fn list(&self) -> Result<Vec<InstalledProvider>> {
        let mut providers: Vec<InstalledProvider> = natives()
            .iter()
            .map(|native| InstalledProvider::clone(native.installed()))
            .collect();
        for name in self.files.names()? {
            providers.extend(self.look(&name)?);
        }
        providers.sort_by(|one, other| one.info.name.cmp(&other.info.name));
        Ok(providers)
    }

    /// One installed provider; one that cannot be used says why.
    pub(crate) fn get(&self, name: &str) -> Result<InstalledProvider> {
        check_name("provider", name)?;
        if let Some(native) = find_native(name) {
            return Ok(InstalledProvider::clone(native.installed()));
        }
        self.look(name)?.map_or_else(|| Err(self.unknown(name)), Ok)
    }

    /// The permission to use a provider now.
    pub(crate) fn admit(&self, name: &str) -> Result<Admission> {
        check_name("provider", name)?;
        if let Some(native) = find_native(name) {
            return Ok(Admission::native(Arc::clone(native.installed())));
        }
        let Some(kept) = self.files.description(name)? else {
            return Err(self.unknown(name));
        };
        self.admit_kept(name, kept)
    }

    /// Removes a component. Connections that use it say so when they are used next.
    pub(crate) fn remove(&self, name: &str) -> Result<InstalledProvider> {
        let provider = self.get(name)?;
        if provider.kind == ProviderKind::Native {
            return Err(Error::invalid(
                "provider",
                format!("provider `{name}` is compiled in; it cannot be removed"),
            ));
        }
        let _changing = self.home.lock()?;
        self.files.remove_description(name)?;
        self.files.remove_component(&provider.digest)?;
        LockFile::read(&self.home)?.remove(name)?;
        Ok(provider)
    }

    /// Loads a provider that may be used, after its bytes were verified.
    pub(crate) async fn open(&self, admission: &Admission) -> Result<Loaded> {
        if let Some(native) = find_native(&admission.provider.info.name) {
            return Ok(Loaded::Native(native.provider));
        }
        let bytes = self.verified(admission).await?;
        Ok(Loaded::Component(Arc::new(self.load(bytes).await?)))
    }

    /// The bytes of a component that may be used.
    async fn verified(&self, admission: &Admission) -> Result<ComponentBytes> {
        let (files, admission) = (self.files.clone(), admission.clone());
        // Reading, hashing and verifying megabytes is no work for a thread that answers others.
        match tokio::task::spawn_blocking(move || read_verified(&files, &admission)).await {
            Ok(bytes) => bytes,
            Err(error) => Err(ContractError::internal(format!("verifying was given up: {error}")).into()),
        }
    }

    async fn load(&self, bytes: ComponentBytes) -> Result<LoadedComponent> {
        let loader = Arc::clone(&self.loader);
        let loaded = tokio::task::spawn_blocking(move || loader.load(&bytes)).await;
        match loaded {
            Ok(component) => component.map_err(|error| {
                let error = crate::error::chain(&error);
                Error::invalid("component", error)
            }),
            Err(error) => Err(ContractError::internal(format!("loading was given up: {error}")).into()),
        }
    }

    /// What is kept of a component, and why it cannot be used.
    fn look(&self, name: &str) -> Result<Option<InstalledProvider>> {
        let Some(kept) = self.files.description(name)? else {
            return Ok(None);
        };
        let description = kept.description.clone();
        Ok(Some(match self.admit_kept(name, kept) {
            Ok(admission) => Arc::unwrap_or_clone(admission.provider),
            Err(error) => InstalledProvider {
                refusal: Some(error.to_string()),
                ..self.describe_refused(name, description)
            },
        }))
    }

    /// What can be said of a component that cannot be used.
    fn describe_refused(&self, name: &str, description: Description) -> InstalledProvider {
        let pin = LockFile::read(&self.home).ok().and_then(|lock| lock.get(name).cloned());
        let trust = self.trust.read().ok();
        let signer = pin.as_ref().and_then(|pin| pin.signer).zip(trust);
        let signer = signer.map(|(id, trust)| Signer::new(id, &trust));
        let source = pin.map_or_else(|| "unknown".to_owned(), |pin| pin.source);
        InstalledProvider::component(description, source, signer)
    }

    fn admit_kept(&self, name: &str, kept: KeptDescription) -> Result<Admission> {
        let (lock, trust): (_, Trust) = (LockFile::read(&self.home)?, self.trust.read()?);
        admit(name, kept, &self.files, &lock, &trust)
    }

    /// Asks a component what it is, without any grant.
    async fn describe(&self, component: &ComponentBytes) -> Result<Description> {
        let component = self.load(component.clone()).await?;
        let digest = component.digest().to_owned();
        let (abilities, imports) = (component.abilities().to_vec(), component.imports().to_vec());
        let mut connection = Connection::without_grants("(none)");
        connection.limits.cpu_ms = DESCRIBE_CPU_MS;
        connection.isolation = self.inspection;
        let call = Call {
            timeout: DESCRIBE_TIMEOUT,
            ..Call::default()
        };
        let provider = ComponentProvider::new(Arc::new(component), Arc::new(connection));
        let info = provider.describe(&call).await?;
        let description = Description {
            digest,
            abilities,
            imports,
            info,
        };
        description.check()?;
        Ok(description)
    }

    fn unknown(&self, name: &str) -> Error {
        let error = Error::not_found("provider", name);
        if let Some(pin) = LockFile::read(&self.home).ok().and_then(|lock| lock.get(name).cloned()) {
            return error.hint(format!(
                "the lock file pins its version {}; install it: `stockade provider add {}`",
                pin.version, pin.source
            ));
        }
        let mut names = self.files.names().unwrap_or_default();
        names.extend(natives().iter().map(|native| native.provider.name.to_owned()));
        names.sort();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        match suggest::hint(name, &names) {
            Some(hint) => error.hint(hint),
            None => error.hint("install one with `stockade provider add FILE.wasm`"),
        }
    }
}
