//! Installed providers: components by digest, and the native ones that are compiled in.
//!
//! Installing runs a component's `describe` without any grant and keeps the answer, so that listing and configuring run
//! none of its code.

mod installed;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stockade_host::artifact::{ComponentBytes, ComponentLoader};
use stockade_host::call::Call;
use stockade_host::component::{ComponentProvider, LoadedComponent};
use stockade_host::connection::{Connection, Isolation};
use stockade_host::contract::{Error as ContractError, Provider as _};
use stockade_host::native::{NativeProvider, native_providers};

pub use installed::{InstalledProvider, ProviderKind};

use crate::error::{Error, Result};
use crate::home::{Home, check_name, read_optional, write_private};
use crate::suggest;

/// How long a component may take to describe itself, in all and computing: the contract asks for a constant. The first is
/// far longer, because on a busy host computing takes its time.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(10);
const DESCRIBE_CPU_MS: u32 = 500;

/// The installed providers.
#[derive(Debug)]
pub(crate) struct Registry {
    home: Home,
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
            home,
            loader: Arc::new(loader),
            inspection,
        }
    }

    /// Looks at a component file: what it is and asks for. Runs nothing of it but `describe`, without any grant.
    pub(crate) async fn inspect(&self, file: &Path) -> Result<InstalledProvider> {
        let bytes = read_component(file).await?;
        let component = self
            .load(bytes)
            .await
            .map_err(|error| error.while_doing(format!("inspect `{}`", file.display())))?;
        self.describe(component, &file.display().to_string()).await
    }

    /// Installs a component file. The same component again is not an error; another one of that name needs `replace`.
    pub(crate) async fn add(&self, file: &Path, replace: bool) -> Result<InstalledProvider> {
        let doing = format!("add provider `{}`", file.display());
        let bytes = read_component(file).await?;
        let component = self
            .load(bytes.clone())
            .await
            .map_err(|error| error.while_doing(&doing))?;
        let provider = self
            .describe(component, &file.display().to_string())
            .await
            .map_err(|error| error.while_doing(&doing))?;
        self.check_name_is_free(&provider, replace)
            .map_err(|error| error.while_doing(&doing))?;
        write_private(&self.component_file(&provider.digest), bytes.bytes())?;
        let text =
            serde_json::to_string_pretty(&provider).map_err(|error| Error::invalid("provider", error.to_string()))?;
        write_private(&self.index_file(&provider.info.name), text.as_bytes())?;
        Ok(provider)
    }

    /// Asks a component what it is, without any grant.
    async fn describe(&self, component: LoadedComponent, source: &str) -> Result<InstalledProvider> {
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
        let provider = InstalledProvider {
            kind: ProviderKind::Component,
            digest,
            source: source.to_owned(),
            abilities,
            imports,
            info,
        };
        provider.check()?;
        Ok(provider)
    }

    /// Every installed provider, sorted by name.
    pub(crate) fn list(&self) -> Result<Vec<InstalledProvider>> {
        let mut providers: Vec<_> = native_providers().iter().map(InstalledProvider::native).collect();
        let directory = self.home.data.join("providers");
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(providers),
            Err(error) => return Err(Error::io(format_args!("reading `{}`", directory.display()), &error)),
        };
        for entry in entries {
            let path = entry
                .map_err(|error| Error::io(format_args!("reading `{}`", directory.display()), &error))?
                .path();
            if path.extension().is_some_and(|extension| extension == "json") {
                providers.extend(read_index(&path)?);
            }
        }
        providers.sort_by(|one, other| one.info.name.cmp(&other.info.name));
        Ok(providers)
    }

    /// One installed provider.
    pub(crate) fn get(&self, name: &str) -> Result<InstalledProvider> {
        check_name("provider", name)?;
        if let Some(native) = find_native(name) {
            return Ok(InstalledProvider::native(native));
        }
        if let Some(provider) = read_index(&self.index_file(name))? {
            return Ok(provider);
        }
        let installed = self.list()?;
        let names: Vec<_> = installed.iter().map(|provider| provider.info.name.as_str()).collect();
        let error = Error::not_found("provider", name);
        Err(match suggest::hint(name, &names) {
            Some(hint) => error.hint(hint),
            None => error.hint("install one with `stockade provider add FILE.wasm`"),
        })
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
        let remove = |path: &Path| match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(format_args!("removing `{}`", path.display()), &error))
            }
            _ => Ok(()),
        };
        remove(&self.index_file(name))?;
        remove(&self.component_file(&provider.digest))?;
        Ok(provider)
    }

    /// Loads an installed provider.
    pub(crate) async fn open(&self, provider: &InstalledProvider) -> Result<Loaded> {
        let name = &provider.info.name;
        if let Some(native) = find_native(name) {
            return Ok(Loaded::Native(native));
        }
        let file = self.component_file(&provider.digest);
        let bytes = read_component(&file).await?;
        if bytes.digest() != provider.digest {
            return Err(Error::invalid(
                "provider",
                format!("the installed component of provider `{name}` was changed on disk"),
            )
            .hint(format!(
                "install it again: `stockade provider add --replace {}`",
                provider.source
            )));
        }
        Ok(Loaded::Component(Arc::new(self.load(bytes).await?)))
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

    fn check_name_is_free(&self, provider: &InstalledProvider, replace: bool) -> Result<()> {
        let name = &provider.info.name;
        check_name("provider", name)?;
        if find_native(name).is_some() {
            return Err(Error::already_exists("provider", name)
                .hint("a component cannot take the name of a provider that is compiled in"));
        }
        match read_index(&self.index_file(name))? {
            Some(installed) if installed.digest != provider.digest && !replace => {
                Err(Error::already_exists("provider", name).hint(format!(
                    "version {} ({}) is installed; give `--replace` to use this one instead",
                    installed.info.version,
                    &installed.digest[..12]
                )))
            }
            _ => Ok(()),
        }
    }

    fn index_file(&self, name: &str) -> std::path::PathBuf {
        self.home.data.join("providers").join(format!("{name}.json"))
    }

    fn component_file(&self, digest: &str) -> std::path::PathBuf {
        self.home.data.join("components").join(format!("{digest}.wasm"))
    }
}

fn find_native(name: &str) -> Option<&'static NativeProvider> {
    native_providers().iter().find(|native| (native.info)().name == name)
}

fn read_index(path: &Path) -> Result<Option<InstalledProvider>> {
    let Some(text) = read_optional(path)? else {
        return Ok(None);
    };
    let provider = serde_json::from_str(&text).map_err(|error| {
        Error::invalid("provider", format!("`{}` is damaged: {error}", path.display()))
            .hint("remove the file and add the provider again")
    })?;
    Ok(Some(provider))
}

async fn read_component(file: &Path) -> Result<ComponentBytes> {
    tokio::fs::read(file)
        .await
        .map(ComponentBytes::new)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::not_found("file", &file.display().to_string()),
            _ => Error::io(format_args!("reading `{}`", file.display()), &error),
        })
}
