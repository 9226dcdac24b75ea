//! The runtime: installed providers, configured connections, and services over them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, stream};
use stockade_host::artifact::{ArtifactCache, Compiler, ComponentLoader};
use stockade_host::call::{NoReporter, Reporter};
use stockade_host::component::{ComponentProvider, LoadedComponent};
use stockade_host::connection::Isolation;
use stockade_host::contract::{ErrorKind, Provider};
use stockade_host::engine::{Engine, EngineProfile};
use tokio::sync::{Mutex, OnceCell};

use crate::audit::{AuditLog, AuditPage, AuditQuery, AuditSettings};
use crate::connections::{ConnectionConfig, ConnectionStore, host_connection, state_directory, validate};
use crate::error::{Error, Result, chain};
use crate::grants::{self, Explanation, SketchedRequest, Suggestion};
use crate::home::Home;
use crate::registry::{InstalledProvider, Loaded, ProviderKind, Registry};
use crate::service::Service;

/// Connections that [`Runtime::on_each`] uses at a time: enough that slow ones do not add up, and few enough that a wide
/// fan-out does not hold an instance for every connection.
pub const CONNECTIONS_AT_ONCE: usize = 16;

/// The runtime. Cloning shares it.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    home: Home,
    registry: Registry,
    connections: ConnectionStore,
    audit: AuditLog,
    reporter: Arc<dyn Reporter>,
    services: Mutex<HashMap<String, OpenService>>,
    components: Mutex<HashMap<String, Arc<OnceCell<Arc<LoadedComponent>>>>>,
}

/// A service and what it was made from: when one of them changes, it is made anew.
struct OpenService {
    config: ConnectionConfig,
    digest: String,
    service: Service,
}

/// Makes a [`Runtime`].
pub struct RuntimeBuilder {
    home: Option<Home>,
    profile: EngineProfile,
    reporter: Arc<dyn Reporter>,
    inspection: Isolation,
}

impl RuntimeBuilder {
    /// Where files are kept; the environment decides otherwise.
    #[must_use]
    pub fn home(mut self, home: Home) -> Self {
        self.home = Some(home);
        self
    }

    /// What the process is; a command otherwise.
    #[must_use]
    pub fn profile(mut self, profile: EngineProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Where components run that are inspected, before any connection says where its provider runs; in this process
    /// otherwise.
    #[must_use]
    pub fn inspection(mut self, inspection: Isolation) -> Self {
        self.inspection = inspection;
        self
    }

    /// Where providers' words go; nowhere otherwise.
    #[must_use]
    pub fn reporter(mut self, reporter: Arc<dyn Reporter>) -> Self {
        self.reporter = reporter;
        self
    }

    /// Makes the runtime.
    ///
    /// # Errors
    /// When its directories cannot be used, the machine cannot run the engine, or the program did not call
    /// [`crate::become_child_if_asked`].
    pub fn build(self) -> Result<Runtime> {
        let home = self.home.map_or_else(Home::from_environment, Ok)?;
        let unavailable = |error: String| Error::new(ErrorKind::Unavailable, error);
        let engine = Engine::new(self.profile)
            .map_err(|error| unavailable(format!("the WebAssembly engine cannot start: {error:#}")))?;
        let cache = ArtifactCache::open(&home.cache.join("artifacts")).map_err(|error| unavailable(chain(&error)))?;
        let compiler = Compiler::this_program().map_err(|error| unavailable(chain(&error)))?;
        let registry = Registry::new(
            home.clone(),
            ComponentLoader::new(engine, cache, compiler),
            self.inspection,
        );
        let connections = ConnectionStore::new(&home);
        let audit = AuditLog::new(&home, &AuditSettings::read(&home)?);
        let (services, components) = (Mutex::default(), Mutex::default());
        let inner = Inner {
            home,
            registry,
            connections,
            audit,
            reporter: self.reporter,
            services,
            components,
        };
        Ok(Runtime { inner: Arc::new(inner) })
    }
}

impl Runtime {
    /// Starts to make a runtime.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder {
            home: None,
            profile: EngineProfile::Command,
            reporter: Arc::new(NoReporter),
            inspection: Isolation::default(),
        }
    }

    /// Where its files are.
    pub fn home(&self) -> &Home {
        &self.inner.home
    }

    /// Reads the audit log.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn audit(&self, query: &AuditQuery) -> Result<AuditPage> {
        query.read(&self.inner.home)
    }

    /// Waits until the audit log is written: for the end of a process. Blocks, a few seconds at most.
    ///
    /// # Errors
    /// When lines could not be written, and nobody was told yet.
    pub fn flush_audit(&self) -> Result<()> {
        self.inner.audit.flush()
    }

    /// Says whether a request of a connection's provider would be allowed, by which rules, and what would allow it.
    ///
    /// # Errors
    /// As [`Self::connection_config`], or when its grants or its provider cannot be read.
    pub fn explain_request(&self, connection: &str, request: &SketchedRequest) -> Result<Explanation> {
        let config = self.inner.connections.get(connection)?;
        let installed = self.inner.registry.get(&config.provider);
        let explanation = installed.and_then(|installed| grants::explain(&config, &installed.info, request));
        explanation.map_err(|error| error.on(connection))
    }

    /// The narrowest grants that would have sufficed for what a connection did, by the audit log; with `denied` also for
    /// what its provider asks for and was denied.
    ///
    /// # Errors
    /// As [`Self::explain_request`], or when the log cannot be read.
    pub fn suggest_grants(&self, connection: &str, since: Option<SystemTime>, denied: bool) -> Result<Suggestion> {
        let config = self.inner.connections.get(connection)?;
        let query = AuditQuery {
            connections: vec![connection.to_owned()],
            since,
            ..AuditQuery::default()
        };
        let entries = self.audit(&query)?.entries;
        let installed = self.inner.registry.get(&config.provider);
        let suggestion = installed.and_then(|installed| grants::suggest(&config, &installed.info, &entries, denied));
        suggestion.map_err(|error| error.on(connection))
    }

    /// Looks at a component file without installing it and without any grant.
    ///
    /// # Errors
    /// When it is not a component, cannot be compiled, or does not fit the contract.
    pub async fn inspect_provider(&self, file: &Path) -> Result<InstalledProvider> {
        self.inner.registry.inspect(file).await
    }

    /// Installs a component file. Another component of that name is replaced only with `replace`.
    ///
    /// # Errors
    /// As [`Self::inspect_provider`]; `already-exists` when another component of that name is installed.
    pub async fn add_provider(&self, file: &Path, replace: bool) -> Result<InstalledProvider> {
        self.inner.registry.add(file, replace).await
    }

    /// Every installed provider, sorted by name.
    ///
    /// # Errors
    /// When the data directory cannot be read.
    pub fn providers(&self) -> Result<Vec<InstalledProvider>> {
        self.inner.registry.list()
    }

    /// One installed provider.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub fn provider(&self, name: &str) -> Result<InstalledProvider> {
        self.inner.registry.get(name)
    }

    /// Removes an installed provider that no connection uses.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when connections use it.
    pub fn remove_provider(&self, name: &str) -> Result<InstalledProvider> {
        let store = &self.inner.connections;
        let uses = |connection: &String| store.get(connection).is_ok_and(|config| config.provider == name);
        let users: Vec<_> = store.names()?.into_iter().filter(uses).collect();
        if !users.is_empty() {
            let message = format!("provider `{name}` is used by connections: {}", users.join(", "));
            return Err(Error::new(ErrorKind::Conflict, message)
                .hint(format!("stockade delete connection {}", users.join(" "))));
        }
        self.inner.registry.remove(name)
    }

    /// The names of all connections, sorted.
    ///
    /// # Errors
    /// When the configuration directory cannot be read.
    pub fn connection_names(&self) -> Result<Vec<String>> {
        self.inner.connections.names()
    }

    /// What a connection's file says.
    ///
    /// # Errors
    /// `not-found` when there is none, `invalid-argument` with line and column when it is broken.
    pub fn connection_config(&self, name: &str) -> Result<ConnectionConfig> {
        self.inner.connections.get(name)
    }

    /// The file of a connection.
    pub fn connection_file(&self, name: &str) -> PathBuf {
        self.inner.connections.file(name)
    }

    /// Creates a connection after checking everything in it that can be checked without using it.
    ///
    /// # Errors
    /// `already-exists`, or what is wrong with it; nothing of it is left.
    pub async fn create_connection(&self, name: &str, config: &ConnectionConfig) -> Result<Service> {
        if self.inner.connections.exists(name)? {
            return Err(Error::already_exists("connection", name).hint("delete it first, or choose another name"));
        }
        let service = self.open(name, config).await?;
        self.inner.connections.put(name, config)?;
        Ok(service)
    }

    /// Removes a connection and the state that its provider kept. Nothing at the vendor changes.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn delete_connection(&self, name: &str) -> Result<()> {
        self.inner.connections.remove(name)?;
        self.inner.services.lock().await.remove(name);
        let directory = state_directory(&self.inner.home, name);
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(format_args!("removing `{}`", directory.display()), &error))
            }
            _ => Ok(()),
        }
    }

    /// Opens a connection. What was opened before is used again unless its file or its provider changed.
    ///
    /// # Errors
    /// When there is none of that name, its file is broken, or its provider is not installed.
    pub async fn connect(&self, name: &str) -> Result<Service> {
        let config = self.inner.connections.get(name)?;
        let installed = self
            .inner
            .registry
            .get(&config.provider)
            .map_err(|error| error.on(name))?;
        let is_same = |open: &OpenService| open.config == config && open.digest == installed.digest;
        // Opening may compile for seconds, so the lock is not held meanwhile.
        if let Some(open) = self.inner.services.lock().await.get(name).filter(|open| is_same(open)) {
            return Ok(open.service.clone());
        }
        let service = self.open(name, &config).await?;
        let mut services = self.inner.services.lock().await;
        // Whoever opened it first wins: limits hold for one service of a connection.
        if let Some(open) = services.get(name).filter(|open| is_same(open)) {
            return Ok(open.service.clone());
        }
        let open = OpenService {
            config,
            digest: installed.digest,
            service: service.clone(),
        };
        services.insert(name.to_owned(), open);
        Ok(service)
    }

    /// Does something on several connections, at most [`CONNECTIONS_AT_ONCE`] at a time. Each answer stands for itself:
    /// one that fails is one answer beside the others, in the order of `names`.
    pub async fn on_each<T, F>(&self, names: &[String], work: impl Fn(Service) -> F) -> Vec<(String, Result<T>)>
    where
        F: Future<Output = Result<T>>,
    {
        let answer = async |name: String| {
            let answer = match self.connect(&name).await {
                Ok(service) => work(service).await,
                Err(error) => Err(error),
            };
            (name, answer)
        };
        stream::iter(names.to_vec())
            .map(answer)
            .buffered(CONNECTIONS_AT_ONCE)
            .collect()
            .await
    }

    /// Makes a service from a configuration.
    async fn open(&self, name: &str, config: &ConnectionConfig) -> Result<Service> {
        let explain = |error: Error| error.on(name);
        let installed = self.inner.registry.get(&config.provider).map_err(explain)?;
        let place = format!("provider `{}`", installed.info.name);
        let options = validate(&installed.info.connection_options, &config.options, &place).map_err(explain)?;
        let provider: Arc<dyn Provider> = match self.load(&installed).await.map_err(explain)? {
            Loaded::Native(_) if config.isolation == Isolation::Process => {
                return Err(explain(Error::invalid(
                    "isolation",
                    format!("{place} is part of this program and cannot run in a process of its own"),
                )));
            }
            Loaded::Native(native) => (native.open)(&options).map_err(|error| explain(error.into()))?,
            Loaded::Component(component) => {
                let connection =
                    host_connection(&self.inner.home, name, config, &installed.info, options).map_err(explain)?;
                Arc::new(ComponentProvider::new(component, Arc::new(connection)))
            }
        };
        let timeout = config
            .timeout_seconds
            .map(|seconds| Duration::from_secs(seconds.into()));
        Ok(Service::new(
            name,
            provider,
            installed,
            timeout,
            self.inner.audit.clone(),
            Arc::clone(&self.inner.reporter),
        ))
    }

    /// Loads a component once, however many connections use it at once; one that takes long delays no other.
    async fn load(&self, installed: &InstalledProvider) -> Result<Loaded> {
        if installed.kind == ProviderKind::Native {
            return self.inner.registry.open(installed).await;
        }
        let cell = Arc::clone(
            self.inner
                .components
                .lock()
                .await
                .entry(installed.digest.clone())
                .or_default(),
        );
        let component = cell
            .get_or_try_init(async || match self.inner.registry.open(installed).await? {
                Loaded::Component(component) => Ok(component),
                Loaded::Native(_) => Err(Error::not_found("provider", &installed.info.name)),
            })
            .await?;
        Ok(Loaded::Component(Arc::clone(component)))
    }
}
