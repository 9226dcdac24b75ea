//! `/v1/connections/{connection}/vms`.

use std::sync::Arc;

use http::Method;
use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![
        a_vm_is_created_read_stopped_started_restarted_and_deleted,
        a_vm_starts_unless_the_body_says_otherwise,
        the_same_idempotency_key_is_the_same_vm,
        lists_have_pages_and_filters,
        bad_requests_are_refused_before_the_provider_is_called,
        errors_of_the_cloud_do_not_look_like_the_callers,
        a_graceful_stop_takes_a_timeout_and_a_forced_one_does_not,
    ]
}

async fn a_vm_is_created_read_stopped_started_restarted_and_deleted(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud_with(json!({ "pending_polls": 1 })).await;
    let created = cloud
        .post("/vms", json!({ "name": "web", "cpus": 2, "memory_mib": 1024 }))
        .await;
    let location = created.location();
    let vm = created.expect(201);
    assert_eq!(
        (&vm["name"], &vm["cpus"], &vm["memory_mib"]),
        (&json!("web"), &json!(2), &json!(1024))
    );
    assert_eq!(location, cloud.path(&format!("/vms/{}", vm["id"].as_str().unwrap())));
    assert_eq!(fixture.client.get(&location).await.expect(200), vm);
    assert_eq!(cloud.get("/vms/web").await.expect(200), vm);
    for (action, status) in [
        ("stop?mode=forced", "stopped"),
        ("start", "running"),
        ("restart", "running"),
        ("stop", "stopped"),
    ] {
        let vm = cloud.act(&format!("/vms/web/{action}")).await.expect(200);
        assert_eq!(vm["status"], status, "{action}");
    }
    cloud.delete("/vms/web?keep_disks=true").await.expect(204);
    cloud.get("/vms/web").await.problem(404, "not-found");
    cloud.delete("/vms/web").await.problem(404, "not-found");
    let disks = cloud.get("/disks").await.expect(200);
    assert_eq!(
        disks["items"].as_array().unwrap().len(),
        0,
        "a vm without an image has no disk to keep: {disks}"
    );
}

async fn a_vm_starts_unless_the_body_says_otherwise(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let on = cloud.post("/vms", json!({ "name": "on" })).await.expect(201);
    let off = cloud
        .post("/vms", json!({ "name": "off", "start": false }))
        .await
        .expect(201);
    assert_eq!((&on["status"], &off["status"]), (&json!("running"), &json!("stopped")));
    cloud
        .post("/vms", json!({ "name": "on" }))
        .await
        .problem(409, "already-exists");
}

async fn the_same_idempotency_key_is_the_same_vm(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let send = async |key: &str, body: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        fixture
            .client
            .send_bytes(Method::POST, &cloud.path("/vms"), &headers, body.to_owned())
            .await
    };
    let first = send("order-7", r#"{"name":"web"}"#).await.expect(201);
    let again = send("order-7", r#"{"name":"web"}"#).await.expect(201);
    assert_eq!(first["id"], again["id"]);
    send("order-8", r#"{"name":"web"}"#)
        .await
        .problem(409, "already-exists");
    let problem = send("order-9", r#"{"name":"db","idempotency_key":"other"}"#)
        .await
        .problem(400, "invalid-argument");
    assert_eq!(problem["field"], "Idempotency-Key");
    assert_eq!(names(&cloud.get("/vms").await.expect(200)), ["web"]);
}

async fn lists_have_pages_and_filters(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud_with(json!({ "page_size": 2 })).await;
    assert_eq!(
        cloud.get("/vms").await.expect(200),
        json!({ "items": [], "next": null })
    );
    for name in ["a", "b", "c", "d", "e"] {
        cloud
            .post("/vms", json!({ "name": name, "start": name != "b" }))
            .await
            .expect(201);
    }
    let all = cloud.get("/vms").await.expect(200);
    assert_eq!((names(&all).len(), &all["next"]), (5, &json!(null)));
    let mut seen = Vec::new();
    let mut path = "/vms?limit=2".to_owned();
    loop {
        let page = cloud.get(&path).await.expect(200);
        assert!(names(&page).len() <= 2);
        seen.extend(names(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        let cursor: String = next.bytes().map(|byte| format!("%{byte:02x}")).collect();
        path = format!("/vms?limit=2&cursor={cursor}");
    }
    seen.sort();
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    assert_eq!(names(&cloud.get("/vms?status=stopped").await.expect(200)), ["b"]);
    assert_eq!(names(&cloud.get("/vms?name=c&status=running").await.expect(200)), ["c"]);
    assert!(names(&cloud.get("/vms?name=c&status=stopped").await.expect(200)).is_empty());
}

async fn bad_requests_are_refused_before_the_provider_is_called(fixture: Arc<Fixture>) {
    let cloud = fixture
        .cloud_with(json!({ "fail_on": ["create-vm:internal", "list-vms:internal", "delete-vm:internal"] }))
        .await;
    for (body, field, hint) in [
        (
            json!({ "name": "a", "memroy_mib": 1 }),
            "memroy_mib",
            "did you mean `memory_mib`?",
        ),
        (
            json!({ "name": "a", "options": { "zone": "b" } }),
            "zone",
            "it takes no options",
        ),
    ] {
        let problem = cloud.post("/vms", body).await.problem(400, "invalid-argument");
        assert_eq!(
            (&problem["field"], &problem["hints"]),
            (&json!(field), &json!([hint])),
            "{problem}"
        );
    }
    cloud.post("/vms", json!(["a"])).await.problem(400, "invalid-argument");
    for query in ["limit=0", "limit=1001", "limit=x", "lmit=1", "status=on"] {
        cloud
            .get(&format!("/vms?{query}"))
            .await
            .problem(400, "invalid-argument");
    }
    let problem = cloud
        .delete("/vms/a?keep_disk=true")
        .await
        .problem(400, "invalid-argument");
    assert_eq!(problem["hints"], json!(["did you mean `keep_disks`?"]));
    let path = cloud.path("/vms");
    let send = async |content_type: &str, body: String| {
        let headers = [("content-type", content_type)];
        fixture.client.send_bytes(Method::POST, &path, &headers, body).await
    };
    send("application/json", "{".to_owned())
        .await
        .problem(400, "invalid-argument");
    send("text/plain", "{}".to_owned())
        .await
        .problem(415, "unsupported-media-type");
    let large = json!({ "name": "a", "user_data": "x".repeat(1 << 20) }).to_string();
    send("application/json", large).await.problem(413, "too-large");
}

async fn errors_of_the_cloud_do_not_look_like_the_callers(fixture: Arc<Fixture>) {
    for (kind, status) in [
        ("unauthenticated", 502),
        ("denied", 502),
        ("quota-exceeded", 409),
        ("rate-limited", 429),
        ("timed-out", 504),
        ("unavailable", 503),
        ("upstream", 502),
        ("unsupported", 422),
        ("internal", 500),
    ] {
        let cloud = fixture
            .cloud_with(json!({ "fail_on": [format!("create-vm:{kind}")] }))
            .await;
        let reply = cloud.post("/vms", json!({ "name": "web" })).await;
        assert_eq!(reply.headers.contains_key("retry-after"), kind == "rate-limited");
        let problem = reply.problem(status, kind);
        assert_eq!(problem["connection"], cloud.connection.as_str());
        assert!(
            problem["detail"].as_str().unwrap().contains("cannot create vm `web`"),
            "{problem}"
        );
    }
}

async fn a_graceful_stop_takes_a_timeout_and_a_forced_one_does_not(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud.post("/vms", json!({ "name": "web" })).await.expect(201);
    cloud
        .act("/vms/web/stop?mode=forced&timeout_seconds=5")
        .await
        .problem(400, "invalid-argument");
    cloud
        .act("/vms/web/stop?mode=gently")
        .await
        .problem(400, "invalid-argument");
    assert_eq!(cloud.get("/vms/web").await.expect(200)["status"], "running");
    let vm = cloud
        .act("/vms/web/stop?mode=graceful&timeout_seconds=5")
        .await
        .expect(200);
    assert_eq!(vm["status"], "stopped");
}
