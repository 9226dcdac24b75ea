//! `/v1/connections/{connection}/pools`.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use stockade_host::contract::Pool;
use utoipa::IntoParams;

use super::answer::{Answer, Created, List, created_but_unread};
use super::create::{Create, PoolBody};
use super::extract::{NoQuery, Path, Query};
use super::paths::{ConnectionPath, PoolPath};
use super::router::Api;

/// List the pools of a connection.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/pools", tag = "pools", params(ConnectionPath),
    responses((status = 200, body = List<Pool>))
)]
pub(super) async fn list_pools(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<Pool>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_pools().await?))
}

/// Create a pool and wait until it is complete.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/pools", tag = "pools", params(ConnectionPath),
    request_body = PoolBody,
    responses((status = 201, body = Pool, headers(("Location" = String, description = "The pool's path"))))
)]
pub(super) async fn create_pool(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Create { spec, options }: PoolBody,
) -> Answer<Created<Pool>> {
    let service = api.connect(&path.connection).await?;
    let id = service.create_pool(spec, &options).await?;
    let pool = service.get_pool(&id).await.map_err(created_but_unread("pool", &id))?;
    Ok(Created::at(&path.connection, &["pools", &id], pool))
}

/// Read a pool.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/pools/{pool}", tag = "pools", params(PoolPath),
    responses((status = 200, body = Pool))
)]
pub(super) async fn get_pool(
    State(api): State<Api>,
    Path(path): Path<PoolPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Pool>> {
    Ok(Json(api.connect(&path.connection).await?.get_pool(&path.pool).await?))
}

/// What a deletion takes with it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct DeletePool {
    /// Delete everything in it too; otherwise a pool that is not empty is a `conflict`.
    #[param(required = false)]
    contents: bool,
}

/// Delete a pool.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/pools/{pool}", tag = "pools", params(PoolPath, DeletePool),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_pool(
    State(api): State<Api>,
    Path(path): Path<PoolPath>,
    Query(query): Query<DeletePool>,
) -> Answer<StatusCode> {
    api.connect(&path.connection)
        .await?
        .delete_pool(&path.pool, query.contents)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
