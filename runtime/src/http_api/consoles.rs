//! `/v1/connections/{connection}/vms/{vm}/console…` and `…/screenshot`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::{Deserialize, Serialize};
use stockade_host::contract::{Console, ConsoleKind};
use utoipa::ToSchema;

use super::answer::Answer;
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::VmPath;
use super::router::Api;

/// Which console to open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenConsole {
    /// Its kind.
    kind: ConsoleKind,
}

/// Open a console of a running VM. Whoever has the answer is at the console.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/console", tag = "consoles", params(VmPath),
    request_body = OpenConsole, responses((status = 200, body = Console))
)]
pub(super) async fn open_vm_console(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(wanted): Body<OpenConsole>,
) -> Answer<Json<Console>> {
    let service = api.connect(&path.connection).await?;
    Ok(Json(service.open_vm_console(&path.vm, wanted.kind).await?))
}

/// What a serial line printed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConsoleLog {
    /// The guest's words, control characters included: clean them before a terminal sees them.
    log: String,
}

/// Read what a VM's serial line printed lately.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/vms/{vm}/console-log", tag = "consoles", params(VmPath),
    responses((status = 200, body = ConsoleLog))
)]
pub(super) async fn read_vm_console_log(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<ConsoleLog>> {
    let service = api.connect(&path.connection).await?;
    let log = service.read_vm_console_log(&path.vm).await?;
    Ok(Json(ConsoleLog { log }))
}

/// Take a picture of a VM's screen.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/vms/{vm}/screenshot", tag = "consoles", params(VmPath),
    responses((status = 200, content_type = "image/png", body = Vec<u8>))
)]
pub(super) async fn take_vm_screenshot(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Response> {
    let service = api.connect(&path.connection).await?;
    let picture = service.take_vm_screenshot(&path.vm).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], picture).into_response())
}
