//! `/v1/connections/{connection}/buckets`. What is in them is in `objects`.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use stockade_host::contract::Bucket;
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Created, List};
use super::extract::{Json as Body, NoQuery, Path, Query};
use super::paths::{BucketPath, ConnectionPath};
use super::router::Api;

/// List the buckets of a connection.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/buckets", tag = "buckets", params(ConnectionPath),
    responses((status = 200, body = List<Bucket>))
)]
pub(super) async fn list_buckets(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<Bucket>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_buckets().await?))
}

/// A bucket to create.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBucket {
    /// Its name.
    name: String,
    /// Whether everybody may read what is in it.
    #[serde(default)]
    public: bool,
}

/// Create a bucket.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/buckets", tag = "buckets", params(ConnectionPath),
    request_body = NewBucket,
    responses((status = 201, body = NewBucket, headers(("Location" = String, description = "The bucket's path"))))
)]
pub(super) async fn create_bucket(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(bucket): Body<NewBucket>,
) -> Answer<Created<NewBucket>> {
    let service = api.connect(&path.connection).await?;
    let id = service.create_bucket(&bucket.name, bucket.public).await?;
    Ok(Created::at(&path.connection, &["buckets", &id], bucket))
}

/// What a deletion takes with it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteBucket {
    /// Delete everything in it too; otherwise a bucket that is not empty is a `conflict`.
    #[param(required = false)]
    contents: bool,
}

/// Delete a bucket.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/buckets/{bucket}", tag = "buckets", params(BucketPath, DeleteBucket),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_bucket(
    State(api): State<Api>,
    Path(path): Path<BucketPath>,
    Query(query): Query<DeleteBucket>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.delete_bucket(&path.bucket, query.contents).await?;
    Ok(StatusCode::NO_CONTENT)
}
