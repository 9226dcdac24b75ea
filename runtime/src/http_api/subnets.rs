//! `/v1/connections/{connection}/subnets`.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use stockade_host::contract::Subnet;
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Created, List, created_but_unread};
use super::create::{Create, SubnetBody};
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::{ConnectionPath, SubnetPath};
use super::router::Api;

/// Which subnets.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListSubnets {
    /// Only those of this network.
    network: Option<String>,
}

/// List the subnets of a connection or of one network.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/subnets", tag = "subnets", params(ConnectionPath, ListSubnets),
    responses((status = 200, body = List<Subnet>))
)]
pub(super) async fn list_subnets(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(query): Query<ListSubnets>,
) -> Answer<Json<List<Subnet>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_subnets(query.network.as_deref()).await?))
}

/// Create a subnet and wait until it is complete.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/subnets", tag = "subnets", params(ConnectionPath),
    request_body = SubnetBody,
    responses((status = 201, body = Subnet, headers(("Location" = String, description = "The subnet's path"))))
)]
pub(super) async fn create_subnet(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Create { spec, options }: SubnetBody,
) -> Answer<Created<Subnet>> {
    let service = api.connect(&path.connection).await?;
    let id = service.create_subnet(spec, &options).await?;
    let made = service
        .get_subnet(&id)
        .await
        .map_err(created_but_unread("subnet", &id))?;
    Ok(Created::at(&path.connection, &["subnets", &id], made))
}

/// Read a subnet.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/subnets/{subnet}", tag = "subnets", params(SubnetPath),
    responses((status = 200, body = Subnet))
)]
pub(super) async fn get_subnet(
    State(api): State<Api>,
    Path(path): Path<SubnetPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Subnet>> {
    let service = api.connect(&path.connection).await?;
    Ok(Json(service.get_subnet(&path.subnet).await?))
}

/// Delete a subnet that no interface uses.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/subnets/{subnet}", tag = "subnets", params(SubnetPath),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_subnet(
    State(api): State<Api>,
    Path(path): Path<SubnetPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.delete_subnet(&path.subnet).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A change of a subnet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubnetUpdate {
    /// Whether it hands out addresses; none leaves it.
    dhcp: Option<bool>,
    /// Its gateway; none leaves it.
    gateway: Option<String>,
}

/// Change a subnet; answers the subnet as it is then.
#[utoipa::path(
    patch, path = "/v1/connections/{connection}/subnets/{subnet}", tag = "subnets", params(SubnetPath),
    request_body = SubnetUpdate, responses((status = 200, body = Subnet))
)]
pub(super) async fn update_subnet(
    State(api): State<Api>,
    Path(path): Path<SubnetPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(update): Body<SubnetUpdate>,
) -> Answer<Json<Subnet>> {
    let service = api.connect(&path.connection).await?;
    let id = service
        .update_subnet(&path.subnet, update.dhcp, update.gateway.as_deref())
        .await?;
    Ok(Json(service.get_subnet(&id).await?))
}
