//! Whether the server answers, and what it can be asked. Both are open: nothing in them depends on this installation.

use axum::Json;
use axum::response::IntoResponse;
use http::header;
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::openapi_json;

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `ok`; a server that is not well does not answer.
    status: &'static str,
}

/// Tell whether the server answers. It asks no vendor; `POST .../check` does that for a connection.
#[utoipa::path(get, path = "/healthz", tag = "server", security(()), responses((status = 200, body = Health)))]
pub(super) async fn get_health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Read this document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "server", security(()),
    responses((status = 200, body = Object, content_type = "application/json"))
)]
pub(super) async fn get_openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi_json())
}
