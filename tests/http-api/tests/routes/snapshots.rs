//! `/v1/connections/{connection}/vms/{vm}/snapshots`.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![
        a_snapshot_is_taken_reverted_to_and_deleted,
        a_vm_with_snapshots_is_deleted_only_with_them,
    ]
}

async fn a_snapshot_is_taken_reverted_to_and_deleted(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud
        .post("/vms", json!({ "name": "web", "start": false }))
        .await
        .expect(201);
    let created = cloud
        .post("/vms/web/snapshots", json!({ "name": "one", "description": "first" }))
        .await;
    let location = created.location();
    let snapshot = created.expect(201);
    assert_eq!(
        (&snapshot["name"], &snapshot["description"]),
        (&json!("one"), &json!("first"))
    );
    assert_eq!(
        location,
        cloud.path(&format!("/vms/web/snapshots/{}", snapshot["id"].as_str().unwrap()))
    );
    cloud
        .post("/vms/web/snapshots", json!({ "name": "two" }))
        .await
        .expect(201);
    assert_eq!(
        names(&cloud.get("/vms/web/snapshots").await.expect(200)),
        ["one", "two"]
    );
    cloud
        .post("/vms/web/snapshots", json!({ "name": "one" }))
        .await
        .problem(409, "already-exists");
    cloud.act("/vms/web/snapshots/one/revert").await.expect(204);
    let list = cloud.get("/vms/web/snapshots").await.expect(200);
    assert_eq!(
        (&list["items"][0]["current"], &list["items"][1]["current"]),
        (&json!(true), &json!(false))
    );
    cloud.delete("/vms/web/snapshots/one?children=true").await.expect(204);
    assert!(names(&cloud.get("/vms/web/snapshots").await.expect(200)).is_empty());
    cloud
        .act("/vms/web/snapshots/one/revert")
        .await
        .problem(404, "not-found");
}

async fn a_vm_with_snapshots_is_deleted_only_with_them(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud
        .post("/vms", json!({ "name": "web", "start": false }))
        .await
        .expect(201);
    cloud
        .post("/vms/web/snapshots", json!({ "name": "one" }))
        .await
        .expect(201);
    cloud.delete("/vms/web").await.problem(409, "conflict");
    cloud.delete("/vms/web?delete_snapshots=true").await.expect(204);
}
