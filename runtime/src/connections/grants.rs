//! From what was asked and what was granted to what a connection can do.
//!
//! A request passes when the provider asked for it and the operator granted it. Both lists go to the host as they are:
//! it decides on each request, and can tell the operator which of the two is missing.

use std::path::PathBuf;

use cap_std::fs::Dir;
use stockade_host::connection::Connection;
use stockade_host::contract::{Endpoint, OptionEntry, OptionValue, ProviderInfo};
use stockade_host::http::{EndpointGrant, HttpClient, OriginTemplate, TlsProfile};
use stockade_host::state::{StateQuota, StateStore};

use super::config::{ConnectionConfig, EndpointGrants};
use super::credentials::Credentials;
use super::options::validate;
use super::rule::RuleConfig;
use super::{check, proxy, tls};
use crate::error::{Error, Result, chain};
use crate::home::{Home, create_private_directory};
use crate::suggest;

/// The directory of a connection's state.
pub(crate) fn state_directory(home: &Home, connection: &str) -> PathBuf {
    home.data.join("state").join(connection)
}

/// What a connection gives its provider.
pub(crate) fn host_connection(
    home: &Home,
    name: &str,
    config: &ConnectionConfig,
    info: &ProviderInfo,
    options: Vec<OptionEntry>,
) -> Result<Connection> {
    refuse_unknown(
        "endpoint",
        config.grants.endpoints.keys(),
        info.endpoints.iter().map(|endpoint| endpoint.name.as_str()),
    )?;
    refuse_unknown(
        "credential",
        config.credentials.keys(),
        info.credentials.iter().map(|credential| credential.name.as_str()),
    )?;
    let mut credentials = Credentials::new(home, config, info, &options);
    let grants = info
        .endpoints
        .iter()
        .map(|endpoint| endpoint_grant(home, endpoint, config, &options, &mut credentials))
        .collect::<Result<_>>()?;
    let http =
        HttpClient::new(grants, config.limits.http()).map_err(|error| Error::invalid("grants", chain(&error)))?;
    let state = state_store(home, name, config, info)?;
    Ok(Connection {
        name: name.to_owned(),
        http,
        state,
        limits: config.limits.clone(),
        tape: None,
        isolation: config.isolation,
        options,
    })
}

/// What may be requested on a connection, for questions about it: without its credentials, so that no secret is read.
pub(crate) fn grants_without_secrets(config: &ConnectionConfig, info: &ProviderInfo) -> Result<Vec<EndpointGrant>> {
    let place = format!("provider `{}`", info.name);
    let options = validate(&info.connection_options, &config.options, &place)?;
    let grant = |endpoint| bare_grant(endpoint, config, &options);
    info.endpoints.iter().map(grant).collect()
}

/// A grant for something that the provider does not have is a mistake, and maybe a dangerous one.
fn refuse_unknown<'a>(
    noun: &str,
    given: impl Iterator<Item = &'a String>,
    known: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let known: Vec<&str> = known.collect();
    for name in given {
        if !known.contains(&name.as_str()) {
            let error = Error::invalid(noun, format!("the provider asks for no {noun} `{name}`"));
            return Err(match suggest::hint(name, &known) {
                Some(hint) => error.hint(hint),
                None => error,
            });
        }
    }
    Ok(())
}

/// An endpoint's grant with what its requests need besides: certificates, a credential, a proxy.
fn endpoint_grant(
    home: &Home,
    endpoint: &Endpoint,
    config: &ConnectionConfig,
    options: &[OptionEntry],
    credentials: &mut Credentials<'_>,
) -> Result<EndpointGrant> {
    let mut grant = bare_grant(endpoint, config, options)?;
    let granted = config.grants.endpoints.get(&endpoint.name);
    grant.tls = tls::profile(home, &endpoint.name, granted.and_then(|granted| granted.tls.as_ref()))?;
    grant.credential = credentials.at(endpoint, &grant.origin, &mut grant.tls)?;
    if let Some(config) = granted.and_then(|granted| granted.proxy.as_ref()) {
        grant.proxy = Some(proxy::proxy(home, &endpoint.name, config)?);
    }
    Ok(grant)
}

/// An endpoint's grant as far as decisions need it: no secret is read for it.
fn bare_grant(endpoint: &Endpoint, config: &ConnectionConfig, options: &[OptionEntry]) -> Result<EndpointGrant> {
    let nothing = EndpointGrants::default();
    let granted = config.grants.endpoints.get(&endpoint.name).unwrap_or(&nothing);
    let invalid = |error: &dyn std::error::Error| {
        Error::invalid("grants", format!("endpoint `{}`: {}", endpoint.name, chain(error)))
    };
    let explain = |error: Error| error.at(&format!("endpoint `{}`", endpoint.name));
    let template: OriginTemplate = endpoint.origin.parse().map_err(|error| invalid(&error))?;
    let origin = check::destination(&template, granted, &|option| option_text(options, option)).map_err(explain)?;
    let asked = endpoint.rules.iter().map(|asked| RuleConfig::asked(asked).rule());
    let asked: Vec<_> = asked.collect::<Result<_>>().map_err(explain)?;
    let rules: Vec<_> = granted
        .rules
        .iter()
        .map(RuleConfig::rule)
        .collect::<Result<_>>()
        .map_err(explain)?;
    check::rules(&asked, &rules).map_err(explain)?;
    Ok(EndpointGrant {
        name: endpoint.name.clone(),
        origin,
        asked,
        granted: rules,
        credential: None,
        presign_seconds: granted.presign_seconds,
        allow_addresses: granted.allow_addresses.clone(),
        tls: TlsProfile::default(),
        proxy: None,
        bounds: check::bounds(granted).map_err(explain)?,
    })
}

/// The option that a template's variable stands for, as text.
pub(super) fn option_text(options: &[OptionEntry], name: &str) -> Option<String> {
    options
        .iter()
        .find(|option| option.name == name)
        .and_then(|option| match &option.value {
            OptionValue::Text(text) => Some(text.clone()),
            OptionValue::Integer(number) => Some(number.to_string()),
            OptionValue::Boolean(_) | OptionValue::TextList(_) => None,
        })
}

/// The store that was both asked for and granted: the smaller of the two sizes.
fn state_store(home: &Home, name: &str, config: &ConnectionConfig, info: &ProviderInfo) -> Result<Option<StateStore>> {
    let (Some(asked), Some(granted)) = (info.state_kib, config.grants.state_kib) else {
        return Ok(None);
    };
    let directory = state_directory(home, name);
    create_private_directory(&directory)?;
    let directory = Dir::open_ambient_dir(&directory, cap_std::ambient_authority())
        .map_err(|error| Error::io(format_args!("opening `{}`", directory.display()), &error))?;
    let quota = StateQuota {
        max_bytes: u64::from(asked.min(granted)) << 10,
        max_keys: config.limits.state_keys,
    };
    Ok(Some(StateStore::new(directory, quota)))
}
