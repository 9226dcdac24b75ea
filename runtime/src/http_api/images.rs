//! `/v1/connections/{connection}/images`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use stockade_host::contract::{Image, ImageSpec};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::answer::{Answer, Created, List, created_but_unread};
use super::create::{Create, object};
use super::extract::{NoQuery, Path, Query, json_value};
use super::paths::{ConnectionPath, ImagePath};
use super::problem::{Problem, ProblemKind};
use super::router::Api;
use super::upload::receive;

/// List the images of a connection.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/images", tag = "images", params(ConnectionPath),
    responses((status = 200, body = List<Image>))
)]
pub(super) async fn list_images(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<List<Image>>> {
    let service = api.connect(&path.connection).await?;
    Ok(List::whole(service.list_images().await?))
}

/// An image to fetch, or one whose content follows.
pub(super) enum NewImage {
    /// The vendor fetches it from a URL.
    Import { image: Create<ImageSpec>, url: String },
    /// The body is its content.
    Upload { spec: ImageSpec, content: axum::body::Body },
}

/// What an uploaded image is called, beside its content.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadImage {
    /// Its name. Required for an upload, as are the other parameters allowed for uploads only.
    #[param(required = false)]
    name: String,
    /// Its pool; none for the provider's documented default.
    pool: Option<String>,
    /// The content's format; none to look at the content.
    format: Option<String>,
    /// The content's SHA-256 in lower-case hex.
    sha256: Option<String>,
}

impl FromRequest<Api> for NewImage {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let content_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let essence = content_type
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .trim();
        let is = |name: &str| essence.eq_ignore_ascii_case(name);
        if is("application/octet-stream") {
            let (mut parts, content) = request.into_parts();
            let Query(query) = Query::<UploadImage>::from_request_parts(&mut parts, api).await?;
            let UploadImage {
                name,
                pool,
                format,
                sha256,
            } = query;
            let spec = ImageSpec {
                name,
                pool,
                format,
                sha256,
                options: Vec::new(),
            };
            return Ok(Self::Upload { spec, content });
        }
        if is("application/json") {
            let (mut parts, body) = request.into_parts();
            let Query(NoQuery {}) = Query::from_request_parts(&mut parts, api).await?;
            let mut fields = object(json_value(Request::from_parts(parts, body), api).await?)?;
            let url = match fields.remove("url") {
                Some(Value::String(url)) => url,
                Some(_) => return Err(Problem::invalid("url", "url: must be a text")),
                None => return Err(Problem::invalid("url", "body: missing field `url`")),
            };
            let image = Create::from_fields(fields)?;
            return Ok(Self::Import { image, url });
        }
        Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            "an image is created from a URL or from its content",
        )
        .hint("send `Content-Type: application/json` with a `url`, or `application/octet-stream` with the content"))
    }
}

/// Create an image: from a URL that the vendor fetches, or from its content.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/images", tag = "images", params(ConnectionPath, UploadImage),
    request_body(content((ImageImport = "application/json"), (Content = "application/octet-stream"))),
    responses((status = 201, body = Image, headers(("Location" = String, description = "The image's path"))))
)]
pub(super) async fn create_image(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    new: NewImage,
) -> Answer<Created<Image>> {
    let service = api.connect(&path.connection).await?;
    let id = match new {
        NewImage::Import { image, url } => service.import_image(image.spec, &image.options, &url).await?,
        NewImage::Upload { spec, content } => {
            let content = receive(content, api.max_upload_bytes).await?;
            service.upload_image(spec, &BTreeMap::new(), content).await?
        }
    };
    let image = service.get_image(&id).await.map_err(created_but_unread("image", &id))?;
    Ok(Created::at(&path.connection, &["images", &id], image))
}

/// Read an image.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/images/{image}", tag = "images", params(ImagePath),
    responses((status = 200, body = Image))
)]
pub(super) async fn get_image(
    State(api): State<Api>,
    Path(path): Path<ImagePath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Image>> {
    Ok(Json(api.connect(&path.connection).await?.get_image(&path.image).await?))
}

/// Delete an image that no disk is based on.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/images/{image}", tag = "images", params(ImagePath),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_image(
    State(api): State<Api>,
    Path(path): Path<ImagePath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<StatusCode> {
    api.connect(&path.connection).await?.delete_image(&path.image).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The document's name for the body of an import: the image's spec and `url`.
struct ImageImport;

impl PartialSchema for ImageImport {
    fn schema() -> RefOr<Schema> {
        let mut schema = Create::<ImageSpec>::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            let url = ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::String))
                .description(Some("Where the vendor fetches the content."));
            object.properties.insert("url".to_owned(), url.build().into());
            object.required.push("url".to_owned());
        }
        schema
    }
}

impl ToSchema for ImageImport {
    fn name() -> Cow<'static, str> {
        "ImageImport".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Create::<ImageSpec>::schemas(schemas);
    }
}

/// The document's name for a body of bytes.
struct Content;

impl PartialSchema for Content {
    fn schema() -> RefOr<Schema> {
        let bytes = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                utoipa::openapi::KnownFormat::Binary,
            )))
            .description(Some("The image's content; the query says what it is called."));
        bytes.build().into()
    }
}

impl ToSchema for Content {}
