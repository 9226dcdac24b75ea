//! `/v1/connections/{connection}/networks`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use stockade_host::contract::{Network, NetworkUpdate};
use utoipa::ToSchema;

use super::answer::{Answer, Created, List, created_but_unread};
use super::create::{Create, NetworkBody};
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::{ConnectionPath, NetworkPath};
use super::router::Api;
use crate::connections::OptionInput;

/// List the networks of a connection.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/networks", tag = "networks", params(ConnectionPath),
    responses((status = 200, body = List<Network>))
)]
pub(super) async fn list_networks(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<Network>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_networks().await?))
}

/// Create a network and wait until it is complete.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/networks", tag = "networks", params(ConnectionPath),
    request_body = NetworkBody,
    responses((status = 201, body = Network, headers(("Location" = String, description = "The network's path"))))
)]
pub(super) async fn create_network(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Create { spec, options }: NetworkBody,
) -> Answer<Created<Network>> {
    let service = api.connect(&path.connection).await?;
    let id = service.create_network(spec, &options).await?;
    let network = service
        .get_network(&id)
        .await
        .map_err(created_but_unread("network", &id))?;
    Ok(Created::at(&path.connection, &["networks", &id], network))
}

/// Read a network.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/networks/{network}", tag = "networks", params(NetworkPath),
    responses((status = 200, body = Network))
)]
pub(super) async fn get_network(
    State(api): State<Api>,
    Path(path): Path<NetworkPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Network>> {
    Ok(Json(
        api.connect(&path.connection).await?.get_network(&path.network).await?,
    ))
}

/// Delete a network that nothing uses.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/networks/{network}", tag = "networks", params(NetworkPath),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_network(
    State(api): State<Api>,
    Path(path): Path<NetworkPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    api.connect(&path.connection)
        .await?
        .delete_network(&path.network)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A change of a network.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkChange {
    /// Whether it hands out addresses; none leaves it.
    dhcp: Option<bool>,
    /// Its mode; none leaves it.
    mode: Option<String>,
    /// Its DNS domain; none leaves it.
    domain: Option<String>,
    /// Provider-specific options by name; `GET /v1/providers/{provider}` says which there are.
    #[serde(default)]
    options: BTreeMap<String, OptionInput>,
}

/// Change a network; answers the network as it is then.
#[utoipa::path(
    patch, path = "/v1/connections/{connection}/networks/{network}", tag = "networks", params(NetworkPath),
    request_body = NetworkChange, responses((status = 200, body = Network))
)]
pub(super) async fn update_network(
    State(api): State<Api>,
    Path(path): Path<NetworkPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(change): Body<NetworkChange>,
) -> Answer<Json<Network>> {
    let update = NetworkUpdate {
        dhcp: change.dhcp,
        mode: change.mode,
        domain: change.domain,
        options: Vec::new(),
    };
    let service = api.connect(&path.connection).await?;
    let id = service.update_network(&path.network, update, &change.options).await?;
    Ok(Json(service.get_network(&id).await?))
}
