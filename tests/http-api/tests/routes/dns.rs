//! `/v1/connections/{connection}/dns-zones`.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![a_record_is_set_replaced_and_deleted]
}

async fn a_record_is_set_replaced_and_deleted(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let zones = cloud.get("/dns-zones").await.expect(200);
    assert_eq!(names(&zones), ["cloud.internal", "example.org"]);
    let record = |value: &str| json!({ "name": "web.example.org", "type": "A", "values": [value] });
    let path = "/dns-zones/example.org/records";
    cloud.put(path, record("192.0.2.7")).await.expect(204);
    cloud
        .put(path, record("192.0.2.8"))
        .await
        .problem(409, "already-exists");
    cloud
        .put(&format!("{path}?replace=true"), record("192.0.2.8"))
        .await
        .expect(204);
    let records = cloud.get(path).await.expect(200);
    assert_eq!(records["items"][0]["values"], json!(["192.0.2.8"]));
    cloud
        .put(&format!("{path}?replace=true"), record("nonsense"))
        .await
        .problem(400, "invalid-argument");
    cloud.delete(&format!("{path}/web.example.org/A")).await.expect(204);
    cloud
        .delete(&format!("{path}/web.example.org/A"))
        .await
        .problem(404, "not-found");
    cloud
        .get("/dns-zones/absent.invalid/records")
        .await
        .problem(404, "not-found");
}
