//! From what a connection's file says about its credentials to what the host attaches.
//!
//! Each credential is made once for a connection, however many endpoints use it: a token is then obtained once. `source`
//! reads secrets; `fixed`, `tokens` and `kubernetes` make the kinds; `reload` makes one anew when a server turns it down.

mod command;
pub(super) mod config;
mod fixed;
mod kubeconfig;
mod kubernetes;
mod reload;
mod signing;
mod source;
mod tokens;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use stockade_host::contract::{CredentialKind, CredentialRequest, Endpoint, OptionEntry, ProviderInfo};
use stockade_host::http::{Credential, Destination, Origin, OriginTemplate, Resolved, Secret, TlsProfile};

use self::kubernetes::Cluster;
use self::reload::Reloading;
use self::source::Sources;
use super::config::{ConnectionConfig, CredentialConfig, SecretSource};
use super::grants::option_text;
use crate::error::{Error, Result, chain};
use crate::home::Home;

/// The credentials of one connection.
pub(super) struct Credentials<'a> {
    home: &'a Home,
    config: &'a ConnectionConfig,
    info: &'a ProviderInfo,
    options: &'a [OptionEntry],
    /// By the credential's name, and the endpoint's where the credential is another one at each.
    made: BTreeMap<(String, String), Made>,
}

/// A credential, and what it says about the server.
#[derive(Clone)]
struct Made {
    /// None when only TLS carries it.
    credential: Option<Credential>,
    cluster: Option<Cluster>,
}

impl<'a> Credentials<'a> {
    pub(super) fn new(
        home: &'a Home,
        config: &'a ConnectionConfig,
        info: &'a ProviderInfo,
        options: &'a [OptionEntry],
    ) -> Self {
        Self {
            home,
            config,
            info,
            options,
            made: BTreeMap::new(),
        }
    }

    /// What is attached at an endpoint; `tls` is completed by what a credential says about the server.
    pub(super) fn at(
        &mut self,
        endpoint: &Endpoint,
        destination: &Destination,
        tls: &mut TlsProfile,
    ) -> Result<Option<Credential>> {
        let Some(name) = &endpoint.credential else {
            return Ok(None);
        };
        let Some(request) = self.info.credentials.iter().find(|credential| credential.name == *name) else {
            return Ok(None);
        };
        let Some(config) = self.config.credentials.get(name) else {
            return if request.required {
                Err(not_given(request))
            } else {
                Ok(None)
            };
        };
        let key = match signing::depends_on_endpoint(request) {
            true => (name.clone(), endpoint.name.clone()),
            false => (name.clone(), String::new()),
        };
        if !self.made.contains_key(&key) {
            let made = self.recipe(request, config, &endpoint.name).complete()?;
            self.made.insert(key.clone(), made);
        }
        let made = &self.made[&key];
        if let Some(cluster) = &made.cluster {
            let tls_is_granted = self
                .config
                .grants
                .endpoints
                .get(&endpoint.name)
                .is_some_and(|grant| grant.tls.is_some());
            let Destination::Fixed(origin) = destination else {
                let message = format!(
                    "credential `{name}` is for one cluster, and endpoint `{}` leads anywhere",
                    endpoint.name
                );
                return Err(Error::invalid("credentials", message).hint("give another kind of credential"));
            };
            cluster.complete(name, origin, tls, tls_is_granted)?;
        }
        Ok(made.credential.clone())
    }

    fn recipe(&self, request: &CredentialRequest, config: &CredentialConfig, endpoint: &str) -> Recipe {
        let texts = |is_wanted: &dyn Fn(&str) -> bool| {
            let wanted = self.options.iter().filter(|option| is_wanted(&option.name));
            wanted
                .filter_map(|option| Some((option.name.clone(), option_text(self.options, &option.name)?)))
                .collect()
        };
        let is_secret = |name: &str| {
            self.info
                .connection_options
                .iter()
                .any(|option| option.name == name && option.secret)
        };
        let origins = self.info.endpoints.iter().filter_map(|endpoint| {
            let template: OriginTemplate = endpoint.origin.parse().ok()?;
            match template.resolve(|option| option_text(self.options, option)).ok()? {
                Resolved::Fixed(origin) => Some((endpoint.name.clone(), origin)),
                Resolved::Discovered(_) => None,
            }
        });
        Recipe {
            home: self.home.clone(),
            request: request.clone(),
            config: config.clone(),
            endpoint: endpoint.to_owned(),
            options: texts(&|_| true),
            open_options: texts(&|name| !is_secret(name)),
            origins: origins.collect(),
        }
    }
}

fn not_given(request: &CredentialRequest) -> Error {
    let CredentialRequest { name, reason, .. } = request;
    Error::invalid(
        "credentials",
        format!("the provider needs credential `{name}`: {reason}"),
    )
    .hint(format!(
        "give it with `--credential {name}=bearer:env:VARIABLE`, or in the connection's file"
    ))
}

/// Everything of which a credential is made, to make it again.
struct Recipe {
    home: Home,
    request: CredentialRequest,
    config: CredentialConfig,
    /// The endpoint that it is made for; any one where it is the same at all.
    endpoint: String,
    /// The connection's options as texts.
    options: BTreeMap<String, String>,
    /// Those that may be seen: in paths, which are logged.
    open_options: BTreeMap<String, String>,
    /// The endpoints whose origins are known.
    origins: BTreeMap<String, Origin>,
}

impl fmt::Debug for Recipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Options may be secret.
        formatter
            .debug_struct("Recipe")
            .field("credential", &self.request.name)
            .finish_non_exhaustive()
    }
}

impl Recipe {
    fn complete(self) -> Result<Made> {
        if let CredentialConfig::Kubernetes(config) = &self.config {
            return kubernetes::make(&self, config);
        }
        let (credential, read) = self.make()?;
        let reloading = Reloading::new(self, credential, read);
        Ok(Made {
            credential: Some(Arc::new(reloading)),
            cluster: None,
        })
    }

    /// Makes the credential; answers what was read for it, too.
    fn make(&self) -> Result<(Credential, Vec<Secret>)> {
        let sources = Sources::new(&self.home, &self.request.name);
        let credential = self.resolve(&sources)?;
        Ok((credential, sources.into_read()))
    }

    fn resolve(&self, sources: &Sources<'_>) -> Result<Credential> {
        match &self.config {
            CredentialConfig::Bearer { token } => fixed::bearer(self, sources, token),
            CredentialConfig::Basic { user, password } => fixed::basic(self, sources, user, password),
            CredentialConfig::Header { value } => fixed::header(self, sources, value),
            CredentialConfig::Oauth2(config) => tokens::oauth2(self, sources, config),
            CredentialConfig::Keystone(config) => tokens::keystone(self, sources, config),
            CredentialConfig::Session { user, password } => tokens::session(self, sources, user, password),
            CredentialConfig::Query { value } => signing::query(self, sources, value),
            CredentialConfig::Sigv4 {
                access_key,
                secret_key,
                session_token,
            } => signing::sigv4(self, sources, access_key, secret_key, session_token.as_ref()),
            CredentialConfig::AzureSharedKey { key } => signing::azure_shared_key(self, sources, key),
            CredentialConfig::AzureSas { query } => signing::azure_sas(self, sources, query),
            CredentialConfig::Kubernetes(_) => Err(self.refused("kubernetes")),
        }
    }

    /// What the provider says of the first kind that `pick` takes.
    ///
    /// # Errors
    /// When it accepts none: `kind` is how the operator wrote it.
    fn accepted<'r, T>(&'r self, kind: &str, pick: impl Fn(&'r CredentialKind) -> Option<T>) -> Result<T> {
        self.request
            .kinds
            .iter()
            .find_map(pick)
            .ok_or_else(|| self.refused(kind))
    }

    fn refused(&self, kind: &str) -> Error {
        let kinds: Vec<_> = self.request.kinds.iter().map(kind_name).collect();
        self.invalid(format_args!("cannot be of kind `{kind}`"))
            .hint(format!("the provider accepts: {}", kinds.join(", ")))
    }

    fn invalid(&self, why: impl fmt::Display) -> Error {
        Error::invalid("credentials", format!("credential `{}` {why}", self.request.name))
    }

    fn unusable(&self, error: &dyn std::error::Error) -> Error {
        self.invalid(format_args!("cannot be used: {}", chain(error)))
    }
}

fn kind_name(kind: &CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Bearer => "bearer",
        CredentialKind::Basic => "basic",
        CredentialKind::Header(_) => "header",
        CredentialKind::Query(_) => "query",
        CredentialKind::Sigv4(_) => "sigv4",
        CredentialKind::Oauth2(_) => "oauth2",
        CredentialKind::Keystone(_) => "keystone",
        CredentialKind::Session(_) => "session",
        CredentialKind::Kubernetes => "kubernetes",
        CredentialKind::AzureSharedKey(_) => "azure-shared-key",
        CredentialKind::AzureSas => "azure-sas",
    }
}

/// Reads a secret that belongs to no credential; `name` is how errors name what it is for.
///
/// # Errors
/// When it is missing, empty, or where others can read it.
pub(super) fn read(home: &Home, name: &str, source: &SecretSource) -> Result<Secret> {
    Sources::new(home, name).read(source)
}

#[cfg(test)]
mod tests;
