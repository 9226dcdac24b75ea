//! What a connection's file says. Unknown keys are errors everywhere.

use std::collections::BTreeMap;

use std::num::NonZeroU32;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use stockade_host::connection::Isolation;
use stockade_host::contract::ProviderInfo;
use stockade_host::http::{OriginPattern, TextPattern};
use stockade_host::limits::GuestLimits;
use utoipa::ToSchema;

use super::credentials::config::{KeystoneConfig, KubernetesConfig, Oauth2Config};
use super::options::OptionInput;
use super::rule::RuleConfig;

/// A connection: which provider, its options, by what credentials, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {
    /// The installed provider's name.
    pub provider: String,
    /// How long one call may take, in seconds; none for 120.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// Whether what may change something is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
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
    /// An access token of an OAuth 2.0 server.
    Oauth2(Oauth2Config),
    /// A token of an OpenStack identity service.
    Keystone(KeystoneConfig),
    /// A session of the vendor's own, which the provider describes.
    Session {
        /// The user.
        user: String,
        /// Where the password is.
        password: SecretSource,
    },
    /// A Kubernetes user.
    Kubernetes(KubernetesConfig),
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
    /// What a program prints, without its final newline: the program's absolute path and its arguments. No shell.
    Command(Vec<String>),
    /// The value of this name in the file `secrets.toml` beside the connections, which others must not be able to read.
    Secret(String),
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
    /// Through which proxy the requests go; none for no proxy, whatever the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyConfig>,
    /// The requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleConfig>,
    /// Where it may lead when its origin is discovered at run time: `https://*.cloud.example.com:*`, a network of literal
    /// addresses `https://10.1.0.0/16:8774`, or one origin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub origins: Vec<OriginPattern>,
    /// Which values the options may have that are part of its origin; a final `*` stands for any rest.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    pub variables: BTreeMap<String, Vec<TextPattern>>,
    /// Which headers requests may have; none for all that the host does not keep for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<HeadersConfig>,
    /// Which headers of responses the provider may see; none for all that the host does not keep for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_headers: Option<HeadersConfig>,
    /// The body of one request, in KiB, blobs included; none for the connection's limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body_kib: Option<u32>,
    /// The body of one response, in KiB, blobs included; none for the connection's limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_body_kib: Option<u32>,
    /// Requests in a second; further ones wait. Logins of the host count too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub requests_per_second: Option<NonZeroU32>,
    /// Requests at once; further ones wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub requests_in_flight: Option<NonZeroU32>,
}

/// Which headers pass: names, or their beginnings and `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeadersConfig {
    /// These and no others.
    Allow(Vec<String>),
    /// All but these.
    Deny(Vec<String>),
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

/// An HTTP proxy. Its address needs `allow_addresses` as an origin's does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxyConfig {
    /// `http://HOST:PORT`.
    pub url: String,
    /// Who the host is to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where that user's password is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
    /// Whether it is asked for names instead of addresses that the host has checked: then it decides where they lead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resolves_names: bool,
}

/// A list of public certificate authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RootsConfig {
    /// Mozilla's, which is compiled in.
    Public,
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

impl Grants {
    /// Everything that a provider asks for, and its word for what its requests do. It says not where discovered origins
    /// are, so none is granted.
    pub fn all_of(info: &ProviderInfo) -> Self {
        let endpoints = info.endpoints.iter().map(|endpoint| {
            let grants = EndpointGrants {
                rules: endpoint.rules.iter().map(RuleConfig::asked).collect(),
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
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    const FILE: &str = r#"
        provider = "example"
        read_only = true
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
        rules = [
            { methods = ["GET"], path = "/vms/*" },
            { methods = ["POST"], path = "/", when = [{ form = "Action", values = ["Describe*"] }], effect = "read" },
        ]
        origins = ["https://*.cloud.example.com:*", "https://10.1.0.0/16:8774"]
        variables = { region = ["eu-*"] }
        request_headers = { deny = ["x-debug-*"] }
        response_headers = { allow = ["content-type"] }
        request_body_kib = 64
        response_body_kib = 1024
        requests_per_second = 10
        requests_in_flight = 2
        presign_seconds = 900
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
            ("form", "condition"),
            ("memory_mib", "limits"),
            ("kind = \"bearer\"\n        token", "credential"),
        ] {
            let broken = FILE
                .replace(key, &format!("typo_{level} = 1\n        {key}"))
                .replace("{ typo_tls = 1\n        ca", "{ typo_tls = 1, ca")
                .replace("{ typo_rule = 1\n        methods", "{ typo_rule = 1, methods")
                .replace("{ typo_condition = 1\n        form", "{ typo_condition = 1, form");
            let error = toml::from_str::<ConnectionConfig>(&broken).unwrap_err().to_string();
            assert!(error.contains(&format!("typo_{level}")), "{level}: {error}");
            assert!(error.contains("line "), "{level}: {error}");
        }
    }

    /// Files that are nearly this one: whatever is read is written and read again as the same, and nothing panics.
    /// `STOCKADE_PROPERTY_FACTOR` multiplies the number of files.
    #[test]
    fn damaged_files_are_read_as_what_they_say_or_refused() {
        const TOKENS: [&str; 20] = [
            "\"", "'", "[", "]", "{", "}", "=", ",", "\n", "*", "**", "/", "..", "%2F", "%00", "GET", "CONNECT", "0",
            "-1", "\u{e9}",
        ];
        let factor = std::env::var("STOCKADE_PROPERTY_FACTOR").ok();
        let factor: usize = factor.map_or(1, |factor| factor.parse().expect("a factor is a number"));
        let mut random = StdRng::seed_from_u64(11);
        let characters: Vec<char> = FILE.chars().collect();
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..2_000 * factor {
            let mut text = characters.clone();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..text.len());
                let length = random.random_range(0..4).min(text.len() - at);
                let with = match random.random_range(0..4) {
                    // Only taken away.
                    0 => Vec::new(),
                    // Another part of the same file.
                    1 => {
                        let from = random.random_range(0..text.len());
                        text[from..(from + 12).min(text.len())].to_vec()
                    }
                    _ => TOKENS[random.random_range(0..TOKENS.len())].chars().collect(),
                };
                text.splice(at..at + length, with);
            }
            let text: String = text.into_iter().collect();
            let Ok(config) = toml::from_str::<ConnectionConfig>(&text) else {
                refused += 1;
                continue;
            };
            accepted += 1;
            let written = toml::to_string_pretty(&config).expect("what was read can be written");
            assert_eq!(
                toml::from_str(&written).ok(),
                Some(config),
                "{text}\nwas written as\n{written}"
            );
        }
        assert!(
            accepted > 100 * factor && refused > 100 * factor,
            "{accepted} {refused}"
        );
    }
}
