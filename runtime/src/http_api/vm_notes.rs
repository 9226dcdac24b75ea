//! `/v1/connections/{connection}/vms/{vm}/…`: what is noted on a VM, and what is in its drive.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use stockade_host::contract::{MetadataChange, Vm};
use utoipa::ToSchema;

use super::answer::Answer;
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::VmPath;
use super::router::Api;

/// Set and remove metadata of a VM; keys that are not named stay. Answers the VM as it is then.
#[utoipa::path(
    patch, path = "/v1/connections/{connection}/vms/{vm}/metadata", tag = "vms", params(VmPath),
    request_body(content = BTreeMap<String, Option<String>>, description = "The new values by key; null removes a key."),
    responses((status = 200, body = Vm))
)]
pub(super) async fn update_vm_metadata(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(changes): Body<BTreeMap<String, Option<String>>>,
) -> Answer<Json<Vm>> {
    let changes = changes.into_iter();
    let changes = changes.map(|(key, value)| MetadataChange { key, value }).collect();
    let service = api.connect(&path.connection).await?;
    let id = service.update_vm_metadata(&path.vm, changes).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// A VM's description.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    /// Free text; null removes it.
    #[serde(deserialize_with = "Option::deserialize")]
    description: Option<String>,
}

/// Replace a VM's description; answers the VM as it is then.
#[utoipa::path(
    put, path = "/v1/connections/{connection}/vms/{vm}/description", tag = "vms", params(VmPath),
    request_body = Description, responses((status = 200, body = Vm))
)]
pub(super) async fn set_vm_description(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(wanted): Body<Description>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service
        .set_vm_description(&path.vm, wanted.description.as_deref())
        .await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// Whether a VM starts with its host.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Autostart {
    /// Whether it does.
    autostart: bool,
}

/// Set whether a VM starts with its host; answers the VM as it is then.
#[utoipa::path(
    put, path = "/v1/connections/{connection}/vms/{vm}/autostart", tag = "vms", params(VmPath),
    request_body = Autostart, responses((status = 200, body = Vm))
)]
pub(super) async fn set_vm_autostart(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(wanted): Body<Autostart>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.set_vm_autostart(&path.vm, wanted.autostart).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// What is in a VM's CD-ROM drive.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Medium {
    /// The ISO image's name or id.
    image: String,
}

/// Put an ISO image into a VM's CD-ROM drive; answers the VM as it is then.
#[utoipa::path(
    put, path = "/v1/connections/{connection}/vms/{vm}/media", tag = "vms", params(VmPath),
    request_body = Medium, responses((status = 200, body = Vm))
)]
pub(super) async fn insert_vm_media(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(wanted): Body<Medium>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.insert_vm_media(&path.vm, &wanted.image).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// Empty a VM's CD-ROM drive; answers the VM as it is then.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/vms/{vm}/media", tag = "vms", params(VmPath),
    responses((status = 200, body = Vm))
)]
pub(super) async fn eject_vm_media(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.eject_vm_media(&path.vm).await?;
    Ok(Json(service.get_vm(&id).await?))
}
