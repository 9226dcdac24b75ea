//! `/v1/connections/{connection}/vms/{vm}/guest…`: the agent inside a VM.

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use stockade_host::contract::{GuestCommand, GuestInfo};
use utoipa::ToSchema;

use super::answer::Answer;
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::VmPath;
use super::router::Api;

/// How long a command may take unless the caller says otherwise, in seconds.
const DEFAULT_COMMAND_SECONDS: u32 = 60;

/// Ask a guest about itself.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/vms/{vm}/guest", tag = "guests", params(VmPath),
    responses((status = 200, body = GuestInfo))
)]
pub(super) async fn get_guest_info(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<GuestInfo>> {
    let service = api.connect(&path.connection).await?;
    Ok(Json(service.get_guest_info(&path.vm).await?))
}

/// A program to run inside a guest.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Command {
    /// The program's absolute path.
    path: String,
    /// Its arguments. There is no shell.
    #[serde(default)]
    arguments: Vec<String>,
    /// What it reads on standard input; none for nothing.
    stdin: Option<String>,
    /// At most this many seconds; none for 60.
    timeout_seconds: Option<u32>,
}

/// How a program inside a guest ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CommandResult {
    /// Its exit code; null when a signal ended it.
    exit_code: Option<i32>,
    /// What it printed on standard output, in base64 (RFC 4648, section 4).
    stdout_base64: String,
    /// What it printed on standard error, in base64.
    stderr_base64: String,
}

/// Run a program inside a guest and wait for its end.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/guest/exec", tag = "guests", params(VmPath),
    request_body = Command, responses((status = 200, body = CommandResult))
)]
pub(super) async fn run_guest_command(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(command): Body<Command>,
) -> Answer<Json<CommandResult>> {
    let command = GuestCommand {
        path: command.path,
        arguments: command.arguments,
        stdin: command.stdin.unwrap_or_default().into_bytes(),
        timeout_seconds: command.timeout_seconds.unwrap_or(DEFAULT_COMMAND_SECONDS),
    };
    let service = api.connect(&path.connection).await?;
    let result = service.run_guest_command(&path.vm, command).await?;
    Ok(Json(CommandResult {
        exit_code: result.exit_code,
        stdout_base64: STANDARD.encode(result.stdout),
        stderr_base64: STANDARD.encode(result.stderr),
    }))
}

/// A new password of a user of a guest.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GuestPassword {
    /// The user.
    user: String,
    /// The password.
    password: String,
}

/// Set a user's password inside a guest.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/guest/password", tag = "guests", params(VmPath),
    request_body = GuestPassword, responses((status = 204, description = "it is set"))
)]
pub(super) async fn set_guest_password(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(wanted): Body<GuestPassword>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service
        .set_guest_password(&path.vm, &wanted.user, &wanted.password)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The authorized SSH keys of a user of a guest.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GuestKeys {
    /// The user.
    user: String,
    /// The keys, one OpenSSH line each; an empty list removes all.
    keys: Vec<String>,
}

/// Replace a user's authorized SSH keys inside a guest.
#[utoipa::path(
    put, path = "/v1/connections/{connection}/vms/{vm}/guest/ssh-keys", tag = "guests", params(VmPath),
    request_body = GuestKeys, responses((status = 204, description = "they are set"))
)]
pub(super) async fn set_guest_ssh_keys(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(wanted): Body<GuestKeys>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.set_guest_ssh_keys(&path.vm, &wanted.user, wanted.keys).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many file systems were held or let go.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileSystems {
    /// Their number.
    file_systems: u32,
}

/// Hold all writes of a guest. It hangs until it is thawed.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/guest/freeze", tag = "guests", params(VmPath),
    responses((status = 200, body = FileSystems))
)]
pub(super) async fn freeze_guest(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<FileSystems>> {
    let service = api.connect(&path.connection).await?;
    let file_systems = service.freeze_guest(&path.vm).await?;
    Ok(Json(FileSystems { file_systems }))
}

/// Let a guest's writes continue.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/guest/thaw", tag = "guests", params(VmPath),
    responses((status = 200, body = FileSystems))
)]
pub(super) async fn thaw_guest(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<FileSystems>> {
    let service = api.connect(&path.connection).await?;
    let file_systems = service.thaw_guest(&path.vm).await?;
    Ok(Json(FileSystems { file_systems }))
}
