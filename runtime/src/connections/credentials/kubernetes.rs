//! Kubernetes users: of a kubeconfig file, or the service account of the pod that this runs in.
//!
//! The file says which server it is for, and is refused for any other: a cluster's token is of use to whoever runs the
//! endpoint. Its certificate authority and client certificate complete the endpoint's TLS profile where the operator granted
//! none. A plugin is run only if the connection names it; certificates that it makes hold until the connection is opened anew.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use stockade_host::contract::CredentialKind;
use stockade_host::http::{
    Basic, ClientIdentity, Credential, CredentialError, Host, Origin, Renewed, Secret, TlsProfile, Token, TokenSource,
    Trust,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::config::{InCluster, KubernetesConfig};
use super::kubeconfig::{KubeContext, KubeExec};
use super::source::{MAX_SECRET_BYTES, Sources};
use super::{Made, Recipe, command};
use crate::error::{Error, Result};
use crate::home::Home;

/// Token files are read again this often: the kubelet replaces a pod's token before it expires.
const FILE_TOKEN_LIFETIME: Duration = Duration::from_secs(60);
/// The plugin protocol: <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>.
const EXEC_VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];
/// The name of a cluster's own server within it.
const IN_CLUSTER_HOST: &str = "kubernetes.default.svc";

/// What a user's file says about the server.
#[derive(Clone)]
pub(super) struct Cluster {
    /// The origins that it may be used for, at least one.
    origins: Vec<Origin>,
    authority: Option<String>,
    server_name: Option<String>,
    skips_verification: bool,
    identity: Option<ClientIdentity>,
}

impl Cluster {
    /// Completes the TLS profile of an endpoint that this cluster serves.
    ///
    /// # Errors
    /// When it is another cluster's.
    pub(super) fn complete(&self, name: &str, origin: &Origin, tls: &mut TlsProfile, is_granted: bool) -> Result<()> {
        let invalid = |why: String| Error::invalid("credentials", format!("credential `{name}` {why}"));
        if !self.origins.contains(origin) {
            let known: Vec<String> = self.origins.iter().map(|origin| format!("`{origin}`")).collect();
            return Err(invalid(format!("is for {}, not for `{origin}`", known.join(" and ")))
                .hint("point the connection's options to that server, or choose another `context`"));
        }
        if !is_granted {
            if self.skips_verification {
                return Err(invalid("says that the server need not prove who it is".to_owned())
                    .hint("if that is meant, grant the endpoint `tls = { insecure = true }`"));
            }
            if let Some(authority) = &self.authority {
                tls.trust = Trust::Authority(authority.clone());
            }
            if let Some(server_name) = &self.server_name {
                let host = Host::parse(server_name);
                tls.server_name =
                    Some(host.map_err(|problem| invalid(format!("names an unusable server: {problem}")))?);
            }
        }
        if tls.identity.is_none() {
            tls.identity.clone_from(&self.identity);
        }
        Ok(())
    }
}

/// Makes the credential of a user.
pub(super) fn make(recipe: &Recipe, config: &KubernetesConfig) -> Result<Made> {
    recipe.accepted("kubernetes", |kind| {
        matches!(kind, CredentialKind::Kubernetes).then_some(())
    })?;
    match config {
        KubernetesConfig::Kubeconfig {
            path,
            context,
            exec_allow,
        } => {
            let user = KubeconfigUser {
                home: recipe.home.clone(),
                name: recipe.request.name.clone(),
                path: PathBuf::from(path),
                context: context.clone(),
                exec_allow: exec_allow.clone(),
            };
            user.make(recipe)
        }
        KubernetesConfig::InCluster(account) => in_cluster(recipe, account),
    }
}

/// The user of a kubeconfig file, which is read anew for each token.
#[derive(Debug)]
struct KubeconfigUser {
    home: Home,
    name: String,
    path: PathBuf,
    context: Option<String>,
    exec_allow: Vec<String>,
}

impl KubeconfigUser {
    fn make(self, recipe: &Recipe) -> Result<Made> {
        let sources = Sources::new(&self.home, &self.name);
        let context = KubeContext::read(&sources, &self.path, self.context.as_deref())?;
        let mut identity = context.identity(&sources)?;
        let server = &context.cluster.server;
        let origin = server.trim_end_matches('/').parse::<Origin>();
        let origin = origin.map_err(|error| recipe.unusable(&error))?;
        let user = &context.user;
        let makes_tokens = if let Some(exec) = &user.exec {
            let made = self.run(exec, &context)?;
            let has_token = made.token.is_some();
            identity = made.identity().or(identity);
            has_token
        } else {
            user.token.is_some() || user.token_file.is_some()
        };
        let credential: Option<Credential> = match (&user.username, &user.password) {
            _ if makes_tokens => None,
            (Some(name), Some(password)) => Some(Arc::new(Basic {
                user: name.clone(),
                password: password.clone(),
            })),
            _ if identity.is_none() => {
                return Err(sources.missing("the user has neither a token nor a certificate, a password or a plugin"));
            }
            _ => None,
        };
        let cluster = Cluster {
            origins: vec![origin],
            authority: context.authority(&sources)?,
            server_name: context.cluster.tls_server_name.clone(),
            skips_verification: context.cluster.insecure_skip_tls_verify,
            identity: identity.map(|(certificates, key)| ClientIdentity { certificates, key }),
        };
        let renewed = || Arc::new(Renewed::new(Arc::new(self))) as Credential;
        Ok(Made {
            credential: if makes_tokens { Some(renewed()) } else { credential },
            cluster: Some(cluster),
        })
    }

    /// Reads the token of now.
    fn token(&self) -> Result<Token> {
        let sources = Sources::new(&self.home, &self.name);
        let context = KubeContext::read(&sources, &self.path, self.context.as_deref())?;
        let unusable = |why| sources.missing(format_args!("of the token: {why}"));
        if let Some(exec) = &context.user.exec {
            let made = self.run(exec, &context)?;
            let lifetime = made.lifetime();
            let token = made.token.ok_or_else(|| sources.missing("the plugin gave no token"))?;
            return Token::new(token.expose(), lifetime).map_err(unusable);
        }
        if let Some(file) = context.token_file() {
            let token = sources.file(&file)?;
            return Token::new(token.expose(), Some(FILE_TOKEN_LIFETIME)).map_err(unusable);
        }
        let token = context
            .user
            .token
            .as_ref()
            .ok_or_else(|| sources.missing("the user has no token any more"))?;
        Token::new(token.expose(), None).map_err(unusable)
    }

    /// Runs the plugin, if it may be run.
    fn run(&self, exec: &KubeExec, context: &KubeContext) -> Result<ExecStatus> {
        let sources = Sources::new(&self.home, &self.name);
        let command = &exec.command;
        if !self.exec_allow.contains(command) {
            let error = sources.missing(format_args!("`{}` wants to run `{command}`", self.path.display()));
            return Err(error.hint(format!(
                "if that program may be run, write its absolute path there and into `exec_allow = [\"{command}\"]`"
            )));
        }
        let version = exec.api_version.as_deref().unwrap_or_default();
        if !EXEC_VERSIONS.contains(&version) {
            return Err(sources.missing(format_args!(
                "the plugin speaks `{version}`, not {}",
                EXEC_VERSIONS.join(" or ")
            )));
        }
        let mut spec = json!({ "interactive": false });
        if exec.provide_cluster_info {
            let cluster = &context.cluster;
            spec["cluster"] = json!({
                "server": cluster.server,
                "certificate-authority-data": cluster.certificate_authority_data,
                "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
                "tls-server-name": cluster.tls_server_name,
            });
        }
        let info = json!({ "apiVersion": version, "kind": "ExecCredential", "spec": spec });
        let variables = exec
            .env
            .iter()
            .flatten()
            .map(|variable| (variable.name.clone(), variable.value.clone()));
        let mut environment: Vec<(String, String)> = variables.collect();
        environment.push(("KUBERNETES_EXEC_INFO".to_owned(), info.to_string()));
        let words: Vec<String> = std::iter::once(command)
            .chain(exec.args.iter().flatten())
            .cloned()
            .collect();
        let printed = command::run(&words, &environment).map_err(|why| sources.missing(why))?;
        ExecStatus::read(&printed, version)
            .ok_or_else(|| sources.missing("the plugin printed no `ExecCredential` of its version"))
    }
}

#[async_trait]
impl TokenSource for KubeconfigUser {
    async fn read(&self) -> Result<Token, CredentialError> {
        let user = Self {
            home: self.home.clone(),
            name: self.name.clone(),
            path: self.path.clone(),
            context: self.context.clone(),
            exec_allow: self.exec_allow.clone(),
        };
        beside(move || user.token()).await
    }
}

/// What a plugin prints: `ExecCredential`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus {
    token: Option<Secret>,
    client_certificate_data: Option<String>,
    client_key_data: Option<Secret>,
    expiration_timestamp: Option<String>,
}

impl ExecStatus {
    fn read(printed: &str, version: &str) -> Option<Self> {
        let mut document: Value = serde_json::from_str(printed).ok()?;
        let is_one = document["kind"] == "ExecCredential" && document["apiVersion"] == version;
        let status = is_one.then(|| document["status"].take())?;
        serde_json::from_value(status).ok()
    }

    fn identity(&self) -> Option<(String, Secret)> {
        Some((self.client_certificate_data.clone()?, self.client_key_data.clone()?))
    }

    fn lifetime(&self) -> Option<Duration> {
        let expires = OffsetDateTime::parse(self.expiration_timestamp.as_deref()?, &Rfc3339).ok()?;
        let expires: SystemTime = expires.into();
        Some(expires.duration_since(SystemTime::now()).unwrap_or_default())
    }
}

/// The pod's service account.
fn in_cluster(recipe: &Recipe, account: &InCluster) -> Result<Made> {
    let sources = Sources::new(&recipe.home, &recipe.request.name);
    let directory = PathBuf::from(&account.directory);
    let authority = std::fs::read_to_string(directory.join("ca.crt"))
        .map_err(|error| sources.missing(format_args!("`{}` has no `ca.crt`: {error}", directory.display())))?;
    let variable = |name: &str| std::env::var(name).ok();
    let mut origins = vec![format!("https://{IN_CLUSTER_HOST}")];
    if let (Some(host), Some(port)) = (variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT")) {
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        origins.push(format!("https://{host}:{port}"));
    }
    let account = ServiceAccount(directory.join("token"));
    // What is missing is told now, not at the first request.
    account.token().map_err(|why| sources.missing(why))?;
    Ok(Made {
        credential: Some(Arc::new(Renewed::new(Arc::new(account)))),
        cluster: Some(Cluster {
            origins: origins.iter().filter_map(|origin| origin.parse().ok()).collect(),
            authority: Some(authority),
            server_name: None,
            skips_verification: false,
            identity: None,
        }),
    })
}

/// The file with a pod's token. The kubelet decides who can read it.
#[derive(Debug)]
struct ServiceAccount(PathBuf);

impl ServiceAccount {
    fn token(&self) -> Result<Token, String> {
        let text = read_bounded(&self.0)
            .map_err(|error| format!("the file `{}` cannot be read: {error}", self.0.display()))?;
        Token::new(text.trim_end(), Some(FILE_TOKEN_LIFETIME)).map_err(|why| format!("of the token: {why}"))
    }
}

#[async_trait]
impl TokenSource for ServiceAccount {
    async fn read(&self) -> Result<Token, CredentialError> {
        self.token().map_err(CredentialError::Source)
    }
}

fn read_bounded(path: &Path) -> std::io::Result<zeroize::Zeroizing<String>> {
    use std::io::Read as _;
    let mut text = zeroize::Zeroizing::new(String::new());
    std::fs::File::open(path)?
        .take(MAX_SECRET_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// Reads on a thread that may wait.
async fn beside(read: impl FnOnce() -> Result<Token> + Send + 'static) -> Result<Token, CredentialError> {
    let answer = tokio::task::spawn_blocking(read).await;
    let answer = answer.map_err(|error| CredentialError::Source(error.to_string()))?;
    answer.map_err(|error| CredentialError::Source(error.to_string()))
}

#[cfg(test)]
#[path = "kubernetes_tests.rs"]
mod tests;
