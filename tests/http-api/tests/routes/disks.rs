//! `/v1/connections/{connection}/disks`.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![a_disk_is_created_listed_and_deleted]
}

async fn a_disk_is_created_listed_and_deleted(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let created = cloud.post("/disks", json!({ "name": "data", "size_gib": 5 })).await;
    let location = created.location();
    let disk = created.expect(201);
    assert_eq!((&disk["name"], &disk["size_gib"]), (&json!("data"), &json!(5)));
    assert_eq!(fixture.client.get(&location).await.expect(200), disk);
    assert_eq!(names(&cloud.get("/disks").await.expect(200)), ["data"]);
    let unnamed = cloud
        .post("/disks", json!({ "size_gib": 5 }))
        .await
        .problem(400, "invalid-argument");
    assert_eq!(unnamed["field"], "name");
    let empty = cloud
        .post("/disks", json!({ "name": "empty", "size_gib": 0 }))
        .await
        .problem(400, "invalid-argument");
    assert_eq!(empty["field"], "size_gib");
    cloud.delete("/disks/data").await.expect(204);
    cloud.get("/disks/data").await.problem(404, "not-found");
}
