//! Where a trial runs: a runtime with the hostile provider installed, connections of its own, and what they reported.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};
use stockade::call::{LogLevel, Reporter};
use stockade::connections::{ConnectionConfig, CredentialConfig, EndpointGrants, Isolation, OptionInput, RuleConfig};
use stockade::limits::GuestLimits;
use stockade::{Error, Home, Runtime, Service};
use stockade_test_support::artifacts;

use crate::leaks::Trace;
use crate::server::Server;

/// A trial, and the attempts that it makes.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    pub(crate) attempts: &'static [&'static str],
    pub(crate) run: fn(&Lab),
}

/// What all trials share: compiling the guest once is enough. Connections are each trial's own.
pub(crate) struct Shared {
    pub(crate) isolation: Isolation,
    home: tempfile::TempDir,
    runtime: OnceLock<Runtime>,
    pub(crate) trace: Trace,
    connections: AtomicU32,
}

impl Shared {
    pub(crate) fn new(isolation: Isolation, trace: Trace) -> Self {
        Self {
            isolation,
            home: tempfile::tempdir().unwrap(),
            runtime: OnceLock::new(),
            trace,
            connections: AtomicU32::new(0),
        }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.get_or_init(|| self.installed(self.home.path()))
    }

    /// A runtime below a directory, with the hostile provider.
    pub(crate) fn installed(&self, home: &Path) -> Runtime {
        let runtime = self.open(home);
        let file = artifacts::component("hostile");
        drive(runtime.add_provider(&file, true)).unwrap();
        runtime
    }

    /// A runtime below a directory.
    pub(crate) fn open(&self, home: &Path) -> Runtime {
        let builder = Runtime::builder().home(Home::below(home)).inspection(self.isolation);
        builder.build().unwrap()
    }
}

/// Runs a future to its end, on one thread: a guest that does not let others run would be noticed.
pub(crate) fn drive<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// One trial's place.
pub(crate) struct Lab {
    pub(crate) shared: Arc<Shared>,
    executor: tokio::runtime::Runtime,
    tried: Mutex<BTreeSet<String>>,
}

impl Lab {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            executor: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            tried: Mutex::default(),
        }
    }

    /// Runs a trial and checks that it made the attempts that it names, and no others.
    pub(crate) fn run(&self, trial: &Trial) {
        (trial.run)(self);
        let named: BTreeSet<String> = trial.attempts.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(*self.tried.lock().unwrap(), named, "attempts made, and attempts named");
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        self.shared.runtime()
    }

    /// Runs a future to its end on this trial's one thread.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.executor.block_on(work)
    }

    /// Notes that an attempt is made in another way than [`Self::attempt`].
    pub(crate) fn note(&self, attempt: &str) {
        self.tried.lock().unwrap().insert(attempt.to_owned());
    }

    /// Creates a connection.
    pub(crate) fn connect(&self, setup: &Setup) -> (Service, Arc<Recorder>) {
        self.connect_on(self.runtime(), setup)
    }

    /// Creates a connection of another runtime.
    pub(crate) fn connect_on(&self, runtime: &Runtime, setup: &Setup) -> (Service, Arc<Recorder>) {
        let number = self.shared.connections.fetch_add(1, Ordering::Relaxed);
        let name = format!("trial-{number}");
        let config = ConnectionConfig {
            isolation: self.shared.isolation,
            ..setup.config.clone()
        };
        let service = self.wait(runtime.create_connection(&name, &config)).unwrap();
        let recorder = Arc::new(Recorder::default());
        (
            service.with_reporter(Arc::clone(&recorder) as Arc<dyn Reporter>),
            recorder,
        )
    }

    /// Has the guest try something; answers what it saw. Whatever came of it, the connection works afterwards.
    pub(crate) fn attempt(&self, service: &Service, name: &str, arguments: Value) -> Result<Value, Error> {
        let answer = self.wait(self.start(service, name, arguments));
        self.works(service);
        answer
    }

    /// The same, without waiting for it and without looking afterwards.
    pub(crate) async fn start(&self, service: &Service, name: &str, arguments: Value) -> Result<Value, Error> {
        self.note(&format!("attempt {name}"));
        let vm = service.get_vm(&command(name, arguments)).await?;
        Ok(serde_json::from_str(&vm.description.unwrap()).unwrap_or(Value::Null))
    }

    /// Has the guest send one request; answers the outcome as it saw it.
    pub(crate) fn send(&self, service: &Service, request: &Value) -> Value {
        self.attempt(service, "send", json!({ "request": request })).unwrap()
    }

    /// Asserts that a harmless call works.
    pub(crate) fn works(&self, service: &Service) {
        self.wait(greet(service));
    }
}

/// A harmless call.
pub(crate) async fn greet(service: &Service) {
    let vm = service.get_vm(&command("greet", json!({}))).await.unwrap();
    let expected = json!({ "hello": service.connection() }).to_string();
    assert_eq!(vm.description.as_deref(), Some(expected.as_str()));
}

/// A command as the guest reads it.
pub(crate) fn command(name: &str, mut arguments: Value) -> String {
    arguments["attempt"] = json!(name);
    arguments.to_string()
}

/// What a connection gives: nothing, unless it is said.
pub(crate) struct Setup {
    pub(crate) config: ConnectionConfig,
}

impl Setup {
    pub(crate) fn nothing() -> Self {
        Self {
            config: toml::from_str("provider = \"hostile\"").unwrap(),
        }
    }

    /// Leads the endpoint `api` to a server and lets it be dialled; grants no request.
    pub(crate) fn at(server: &Server) -> Self {
        Self::nothing()
            .option("port", OptionInput::Integer(server.port().into()))
            .addresses("api", &["127.0.0.1/32"])
    }

    /// The same, with every request granted that the provider asks for there.
    pub(crate) fn granted(server: &Server) -> Self {
        Self::at(server)
            .rule("GET", "/vms")
            .rule("GET DELETE", "/vms/*")
            .rule("POST", "/vms")
            .rule("GET POST", "/free/**")
    }

    pub(crate) fn option(mut self, name: &str, value: OptionInput) -> Self {
        self.config.options.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn rule(self, methods: &str, path: &str) -> Self {
        self.rule_of("api", methods, path)
    }

    pub(crate) fn rule_of(mut self, endpoint: &str, methods: &str, path: &str) -> Self {
        self.endpoint(endpoint).rules.push(RuleConfig {
            methods: methods.split(' ').map(str::to_owned).collect(),
            path: path.to_owned(),
        });
        self
    }

    pub(crate) fn without_rule(mut self, path: &str, method: &str) -> Self {
        let rules = &mut self.endpoint("api").rules;
        for rule in rules.iter_mut().filter(|rule| rule.path == path) {
            rule.methods.retain(|have| have != method);
        }
        rules.retain(|rule| !rule.methods.is_empty());
        self
    }

    pub(crate) fn addresses(mut self, endpoint: &str, networks: &[&str]) -> Self {
        self.endpoint(endpoint).allow_addresses = networks.iter().map(|network| network.parse().unwrap()).collect();
        self
    }

    pub(crate) fn credential(mut self, credential: CredentialConfig) -> Self {
        self.config.credentials.insert("api".to_owned(), credential);
        self
    }

    pub(crate) fn presign_seconds(mut self, seconds: u32) -> Self {
        self.endpoint("api").presign_seconds = Some(seconds);
        self
    }

    pub(crate) fn state_kib(mut self, kib: u32) -> Self {
        self.config.grants.state_kib = Some(kib);
        self
    }

    pub(crate) fn seconds(mut self, seconds: u32) -> Self {
        self.config.timeout_seconds = Some(seconds);
        self
    }

    pub(crate) fn limits(mut self, change: impl FnOnce(&mut GuestLimits)) -> Self {
        change(&mut self.config.limits);
        self
    }

    fn endpoint(&mut self, name: &str) -> &mut EndpointGrants {
        self.config.grants.endpoints.entry(name.to_owned()).or_default()
    }
}

/// Keeps what a provider and the host said.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) lines: Mutex<Vec<(LogLevel, String)>>,
    pub(crate) progress: Mutex<Vec<(Option<u8>, String)>>,
    pub(crate) denials: Mutex<Vec<(String, Option<String>)>>,
}

impl Reporter for Recorder {
    fn progress(&self, percent: Option<u8>, message: &str) {
        self.progress.lock().unwrap().push((percent, message.to_owned()));
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.lines.lock().unwrap().push((level, message.to_owned()));
    }

    fn denied(&self, denial: &str, hint: Option<&str>) {
        let entry = (denial.to_owned(), hint.map(str::to_owned));
        self.denials.lock().unwrap().push(entry);
    }
}
