//! From what was asked and what was granted to what a connection can do.
//!
//! A request passes when the provider asked for it and the operator granted it. Both lists go to the host as they are:
//! it decides on each request, and can tell the operator which of the two is missing.

use std::path::PathBuf;

use cap_std::fs::Dir;
use stockade_host::connection::Connection;
use stockade_host::contract::{Endpoint, OptionEntry, OptionValue, ProviderInfo};
use stockade_host::http::{Credential, EndpointGrant, HttpClient, OriginTemplate, RequestRule};
use stockade_host::state::{StateQuota, StateStore};

use super::config::{ConnectionConfig, EndpointGrants};
use super::options::validate;
use super::{credentials, tls};
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
    let grants = info
        .endpoints
        .iter()
        .map(|endpoint| endpoint_grant(endpoint, config, info, &options))
        .collect::<Result<_>>()?;
    let http =
        HttpClient::new(grants, config.limits.http()).map_err(|error| Error::invalid("grants", chain(&error)))?;
    let state = state_store(home, name, config, info)?;
    Ok(Connection {
        name: name.to_owned(),
        http,
        state,
        limits: config.limits.clone(),
        isolation: config.isolation,
        options,
    })
}

/// What may be requested on a connection, for questions about it: without its credentials, so that no secret is read.
pub(crate) fn grants_without_secrets(config: &ConnectionConfig, info: &ProviderInfo) -> Result<Vec<EndpointGrant>> {
    let place = format!("provider `{}`", info.name);
    let options = validate(&info.connection_options, &config.options, &place)?;
    let mut info = info.clone();
    for endpoint in &mut info.endpoints {
        endpoint.credential = None;
    }
    let grant = |endpoint| endpoint_grant(endpoint, config, &info, &options);
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

fn endpoint_grant(
    endpoint: &Endpoint,
    config: &ConnectionConfig,
    info: &ProviderInfo,
    options: &[OptionEntry],
) -> Result<EndpointGrant> {
    let nothing = EndpointGrants::default();
    let granted = config.grants.endpoints.get(&endpoint.name).unwrap_or(&nothing);
    let invalid = |error: &dyn std::error::Error| {
        Error::invalid("grants", format!("endpoint `{}`: {}", endpoint.name, chain(error)))
    };
    let template: OriginTemplate = endpoint.origin.parse().map_err(|error| invalid(&error))?;
    let origin = template
        .resolve(|option| option_text(options, option))
        .map_err(|error| invalid(&error))?;
    let rule = |methods: &[String], path: &str| {
        RequestRule::new(methods.iter().cloned(), path).map_err(|error| invalid(&error))
    };
    Ok(EndpointGrant {
        name: endpoint.name.clone(),
        origin,
        asked: endpoint
            .rules
            .iter()
            .map(|asked| rule(&asked.methods, &asked.path))
            .collect::<Result<_>>()?,
        granted: granted
            .rules
            .iter()
            .map(|granted| rule(&granted.methods, &granted.path))
            .collect::<Result<_>>()?,
        credential: credential(endpoint, config, info, options)?,
        presign_seconds: granted.presign_seconds,
        allow_addresses: granted.allow_addresses.clone(),
        tls: tls::profile(&endpoint.name, granted.tls.as_ref())?,
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

fn credential(
    endpoint: &Endpoint,
    config: &ConnectionConfig,
    info: &ProviderInfo,
    options: &[OptionEntry],
) -> Result<Option<Credential>> {
    let Some(name) = &endpoint.credential else {
        return Ok(None);
    };
    let Some(request) = info.credentials.iter().find(|credential| credential.name == *name) else {
        return Ok(None);
    };
    match config.credentials.get(name) {
        Some(given) => credentials::resolve(request, given, options).map(Some),
        None if request.required => Err(Error::invalid(
            "credentials",
            format!("the provider needs credential `{name}`: {}", request.reason),
        )
        .hint(format!(
            "give it with `--credential {name}=bearer:env:VARIABLE`, or in the connection's file"
        ))),
        None => Ok(None),
    }
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
