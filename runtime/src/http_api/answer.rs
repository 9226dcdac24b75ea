//! What operations answer: lists, lists over several connections, and things just created.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;

/// What a handler returns.
pub(super) type Answer<T> = Result<T, Problem>;

/// A list or a part of one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    /// The things.
    pub(super) items: Vec<T>,
    /// The `cursor` of the next part; null when this was the last.
    pub(super) next: Option<String>,
}

impl<T> List<T> {
    /// A whole list.
    pub(super) fn whole(items: Vec<T>) -> Json<Self> {
        Json(Self { items, next: None })
    }
}

/// A list over several connections. What failed stands beside what did not.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct JointList<T> {
    /// The things of all connections that answered.
    pub(super) items: Vec<T>,
    /// One problem for each connection that did not.
    pub(super) errors: Vec<Problem>,
    /// Always null: a joint list is whole.
    pub(super) next: Option<String>,
}

impl<T> JointList<T> {
    /// One list of many answers.
    pub(super) fn of(answers: impl IntoIterator<Item = crate::Result<Vec<T>>>) -> Self {
        let (mut items, mut errors) = (Vec::new(), Vec::new());
        for answer in answers {
            match answer {
                Ok(part) => items.extend(part),
                Err(error) => errors.push(error.into()),
            }
        }
        Self {
            items,
            errors,
            next: None,
        }
    }
}

/// Something new: its place and itself.
#[derive(Debug)]
pub(super) struct Created<T> {
    location: String,
    thing: T,
}

/// What stays as it is in a path segment: RFC 3986's unreserved characters.
const SEGMENT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl<T> Created<T> {
    /// Something new at `/v1/connections/{connection}` and these segments.
    pub(super) fn at(connection: &str, segments: &[&str], thing: T) -> Self {
        let mut location = String::from("/v1/connections");
        for segment in std::iter::once(&connection).chain(segments) {
            location.push('/');
            location.extend(utf8_percent_encode(segment, &SEGMENT));
        }
        Self { location, thing }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Json(self.thing)).into_response();
        // Percent-encoded, so always a header value.
        if let Ok(location) = HeaderValue::from_str(&self.location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// Adds to the failure to read something new that it exists: otherwise a caller would create it again.
pub(super) fn created_but_unread(noun: &str, id: &str) -> impl FnOnce(crate::Error) -> Problem {
    let hint = format!("the {noun} was created; its id is `{id}`");
    move |error| Problem::from(error).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_one_path_whatever_the_id() {
        let created = Created::at("lab", &["disks", "/pool/a b%.qcow2"], ());
        assert_eq!(created.location, "/v1/connections/lab/disks/%2Fpool%2Fa%20b%25.qcow2");
    }
}
