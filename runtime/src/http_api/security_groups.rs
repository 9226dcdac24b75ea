//! `/v1/connections/{connection}/security-groups`.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use stockade_host::contract::{SecurityGroup, SecurityGroupSpec, SecurityRule};

use super::answer::{Answer, Created, List, created_but_unread};
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::{ConnectionPath, SecurityGroupPath};
use super::router::Api;

/// List the security groups of a connection.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/security-groups", tag = "security-groups", params(ConnectionPath),
    responses((status = 200, body = List<SecurityGroup>))
)]
pub(super) async fn list_security_groups(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<SecurityGroup>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_security_groups().await?))
}

/// Create a security group and wait until it is complete.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/security-groups", tag = "security-groups", params(ConnectionPath),
    request_body = SecurityGroupSpec,
    responses((status = 201, body = SecurityGroup, headers(("Location" = String, description = "The security group's path"))))
)]
pub(super) async fn create_security_group(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(spec): Body<SecurityGroupSpec>,
) -> Answer<Created<SecurityGroup>> {
    let service = api.connect(&path.connection).await?;
    let id = service.create_security_group(spec).await?;
    let made = service
        .get_security_group(&id)
        .await
        .map_err(created_but_unread("security group", &id))?;
    Ok(Created::at(&path.connection, &["security-groups", &id], made))
}

/// Read a security group.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/security-groups/{security_group}", tag = "security-groups", params(SecurityGroupPath),
    responses((status = 200, body = SecurityGroup))
)]
pub(super) async fn get_security_group(
    State(api): State<Api>,
    Path(path): Path<SecurityGroupPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<SecurityGroup>> {
    let service = api.connect(&path.connection).await?;
    Ok(Json(service.get_security_group(&path.security_group).await?))
}

/// Delete a security group that no interface uses.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/security-groups/{security_group}", tag = "security-groups", params(SecurityGroupPath),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_security_group(
    State(api): State<Api>,
    Path(path): Path<SecurityGroupPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.delete_security_group(&path.security_group).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replace a security group's rules; answers the group as it is then.
#[utoipa::path(
    put, path = "/v1/connections/{connection}/security-groups/{security_group}/rules", tag = "security-groups",
    params(SecurityGroupPath), request_body = Vec<SecurityRule>, responses((status = 200, body = SecurityGroup))
)]
pub(super) async fn update_security_group(
    State(api): State<Api>,
    Path(path): Path<SecurityGroupPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(rules): Body<Vec<SecurityRule>>,
) -> Answer<Json<SecurityGroup>> {
    let service = api.connect(&path.connection).await?;
    let id = service.update_security_group(&path.security_group, rules).await?;
    Ok(Json(service.get_security_group(&id).await?))
}
