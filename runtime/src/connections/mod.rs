//! Connections on disk: one TOML file for each, so that a broken one disturbs no other.

mod check;
pub mod clouds;
mod config;
mod credentials;
mod effective;
mod grants;
mod options;
mod proxy;
mod rule;
mod tls;

use std::path::PathBuf;

pub use config::{
    ConnectionConfig, CredentialConfig, EndpointGrants, Grants, HeadersConfig, ProxyConfig, RootsConfig, SecretSource,
    TextSource, TlsConfig, TlsVersionConfig,
};
pub use credentials::config::{
    InCluster, KeystoneConfig, KeystoneScopeConfig, KubernetesConfig, Oauth2Config, SystemScope,
};
pub use effective::effective_rules;
pub(crate) use grants::{grants_without_secrets, host_connection, state_directory};
pub use options::OptionInput;
pub(crate) use options::validate;
pub use rule::RuleConfig;
pub use stockade_host::connection::Isolation;
pub use stockade_host::http::{ConditionText, Effect, OriginPattern, TextPattern};

use crate::error::{Error, Result};
use crate::home::{Home, check_name, read_optional, write_private};
use crate::suggest;

/// The configured connections.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionStore {
    directory: PathBuf,
}

/// The ending of a connection's file.
const ENDING: &str = "toml";

impl ConnectionStore {
    pub(crate) fn new(home: &Home) -> Self {
        Self {
            directory: home.config.join("connections"),
        }
    }

    /// The names of all connections, sorted.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let failed = |error: &std::io::Error| Error::io(format_args!("reading `{}`", self.directory.display()), error);
        let entries = match std::fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed(&error))?.path();
            if path.extension().is_some_and(|extension| extension == ENDING) {
                let stem = path
                    .file_stem()
                    .map(|stem| stem.to_string_lossy().into_owned())
                    .unwrap_or_default();
                if check_name("connection", &stem).is_ok() {
                    names.push(stem);
                }
            }
        }
        names.sort();
        Ok(names)
    }

    /// Reads a connection.
    ///
    /// # Errors
    /// When there is none of that name, or its file is broken: with line and column.
    pub(crate) fn get(&self, name: &str) -> Result<ConnectionConfig> {
        self.parse(name, &self.text(name)?)
    }

    /// Reads a connection's file.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(crate) fn text(&self, name: &str) -> Result<String> {
        check_name("connection", name)?;
        read_optional(&self.file(name))?.ok_or_else(|| self.unknown(name))
    }

    /// What the text of a connection's file says.
    ///
    /// # Errors
    /// When it is broken: with line and column.
    pub(crate) fn parse(&self, name: &str, text: &str) -> Result<ConnectionConfig> {
        toml::from_str(text).map_err(|error| {
            let file = self.file(name);
            let message = format!("`{}` is broken: {}", file.display(), error.to_string().trim_end());
            Error::invalid("connection", message).on(name)
        })
    }

    /// Writes a connection.
    pub(crate) fn put(&self, name: &str, config: &ConnectionConfig) -> Result<()> {
        check_name("connection", name)?;
        let text =
            toml::to_string_pretty(config).map_err(|error| Error::invalid("connection", error.to_string()).on(name))?;
        write_private(&self.file(name), text.as_bytes())
    }

    /// Whether there is a connection of that name, broken or not.
    pub(crate) fn exists(&self, name: &str) -> Result<bool> {
        check_name("connection", name)?;
        Ok(self.file(name).exists())
    }

    /// Removes a connection.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        check_name("connection", name)?;
        let path = self.file(name);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(self.unknown(name)),
            Err(error) => Err(Error::io(format_args!("removing `{}`", path.display()), &error)),
        }
    }

    /// The file of a connection.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.{ENDING}"))
    }

    fn unknown(&self, name: &str) -> Error {
        let known = self.names().unwrap_or_default();
        let names: Vec<_> = known.iter().map(String::as_str).collect();
        let hint = suggest::hint(name, &names);
        Error::not_found("connection", name).hint(
            hint.unwrap_or_else(|| "create one: `stockade create connection NAME --provider PROVIDER`".to_owned()),
        )
    }
}
