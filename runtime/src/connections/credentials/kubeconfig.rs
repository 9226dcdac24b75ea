//! Reads kubeconfig files: <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>.
//!
//! Only what proves who the user and the server are. The file is another program's: keys that are not known here are
//! passed over. Paths in it are relative to the file's own directory.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use stockade_host::http::Secret;

use super::source::Sources;
use crate::error::{Error, Result};

/// A file's whole content, as far as it matters.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "current-context")]
    current_context: Option<String>,
    #[serde(default)]
    clusters: Vec<NamedCluster>,
    #[serde(default)]
    contexts: Vec<NamedContext>,
    #[serde(default)]
    users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    cluster: KubeCluster,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    cluster: String,
    user: String,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    user: KubeUser,
}

/// A cluster.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct KubeCluster {
    pub(super) server: String,
    pub(super) certificate_authority: Option<PathBuf>,
    pub(super) certificate_authority_data: Option<String>,
    #[serde(default)]
    pub(super) insecure_skip_tls_verify: bool,
    pub(super) tls_server_name: Option<String>,
}

/// A user.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) struct KubeUser {
    pub(super) client_certificate: Option<PathBuf>,
    pub(super) client_certificate_data: Option<String>,
    pub(super) client_key: Option<PathBuf>,
    pub(super) client_key_data: Option<Secret>,
    pub(super) token: Option<Secret>,
    #[serde(rename = "tokenFile")]
    pub(super) token_file: Option<PathBuf>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) exec: Option<KubeExec>,
}

/// A plugin that makes a user's tokens.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KubeExec {
    pub(super) api_version: Option<String>,
    pub(super) command: String,
    pub(super) args: Option<Vec<String>>,
    pub(super) env: Option<Vec<KubeVariable>>,
    #[serde(default)]
    pub(super) provide_cluster_info: bool,
}

/// A variable of a plugin's environment.
#[derive(Deserialize)]
pub(super) struct KubeVariable {
    pub(super) name: String,
    pub(super) value: String,
}

/// A context's cluster and user, and the directory that their paths begin at.
pub(super) struct KubeContext {
    pub(super) cluster: KubeCluster,
    pub(super) user: KubeUser,
    directory: PathBuf,
}

impl KubeContext {
    /// Reads a file's context; none for its current one.
    ///
    /// # Errors
    /// When the file is not private, is broken, or has no such context.
    pub(super) fn read(sources: &Sources<'_>, path: &Path, context: Option<&str>) -> Result<Self> {
        let text = sources.file(path)?;
        // The parser's own message could show a token.
        let mut file: File = serde_saphyr::from_str(text.expose())
            .map_err(|_| sources.missing(format_args!("`{}` is no kubeconfig file", path.display())))?;
        let unknown = |noun: &str, name: &str| -> Error {
            sources.missing(format_args!("`{}` has no {noun} `{name}`", path.display()))
        };
        let wanted = context
            .map(str::to_owned)
            .or_else(|| file.current_context.take())
            .filter(|name| !name.is_empty());
        let Some(wanted) = wanted else {
            let error = sources.missing(format_args!("`{}` has no current context", path.display()));
            return Err(error.hint("name one with `context`"));
        };
        let found = file.contexts.into_iter().find(|context| context.name == wanted);
        let Context { cluster, user } = found.ok_or_else(|| unknown("context", &wanted))?.context;
        let found = file.clusters.into_iter().find(|known| known.name == cluster);
        let cluster = found.ok_or_else(|| unknown("cluster", &cluster))?.cluster;
        let found = file.users.into_iter().find(|known| known.name == user);
        let user = found.ok_or_else(|| unknown("user", &user))?.user;
        Ok(Self {
            cluster,
            user,
            directory: path.parent().unwrap_or(Path::new("/")).to_owned(),
        })
    }

    /// The server's certificate authority in PEM.
    pub(super) fn authority(&self, sources: &Sources<'_>) -> Result<Option<String>> {
        let (data, file) = (
            &self.cluster.certificate_authority_data,
            &self.cluster.certificate_authority,
        );
        self.public_pem(sources, "certificate-authority", data.as_deref(), file.as_deref())
    }

    /// The user's certificate and key in PEM.
    pub(super) fn identity(&self, sources: &Sources<'_>) -> Result<Option<(String, Secret)>> {
        let user = &self.user;
        let (data, file) = (
            user.client_certificate_data.as_deref(),
            user.client_certificate.as_deref(),
        );
        let certificate = self.public_pem(sources, "client-certificate", data, file)?;
        let key = match (&user.client_key_data, &user.client_key) {
            (Some(data), _) => Some(Secret::new(decode(sources, "client-key-data", data.expose())?)),
            (None, Some(file)) => Some(sources.file(&self.directory.join(file))?),
            (None, None) => None,
        };
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
            (None, None) => Ok(None),
            _ => {
                Err(sources
                    .missing("the user has a client certificate without its key, or a key without a certificate"))
            }
        }
    }

    /// The file with the user's token.
    pub(super) fn token_file(&self) -> Option<PathBuf> {
        self.user.token_file.as_ref().map(|file| self.directory.join(file))
    }

    fn public_pem(
        &self,
        sources: &Sources<'_>,
        key: &str,
        data: Option<&str>,
        file: Option<&Path>,
    ) -> Result<Option<String>> {
        match (data, file) {
            (Some(data), _) if !data.is_empty() => decode(sources, &format!("{key}-data"), data).map(Some),
            (_, Some(file)) => {
                let path = self.directory.join(file);
                let text = std::fs::read_to_string(&path);
                let failed =
                    |error| sources.missing(format_args!("the file `{}` cannot be read: {error}", path.display()));
                text.map(Some).map_err(failed)
            }
            _ => Ok(None),
        }
    }
}

fn decode(sources: &Sources<'_>, key: &str, data: &str) -> Result<String> {
    let bytes = STANDARD.decode(data.trim()).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| sources.missing(format_args!("`{key}` of the kubeconfig file is no PEM in base64")))
}
