//! `/v1/connections/{connection}/dns-zones`.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use stockade_host::contract::{DnsRecord, DnsZone};
use utoipa::IntoParams;

use super::answer::{Answer, List};
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::{ConnectionPath, RecordPath, ZonePath};
use super::router::Api;

/// List the DNS zones of a connection.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/dns-zones", tag = "dns", params(ConnectionPath),
    responses((status = 200, body = List<DnsZone>))
)]
pub(super) async fn list_dns_zones(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<DnsZone>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_dns_zones().await?))
}

/// List the records of a DNS zone, one for each name and type.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/dns-zones/{zone}/records", tag = "dns", params(ZonePath),
    responses((status = 200, body = List<DnsRecord>))
)]
pub(super) async fn list_dns_records(
    State(api): State<Api>,
    Path(path): Path<ZonePath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<DnsRecord>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_dns_records(&path.zone).await?))
}

/// What may happen to data that is there.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct SetRecord {
    /// Replace it; otherwise data of that name and type is `already-exists`.
    #[param(required = false)]
    replace: bool,
}

/// Set the data of a name and type.
#[utoipa::path(
    put, path = "/v1/connections/{connection}/dns-zones/{zone}/records", tag = "dns", params(ZonePath, SetRecord),
    request_body = DnsRecord, responses((status = 204, description = "it is set"))
)]
pub(super) async fn set_dns_record(
    State(api): State<Api>,
    Path(path): Path<ZonePath>,
    Query(query): Query<SetRecord>,
    Body(record): Body<DnsRecord>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.set_dns_record(&path.zone, record, query.replace).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete all data of a name and type.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/dns-zones/{zone}/records/{name}/{type}", tag = "dns",
    params(RecordPath), responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_dns_record(
    State(api): State<Api>,
    Path(path): Path<RecordPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.delete_dns_record(&path.zone, &path.name, &path.r#type).await?;
    Ok(StatusCode::NO_CONTENT)
}
