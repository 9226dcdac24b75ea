//! `/v1/providers`: what is installed. Installing is the operator's, on the command line.

use axum::extract::State;

use super::answer::{Answer, List};
use super::extract::{NoQuery, Path, Query};
use super::paths::ProviderPath;
use super::router::Api;
use crate::registry::InstalledProvider;

/// List the installed providers.
#[utoipa::path(
    get, path = "/v1/providers", tag = "providers",
    responses((status = 200, body = List<InstalledProvider>))
)]
pub(super) async fn list_providers(
    State(api): State<Api>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<List<InstalledProvider>>> {
    Ok(List::whole(api.runtime.providers()?))
}

/// Read what a provider can do and what it asks for.
#[utoipa::path(
    get, path = "/v1/providers/{provider}", tag = "providers", params(ProviderPath),
    responses((status = 200, body = InstalledProvider))
)]
pub(super) async fn get_provider(
    State(api): State<Api>,
    Path(path): Path<ProviderPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<InstalledProvider>> {
    Ok(axum::Json(api.runtime.provider(&path.provider)?))
}
