//! `/v1/connections/{connection}/flavors`, `…/hosts` and `…/events`: what a vendor has and tells.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use stockade_host::contract::{EventBatch, Flavor, HostInfo};
use utoipa::IntoParams;

use super::answer::{Answer, List};
use super::extract::{NoQuery, Path, Query};
use super::paths::ConnectionPath;
use super::router::Api;

/// List the sizes that the vendor offers.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/flavors", tag = "flavors", params(ConnectionPath),
    responses((status = 200, body = List<Flavor>))
)]
pub(super) async fn list_flavors(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<Flavor>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_flavors().await?))
}

/// List what VMs run on.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/hosts", tag = "hosts", params(ConnectionPath),
    responses((status = 200, body = List<HostInfo>))
)]
pub(super) async fn list_hosts(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<HostInfo>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_hosts().await?))
}

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PollEvents {
    /// The `next` of the answer before; none starts now.
    cursor: Option<String>,
}

/// Read what changed since a cursor. Answers at once.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/events", tag = "events", params(ConnectionPath, PollEvents),
    responses((status = 200, body = EventBatch))
)]
pub(super) async fn poll_events(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(query): Query<PollEvents>,
) -> Answer<Json<EventBatch>> {
    let service = api.connect(&path.connection).await?;
    Ok(Json(service.poll_events(query.cursor.as_deref()).await?))
}
