//! The server under test, and what trials need of it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Method;
use serde_json::{Value, json};
use stockade::connections::{ConnectionConfig, Grants, OptionInput};
use stockade::engine::EngineProfile;
use stockade::http_api::{ServeOptions, Server};
use stockade::{Home, Runtime};

use crate::client::{Client, Reply};

/// A claim and its proof.
pub(crate) type Claim = (&'static str, Proof);
type Proof = Box<dyn FnOnce(Arc<Fixture>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// The claim that a function's name makes.
pub(crate) fn claim<F>(name: &'static str, work: impl FnOnce(Arc<Fixture>) -> F + Send + 'static) -> Claim
where
    F: Future<Output = ()> + Send + 'static,
{
    (name, Box::new(move |fixture| Box::pin(work(fixture))))
}

/// Lists functions as claims under their own names.
macro_rules! claims {
    ($($function:ident),* $(,)?) => {
        vec![$($crate::fixture::claim(stringify!($function), $function)),*]
    };
}
pub(crate) use claims;

/// The largest upload that the server under test accepts, in bytes.
pub(crate) const MAX_UPLOAD_BYTES: usize = 3 << 20;

/// The server under test.
pub(crate) struct Fixture {
    pub(crate) runtime: Runtime,
    pub(crate) client: Client,
    next: AtomicU32,
    _home: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let runtime = Runtime::builder()
            .home(Home::below(home.path()))
            .profile(EngineProfile::Server)
            .build()
            .unwrap();
        runtime.add_provider(&fake_component(), false).await.unwrap();
        let options = ServeOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            max_upload_bytes: MAX_UPLOAD_BYTES as u64,
            ..ServeOptions::default()
        };
        let server = Server::bind(runtime.clone(), &options).await.unwrap();
        let token = std::fs::read_to_string(runtime.home().data.join("api-token")).unwrap();
        let client = Client::new(server.address(), Some(token.trim()));
        tokio::spawn(server.run_until(std::future::pending()));
        Self {
            runtime,
            client,
            next: AtomicU32::new(1),
            _home: home,
        }
    }

    /// A new connection to a new simulated cloud.
    pub(crate) async fn cloud(&self) -> Cloud<'_> {
        self.cloud_with(json!({})).await
    }

    /// As [`Self::cloud`], with options of the simulated provider.
    pub(crate) async fn cloud_with(&self, options: Value) -> Cloud<'_> {
        let connection = format!("cloud-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let info = self.runtime.provider("fake").unwrap().info;
        let options = options.as_object().unwrap().iter();
        let config = ConnectionConfig {
            provider: "fake".to_owned(),
            timeout_seconds: None,
            read_only: false,
            isolation: Default::default(),
            options: options
                .map(|(name, value)| {
                    (
                        name.clone(),
                        serde_json::from_value::<OptionInput>(value.clone()).unwrap(),
                    )
                })
                .collect(),
            credentials: Default::default(),
            grants: Grants::all_of(&info),
            limits: Default::default(),
        };
        self.runtime.create_connection(&connection, &config).await.unwrap();
        Cloud {
            client: &self.client,
            connection,
        }
    }
}

/// A connection to a simulated cloud, by HTTP.
pub(crate) struct Cloud<'a> {
    client: &'a Client,
    pub(crate) connection: String,
}

impl Cloud<'_> {
    /// The path of something in this connection.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/connections/{}{rest}", self.connection)
    }

    pub(crate) async fn get(&self, rest: &str) -> Reply {
        self.client.send(Method::GET, &self.path(rest), None).await
    }

    pub(crate) async fn post(&self, rest: &str, body: Value) -> Reply {
        self.client.send(Method::POST, &self.path(rest), Some(body)).await
    }

    /// A post without a body.
    pub(crate) async fn act(&self, rest: &str) -> Reply {
        self.client.send(Method::POST, &self.path(rest), None).await
    }

    pub(crate) async fn put(&self, rest: &str, body: Value) -> Reply {
        self.client.send(Method::PUT, &self.path(rest), Some(body)).await
    }

    pub(crate) async fn patch(&self, rest: &str, body: Value) -> Reply {
        self.client.send(Method::PATCH, &self.path(rest), Some(body)).await
    }

    /// Puts bytes that are no JSON.
    pub(crate) async fn put_bytes(&self, rest: &str, bytes: Vec<u8>) -> Reply {
        let headers = [("content-type", "application/octet-stream")];
        self.client
            .send_bytes(Method::PUT, &self.path(rest), &headers, bytes)
            .await
    }

    pub(crate) async fn delete(&self, rest: &str) -> Reply {
        self.client.send(Method::DELETE, &self.path(rest), None).await
    }
}

/// The root of the workspace.
pub(crate) fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn fake_component() -> PathBuf {
    let path = workspace_root().join("components/dist/fake.wasm");
    assert!(
        path.exists(),
        "`components/dist/fake.wasm` is not built: run `just components` and then this test again"
    );
    path
}
