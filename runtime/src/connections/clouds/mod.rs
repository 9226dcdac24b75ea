//! What other clients of an identity service were told about a cloud, for a connection to it: an entry of a `clouds.yaml`
//! with the `secure.yaml` beside it, or the variables `OS_…` of the environment
//! (<https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html>).
//!
//! Which option of a provider stands for what is read from the provider itself: its credential of the kind `keystone` names
//! the endpoint of the identity service and the path of the login, whose templates the entry's `auth_url` fills.

mod entry;
mod file;
mod target;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};
use stockade_host::contract::{CredentialKind, ProviderInfo};
use stockade_host::http::OriginPattern;
pub use stockade_host::http::Secret;

use self::entry::Proof;
pub use self::file::find_clouds_file;
use super::config::{CredentialConfig, SecretSource, TlsConfig};
use super::options::OptionInput;
use crate::error::{Error, Result};

/// An entry, before a provider is known.
#[derive(Debug)]
pub struct Cloud {
    /// How messages call it.
    title: String,
    /// What it says; names with `_`.
    values: Map<String, Value>,
    /// A file with the entry's secret that others can read.
    exposed: Option<PathBuf>,
}

/// A connection to a cloud: what of it the entry decides.
#[derive(Debug)]
pub struct CloudConnection {
    /// Options of the provider.
    pub options: BTreeMap<String, OptionInput>,
    /// The name by which the provider asks for the credential.
    pub credential: String,
    /// Where services may be that the identity service names: on its own host.
    pub origin: OriginPattern,
    /// How servers prove who they are; none for the public certificate authorities.
    pub tls: Option<TlsConfig>,
    proof: Proof,
}

impl CloudConnection {
    /// The secret, for a private file.
    pub fn into_secret(self) -> Secret {
        self.proof.into_secret()
    }

    /// The credential, whose secret was put there.
    pub fn credential_from(&self, source: SecretSource) -> CredentialConfig {
        self.proof.credential(source)
    }
}

impl Cloud {
    /// The cloud that a provider's connections are to be to.
    ///
    /// # Errors
    /// `invalid-argument` when the provider takes no such credential, or when the entry has what a connection cannot honour.
    pub fn connection(&self, info: &ProviderInfo) -> Result<CloudConnection> {
        let asked = info.credentials.iter().find_map(|request| {
            let service = request.kinds.iter().find_map(|kind| match kind {
                CredentialKind::Keystone(service) => Some(service),
                _ => None,
            });
            service.map(|service| (request, service))
        });
        let Some((request, service)) = asked else {
            let why = format!("provider `{}` takes no credential of the kind `keystone`", info.name);
            return Err(self.invalid(&why));
        };
        if let Some(path) = &self.exposed {
            let error = self.invalid(&format!("others can read its secret in `{}`", path.display()));
            return Err(error.hint(format!("chmod 600 {}", path.display())));
        }
        let entry = self.entry()?;
        let is_token = matches!(entry.proof, Proof::Token(_));
        if is_token
            && !request
                .kinds
                .iter()
                .any(|kind| matches!(kind, CredentialKind::Header(_)))
        {
            return Err(self.invalid("it has a token, and the provider takes none that was issued already"));
        }
        let endpoint = info.endpoints.iter().find(|endpoint| endpoint.name == service.endpoint);
        let template = endpoint.map_or("", |endpoint| endpoint.origin.as_str());
        let target = target::read(&entry.auth_url).map_err(|why| self.invalid(&why))?;
        let mut options = target.fill(template, &service.path).map_err(|why| self.invalid(&why))?;
        for (name, value) in [("region", &entry.region), ("interface", &entry.interface)] {
            let Some(value) = value else { continue };
            if !info.connection_options.iter().any(|option| option.name == name) {
                let why = format!("it says `{name}`, which is no option of provider `{}`", info.name);
                return Err(self.invalid(&why));
            }
            options.insert(name.to_owned(), value.clone());
        }
        let origin = format!("{}://{}:*", target.scheme, target.host);
        let inputs = options
            .into_iter()
            .map(|(name, value)| (name, OptionInput::Text(value)));
        Ok(CloudConnection {
            options: inputs.collect(),
            credential: request.name.clone(),
            origin: origin
                .parse()
                .map_err(|_| self.invalid(&format!("its services cannot be granted at `{origin}`")))?,
            // Without TLS nobody proves anything.
            tls: entry.tls.filter(|_| target.scheme == "https"),
            proof: entry.proof,
        })
    }

    fn invalid(&self, why: &str) -> Error {
        Error::invalid("cloud", format!("{}: {why}", self.title))
    }
}

#[cfg(test)]
mod tests;
