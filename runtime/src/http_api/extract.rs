//! From requests to values: paths, queries and JSON bodies, whose faults are problems that name the field.
//!
//! Unknown query parameters and unknown fields are refused: a misspelt one would be a wish silently not fulfilled.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::{Problem, ProblemKind};
use super::router::Api;
use crate::suggest;

/// What stands in the path.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, api).await;
        let path = path.map_err(|rejection| Problem::invalid("path", rejection.body_text()))?;
        Ok(Self(path.0))
    }
}

/// What stands in the query.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let query: Result<axum::extract::Query<T>, QueryRejection> =
            axum::extract::Query::from_request_parts(parts, api).await;
        query.map(|query| Self(query.0)).map_err(|rejection| {
            // "PARAMETER: what is wrong with it"
            let text = innermost(&rejection);
            match text.split_once(": ") {
                Some((parameter, text)) => field_problem(parameter, text),
                None => field_problem("query", &text),
            }
        })
    }
}

/// No query: every parameter is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

/// A JSON body.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Api> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        read(json_value(request, api).await?).map(Self)
    }
}

/// A body as JSON, whatever its shape.
pub(super) async fn json_value(request: Request, api: &Api) -> Result<Value, Problem> {
    match axum::Json::<Value>::from_request(request, api).await {
        Ok(body) => Ok(body.0),
        Err(JsonRejection::MissingJsonContentType(_)) => {
            Err(Problem::new(ProblemKind::UnsupportedMediaType, "the body must be JSON")
                .hint("send `Content-Type: application/json`"))
        }
        Err(JsonRejection::JsonSyntaxError(error)) => Err(Problem::invalid(
            "body",
            format!("the body is not JSON: {}", innermost(&error)),
        )),
        Err(JsonRejection::BytesRejection(error)) => Err(body_problem(error.status(), &error.body_text())),
        Err(other) => Err(Problem::invalid("body", other.body_text())),
    }
}

/// The problem of a body that could not be read to its end.
fn body_problem(status: http::StatusCode, text: &str) -> Problem {
    let kind = match status {
        http::StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::TooLarge,
        _ => ProblemKind::InvalidArgument,
    };
    Problem::new(kind, format!("the body cannot be read: {text}"))
}

/// A value of this shape.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "body".to_owned() } else { path };
        field_problem(&place, &error.into_inner().to_string())
    })
}

/// Names the field that cannot be used, and the one that was probably meant.
fn field_problem(place: &str, text: &str) -> Problem {
    // serde's words: "unknown field `x`, expected one of `a`, `b`" and "missing field `x`".
    let mut quoted = text.split('`').skip(1).step_by(2);
    let first = quoted.next().unwrap_or_default();
    if text.starts_with("unknown field") {
        // The path of an unknown field ends with it already.
        let place = place
            .strip_suffix(first)
            .map_or(place, |parent| parent.trim_end_matches('.'));
        let place = if place.is_empty() { "body" } else { place };
        let problem = Problem::invalid(first, format!("{place}: {text}"));
        return match suggest::nearest(first, quoted) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem,
        };
    }
    let field = if text.starts_with("missing field") {
        first
    } else {
        place
    };
    Problem::invalid(field, format!("{place}: {text}"))
}

/// What the innermost cause says; the outer ones only repeat that it was a request.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
