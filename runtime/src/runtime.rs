//! The runtime: installed providers, configured connections, and services over them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, stream};
use stockade_host::admission::HostLimits;
use stockade_host::artifact::{ArtifactCache, Compiler, ComponentLoader};
use stockade_host::call::{NoReporter, Reporter};
use stockade_host::component::{ComponentProvider, LoadedComponent};
use stockade_host::connection::{Connection, Isolation};
use stockade_host::contract::{self, ErrorKind, OptionEntry, Provider};
use stockade_host::engine::{Engine, EngineProfile};
use stockade_host::recording::Tape;
use tokio::sync::{Mutex, OnceCell};

use crate::audit::{AuditLog, AuditPage, AuditQuery, AuditSettings};
use crate::connections::clouds::Secret;
use crate::connections::{ConnectionConfig, ConnectionStore, host_connection, state_directory, validate};
use crate::error::{Error, Result, chain};
use crate::grants::{self, Explanation, SketchedRequest, Suggestion};
use crate::home::{Home, check_name, write_private};
use crate::host_limits;
use crate::registry::{
    Admission, Identity, Installation, InstalledProvider, Loaded, ProviderKind, Registry, Verification,
};
use crate::review::Candidate;
use crate::service::{Service, Settings, Traces};
use crate::trust::TrustStore;

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
    tape: Option<Tape>,
    profile: EngineProfile,
    reporter: Arc<dyn Reporter>,
    read_only: bool,
    services: Mutex<HashMap<String, OpenService>>,
    components: Mutex<HashMap<Identity, Arc<OnceCell<Arc<LoadedComponent>>>>>,
}

/// A service and what it was made from: when one of them changes, it is made anew.
struct OpenService {
    /// Its file, and what that says.
    text: String,
    config: Arc<ConnectionConfig>,
    identity: Identity,
    service: Service,
}

/// Makes a [`Runtime`].
pub struct RuntimeBuilder {
    home: Option<Home>,
    profile: EngineProfile,
    reporter: Arc<dyn Reporter>,
    read_only: bool,
    limits: Option<HostLimits>,
    inspection: Isolation,
    recording: Option<Recording>,
}

/// The file of a recording, and what is done with it.
enum Recording {
    Record(PathBuf),
    Replay(PathBuf),
}

impl Recording {
    fn open(&self) -> Result<Tape> {
        let tape = match self {
            Self::Record(path) => Tape::record(path),
            Self::Replay(path) => Tape::replay(path),
        };
        tape.map_err(|error| contract::Error::from(error).into())
    }
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

    /// Whether every connection only reads, whatever its file says. No otherwise.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// What all providers may use together; `limits.toml` in the configuration directory otherwise.
    #[must_use]
    pub fn limits(mut self, limits: HostLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Writes everything that providers get from outside into a new file.
    #[must_use]
    pub fn record(mut self, file: PathBuf) -> Self {
        self.recording = Some(Recording::Record(file));
        self
    }

    /// Answers providers from a recording: no network, no credentials, no state, nothing in the audit log.
    #[must_use]
    pub fn replay(mut self, file: PathBuf) -> Self {
        self.recording = Some(Recording::Replay(file));
        self
    }

    /// Makes the runtime.
    ///
    /// # Errors
    /// When its recording, its directories or `limits.toml` cannot be used, the machine cannot run the engine, or the program
    /// did not call [`crate::become_child_if_asked`].
    pub fn build(self) -> Result<Runtime> {
        let home = self.home.map_or_else(Home::from_environment, Ok)?;
        let unavailable = |error: String| Error::new(ErrorKind::Unavailable, error);
        let limits = self.limits.map_or_else(|| host_limits::read(&home), Ok)?;
        let engine = Engine::with_limits(self.profile, limits)
            .map_err(|error| unavailable(format!("the WebAssembly engine cannot start: {error:#}")))?;
        let cache = ArtifactCache::open(&home.cache.join("artifacts")).map_err(|error| unavailable(chain(&error)))?;
        let compiler = Compiler::this_program(&limits).map_err(|error| unavailable(chain(&error)))?;
        let registry = Registry::new(
            home.clone(),
            ComponentLoader::new(engine, cache, compiler),
            self.inspection,
        );
        let connections = ConnectionStore::new(&home);
        let tape = self.recording.as_ref().map(Recording::open).transpose()?;
        let audit = match tape.as_ref().is_some_and(Tape::is_replay) {
            true => AuditLog::off(),
            false => AuditLog::new(&home, &AuditSettings::read(&home)?),
        };
        let (services, components) = (Mutex::default(), Mutex::default());
        let inner = Inner {
            home,
            registry,
            connections,
            audit,
            tape,
            profile: self.profile,
            reporter: self.reporter,
            read_only: self.read_only,
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
            read_only: false,
            limits: None,
            recording: None,
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

    /// Checks a component for installing: digest, signature, policy, name. The answer says what it asks for, how that
    /// differs from what is installed, and whether somebody must approve it. Nothing is installed.
    ///
    /// # Errors
    /// As [`Self::inspect_provider`]; `denied` when the policy does not accept it, `conflict` when it is another component
    /// than was asked for, `already-exists` when another one of that name is pinned and may not be replaced.
    pub async fn review_provider(&self, wanted: &Installation) -> Result<Candidate> {
        let prepared = self.inner.registry.prepare(wanted).await?;
        Candidate::new(prepared, &self.inner.connections)
    }

    /// Installs what was reviewed. Who calls this approves it.
    ///
    /// # Errors
    /// `conflict` when somebody else changed that provider since the review.
    pub fn install_provider(&self, candidate: Candidate) -> Result<InstalledProvider> {
        self.inner.registry.install(candidate.prepared)
    }

    /// Installs a component file and approves what it asks for. Another component of that name is replaced only with
    /// `replace`.
    ///
    /// # Errors
    /// As [`Self::review_provider`].
    pub async fn add_provider(&self, file: &Path, replace: bool) -> Result<InstalledProvider> {
        let wanted = Installation {
            file: file.to_owned(),
            replace,
            ..Installation::default()
        };
        self.install_provider(self.review_provider(&wanted).await?)
    }

    /// Verifies an installed component, or all of them: lock file, digest, signature, policy. Runs none of them.
    ///
    /// # Errors
    /// `not-found` when there is none of that name; when the data directory cannot be read.
    pub async fn verify_providers(&self, name: Option<&str>) -> Result<Vec<Verification>> {
        self.inner.registry.verify(name).await
    }

    /// Whom the operator trusts to sign components.
    pub fn trust(&self) -> &TrustStore {
        self.inner.registry.trust()
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
        let admission = self.admit(name, config)?;
        let service = self.open(name, config, &admission).await?;
        self.inner.connections.put(name, config)?;
        Ok(service)
    }

    /// As [`Self::create_connection`], with secrets by the names of their credentials, which are put where
    /// [`Self::imported_secret_file`] says that the connection reads them.
    ///
    /// # Errors
    /// As [`Self::create_connection`]; nothing is left of the secrets either.
    pub async fn import_connection(
        &self,
        name: &str,
        config: &ConnectionConfig,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<Service> {
        if self.inner.connections.exists(name)? {
            return Err(Error::already_exists("connection", name).hint("delete it first, or choose another name"));
        }
        let written = secrets.iter().try_for_each(|(credential, secret)| {
            let path = self.imported_secret_file(name, credential)?;
            write_private(&path, secret.expose().as_bytes())
        });
        let created = match written {
            Ok(()) => self.create_connection(name, config).await,
            Err(error) => Err(error),
        };
        if created.is_err() {
            self.forget_imported_secrets(name)?;
        }
        created
    }

    /// Where an imported secret of a connection is: a private file below the configuration.
    ///
    /// # Errors
    /// `invalid-argument` for names that connections and credentials cannot have.
    pub fn imported_secret_file(&self, connection: &str, credential: &str) -> Result<PathBuf> {
        check_name("connection", connection)?;
        check_name("credential", credential)?;
        Ok(self.imported_secrets(connection).join(credential))
    }

    fn imported_secrets(&self, connection: &str) -> PathBuf {
        self.inner.home.config.join("secrets").join(connection)
    }

    fn forget_imported_secrets(&self, connection: &str) -> Result<()> {
        let directory = self.imported_secrets(connection);
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(format_args!("removing `{}`", directory.display()), &error))
            }
            _ => Ok(()),
        }
    }

    /// Removes a connection and the state that its provider kept, with the secrets that were imported for it. Nothing at the vendor changes.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn delete_connection(&self, name: &str) -> Result<()> {
        self.inner.connections.remove(name)?;
        self.inner.services.lock().await.remove(name);
        self.forget_imported_secrets(name)?;
        let directory = state_directory(&self.inner.home, name);
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(format_args!("removing `{}`", directory.display()), &error))
            }
            _ => Ok(()),
        }
    }

    /// Opens a connection. What was opened before is used again unless its file, its provider, or what says that its provider
    /// may be used changed.
    ///
    /// # Errors
    /// When there is none of that name, its file is broken, or its provider is not installed or may not be used any more.
    pub async fn connect(&self, name: &str) -> Result<Service> {
        let text = self.inner.connections.text(name)?;
        let opened = self.inner.services.lock().await;
        let known = opened.get(name).filter(|open| open.text == text);
        let config = match known.map(|open| Arc::clone(&open.config)) {
            Some(config) => config,
            None => Arc::new(self.inner.connections.parse(name, &text)?),
        };
        drop(opened);
        let admission = self.admit(name, &config)?;
        let is_same = |open: &OpenService| open.config == config && open.identity == admission.identity;
        // Opening may compile for seconds, so the lock is not held meanwhile.
        if let Some(open) = self.inner.services.lock().await.get(name).filter(|open| is_same(open)) {
            return Ok(open.service.clone());
        }
        let service = self.open(name, &config, &admission).await?;
        let mut services = self.inner.services.lock().await;
        // Whoever opened it first wins: limits hold for one service of a connection.
        if let Some(open) = services.get(name).filter(|open| is_same(open)) {
            return Ok(open.service.clone());
        }
        let open = OpenService {
            text,
            config,
            identity: admission.identity,
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

    /// The permission to use a connection's provider now.
    fn admit(&self, name: &str, config: &ConnectionConfig) -> Result<Admission> {
        let admission = self.inner.registry.admit(&config.provider);
        admission.map_err(|error| error.on(name))
    }

    /// Makes a service from a configuration.
    async fn open(&self, name: &str, config: &ConnectionConfig, admission: &Admission) -> Result<Service> {
        let explain = |error: Error| error.on(name);
        let installed = Arc::clone(&admission.provider);
        let place = format!("provider `{}`", installed.info.name);
        let options = validate(&installed.info.connection_options, &config.options, &place).map_err(explain)?;
        let mut tape = None;
        let provider: Arc<dyn Provider> = match self.load(admission).await.map_err(explain)? {
            Loaded::Native(_) if self.inner.tape.is_some() => {
                let message = format!("{place} is native: what it does cannot be recorded or replayed");
                return Err(explain(Error::new(
                    ErrorKind::Unsupported("recording".to_owned()),
                    message,
                )));
            }
            Loaded::Native(_) if config.isolation == Isolation::Process => {
                return Err(explain(Error::invalid(
                    "isolation",
                    format!("{place} is part of this program and cannot run in a process of its own"),
                )));
            }
            Loaded::Native(native) => {
                (native.open)(&options, self.inner.profile).map_err(|error| explain(error.into()))?
            }
            Loaded::Component(component) => {
                let connection = self
                    .host_connection(name, config, &installed, options)
                    .await
                    .map_err(explain)?;
                tape = connection.tape.clone();
                Arc::new(ComponentProvider::new(component, Arc::new(connection)))
            }
        };
        let settings = Settings {
            timeout: config
                .timeout_seconds
                .map(|seconds| Duration::from_secs(seconds.into())),
            read_only: config.read_only || self.inner.read_only,
            traces: Traces {
                audit: self.inner.audit.clone(),
                tape,
            },
        };
        Ok(Service::new(
            name,
            provider,
            installed,
            settings,
            Arc::clone(&self.inner.reporter),
        ))
    }

    /// What a connection gives its provider; from a recording nothing else.
    async fn host_connection(
        &self,
        name: &str,
        config: &ConnectionConfig,
        installed: &InstalledProvider,
        options: Vec<OptionEntry>,
    ) -> Result<Connection> {
        let info = &installed.info;
        let open = async |options| {
            let home = self.inner.home.clone();
            let (name, config, info) = (name.to_owned(), config.clone(), info.clone());
            // Secrets may come from programs that take their time: beside the others.
            let work = move || host_connection(&home, &name, &config, &info, options);
            let answer = tokio::task::spawn_blocking(work).await;
            answer.map_err(|error| Error::new(ErrorKind::Unavailable, error.to_string()))?
        };
        let Some(tape) = &self.inner.tape else {
            return open(options).await;
        };
        let secret = info.connection_options.iter().filter(|option| option.secret);
        let secret: Vec<String> = secret.map(|option| option.name.clone()).collect();
        let tape = tape.connect(name, (&info.name, &installed.digest), &options, &secret);
        let tape = Some(tape.map_err(contract::Error::from)?);
        Ok(match self.inner.tape.as_ref().is_some_and(Tape::is_replay) {
            true => Connection {
                limits: config.limits.clone(),
                isolation: config.isolation,
                tape,
                ..Connection::without_grants(name)
            },
            false => Connection {
                tape,
                ..open(options).await?
            },
        })
    }

    /// Loads a component once, however many connections use it at once; one that takes long delays no other. Loaded under
    /// one permission, it is verified again before it is used under another.
    async fn load(&self, admission: &Admission) -> Result<Loaded> {
        if admission.provider.kind == ProviderKind::Native {
            return self.inner.registry.open(admission).await;
        }
        let cell = Arc::clone(
            self.inner
                .components
                .lock()
                .await
                .entry(admission.identity.clone())
                .or_default(),
        );
        let component = cell
            .get_or_try_init(async || match self.inner.registry.open(admission).await? {
                Loaded::Component(component) => Ok(component),
                Loaded::Native(_) => Err(Error::not_found("provider", &admission.provider.info.name)),
            })
            .await?;
        Ok(Loaded::Component(Arc::clone(component)))
    }
}
