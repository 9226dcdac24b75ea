//! `/v1/connections/{connection}/vms/{vm}/guest…`, `…/console…` and `…/screenshot`.

use std::sync::Arc;

use serde_json::json;

use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![a_guest_is_asked_frozen_and_given_keys, what_a_guest_printed_is_read]
}

async fn a_guest_is_asked_frozen_and_given_keys(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud
        .post("/vms", json!({ "name": "web", "image": "tiny" }))
        .await
        .expect(201);
    assert_eq!(cloud.get("/vms/web/guest").await.expect(200)["hostname"], "web");
    assert_eq!(cloud.act("/vms/web/guest/freeze").await.expect(200)["file_systems"], 1);
    cloud.act("/vms/web/guest/freeze").await.problem(409, "conflict");
    assert_eq!(cloud.act("/vms/web/guest/thaw").await.expect(200)["file_systems"], 1);
    cloud
        .put("/vms/web/guest/ssh-keys", json!({ "user": "cloud", "keys": [] }))
        .await
        .expect(204);
    cloud
        .put("/vms/web/guest/ssh-keys", json!({ "user": "absent", "keys": [] }))
        .await
        .problem(404, "not-found");
    cloud
        .post("/vms/web/guest/exec", json!({ "path": "/bin/true" }))
        .await
        .problem(422, "unsupported");
    cloud
        .post("/vms/web/guest/password", json!({ "user": "cloud", "password": "x" }))
        .await
        .problem(422, "unsupported");
    cloud.act("/vms/web/stop?mode=forced").await.expect(200);
    cloud.get("/vms/web/guest").await.problem(503, "unavailable");
}

async fn what_a_guest_printed_is_read(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud.post("/vms", json!({ "name": "web" })).await.expect(201);
    let log = cloud.get("/vms/web/console-log").await.expect(200);
    assert_eq!(log, json!({ "log": "web login:\n" }));
    cloud
        .post("/vms/web/console", json!({ "kind": "serial" }))
        .await
        .problem(422, "unsupported");
    cloud
        .post("/vms/web/console", json!({ "kind": "olfactory" }))
        .await
        .problem(400, "invalid-argument");
    cloud.get("/vms/web/screenshot").await.problem(422, "unsupported");
    cloud.get("/vms/absent/console-log").await.problem(404, "not-found");
}
