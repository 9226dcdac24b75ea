//! What every request goes through: an id, a span, a net for panics, and admission.
//!
//! Bodies, queries and headers are never logged: they may hold user data and tokens.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, header};
use rand::RngCore as _;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use super::problem::{Problem, ProblemKind};

/// Identifies a request in answers and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over from a caller.
const MAX_REQUEST_ID_LENGTH: usize = 64;

/// Requests that are worked on at once. Each may hold a guest's instance, of which the engine's pool has 200; what comes
/// beyond is told to come again instead of waiting without a bound.
pub(super) const MAX_CONCURRENT_REQUESTS: usize = 128;

/// Counts the requests that are worked on. Cloning shares the count.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    size: usize,
}

impl Gate {
    pub(super) fn new(size: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(size)),
            size,
        }
    }

    /// Waits until nothing is worked on, at most this long; answers whether that came true.
    pub(super) async fn idle_within(&self, patience: Duration) -> bool {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        tokio::time::timeout(patience, self.places.acquire_many(all))
            .await
            .is_ok()
    }
}

/// Outermost: gives the request its id and span, writes problems, logs how it ended.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", MatchedPath::as_str);
    let span = tracing::info_span!("request", request_id = %id, method = %request.method(), route);
    let exchange = async move {
        let started = Instant::now();
        let mut response = next.run(request).await;
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            if problem.kind == ProblemKind::Internal {
                tracing::error!(detail = problem.detail, "request failed: {}", problem.detail);
            }
            let allowed = response.headers_mut().remove(header::ALLOW);
            response = problem.into_body(&id);
            response
                .headers_mut()
                .extend(allowed.map(|methods| (header::ALLOW, methods)));
        }
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let (status, duration_ms) = (response.status().as_u16(), started.elapsed().as_millis());
        tracing::info!(status, duration_ms, "request ended with {status}");
        response
    };
    exchange.instrument(span).await
}

/// Innermost: bounds what is worked on at once, and turns a panic into a problem.
///
/// A caller that goes away cancels its read. What changes something goes on to its end: half a change helps nobody.
pub(super) async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Ok(place) = Arc::clone(&gate.places).try_acquire_owned() else {
        let detail = format!("{} requests are being worked on already", gate.size);
        return Problem::new(ProblemKind::Busy, detail).into_response();
    };
    let is_safe = request.method().is_safe();
    let work = async move {
        let response = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        drop(place);
        response.unwrap_or_else(|panic| panicked(panic.as_ref()))
    };
    if is_safe {
        return work.await;
    }
    tokio::spawn(work.in_current_span()).await.unwrap_or_else(|error| {
        Problem::new(ProblemKind::Internal, format!("the request was given up: {error}")).into_response()
    })
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!("a request panicked: {}", text.unwrap_or("(no message)"));
    let detail = "the runtime has a defect; its log says more under this request's id";
    Problem::new(ProblemKind::Internal, detail).into_response()
}

/// The caller's id when it is fit to be logged, otherwise a new one.
fn request_id(request: &Request) -> String {
    let is_fit = |id: &&str| {
        (1..=MAX_REQUEST_ID_LENGTH).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    given
        .filter(is_fit)
        .map_or_else(|| format!("{:016x}", rand::rng().next_u64()), str::to_owned)
}
