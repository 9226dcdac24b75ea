//! `/v1/connections/{connection}/disks`.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use stockade_host::contract::Disk;
use utoipa::ToSchema;

use super::answer::{Answer, Created, List, created_but_unread};
use super::create::{Create, DiskBody};
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::{ConnectionPath, DiskPath};
use super::router::Api;

/// List the disks of a connection.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/disks", tag = "disks", params(ConnectionPath),
    responses((status = 200, body = List<Disk>))
)]
pub(super) async fn list_disks(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<Disk>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_disks().await?))
}

/// Create a disk and wait until it is complete.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/disks", tag = "disks", params(ConnectionPath),
    request_body = DiskBody,
    responses((status = 201, body = Disk, headers(("Location" = String, description = "The disk's path"))))
)]
pub(super) async fn create_disk(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Create { spec, options }: DiskBody,
) -> Answer<Created<Disk>> {
    let service = api.connect(&path.connection).await?;
    let id = service.create_disk(spec, &options).await?;
    let disk = service.get_disk(&id).await.map_err(created_but_unread("disk", &id))?;
    Ok(Created::at(&path.connection, &["disks", &id], disk))
}

/// Read a disk.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/disks/{disk}", tag = "disks", params(DiskPath),
    responses((status = 200, body = Disk))
)]
pub(super) async fn get_disk(
    State(api): State<Api>,
    Path(path): Path<DiskPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Disk>> {
    Ok(Json(api.connect(&path.connection).await?.get_disk(&path.disk).await?))
}

/// Delete a disk that nothing uses.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/disks/{disk}", tag = "disks", params(DiskPath),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_disk(
    State(api): State<Api>,
    Path(path): Path<DiskPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    api.connect(&path.connection).await?.delete_disk(&path.disk).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new size for a disk.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DiskSize {
    /// The size in GiB. Disks only grow.
    size_gib: u32,
}

/// Grow a disk; answers the disk as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/disks/{disk}/resize", tag = "disks", params(DiskPath),
    request_body = DiskSize, responses((status = 200, body = Disk))
)]
pub(super) async fn resize_disk(
    State(api): State<Api>,
    Path(path): Path<DiskPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(wanted): Body<DiskSize>,
) -> Answer<Json<Disk>> {
    let service = api.connect(&path.connection).await?;
    let id = service.resize_disk(&path.disk, wanted.size_gib).await?;
    Ok(Json(service.get_disk(&id).await?))
}
