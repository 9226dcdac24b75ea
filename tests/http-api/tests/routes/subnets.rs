//! `/v1/connections/{connection}/subnets`, and changes of networks.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![a_subnet_is_created_listed_changed_and_deleted, a_network_is_changed]
}

async fn a_subnet_is_created_listed_changed_and_deleted(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let spec = json!({ "name": "part", "network": "default", "cidr": "192.0.2.64/26", "dhcp": true });
    let created = cloud.post("/subnets", spec.clone()).await;
    let location = created.location();
    let subnet = created.expect(201);
    assert_eq!(subnet["gateway"], "192.0.2.65");
    assert_eq!(fixture.client.get(&location).await.expect(200), subnet);
    assert_eq!(names(&cloud.get("/subnets").await.expect(200)), ["part"]);
    assert_eq!(
        names(&cloud.get("/subnets?network=default").await.expect(200)),
        ["part"]
    );
    cloud.get("/subnets?network=absent").await.problem(404, "not-found");
    cloud.post("/subnets", spec).await.problem(409, "conflict");
    let changed = cloud.patch("/subnets/part", json!({ "dhcp": false })).await.expect(200);
    assert_eq!(
        (&changed["dhcp"], &changed["gateway"]),
        (&json!(false), &json!("192.0.2.65"))
    );
    cloud.delete("/subnets/part").await.expect(204);
    cloud.get("/subnets/part").await.problem(404, "not-found");
}

async fn a_network_is_changed(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let changed = cloud
        .patch("/networks/default", json!({ "domain": "example.org" }))
        .await
        .expect(200);
    assert_eq!(
        (&changed["domain"], &changed["dhcp"]),
        (&json!("example.org"), &json!(true))
    );
    cloud
        .patch("/networks/default", json!({ "options": { "colour": "red" } }))
        .await
        .problem(400, "invalid-argument");
}
