//! `/v1/connections/{connection}/vms/{vm}/…`: what is done with a VM beyond starting and stopping it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use stockade_host::contract::{ErrorKind, Image, MigrationSpec, Vm, VmCloneSpec, VmExportSpec, VmResizeSpec};
use utoipa::ToSchema;

use super::answer::{Answer, Created, created_but_unread};
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::VmPath;
use super::router::Api;

/// Stop a VM's execution and keep its memory; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/pause", tag = "vms", params(VmPath),
    responses((status = 200, body = Vm))
)]
pub(super) async fn pause_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.pause_vm(&path.vm).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// Let a paused or suspended VM continue; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/resume", tag = "vms", params(VmPath),
    responses((status = 200, body = Vm))
)]
pub(super) async fn resume_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.resume_vm(&path.vm).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// Press a VM's reset button; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/reset", tag = "vms", params(VmPath),
    responses((status = 200, body = Vm))
)]
pub(super) async fn reset_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.reset_vm(&path.vm).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// Save a VM's memory to disk and stop it; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/suspend", tag = "vms", params(VmPath),
    responses((status = 200, body = Vm))
)]
pub(super) async fn suspend_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.suspend_vm(&path.vm).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// Change a VM's CPUs, memory or flavor; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/resize", tag = "vms", params(VmPath),
    request_body = VmResizeSpec, responses((status = 200, body = Vm))
)]
pub(super) async fn resize_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(spec): Body<VmResizeSpec>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.resize_vm(&path.vm, spec).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// A version of virtual hardware.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HardwareVersion {
    /// The version; none for the newest that the host offers.
    version: Option<String>,
}

/// Raise the version of a VM's hardware at its next start; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/upgrade-hardware", tag = "vms", params(VmPath),
    request_body = HardwareVersion, responses((status = 200, body = Vm))
)]
pub(super) async fn upgrade_vm_hardware(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(wanted): Body<HardwareVersion>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.upgrade_vm_hardware(&path.vm, wanted.version.as_deref()).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// Copy a VM and wait until the copy is complete.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/clone", tag = "vms", params(VmPath),
    request_body = VmCloneSpec,
    responses((status = 201, body = Vm, headers(("Location" = String, description = "The copy's path"))))
)]
pub(super) async fn clone_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(spec): Body<VmCloneSpec>,
) -> Answer<Created<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.clone_vm(&path.vm, spec).await?;
    let vm = service.get_vm(&id).await.map_err(created_but_unread("vm", &id))?;
    Ok(Created::at(&path.connection, &["vms", &id], vm))
}

/// Make an image of a VM's first disk and wait until it is complete.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/export", tag = "vms", params(VmPath),
    request_body = VmExportSpec,
    responses((status = 201, body = Image, headers(("Location" = String, description = "The image's path"))))
)]
pub(super) async fn export_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(spec): Body<VmExportSpec>,
) -> Answer<Created<Image>> {
    let service = api.connect(&path.connection).await?;
    let id = service.export_vm(&path.vm, spec).await?;
    let image = service.get_image(&id).await.map_err(created_but_unread("image", &id))?;
    Ok(Created::at(&path.connection, &["images", &id], image))
}

/// Move a VM to another host; answers the VM as it is then, and nothing when that host is beyond the connection.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/migrate", tag = "vms", params(VmPath),
    request_body = MigrationSpec,
    responses((status = 200, body = Vm), (status = 204, description = "it is on a host of another connection"))
)]
pub(super) async fn migrate_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(spec): Body<MigrationSpec>,
) -> Answer<Response> {
    let service = api.connect(&path.connection).await?;
    let id = service.migrate_vm(&path.vm, spec).await?;
    match service.get_vm(&id).await {
        Ok(vm) => Ok(Json(vm).into_response()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound(_)) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error) => Err(error.into()),
    }
}
