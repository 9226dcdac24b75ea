//! `/v1/connections/{connection}/buckets/{bucket}/objects`. Contents go through unnamed files, never through memory.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use stockade_host::blobs::Blob;
use stockade_host::contract::{BucketObject, PageRequest};
use stockade_host::limits::Room;
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, List};
use super::extract::{NoQuery, Path, Query};
use super::paths::{BucketPath, ObjectPath};
use super::problem::Problem;
use super::router::Api;
use super::upload::receive;
use crate::error::Error;

/// Bytes that are read at once of an object on its way out.
const PIECE_BYTES: usize = 256 << 10;
/// How long a URL is good for unless the caller says otherwise, in seconds.
const DEFAULT_URL_SECONDS: u32 = 3600;
/// The most that one page holds; the contract's limit.
const MAX_PAGE: u32 = 1000;

/// Which objects, and which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListObjects {
    /// Only those whose key begins so.
    prefix: Option<String>,
    /// Answer a page of at most this many, 1 to 1000. Neither `limit` nor `cursor`: the whole list.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// List the objects in a bucket.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/buckets/{bucket}/objects", tag = "buckets", params(BucketPath, ListObjects),
    responses((status = 200, body = List<BucketObject>))
)]
pub(super) async fn list_bucket_objects(
    State(api): State<Api>,
    Path(path): Path<BucketPath>,
    Query(query): Query<ListObjects>,
) -> Answer<Json<List<BucketObject>>> {
    let ListObjects { prefix, limit, cursor } = query;
    if limit.is_some_and(|limit| !(1..=MAX_PAGE).contains(&limit)) {
        return Err(Problem::invalid("limit", format!("limit: must be 1 to {MAX_PAGE}")));
    }
    let prefix = prefix.unwrap_or_default();
    let service = api.connect(&path.connection).await?;
    if limit.is_none() && cursor.is_none() {
        return Ok(List::whole(service.list_bucket_objects(&path.bucket, &prefix).await?));
    }
    let page = service
        .list_bucket_objects_page(&path.bucket, &prefix, PageRequest { cursor, limit })
        .await?;
    Ok(Json(List {
        items: page.items,
        next: page.next,
    }))
}

/// How an object is written.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadObject {
    /// Whether everybody may read it.
    #[param(required = false)]
    public: bool,
}

/// Write an object, replacing one of that key. The body is its content.
#[utoipa::path(
    put, path = "/v1/connections/{connection}/buckets/{bucket}/objects/{key}", tag = "buckets",
    params(ObjectPath, UploadObject), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "it is there"))
)]
pub(super) async fn upload_bucket_object(
    State(api): State<Api>,
    Path(path): Path<ObjectPath>,
    Query(query): Query<UploadObject>,
    request: Request,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    let content = receive(request.into_body(), api.max_upload_bytes).await?;
    service
        .upload_bucket_object(&path.bucket, &path.key, content, query.public)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read an object.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/buckets/{bucket}/objects/{key}", tag = "buckets", params(ObjectPath),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>))
)]
pub(super) async fn download_bucket_object(
    State(api): State<Api>,
    Path(path): Path<ObjectPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Response> {
    let failed = |error: &std::io::Error| Problem::from(Error::io("keeping the object in a temporary file", error));
    let service = api.connect(&path.connection).await?;
    let blob = Blob::scratch(Room::new(api.max_upload_bytes)).map_err(|error| failed(&error))?;
    service
        .download_bucket_object(&path.bucket, &path.key, blob.clone())
        .await?;
    let size = blob.size().map_err(|error| failed(&error))?;
    let pieces = stream::try_unfold((blob, 0), async |(blob, offset)| {
        let piece = blob.read_at(offset, PIECE_BYTES).await?;
        let next = offset + piece.len() as u64;
        Ok::<_, std::io::Error>((!piece.is_empty()).then_some((piece, (blob, next))))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Delete an object.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/buckets/{bucket}/objects/{key}", tag = "buckets", params(ObjectPath),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_bucket_object(
    State(api): State<Api>,
    Path(path): Path<ObjectPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    let service = api.connect(&path.connection).await?;
    service.delete_bucket_object(&path.bucket, &path.key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How long a URL is good for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PresignObject {
    /// The time in seconds; 3600 when it is not given.
    valid_seconds: Option<u32>,
}

/// A URL by which anybody can read an object for a while.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ObjectUrl {
    /// The URL. It is a secret.
    url: String,
    /// How long it is good for, in seconds.
    valid_seconds: u32,
}

/// Make a URL by which anybody can read an object for a while.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/buckets/{bucket}/objects/{key}/url", tag = "buckets",
    params(ObjectPath, PresignObject), responses((status = 200, body = ObjectUrl))
)]
pub(super) async fn presign_bucket_object(
    State(api): State<Api>,
    Path(path): Path<ObjectPath>,
    Query(query): Query<PresignObject>,
) -> Answer<Json<ObjectUrl>> {
    let valid_seconds = query.valid_seconds.unwrap_or(DEFAULT_URL_SECONDS);
    let service = api.connect(&path.connection).await?;
    let url = service
        .presign_bucket_object(&path.bucket, &path.key, valid_seconds)
        .await?;
    Ok(Json(ObjectUrl { url, valid_seconds }))
}
