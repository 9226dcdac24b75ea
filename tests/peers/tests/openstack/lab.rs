//! A Keystone, the services behind it, and a connection of the `openstack` component to it.

use std::fmt::Debug;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::json;
use stockade::call::Reporter;
use stockade::connections::{
    ConnectionConfig, CredentialConfig, Grants, KeystoneConfig, KeystoneScopeConfig, OptionInput, SecretSource,
};
use stockade::{Error, Home, Runtime, Service};
use stockade_test_support::artifacts::{component, workspace_root};
use stockade_test_support::http_server::{Answer, HttpServer};
use tempfile::{NamedTempFile, TempDir};

use crate::identity::Identity;
use crate::identity_service::PASSWORD;
use crate::told::Told;

/// A VM of the services.
pub(crate) const VM: &str = "9f966fad-87a5-424d-a499-026d7513ae27";

/// Everything for one claim.
pub(crate) struct Lab {
    identity: Arc<OnceLock<Identity>>,
    /// The region of these services.
    pub(crate) region: String,
    /// Nova, Glance and Neutron, whose origin is granted.
    pub(crate) services: HttpServer,
    /// What the catalogue calls Designate, whose origin is not granted.
    pub(crate) elsewhere: HttpServer,
    pub(crate) service: Service,
    runtime: Runtime,
    told: Arc<Told>,
    executor: tokio::runtime::Runtime,
    password: NamedTempFile,
    _home: TempDir,
}

impl Lab {
    /// Services and a connection, at an identity service that runs.
    pub(crate) fn start(identity: Arc<OnceLock<Identity>>) -> Self {
        static LABS: AtomicUsize = AtomicUsize::new(0);
        let region = format!("region-{}", LABS.fetch_add(1, Ordering::Relaxed));
        let keystone = identity.get().unwrap();
        keystone.add_region(&region);
        let (services, elsewhere) = (HttpServer::start().unwrap(), HttpServer::start().unwrap());
        keystone.add_service(&region, "compute", &format!("{}/v2.1", services.url()));
        for kind in ["image", "network"] {
            keystone.add_service(&region, kind, &services.url());
        }
        keystone.add_service(&region, "dns", &elsewhere.url());
        script(&services);
        let directory = TempDir::with_prefix("stockade-keystone-").unwrap();
        let mut home = Home::below(directory.path());
        // Compiled components are kept between runs: they are found by their digest.
        home.cache = workspace_root().join("target/conformance-cache");
        let executor = tokio::runtime::Runtime::new().unwrap();
        let runtime = Runtime::builder().home(home).build().unwrap();
        executor
            .block_on(runtime.add_provider(&component("openstack"), true))
            .unwrap();
        let mut password = NamedTempFile::new().unwrap();
        password.write_all(PASSWORD.as_bytes()).unwrap();
        let told = Arc::new(Told::default());
        let config = config(&runtime, keystone.port(), &region, &services, &password);
        let service = executor.block_on(runtime.create_connection("lab", &config)).unwrap();
        Self {
            service: service.with_reporter(Arc::clone(&told) as Arc<dyn Reporter>),
            identity,
            region,
            services,
            elsewhere,
            runtime,
            told,
            executor,
            password,
            _home: directory,
        }
    }

    /// The identity service.
    pub(crate) fn identity(&self) -> &Identity {
        self.identity.get().unwrap()
    }

    /// Another connection like this one, with something changed.
    pub(crate) fn sibling(&self, name: &str, change: impl FnOnce(&mut ConnectionConfig)) -> Service {
        let port = self.identity().port();
        let mut config = config(&self.runtime, port, &self.region, &self.services, &self.password);
        change(&mut config);
        let service = self.wait(self.runtime.create_connection(name, &config)).unwrap();
        service.with_reporter(Arc::clone(&self.told) as Arc<dyn Reporter>)
    }

    /// Runs a future to its end.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.executor.block_on(work)
    }

    /// The answer of a call that must succeed.
    pub(crate) fn done<T>(&self, work: impl Future<Output = stockade::Result<T>>) -> T {
        self.wait(work)
            .unwrap_or_else(|error| panic!("{error}; told: {:?}; {}", self.told(), self.identity().log()))
    }

    /// The error of a call that must fail.
    pub(crate) fn refused<T: Debug>(&self, work: impl Future<Output = stockade::Result<T>>) -> Error {
        self.wait(work).unwrap_err()
    }

    /// What the operator was told.
    pub(crate) fn told(&self) -> Vec<String> {
        self.told.all()
    }

    /// The token of the last request to the services.
    pub(crate) fn token(&self) -> String {
        let last = self.services.requests().pop().unwrap();
        last.header("x-auth-token").to_owned()
    }
}

/// Two VMs, and what starting one answers.
fn script(services: &HttpServer) {
    for (path, name) in [
        ("/v2.1/", "version"),
        ("/v2.1/servers/detail", "servers"),
        ("/v2/images", "images"),
    ] {
        services.always("GET", path, recorded(name));
    }
    let server = format!("/v2.1/servers/{VM}");
    services.always("GET", &server, recorded("server_running"));
    services.always("POST", &format!("{server}/action"), Answer::bytes(202, ""));
}

/// A recorded answer.
pub(crate) fn recorded(name: &str) -> Answer {
    let file = workspace_root().join(format!("tests/fixtures/openstack/{name}.json"));
    let recording: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    Answer::json(200, recording.pointer("/response/body").unwrap())
}

/// A connection with everything granted, but at no other origins than those of Keystone and these services.
fn config(
    runtime: &Runtime,
    port: u16,
    region: &str,
    services: &HttpServer,
    password: &NamedTempFile,
) -> ConnectionConfig {
    let info = runtime.provider("openstack").unwrap().info;
    let mut grants = Grants::all_of(&info);
    for (name, endpoint) in &mut grants.endpoints {
        endpoint.allow_addresses = vec!["127.0.0.0/8".parse().unwrap()];
        if name != "identity" {
            endpoint.origins = vec![services.url().parse().unwrap()];
        }
    }
    let keystone = KeystoneConfig::Password {
        user: "admin".to_owned(),
        user_domain: None,
        password: SecretSource::File(password.path().display().to_string()),
        scope: Some(KeystoneScopeConfig::Project {
            name: "admin".to_owned(),
            domain: None,
        }),
    };
    let text = |text: &str| OptionInput::Text(text.to_owned());
    let options = [
        ("host", text("127.0.0.1")),
        ("port", text(&port.to_string())),
        ("region", text(region)),
        ("scheme", text("http")),
    ];
    let config = json!({ "provider": info.name });
    let mut config: ConnectionConfig = serde_json::from_value(config).unwrap();
    config.options = options.map(|(name, value)| (name.to_owned(), value)).into();
    config.credentials = [("keystone".to_owned(), CredentialConfig::Keystone(keystone))].into();
    config.grants = grants;
    config
}
