//! `/v1/connections/{connection}/networks`.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![a_network_is_created_listed_and_deleted]
}

async fn a_network_is_created_listed_and_deleted(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let created = cloud
        .post(
            "/networks",
            json!({ "name": "inside", "cidrs": ["10.7.0.0/24"], "dhcp": true }),
        )
        .await;
    let location = created.location();
    let network = created.expect(201);
    assert_eq!(
        (&network["name"], &network["cidrs"]),
        (&json!("inside"), &json!(["10.7.0.0/24"]))
    );
    assert_eq!(fixture.client.get(&location).await.expect(200), network);
    assert!(names(&cloud.get("/networks").await.expect(200)).contains(&"inside"));
    cloud
        .post("/vms", json!({ "name": "web", "nics": [{ "network": "inside" }] }))
        .await
        .expect(201);
    cloud.delete("/networks/inside").await.problem(409, "conflict");
    cloud.delete("/vms/web").await.expect(204);
    cloud.delete("/networks/inside").await.expect(204);
    cloud.get("/networks/inside").await.problem(404, "not-found");
}
