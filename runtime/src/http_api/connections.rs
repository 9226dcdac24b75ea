//! `/v1/connections`: what is configured, and whether it works.
//!
//! Connections are read here, not written: a connection says what a provider may do, and whoever may use one must not be
//! able to widen it. The operator writes them, on the command line or as files.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use stockade_host::contract::OptionSchema;
use utoipa::ToSchema;

use super::answer::{Answer, JointList};
use super::extract::{NoQuery, Path, Query};
use super::paths::ConnectionPath;
use super::router::Api;
use crate::connections::{ConnectionConfig, Grants, OptionInput};
use crate::error::Result;
use crate::runtime::Runtime;

/// A connection without its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectionInfo {
    /// Its name.
    name: String,
    /// Its provider's name.
    provider: String,
    /// How long one call may take, in seconds; null for the default.
    timeout_seconds: Option<u32>,
    /// The provider's options. Secret ones are `[redacted]`; all are when the provider is not installed, because then
    /// nobody knows which are secret.
    options: BTreeMap<String, OptionInput>,
    /// The names of the credentials that the host attaches.
    credentials: Vec<String>,
    /// What the provider may do.
    grants: Grants,
}

/// What stands for a secret.
const REDACTED: &str = "[redacted]";

impl ConnectionInfo {
    fn read(runtime: &Runtime, name: &str) -> Result<Self> {
        let config = runtime.connection_config(name)?;
        let installed = runtime.provider(&config.provider).ok();
        let schema = installed.map(|installed| installed.info.connection_options);
        let ConnectionConfig {
            provider,
            timeout_seconds,
            options,
            credentials,
            grants,
            ..
        } = config;
        Ok(Self {
            name: name.to_owned(),
            provider,
            timeout_seconds,
            options: redact(options, &schema.unwrap_or_default()),
            credentials: credentials.into_keys().collect(),
            grants,
        })
    }
}

/// Options that can be shown: those that the schema knows and does not call secret.
fn redact(options: BTreeMap<String, OptionInput>, schema: &[OptionSchema]) -> BTreeMap<String, OptionInput> {
    let is_public = |name: &str| schema.iter().any(|option| option.name == name && !option.secret);
    let show = |(name, value): (String, OptionInput)| match is_public(&name) {
        true => (name, value),
        false => (name, OptionInput::Text(REDACTED.to_owned())),
    };
    options.into_iter().map(show).collect()
}

/// List the connections. One whose file is broken stands in `errors`.
#[utoipa::path(
    get, path = "/v1/connections", tag = "connections",
    responses((status = 200, body = JointList<ConnectionInfo>))
)]
pub(super) async fn list_connections(
    State(api): State<Api>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<JointList<ConnectionInfo>>> {
    let names = api.runtime.connection_names()?;
    let answers = names
        .iter()
        .map(|name| ConnectionInfo::read(&api.runtime, name).map(|info| vec![info]));
    Ok(Json(JointList::of(answers)))
}

/// Read a connection: its provider, its options without secrets, its grants.
#[utoipa::path(
    get, path = "/v1/connections/{connection}", tag = "connections", params(ConnectionPath),
    responses((status = 200, body = ConnectionInfo))
)]
pub(super) async fn get_connection(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<ConnectionInfo>> {
    Ok(Json(ConnectionInfo::read(&api.runtime, &path.connection)?))
}

/// Check that a connection works: its endpoints answer, its credentials are accepted.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/check", tag = "connections", params(ConnectionPath),
    responses((status = 204, description = "it works"))
)]
pub(super) async fn check_connection(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    api.connect(&path.connection).await?.check().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_options_that_are_known_not_to_be_secret_are_shown() {
        let option = |name: &str, secret: bool| {
            let option = serde_json::json!({
                "name": name, "type": "text", "required": false, "default": null, "choices": [], "secret": secret, "doc": ""
            });
            serde_json::from_value::<OptionSchema>(option).unwrap()
        };
        let schema = [option("region", false), option("passphrase", true)];
        let value = |text: &str| OptionInput::Text(text.to_owned());
        let options = ["region", "passphrase", "unknown"].map(|name| (name.to_owned(), value("x")));
        let shown = redact(options.clone().into(), &schema);
        assert_eq!(shown["region"], value("x"));
        assert_eq!(shown["passphrase"], value(REDACTED));
        assert_eq!(shown["unknown"], value(REDACTED));
        assert!(
            redact(options.into(), &[])
                .values()
                .all(|shown| *shown == value(REDACTED))
        );
    }
}
