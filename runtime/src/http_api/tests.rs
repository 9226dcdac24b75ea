//! What surrounds the handlers, on routes made for it. The routes themselves are tested in `tests/http-api`, because a
//! runtime needs a `main` of its own.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use stockade_host::contract::{Ambiguity, DiskSpec, ErrorKind, Subject, UpstreamFault, VmSpec};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::access::Access;
use super::create::Create;
use super::exchange::{Gate, admit};
use super::problem::{Problem, ProblemKind};
use super::router::surround;
use crate::Error;
use crate::connections::OptionInput;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn surrounded(routes: Router, places: usize) -> Router {
    let routes = routes.route_layer(from_fn_with_state(Gate::new(places), admit));
    surround(routes, Access::with_token(TOKEN))
}

fn request(method: &str, path: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    request
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::empty())
        .unwrap()
}

async fn problem(response: Response) -> Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["request_id"], id.as_str());
    assert_eq!(problem["status"], status);
    problem
}

fn every_error_kind() -> Vec<(ErrorKind, u16)> {
    let subject = Subject {
        noun: "vm".into(),
        name: "web".into(),
    };
    let ambiguity = Ambiguity {
        subject: subject.clone(),
        candidates: vec!["1".into(), "2".into()],
    };
    let fault = UpstreamFault {
        status: Some(418),
        code: Some("Teapot".into()),
    };
    vec![
        (ErrorKind::NotFound(subject.clone()), 404),
        (ErrorKind::AlreadyExists(subject), 409),
        (ErrorKind::Ambiguous(ambiguity), 409),
        (ErrorKind::InvalidArgument("size-gib".into()), 400),
        (ErrorKind::Unsupported("clone-vm".into()), 422),
        (ErrorKind::Unauthenticated, 502),
        (ErrorKind::Denied, 502),
        (ErrorKind::QuotaExceeded(None), 409),
        (ErrorKind::Conflict, 409),
        (ErrorKind::RateLimited(Some(1500)), 429),
        (ErrorKind::TimedOut, 504),
        (ErrorKind::Unavailable, 503),
        (ErrorKind::Upstream(fault), 502),
        (ErrorKind::Internal, 500),
    ]
}

#[tokio::test]
async fn every_kind_of_error_has_its_status_and_keeps_its_name() {
    for (kind, status) in every_error_kind() {
        let name = kind.name();
        let error = Error::new(kind, "it failed").on("lab").hint("try this");
        let failing = move || async move { Err::<(), _>(Problem::from(error)) };
        let router = surrounded(Router::new().route("/fail", get(failing)), 1);
        let response = router.oneshot(request("GET", "/fail")).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{name}");
        let retry_after = response
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(retry_after.as_deref(), (status == 429).then_some("2"), "{name}");
        let problem = problem(response).await;
        assert_eq!(problem["kind"], name);
        assert_eq!(problem["type"], format!("urn:problem-type:stockade:{name}"));
        assert_eq!(problem["detail"], "connection `lab`: it failed");
        assert_eq!(
            (&problem["connection"], &problem["hints"]),
            (&json!("lab"), &json!(["try this"]))
        );
        match name {
            "invalid-argument" => assert_eq!(problem["field"], "size_gib"),
            "ambiguous" => assert_eq!(problem["candidates"], json!(["1", "2"])),
            "upstream" => assert_eq!(
                (&problem["vendor_status"], &problem["vendor_code"]),
                (&json!(418), &json!("Teapot"))
            ),
            _ => {}
        }
    }
}

#[test]
fn kinds_are_written_as_the_table_names_them() {
    for kind in ProblemKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.row().0);
    }
    let names: std::collections::HashSet<_> = ProblemKind::ALL.iter().map(|kind| kind.row().0).collect();
    assert_eq!(names.len(), ProblemKind::ALL.len());
}

#[tokio::test]
async fn what_the_framework_refuses_is_a_problem_too() {
    let router = surrounded(Router::new().route("/v1/vms", get(async || "")), 1);
    let response = router.clone().oneshot(request("GET", "/v1/vmss")).await.unwrap();
    assert_eq!(problem(response).await["kind"], "not-found");
    let response = router.clone().oneshot(request("DELETE", "/v1/vms")).await.unwrap();
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    assert_eq!(problem(response).await["kind"], "method-not-allowed");
    let anonymous = Request::get("/v1/vmss").body(Body::empty()).unwrap();
    let response = router.oneshot(anonymous).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(response).await["kind"], "token-required");
}

#[tokio::test]
async fn a_panic_is_an_internal_problem_that_tells_nothing_and_frees_its_place() {
    let panicking = async || -> &'static str { panic!("secret") };
    let router = surrounded(Router::new().route("/panic", get(panicking).post(panicking)), 1);
    for method in ["GET", "POST", "GET"] {
        let response = router.clone().oneshot(request(method, "/panic")).await.unwrap();
        let problem = problem(response).await;
        assert_eq!(problem["kind"], "internal");
        assert!(!problem.to_string().contains("secret"));
    }
}

#[tokio::test]
async fn a_request_beyond_the_limit_is_told_to_come_again() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let waiting = {
        let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
        async move || {
            entered.notify_one();
            leave.notified().await;
        }
    };
    let router = surrounded(Router::new().route("/wait", get(waiting)), 1);
    let first = tokio::spawn(router.clone().oneshot(request("GET", "/wait")));
    entered.notified().await;
    let response = router.clone().oneshot(request("GET", "/wait")).await.unwrap();
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(problem(response).await["kind"], "busy");
    leave.notify_one();
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_change_goes_on_when_its_caller_goes_away_and_a_read_does_not() {
    for (method, goes_on) in [("POST", true), ("GET", false)] {
        let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (done, ended) = tokio::sync::mpsc::channel::<()>(1);
        let change = {
            let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
            async move || {
                entered.notify_one();
                leave.notified().await;
                // Fails only when nobody listens any more.
                let _ = done.send(()).await;
            }
        };
        let router = surrounded(Router::new().route("/change", post(change.clone()).get(change)), 1);
        let caller = tokio::spawn(router.oneshot(request(method, "/change")));
        entered.notified().await;
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        leave.notify_one();
        // Without a sender left, the handler was dropped before it was done.
        let mut ended = ended;
        assert_eq!(ended.recv().await.is_some(), goes_on, "{method}");
    }
}

#[tokio::test]
async fn a_callers_request_id_is_kept_when_it_is_fit_to_be_logged() {
    let router = surrounded(Router::new().route("/", get(async || "")), 1);
    for (given, kept) in [
        ("job-17.a_B", true),
        ("a b", false),
        ("", false),
        (&*"x".repeat(65), false),
    ] {
        let mut request = request("GET", "/none");
        request.headers_mut().insert("x-request-id", given.parse().unwrap());
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["x-request-id"] == given, kept, "{given}");
    }
}

fn vm(body: &Value) -> Result<Create<VmSpec>, Problem> {
    Create::from_fields(body.as_object().unwrap().clone())
}

#[test]
fn a_body_has_plain_options_and_starts_its_vm() {
    let create =
        vm(&json!({ "name": "web", "options": { "zone": "b", "count": 2, "on": true, "tags": ["x"] } })).unwrap();
    assert!(create.spec.start);
    assert!(create.spec.options.is_empty());
    assert_eq!(create.options["zone"], OptionInput::Text("b".into()));
    assert_eq!(create.options["count"], OptionInput::Integer(2));
    assert_eq!(create.options["on"], OptionInput::Boolean(true));
    assert_eq!(create.options["tags"], OptionInput::TextList(vec!["x".into()]));
    assert!(!vm(&json!({ "name": "web", "start": false })).unwrap().spec.start);
}

#[test]
fn what_cannot_be_used_in_a_body_is_named_and_the_nearest_field_suggested() {
    let cases = [
        (
            json!({ "name": "web", "memroy_mib": 1 }),
            "memroy_mib",
            Some("did you mean `memory_mib`?"),
        ),
        (
            json!({ "name": "web", "disks": [{ "size": 1 }] }),
            "size",
            Some("did you mean `size_gib`?"),
        ),
        (json!({ "name": "web", "xyz": 1 }), "xyz", None),
        (
            json!({ "name": "web", "disks": [{ "size_gib": "1" }] }),
            "disks[0].size_gib",
            None,
        ),
        (json!({ "name": "web", "cpus": -1 }), "cpus", None),
        (json!({ "name": "web", "options": { "zone": 1.5 } }), "zone", None),
        (json!({ "name": "web", "options": [] }), "options", None),
        (json!({}), "name", None),
        (json!({ "name": null }), "name", None),
        (json!({ "name": "" }), "name", None),
    ];
    for (body, field, hint) in cases {
        let problem = vm(&body).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::InvalidArgument, "{body}");
        assert_eq!(problem.field.as_deref(), Some(field), "{body}: {}", problem.detail);
        assert_eq!(
            problem.hints.first().map(String::as_str),
            hint,
            "{body}: {}",
            problem.detail
        );
    }
    let unnamed = json!({ "size_gib": 1 });
    let problem = Create::<DiskSpec>::from_fields(unnamed.as_object().unwrap().clone()).unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("name"));
}
