//! Problems (RFC 9457) and the one table that says which failure has which status.
//!
//! Handlers return [`Problem`] through `?`; `exchange` writes it as the body, with the request's id. Nothing else in the
//! API chooses a status of a failure.

use std::ops::{Deref, DerefMut};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use stockade_host::contract::ErrorKind;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::error::Error;

/// What a problem is. The first fourteen are the contract's error kinds; the others are the API's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The thing does not exist or is hidden from the connection's credentials.
    NotFound,
    /// A thing of that name exists already; nothing was changed.
    AlreadyExists,
    /// Several things carry that name; use one of `candidates`.
    Ambiguous,
    /// `field` cannot be used.
    InvalidArgument,
    /// The provider or the vendor cannot do it.
    Unsupported,
    /// The vendor did not accept the connection's credentials.
    Unauthenticated,
    /// The vendor or the connection's grants do not allow it.
    Denied,
    /// A quota or the vendor's capacity is used up.
    QuotaExceeded,
    /// The thing is in a state that does not allow it.
    Conflict,
    /// The vendor wants fewer requests.
    RateLimited,
    /// No answer in time; whether the change happened is unknown.
    TimedOut,
    /// The vendor cannot be reached or is down.
    Unavailable,
    /// The vendor failed in another way.
    Upstream,
    /// A defect of the provider or of the runtime.
    Internal,
    /// The request carries no valid token.
    TokenRequired,
    /// The request comes from where requests without a token are not accepted.
    OriginRefused,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body's type is not one that the operation takes.
    UnsupportedMediaType,
    /// The body is larger than the limit.
    TooLarge,
    /// Too many requests are being worked on.
    Busy,
}

impl ProblemKind {
    /// Every kind, in the order of the table.
    pub(super) const ALL: [Self; 20] = [
        Self::NotFound,
        Self::AlreadyExists,
        Self::Ambiguous,
        Self::InvalidArgument,
        Self::Unsupported,
        Self::Unauthenticated,
        Self::Denied,
        Self::QuotaExceeded,
        Self::Conflict,
        Self::RateLimited,
        Self::TimedOut,
        Self::Unavailable,
        Self::Upstream,
        Self::Internal,
        Self::TokenRequired,
        Self::OriginRefused,
        Self::MethodNotAllowed,
        Self::UnsupportedMediaType,
        Self::TooLarge,
        Self::Busy,
    ];

    /// The table: name, status and title of every kind.
    ///
    /// The caller's own authentication is 401 and 403. That the *vendor* refuses the connection's credentials is nothing
    /// that the caller can mend with another token, so both of its kinds are 502. A used-up quota is 409: the account is
    /// in a state that does not allow it, and generic clients repeat 5xx (507 among them), which cannot help here.
    pub(super) const fn row(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::InvalidArgument => (
                "invalid-argument",
                StatusCode::BAD_REQUEST,
                "an argument cannot be used",
            ),
            Self::TokenRequired => ("token-required", StatusCode::UNAUTHORIZED, "a valid token is required"),
            Self::OriginRefused => ("origin-refused", StatusCode::FORBIDDEN, "not accepted from there"),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND, "there is no such thing"),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "the path does not have this method",
            ),
            Self::AlreadyExists => ("already-exists", StatusCode::CONFLICT, "it exists already"),
            Self::Ambiguous => ("ambiguous", StatusCode::CONFLICT, "several things carry that name"),
            Self::Conflict => ("conflict", StatusCode::CONFLICT, "its state does not allow it"),
            Self::QuotaExceeded => ("quota-exceeded", StatusCode::CONFLICT, "a quota is used up"),
            Self::TooLarge => ("too-large", StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body has a type that is not taken here",
            ),
            Self::Unsupported => (
                "unsupported",
                StatusCode::UNPROCESSABLE_ENTITY,
                "the provider cannot do it",
            ),
            Self::RateLimited => (
                "rate-limited",
                StatusCode::TOO_MANY_REQUESTS,
                "the vendor wants fewer requests",
            ),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "a defect of the provider or of the runtime",
            ),
            Self::Unauthenticated => (
                "unauthenticated",
                StatusCode::BAD_GATEWAY,
                "the vendor did not accept the connection's credentials",
            ),
            Self::Denied => (
                "denied",
                StatusCode::BAD_GATEWAY,
                "the vendor or the grants do not allow it",
            ),
            Self::Upstream => ("upstream", StatusCode::BAD_GATEWAY, "the vendor failed"),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "the vendor cannot be reached",
            ),
            Self::Busy => (
                "busy",
                StatusCode::SERVICE_UNAVAILABLE,
                "too many requests are being worked on",
            ),
            Self::TimedOut => ("timed-out", StatusCode::GATEWAY_TIMEOUT, "no answer in time"),
        }
    }
}

impl From<&ErrorKind> for ProblemKind {
    fn from(kind: &ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound(_) => Self::NotFound,
            ErrorKind::AlreadyExists(_) => Self::AlreadyExists,
            ErrorKind::Ambiguous(_) => Self::Ambiguous,
            ErrorKind::InvalidArgument(_) => Self::InvalidArgument,
            ErrorKind::Unsupported(_) => Self::Unsupported,
            ErrorKind::Unauthenticated => Self::Unauthenticated,
            ErrorKind::Denied => Self::Denied,
            ErrorKind::QuotaExceeded(_) => Self::QuotaExceeded,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::RateLimited(_) => Self::RateLimited,
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Upstream(_) => Self::Upstream,
            ErrorKind::Internal => Self::Internal,
        }
    }
}

/// A failure, small enough to be returned everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problem {
    body: Box<ProblemBody>,
}

/// A failure as RFC 9457 writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemBody {
    /// `urn:problem-type:stockade:` and the kind.
    #[serde(rename = "type")]
    pub r#type: String,
    /// The kind in words; the same for every problem of a kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was being done, to what, why it failed.
    pub detail: String,
    /// What a program can act on.
    pub kind: ProblemKind,
    /// The connection that it happened on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The argument that cannot be used, as written in the body or the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The ids of everything that carries an ambiguous name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// This request's id, as in the header `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The vendor's id of the request that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_request_id: Option<String>,
    /// The vendor's HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_status: Option<u16>,
    /// The vendor's own error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_code: Option<String>,
    /// For the header `Retry-After`.
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

/// `Retry-After` when there is no wish of the vendor's, in seconds.
const DEFAULT_RETRY_AFTER_SECONDS: u32 = 5;

impl Problem {
    /// A problem of this kind.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let (name, status, title) = kind.row();
        let body = ProblemBody {
            r#type: format!("urn:problem-type:stockade:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            kind,
            connection: None,
            field: None,
            candidates: Vec::new(),
            hints: Vec::new(),
            request_id: None,
            vendor_request_id: None,
            vendor_status: None,
            vendor_code: None,
            retry_after_seconds: matches!(kind, ProblemKind::RateLimited | ProblemKind::Busy)
                .then_some(DEFAULT_RETRY_AFTER_SECONDS),
        };
        Self { body: Box::new(body) }
    }

    /// An argument that cannot be used.
    pub(super) fn invalid(field: &str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(ProblemKind::InvalidArgument, detail);
        problem.field = (!field.is_empty()).then(|| field.to_owned());
        problem
    }

    /// Adds what to do about it.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The body and its headers. `exchange` calls it once, when the request's id is known.
    pub(super) fn into_body(mut self, request_id: &str) -> Response {
        self.request_id = Some(request_id.to_owned());
        // A `Problem` holds nothing that JSON cannot express.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.kind.row().1, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.kind == ProblemKind::TokenRequired {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl Deref for Problem {
    type Target = ProblemBody;

    fn deref(&self) -> &ProblemBody {
        &self.body
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut ProblemBody {
        &mut self.body
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        ProblemBody::schema()
    }
}

impl ToSchema for Problem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ProblemBody::schemas(schemas);
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let mut problem = Self::new(error.kind().into(), error.to_string());
        problem.connection = error.connection().map(str::to_owned);
        problem.hints = error.hints().to_vec();
        problem.vendor_request_id.clone_from(&error.cause().request_id);
        match error.kind() {
            // The contract writes `size-gib` where JSON writes `size_gib`.
            ErrorKind::InvalidArgument(field) => problem.field = Some(field.replace('-', "_")),
            ErrorKind::Ambiguous(ambiguity) => problem.candidates.clone_from(&ambiguity.candidates),
            ErrorKind::RateLimited(Some(milliseconds)) => {
                problem.retry_after_seconds = Some(milliseconds.div_ceil(1000).max(1));
            }
            ErrorKind::Upstream(fault) => {
                problem.vendor_status = fault.status;
                problem.vendor_code.clone_from(&fault.code);
            }
            _ => {}
        }
        problem
    }
}

impl IntoResponse for Problem {
    /// Only the status; `exchange` writes the body, because it knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.kind.row().1.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
