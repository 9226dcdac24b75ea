//! What a connection's file says. Unknown keys are errors everywhere.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use stockade_host::connection::Isolation;
use stockade_host::contract::ProviderInfo;
use stockade_host::limits::GuestLimits;
use utoipa::ToSchema;

use super::options::OptionInput;

/// A connection: which provider, its options, by what credentials, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {
    /// The installed provider's name.
    pub provider: String,
    /// How long one call may take, in seconds; none for 120.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// Where its provider runs: `in-process`, or `process` for each call in a process of its own behind a second wall.
    #[serde(default, skip_serializing_if = "is_in_process")]
    pub isolation: Isolation,
    /// The provider's options.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, OptionInput>,
    /// What the host attaches to requests, by the name under which the provider asks for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, CredentialConfig>,
    /// What the provider may do.
    #[serde(default)]
    pub grants: Grants,
    /// What a call may use.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schema(value_type = Object)]
    pub limits: GuestLimits,
}

fn is_in_process(isolation: &Isolation) -> bool {
    *isolation == Isolation::InProcess
}

fn is_default(limits: &GuestLimits) -> bool {
    *limits == GuestLimits::default()
}

/// A credential of a connection. The secret itself is never in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CredentialConfig {
    /// `Authorization: Bearer …`.
    Bearer {
        /// Where the token is.
        token: SecretSource,
    },
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        user: String,
        /// Where the password is.
        password: SecretSource,
    },
    /// The header that the provider names.
    Header {
        /// Where the header's value is.
        value: SecretSource,
    },
    /// The query parameter that the provider names.
    Query {
        /// Where the parameter's value is.
        value: SecretSource,
    },
    /// A signature of each request: Signature Version 4.
    Sigv4 {
        /// The access key's id, or where it is.
        access_key: TextSource,
        /// Where the secret key is.
        secret_key: SecretSource,
        /// Where the session token is; none for keys that are not temporary.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_token: Option<SecretSource>,
    },
    /// A signature of each request: Azure Storage's shared key.
    AzureSharedKey {
        /// Where the account's key is, in base64.
        key: SecretSource,
    },
    /// Azure Storage's shared access signature.
    AzureSas {
        /// Where the query string is: `sv=…&sig=…`.
        query: SecretSource,
    },
}

/// A text that need not be secret, or where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum TextSource {
    /// The text itself.
    Text(String),
    /// Where it is.
    Source(SecretSource),
}

/// Where a secret is. It is read when it is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// The value of an environment variable.
    Env(String),
    /// The content of a file without its final newline. Others must not be able to read it.
    File(String),
    /// An entry `SERVICE/USER` of the user's keyring.
    Keyring(String),
}

/// What a provider may do on a connection: nothing that is not said here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    /// How much state it may keep, in KiB; none grants no state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_kib: Option<u32>,
    /// Which requests it may make, by the endpoint's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, EndpointGrants>,
}

/// What a provider may do at one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointGrants {
    /// Networks that are reachable although they are private, loopback or link-local.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub allow_addresses: Vec<IpNet>,
    /// How long URLs that are signed for others may be valid, in seconds; none when the provider may hand out none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presign_seconds: Option<u32>,
    /// How the server must prove who it is; none for the public certificate authorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// The requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleConfig>,
}

/// How a server must prove who it is, and the host to it. `roots`, `ca` and `insecure` exclude each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// By a certificate of public authorities: whose list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roots: Option<RootsConfig>,
    /// By a certificate of the authorities in this PEM file, and of no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Not at all. Anybody on the way can read and change everything, and take the credential.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// The PEM file of the certificate that the host shows, with its chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// Where the private key of that certificate is, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<SecretSource>,
    /// The name that the server must prove, where it is not the origin's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The least version of TLS; none for 1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_version: Option<TlsVersionConfig>,
}

/// A list of public certificate authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RootsConfig {
    /// Mozilla's, which is compiled in.
    Web,
    /// The operating system's.
    System,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TlsVersionConfig {
    /// 1.2.
    #[serde(rename = "1.2")]
    Tls12,
    /// 1.3.
    #[serde(rename = "1.3")]
    Tls13,
}

/// A set of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// HTTP methods in upper case.
    pub methods: Vec<String>,
    /// Path pattern: literal segments, `*` for one segment, a final `**` for any rest.
    pub path: String,
}

impl Grants {
    /// Everything that a provider asks for.
    pub fn all_of(info: &ProviderInfo) -> Self {
        let endpoints = info.endpoints.iter().map(|endpoint| {
            let rule = |rule: &stockade_host::contract::RequestRule| RuleConfig {
                methods: rule.methods.clone(),
                path: rule.path.clone(),
            };
            let grants = EndpointGrants {
                rules: endpoint.rules.iter().map(rule).collect(),
                ..EndpointGrants::default()
            };
            (endpoint.name.clone(), grants)
        });
        Self {
            state_kib: info.state_kib,
            endpoints: endpoints.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        provider = "example"
        isolation = "process"
        [options]
        host = "127.0.0.1"
        port = 8000
        tags = ["a"]
        [credentials.api]
        kind = "bearer"
        token = { env = "TOKEN" }
        [grants]
        state_kib = 64
        [grants.endpoints.api]
        allow_addresses = ["127.0.0.0/8"]
        tls = { ca = "ca.pem" }
        rules = [{ methods = ["GET"], path = "/vms/*" }]
        [limits]
        memory_mib = 32
    "#;

    #[test]
    fn a_file_survives_being_written_and_read() {
        let config: ConnectionConfig = toml::from_str(FILE).unwrap();
        assert_eq!(config.isolation, Isolation::Process);
        assert_eq!(config.limits.memory_mib, 32);
        assert_eq!(config.limits.cpu_ms, GuestLimits::default().cpu_ms);
        let written = toml::to_string_pretty(&config).unwrap();
        assert_eq!(
            toml::from_str::<ConnectionConfig>(&written).unwrap(),
            config,
            "{written}"
        );
    }

    #[test]
    fn without_a_word_a_provider_runs_in_process_and_another_word_is_an_error() {
        let parse = |file: &str| toml::from_str::<ConnectionConfig>(file);
        let silent = parse("provider = \"example\"").unwrap();
        assert_eq!(silent.isolation, Isolation::InProcess);
        let error = parse("provider = \"example\"\nisolation = \"container\"").unwrap_err();
        assert!(error.to_string().contains("`in-process` or `process`"), "{error}");
    }

    #[test]
    fn unknown_keys_are_errors_at_every_level_with_line_and_column() {
        for (key, level) in [
            ("provider", ""),
            ("ca = \"ca.pem\"", "tls"),
            ("state_kib", "grants"),
            ("allow_addresses", "endpoint"),
            ("methods", "rule"),
            ("memory_mib", "limits"),
            ("kind = \"bearer\"\n        token", "credential"),
        ] {
            let broken = FILE
                .replace(key, &format!("typo_{level} = 1\n        {key}"))
                .replace("{ typo_tls = 1\n        ca", "{ typo_tls = 1, ca")
                .replace("{ typo_rule = 1\n        methods", "{ typo_rule = 1, methods");
            let error = toml::from_str::<ConnectionConfig>(&broken).unwrap_err().to_string();
            assert!(error.contains(&format!("typo_{level}")), "{level}: {error}");
            assert!(error.contains("line "), "{level}: {error}");
        }
    }
}
