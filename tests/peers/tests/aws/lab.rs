//! A peer, and a connection of the `aws` component to it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};
use stockade::blobs::Blob;
use stockade::call::Reporter;
use stockade::connections::{ConnectionConfig, CredentialConfig, Grants, OptionInput, SecretSource, TextSource};
use stockade::contract::ErrorKind;
use stockade::{Home, Runtime, Service};
use stockade_test_support::artifacts::component;
use stockade_test_support::aws::{AwsPeer, REGION};
use tempfile::{NamedTempFile, TempDir};

use crate::told::Told;

/// No provider-specific options.
pub(crate) fn no_options() -> BTreeMap<String, OptionInput> {
    BTreeMap::new()
}

/// A peer with a connection to it.
pub(crate) struct Lab {
    pub(crate) peer: AwsPeer,
    pub(crate) service: Service,
    runtime: Runtime,
    told: Arc<Told>,
    executor: tokio::runtime::Runtime,
    secret: NamedTempFile,
    _home: TempDir,
}

impl Lab {
    /// A connection to this peer.
    pub(crate) fn at(peer: AwsPeer) -> Self {
        let directory = TempDir::with_prefix("stockade-aws-").unwrap();
        let mut home = Home::below(directory.path());
        // Compiled components are kept between runs: they are found by their digest.
        home.cache = stockade_test_support::artifacts::workspace_root().join("target/conformance-cache");
        let executor = tokio::runtime::Runtime::new().unwrap();
        let runtime = Runtime::builder().home(home).build().unwrap();
        executor
            .block_on(runtime.add_provider(&component("aws"), true))
            .unwrap();
        let mut secret = NamedTempFile::new().unwrap();
        secret.write_all(peer.secret_key().as_bytes()).unwrap();
        let told = Arc::new(Told::default());
        let config = config(&runtime, &peer, &secret);
        let service = executor.block_on(runtime.create_connection("lab", &config)).unwrap();
        Self {
            service: service.with_reporter(Arc::clone(&told) as Arc<dyn Reporter>),
            peer,
            runtime,
            told,
            executor,
            secret,
            _home: directory,
        }
    }

    /// Another connection like this one, with something changed.
    pub(crate) fn sibling(&self, name: &str, change: impl FnOnce(&mut ConnectionConfig)) -> Service {
        let mut config = config(&self.runtime, &self.peer, &self.secret);
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
            .unwrap_or_else(|error| panic!("{error}; told: {:?}; {}", self.told(), self.peer.peer().log()))
    }

    /// The kind of the error of a call that must fail.
    pub(crate) fn refused<T: Debug>(&self, work: impl Future<Output = stockade::Result<T>>) -> ErrorKind {
        self.wait(work).unwrap_err().kind().clone()
    }

    /// What boto3 answers.
    pub(crate) fn boto(&self, service: &str, operation: &str, parameters: Value) -> Value {
        self.peer.call(service, operation, &parameters).unwrap()
    }

    /// What the operator was told.
    pub(crate) fn told(&self) -> Vec<String> {
        self.told.all()
    }

    /// Checks that boto3 sees what it saw before, and nothing else.
    pub(crate) fn expect_unchanged(&self, before: &[String]) {
        let mut before = before.to_owned();
        let mut now = self.peer.observe().unwrap();
        before.sort();
        now.sort();
        assert_eq!(now, before);
    }
}

/// A connection to a peer, granted everything that the provider asks for, on loopback.
fn config(runtime: &Runtime, peer: &AwsPeer, secret: &NamedTempFile) -> ConnectionConfig {
    let info = runtime.provider("aws").unwrap().info;
    let mut grants = Grants::all_of(&info);
    for (name, endpoint) in &mut grants.endpoints {
        endpoint.allow_addresses = vec!["127.0.0.0/8".parse().unwrap()];
        endpoint.presign_seconds = (name == "s3").then_some(3600);
    }
    let key = CredentialConfig::Sigv4 {
        access_key: TextSource::Text(peer.access_key().to_owned()),
        secret_key: SecretSource::File(secret.path().display().to_string()),
        session_token: None,
    };
    let hosts = ["ec2_host", "elb_host", "s3_host", "route53_host"];
    let text = |text: &str| OptionInput::Text(text.to_owned());
    let options = hosts.map(|host| (host.to_owned(), text("127.0.0.1")));
    let more = [
        ("region".to_owned(), text(REGION)),
        ("scheme".to_owned(), text("http")),
        ("port".to_owned(), text(&peer.peer().port().to_string())),
        ("s3_part_mib".to_owned(), text("5")),
    ];
    ConnectionConfig {
        provider: info.name.clone(),
        timeout_seconds: None,
        read_only: false,
        isolation: Default::default(),
        options: options.into_iter().chain(more).collect(),
        credentials: [("key".to_owned(), key.clone()), ("dns-key".to_owned(), key)].into(),
        grants,
        limits: Default::default(),
    }
}

/// A blob with this content.
pub(crate) fn blob(content: &[u8]) -> Blob {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    Blob::from_file(file)
}

/// The tags of what boto3 answered, by key.
pub(crate) fn tags(thing: &Value) -> BTreeMap<&str, &str> {
    let tags = thing["Tags"].as_array().into_iter().flatten();
    tags.filter_map(|tag| Some((tag["Key"].as_str()?, tag["Value"].as_str()?)))
        .collect()
}

/// A subject as an error names it.
pub(crate) fn missing(noun: &str, name: &str) -> ErrorKind {
    serde_json::from_value(json!({ "not-found": { "noun": noun, "name": name } })).unwrap()
}
