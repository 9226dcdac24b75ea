//! `/v1/connections/{connection}/load-balancers`.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use stockade_host::contract::LoadBalancer;

use super::answer::{Answer, Created, List, created_but_unread};
use super::create::{Create, LoadBalancerBody};
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::{ConnectionPath, LoadBalancerPath};
use super::router::Api;

/// List the load balancers of a connection.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/load-balancers", tag = "load-balancers", params(ConnectionPath),
    responses((status = 200, body = List<LoadBalancer>))
)]
pub(super) async fn list_load_balancers(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<LoadBalancer>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_load_balancers().await?))
}

/// Create a load balancer and wait until it is complete.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/load-balancers", tag = "load-balancers", params(ConnectionPath),
    request_body = LoadBalancerBody,
    responses((status = 201, body = LoadBalancer, headers(("Location" = String, description = "The load balancer's path"))))
)]
pub(super) async fn create_load_balancer(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Create { spec, options }: LoadBalancerBody,
) -> Answer<Created<LoadBalancer>> {
    let service = api.connect(&path.connection).await?;
    let id = service.create_load_balancer(spec, &options).await?;
    let made = service
        .get_load_balancer(&id)
        .await
        .map_err(created_but_unread("load balancer", &id))?;
    Ok(Created::at(&path.connection, &["load-balancers", &id], made))
}

/// Read a load balancer.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/load-balancers/{load_balancer}", tag = "load-balancers", params(LoadBalancerPath),
    responses((status = 200, body = LoadBalancer))
)]
pub(super) async fn get_load_balancer(
    State(api): State<Api>,
    Path(path): Path<LoadBalancerPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<LoadBalancer>> {
    let service = api.connect(&path.connection).await?;
    Ok(Json(service.get_load_balancer(&path.load_balancer).await?))
}

/// Delete a load balancer and everything that was created with it. Its members are kept.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/load-balancers/{load_balancer}", tag = "load-balancers", params(LoadBalancerPath),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_load_balancer(
    State(api): State<Api>,
    Path(path): Path<LoadBalancerPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.delete_load_balancer(&path.load_balancer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set the VMs behind a load balancer; answers it as it is then.
#[utoipa::path(
    put, path = "/v1/connections/{connection}/load-balancers/{load_balancer}/members", tag = "load-balancers",
    params(LoadBalancerPath), request_body = Vec<String>, responses((status = 200, body = LoadBalancer))
)]
pub(super) async fn set_load_balancer_members(
    State(api): State<Api>,
    Path(path): Path<LoadBalancerPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(members): Body<Vec<String>>,
) -> Answer<Json<LoadBalancer>> {
    let service = api.connect(&path.connection).await?;
    let id = service.set_load_balancer_members(&path.load_balancer, members).await?;
    Ok(Json(service.get_load_balancer(&id).await?))
}
