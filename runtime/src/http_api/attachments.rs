//! `/v1/connections/{connection}/vms/{vm}/nics` and `…/disks`: what existing VMs hold. It is listed with the VM.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use stockade_host::contract::{AttachSpec, Vm, VmNicSpec};
use utoipa::ToSchema;

use super::answer::{Answer, Created, created_but_unread};
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::{NicPath, VmDiskPath, VmPath};
use super::router::Api;

/// Add a network interface to a VM; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/nics", tag = "vms", params(VmPath),
    request_body = VmNicSpec,
    responses((status = 201, body = Vm, headers(("Location" = String, description = "The interface's path"))))
)]
pub(super) async fn add_nic(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(spec): Body<VmNicSpec>,
) -> Answer<Created<Vm>> {
    let service = api.connect(&path.connection).await?;
    let name = service.add_nic(&path.vm, spec).await?;
    let vm = service
        .get_vm(&path.vm)
        .await
        .map_err(created_but_unread("nic", &name))?;
    Ok(Created::at(&path.connection, &["vms", &path.vm, "nics", &name], vm))
}

/// Another network for an interface.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NicUpdate {
    /// The network's name or id.
    network: String,
}

/// Move a network interface to another network; answers the VM as it is then.
#[utoipa::path(
    patch, path = "/v1/connections/{connection}/vms/{vm}/nics/{nic}", tag = "vms", params(NicPath),
    request_body = NicUpdate, responses((status = 200, body = Vm))
)]
pub(super) async fn update_nic(
    State(api): State<Api>,
    Path(path): Path<NicPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(update): Body<NicUpdate>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    service.update_nic(&path.vm, &path.nic, &update.network).await?;
    Ok(Json(service.get_vm(&path.vm).await?))
}

/// Remove a network interface of a VM.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/vms/{vm}/nics/{nic}", tag = "vms", params(NicPath),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn remove_nic(
    State(api): State<Api>,
    Path(path): Path<NicPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.remove_nic(&path.vm, &path.nic).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Attach a disk to a VM; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/disks", tag = "vms", params(VmPath),
    request_body = AttachSpec, responses((status = 200, body = Vm))
)]
pub(super) async fn attach_disk(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(spec): Body<AttachSpec>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    service.attach_disk(&path.vm, spec).await?;
    Ok(Json(service.get_vm(&path.vm).await?))
}

/// Detach a disk from a VM. The disk is kept.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/vms/{vm}/disks/{disk}", tag = "vms", params(VmDiskPath),
    responses((status = 204, description = "it is detached"))
)]
pub(super) async fn detach_disk(
    State(api): State<Api>,
    Path(path): Path<VmDiskPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.detach_disk(&path.vm, &path.disk).await?;
    Ok(StatusCode::NO_CONTENT)
}
