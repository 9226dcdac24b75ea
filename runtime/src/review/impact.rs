//! What another version of a provider means for a connection that was granted already.
//!
//! What is effective is what was both asked for and granted. An operator who granted more than the old version asked for
//! has not seen what the new one will do with it: those lines are found here. Rules are compared as text, and the origin
//! is compared after the connection's options were put in.

use serde::Serialize;
use stockade_host::contract::{Endpoint, OptionEntry, OptionValue, ProviderInfo};
use stockade_host::http::OriginTemplate;
use utoipa::ToSchema;

use super::difference::render;
use crate::connections::{ConnectionConfig, effective_rules, validate};
use crate::error::Result;

/// What changes for a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConnectionImpact {
    /// The connection.
    pub connection: String,
    /// What its provider can do from then on, and could not before.
    pub widened: Vec<String>,
    /// What its provider could do, and cannot any more.
    pub narrowed: Vec<String>,
    /// Why it cannot be told, or why the connection will not work.
    pub problem: Option<String>,
}

/// Compares what is effective on a connection.
pub(super) fn impact(
    connection: &str,
    config: &ConnectionConfig,
    old: Option<&ProviderInfo>,
    new: &ProviderInfo,
) -> ConnectionImpact {
    let compared = || -> Result<ConnectionImpact> {
        let before = old.map(|info| effective(info, config)).transpose()?.unwrap_or_default();
        let after = effective(new, config)?;
        let only_in = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|line| !other.contains(line)).cloned().collect()
        };
        Ok(ConnectionImpact {
            connection: connection.to_owned(),
            widened: only_in(&after, &before),
            narrowed: only_in(&before, &after),
            problem: unknown_grants(config, new),
        })
    };
    compared().unwrap_or_else(|error| ConnectionImpact {
        connection: connection.to_owned(),
        problem: Some(error.to_string()),
        ..ConnectionImpact::default()
    })
}

/// What is effective on a connection, on lines.
fn effective(info: &ProviderInfo, config: &ConnectionConfig) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    if let Some((asked, granted)) = info.state_kib.zip(config.grants.state_kib) {
        lines.push(format!("state: up to {} KiB", asked.min(granted)));
    }
    let options = validate(&info.connection_options, &config.options, "the provider").unwrap_or_default();
    for endpoint in &info.endpoints {
        let Some(granted) = config.grants.endpoints.get(&endpoint.name) else {
            continue;
        };
        let rules = effective_rules(&endpoint.rules, &granted.rules)?;
        let place = format!("endpoint `{}` at {}", endpoint.name, origin(endpoint, &options));
        if let Some(credential) = &endpoint.credential
            && config.credentials.contains_key(credential)
            && !rules.is_empty()
        {
            lines.push(format!("{place}: credential `{credential}` is attached"));
        }
        for rule in &rules {
            let rule = serde_json::to_value(rule).unwrap_or_default();
            lines.push(format!("{place}: {}", rule.as_object().map(render).unwrap_or_default()));
        }
    }
    Ok(lines)
}

/// Where an endpoint is on this connection; its template where that cannot be told.
fn origin(endpoint: &Endpoint, options: &[OptionEntry]) -> String {
    let text = |name: &str| {
        let option = options.iter().find(|option| option.name == name)?;
        match &option.value {
            OptionValue::Text(text) => Some(text.clone()),
            OptionValue::Integer(number) => Some(number.to_string()),
            OptionValue::Boolean(_) | OptionValue::TextList(_) => None,
        }
    };
    let template = endpoint.origin.parse::<OriginTemplate>().ok();
    let origin = template.and_then(|template| template.resolve(text).ok());
    origin.map_or_else(|| endpoint.origin.clone(), |origin| origin.to_string())
}

/// A connection with a grant for what nobody asks for is refused when it is opened.
fn unknown_grants(config: &ConnectionConfig, info: &ProviderInfo) -> Option<String> {
    let is_asked = |name: &String| info.endpoints.iter().any(|endpoint| endpoint.name == *name);
    let unknown = config.grants.endpoints.keys().find(|name| !is_asked(name))?;
    Some(format!(
        "it grants endpoint `{unknown}`, which this version does not ask for: it will be refused until that is taken out"
    ))
}
