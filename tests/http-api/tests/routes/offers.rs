//! `/v1/connections/{connection}/flavors`, `…/hosts` and `…/events`.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![flavors_and_hosts_are_listed, events_go_on_from_a_cursor]
}

async fn flavors_and_hosts_are_listed(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let flavors = cloud.get("/flavors").await.expect(200);
    assert_eq!(names(&flavors), ["large", "medium", "small"]);
    assert_eq!(names(&cloud.get("/hosts").await.expect(200)), ["zone-a", "zone-b"]);
    cloud.get("/flavors?colour=red").await.problem(400, "invalid-argument");
}

async fn events_go_on_from_a_cursor(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let start = cloud.get("/events").await.expect(200);
    assert_eq!((&start["items"], &start["gap"]), (&json!([]), &json!(false)));
    cloud.post("/vms", json!({ "name": "web" })).await.expect(201);
    let path = format!("/events?cursor={}", start["next"].as_str().unwrap());
    let batch = cloud.get(&path).await.expect(200);
    let subjects: Vec<_> = batch["items"].as_array().unwrap().iter().collect();
    assert!(
        subjects
            .iter()
            .any(|event| event["kind"] == "created" && event["subject"]["name"] == "web"),
        "{batch}"
    );
    cloud
        .get("/events?cursor=nonsense")
        .await
        .problem(400, "invalid-argument");
}
