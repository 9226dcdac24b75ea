//! `/v1/connections/{connection}/load-balancers`.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![a_load_balancer_is_created_changed_and_deleted]
}

async fn a_load_balancer_is_created_changed_and_deleted(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    for name in ["a", "b"] {
        cloud.post("/vms", json!({ "name": name })).await.expect(201);
    }
    let spec = json!({
        "name": "web", "internal": true, "listeners": [{ "protocol": "tcp", "port": 80 }], "members": ["a"]
    });
    let created = cloud.post("/load-balancers", spec.clone()).await;
    let location = created.location();
    let balancer = created.expect(201);
    assert_eq!(balancer["members"], json!(["a"]));
    assert_eq!(fixture.client.get(&location).await.expect(200), balancer);
    assert_eq!(names(&cloud.get("/load-balancers").await.expect(200)), ["web"]);
    cloud.post("/load-balancers", spec).await.problem(409, "already-exists");
    let changed = cloud
        .put("/load-balancers/web/members", json!(["a", "b"]))
        .await
        .expect(200);
    assert_eq!(changed["members"], json!(["a", "b"]));
    cloud
        .put("/load-balancers/web/members", json!(["absent"]))
        .await
        .problem(404, "not-found");
    let empty = json!({ "name": "other", "listeners": [] });
    let problem = cloud
        .post("/load-balancers", empty)
        .await
        .problem(400, "invalid-argument");
    assert_eq!(problem["field"], "listeners");
    cloud.delete("/load-balancers/web").await.expect(204);
    cloud.get("/load-balancers/web").await.problem(404, "not-found");
}
