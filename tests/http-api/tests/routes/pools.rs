//! `/v1/connections/{connection}/pools`.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![a_pool_that_is_not_empty_is_deleted_only_with_its_contents]
}

async fn a_pool_that_is_not_empty_is_deleted_only_with_its_contents(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let created = cloud.post("/pools", json!({ "name": "fast" })).await;
    let location = created.location();
    let pool = created.expect(201);
    assert_eq!(fixture.client.get(&location).await.expect(200), pool);
    assert!(names(&cloud.get("/pools").await.expect(200)).contains(&"fast"));
    cloud
        .post("/disks", json!({ "name": "data", "size_gib": 1, "pool": "fast" }))
        .await
        .expect(201);
    cloud.delete("/pools/fast").await.problem(409, "conflict");
    cloud.delete("/pools/fast?contents=true").await.expect(204);
    cloud.get("/pools/fast").await.problem(404, "not-found");
    cloud.get("/disks/data").await.problem(404, "not-found");
}
