//! `/v1/connections/{connection}/vms/{vm}/snapshots`.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use stockade_host::contract::{ErrorKind, Snapshot, SnapshotSpec};
use utoipa::IntoParams;

use super::answer::{Answer, Created, List, created_but_unread};
use super::extract::{Json as JsonBody, NoQuery, Path, Query};
use super::paths::{SnapshotPath, VmPath};
use super::router::Api;

/// List the snapshots of a VM, parents before children.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/vms/{vm}/snapshots", tag = "snapshots", params(VmPath),
    responses((status = 200, body = List<Snapshot>))
)]
pub(super) async fn list_snapshots(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<Snapshot>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_snapshots(&path.vm).await?))
}

/// Take a snapshot of a VM.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/snapshots", tag = "snapshots", params(VmPath),
    request_body = SnapshotSpec,
    responses((status = 201, body = Snapshot, headers(("Location" = String, description = "The snapshot's path"))))
)]
pub(super) async fn create_snapshot(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    JsonBody(spec): JsonBody<SnapshotSpec>,
) -> Answer<Created<Snapshot>> {
    let service = api.connect(&path.connection).await?;
    let id = service.create_snapshot(&path.vm, spec).await?;
    // The contract reads snapshots as a list only.
    let vm = path.vm.clone();
    let snapshots = service.list_snapshots(&vm).await;
    let snapshot = snapshots.and_then(|snapshots| {
        let found = snapshots
            .into_iter()
            .find(|snapshot| snapshot.id == id || snapshot.name == id);
        found.ok_or_else(|| {
            crate::Error::new(
                ErrorKind::Internal,
                format!("the provider does not list snapshot `{id}`, which it created"),
            )
        })
    });
    let snapshot = snapshot.map_err(created_but_unread("snapshot", &id))?;
    Ok(Created::at(
        &path.connection,
        &["vms", &path.vm, "snapshots", &id],
        snapshot,
    ))
}

/// What a deletion takes with it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteSnapshot {
    /// Delete the snapshots that descend from it too.
    #[param(required = false)]
    children: bool,
}

/// Delete a snapshot of a VM.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/vms/{vm}/snapshots/{snapshot}", tag = "snapshots",
    params(SnapshotPath, DeleteSnapshot),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_snapshot(
    State(api): State<Api>,
    Path(path): Path<SnapshotPath>,
    Query(query): Query<DeleteSnapshot>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service
        .delete_snapshot(&path.vm, &path.snapshot, query.children)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put a VM back into a snapshot's state. What happened since is lost.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/snapshots/{snapshot}/revert", tag = "snapshots",
    params(SnapshotPath),
    responses((status = 204, description = "the VM is in the snapshot's state"))
)]
pub(super) async fn revert_snapshot(
    State(api): State<Api>,
    Path(path): Path<SnapshotPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.revert_snapshot(&path.vm, &path.snapshot).await?;
    Ok(StatusCode::NO_CONTENT)
}
