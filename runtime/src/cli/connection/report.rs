//! What is shown of a connection. Secrets are never in it: credentials say where they are, secret options are hidden.

use std::collections::BTreeMap;

use serde::Serialize;
use stockade::connections::{
    ConnectionConfig, CredentialConfig, EndpointGrants, Isolation, OptionInput, RootsConfig, RuleConfig, SecretSource,
    TextSource, TlsConfig, TlsVersionConfig, effective_rules,
};
use stockade::contract::{ProviderInfo, RequestRule};
use stockade::{Error, Runtime};

use crate::cli::output::{Column, Record, column, optional, wide};

/// What is shown instead of an option that must be hidden.
const HIDDEN: &str = "(hidden)";

/// A connection as it is configured, and what came of checking it.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectionReport {
    pub(crate) connection: String,
    pub(crate) provider: String,
    /// The provider's version; none when it is not installed.
    provider_version: Option<String>,
    file: String,
    timeout_seconds: Option<u32>,
    isolation: Isolation,
    options: BTreeMap<String, OptionInput>,
    pub(crate) credentials: BTreeMap<String, CredentialConfig>,
    pub(crate) state: StateReport,
    pub(crate) endpoints: Vec<EndpointReport>,
    /// None when it was not checked.
    check: Option<CheckReport>,
}

#[derive(Debug, Serialize)]
pub(crate) struct StateReport {
    asked_kib: Option<u32>,
    granted_kib: Option<u32>,
    /// The smaller of the two; none when one of them is missing.
    effective_kib: Option<u32>,
}

/// What a provider asks for at an endpoint and what it was granted there.
#[derive(Debug, Serialize)]
pub(crate) struct EndpointReport {
    endpoint: String,
    /// None when the provider does not ask for this endpoint: the grant has no effect.
    origin: Option<String>,
    reason: Option<String>,
    credential: Option<String>,
    asked: Vec<RequestRule>,
    granted: EndpointGrants,
    /// What was both asked for and granted.
    effective: Vec<RuleConfig>,
}

#[derive(Debug, Serialize)]
struct CheckReport {
    works: bool,
    error: Option<String>,
}

impl ConnectionReport {
    /// Reads a connection's file, and what its provider asks for.
    pub(crate) fn read(runtime: &Runtime, name: &str) -> Result<Self, Error> {
        let config = runtime.connection_config(name)?;
        let info = runtime.provider(&config.provider).ok().map(|provider| provider.info);
        let asked_kib = info.as_ref().and_then(|info| info.state_kib);
        let granted_kib = config.grants.state_kib;
        Ok(Self {
            connection: name.to_owned(),
            provider: config.provider.clone(),
            provider_version: info.as_ref().map(|info| info.version.clone()),
            file: runtime.connection_file(name).display().to_string(),
            timeout_seconds: config.timeout_seconds,
            isolation: config.isolation,
            options: visible_options(&config, info.as_ref()),
            state: StateReport {
                asked_kib,
                granted_kib,
                effective_kib: asked_kib.zip(granted_kib).map(|(asked, granted)| asked.min(granted)),
            },
            endpoints: endpoints(&config, info.as_ref()).map_err(|error| error.on(name))?,
            credentials: config.credentials,
            check: None,
        })
    }

    /// The same connection after it was checked.
    pub(super) fn checked(self, error: Option<&Error>) -> Self {
        let check = CheckReport {
            works: error.is_none(),
            error: error.map(ToString::to_string),
        };
        Self {
            check: Some(check),
            ..self
        }
    }
}

/// The options without those that the provider calls secret; without any value when there is no provider to say.
fn visible_options(config: &ConnectionConfig, info: Option<&ProviderInfo>) -> BTreeMap<String, OptionInput> {
    let is_visible = |name: &String| {
        let mut schema = info.into_iter().flat_map(|info| &info.connection_options);
        schema.any(|option| option.name == *name && !option.secret)
    };
    let hidden = || OptionInput::Text(HIDDEN.to_owned());
    let visible = |(name, value): (&String, &OptionInput)| {
        let value = if is_visible(name) { value.clone() } else { hidden() };
        (name.clone(), value)
    };
    config.options.iter().map(visible).collect()
}

/// What was asked for, in the provider's order, and then what was granted without being asked for.
fn endpoints(config: &ConnectionConfig, info: Option<&ProviderInfo>) -> Result<Vec<EndpointReport>, Error> {
    let mut granted = config.grants.endpoints.clone();
    let mut reports = Vec::new();
    for endpoint in info.into_iter().flat_map(|info| &info.endpoints) {
        let granted = granted.remove(&endpoint.name).unwrap_or_default();
        reports.push(EndpointReport {
            endpoint: endpoint.name.clone(),
            origin: Some(endpoint.origin.clone()),
            reason: Some(endpoint.reason.clone()),
            credential: endpoint.credential.clone(),
            asked: endpoint.rules.clone(),
            effective: effective_rules(&endpoint.rules, &granted.rules)?,
            granted,
        });
    }
    reports.extend(granted.into_iter().map(|(endpoint, granted)| EndpointReport {
        endpoint,
        origin: None,
        reason: None,
        credential: None,
        asked: Vec::new(),
        granted,
        effective: Vec::new(),
    }));
    Ok(reports)
}

impl Record for ConnectionReport {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |report: &Self| report.connection.clone()),
        column("PROVIDER", |report| report.provider.clone()),
        column("VERSION", |report| optional(report.provider_version.as_ref())),
        wide("FILE", |report| report.file.clone()),
    ];
    const HAS_CONNECTION: bool = false;

    fn name(&self) -> &str {
        &self.connection
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let options = self
            .options
            .iter()
            .map(|(name, value)| format!("{name}={}", option_text(value)));
        let credentials = self
            .credentials
            .iter()
            .map(|(name, credential)| describe_credential(name, credential));
        let endpoints = self.endpoints.iter().map(EndpointReport::describe);
        let check = self.check.as_ref().map(|check| match &check.error {
            None => "works".to_owned(),
            Some(error) => format!("fails: {error}"),
        });
        let isolation = match self.isolation {
            Isolation::InProcess => "in this process",
            Isolation::Process => "each call in a process of its own",
        };
        vec![
            ("ISOLATION", isolation.to_owned()),
            ("OPTIONS", options.collect::<Vec<_>>().join("\n")),
            ("CREDENTIALS", credentials.collect::<Vec<_>>().join("\n")),
            ("STATE", self.state.describe()),
            ("ENDPOINTS", endpoints.collect::<Vec<_>>().join("\n")),
            ("CHECK", check.unwrap_or_default()),
        ]
    }
}

impl StateReport {
    pub(crate) fn describe(&self) -> String {
        match (self.asked_kib, self.granted_kib) {
            (None, None) => String::new(),
            (Some(asked), None) => format!("asked {asked} KiB, granted none"),
            (None, Some(granted)) => format!("granted {granted} KiB, but not asked for"),
            (Some(asked), Some(granted)) => format!("asked {asked} KiB, granted {granted} KiB"),
        }
    }
}

impl EndpointReport {
    pub(crate) fn describe(&self) -> String {
        let mut lines = vec![match &self.origin {
            Some(origin) => format!("`{}` at {origin}", self.endpoint),
            None => format!("`{}`: granted, but not asked for", self.endpoint),
        }];
        let mut add = |title: &str, text: String| lines.push(format!("  {title:<9} {text}"));
        for rule in &self.asked {
            add(
                "asked",
                format!("{} {}: {}", rule.methods.join(","), rule.path, rule.reason),
            );
        }
        for rule in &self.granted.rules {
            add("granted", describe_rule(rule));
        }
        for rule in &self.effective {
            add("effective", describe_rule(rule));
        }
        if self.effective.is_empty() {
            add("effective", "nothing".to_owned());
        }
        for network in &self.granted.allow_addresses {
            add("addresses", network.to_string());
        }
        for text in self.granted.tls.iter().flat_map(describe_tls) {
            add("tls", text);
        }
        lines.join("\n")
    }
}

fn describe_tls(tls: &TlsConfig) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(tls.insecure.then(|| "INSECURE: any certificate is trusted".to_owned()));
    lines.extend(tls.ca.as_ref().map(|file| format!("authorities in `{file}`")));
    lines.extend(match tls.roots {
        Some(RootsConfig::System) => Some("the operating system's authorities".to_owned()),
        Some(RootsConfig::Web) | None => None,
    });
    lines.extend(
        tls.client_certificate
            .as_ref()
            .map(|file| format!("client certificate in `{file}`")),
    );
    lines.extend(tls.server_name.as_ref().map(|name| format!("server name `{name}`")));
    lines.extend(match tls.least_version {
        Some(TlsVersionConfig::Tls13) => Some("1.3 only".to_owned()),
        Some(TlsVersionConfig::Tls12) | None => None,
    });
    lines
}

fn describe_rule(rule: &RuleConfig) -> String {
    format!("{} {}", rule.methods.join(","), rule.path)
}

pub(crate) fn describe_credential(name: &str, credential: &CredentialConfig) -> String {
    let source = |source: &SecretSource| match source {
        SecretSource::Env(variable) => format!("environment variable `{variable}`"),
        SecretSource::File(path) => format!("file `{path}`"),
        SecretSource::Keyring(entry) => format!("keyring entry `{entry}`"),
    };
    match credential {
        CredentialConfig::Bearer { token } => format!("{name}: bearer token from {}", source(token)),
        CredentialConfig::Basic { user, password } => {
            format!("{name}: user `{user}`, password from {}", source(password))
        }
        CredentialConfig::Header { value } => format!("{name}: header from {}", source(value)),
        CredentialConfig::Query { value } => format!("{name}: query parameter from {}", source(value)),
        CredentialConfig::Sigv4 {
            access_key,
            secret_key,
            session_token,
        } => {
            let key = match access_key {
                TextSource::Text(id) => format!("`{id}`"),
                TextSource::Source(place) => format!("from {}", source(place)),
            };
            let token = session_token
                .as_ref()
                .map_or(String::new(), |token| format!(", session token from {}", source(token)));
            format!(
                "{name}: access key {key}, secret key from {}{token}",
                source(secret_key)
            )
        }
        CredentialConfig::AzureSharedKey { key } => format!("{name}: account key from {}", source(key)),
        CredentialConfig::AzureSas { query } => format!("{name}: shared access signature from {}", source(query)),
    }
}

fn option_text(value: &OptionInput) -> String {
    match value {
        OptionInput::Boolean(value) => value.to_string(),
        OptionInput::Integer(number) => number.to_string(),
        OptionInput::Text(text) => text.clone(),
        OptionInput::TextList(items) => items.join(","),
    }
}

#[cfg(test)]
mod tests {
    use stockade::contract::{OptionSchema, OptionType};

    use super::*;

    #[test]
    fn what_the_provider_calls_secret_is_hidden_and_so_is_what_nobody_vouches_for() {
        let config: ConnectionConfig =
            serde_json::from_str(r#"{"provider": "x", "options": {"region": "eu", "pin": "canary"}}"#).unwrap();
        let option = |name: &str, secret: bool| OptionSchema {
            name: name.to_owned(),
            r#type: OptionType::Text,
            required: false,
            default: None,
            choices: Vec::new(),
            secret,
            doc: String::new(),
        };
        let info = ProviderInfo {
            name: "x".to_owned(),
            version: String::new(),
            description: String::new(),
            connection_options: vec![option("region", false), option("pin", true)],
            spec_options: Vec::new(),
            endpoints: Vec::new(),
            credentials: Vec::new(),
            state_kib: None,
        };
        for (info, region) in [(Some(&info), "eu"), (None, HIDDEN)] {
            let visible = visible_options(&config, info);
            assert_eq!(option_text(&visible["pin"]), HIDDEN);
            assert_eq!(option_text(&visible["region"]), region);
        }
    }
}
