//! `/v1/connections/{connection}/security-groups`.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![a_security_group_is_created_changed_and_deleted]
}

async fn a_security_group_is_created_changed_and_deleted(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let ssh = json!({ "direction": "ingress", "protocol": "tcp", "from_port": 22, "cidr": "192.0.2.0/24" });
    let created = cloud
        .post("/security-groups", json!({ "name": "web", "rules": [ssh] }))
        .await;
    let location = created.location();
    let group = created.expect(201);
    assert_eq!(group["rules"][0]["from_port"], 22);
    assert_eq!(fixture.client.get(&location).await.expect(200), group);
    assert_eq!(names(&cloud.get("/security-groups").await.expect(200)), ["web"]);
    let icmp = json!([{ "direction": "egress", "protocol": "icmp" }]);
    let changed = cloud.put("/security-groups/web/rules", icmp).await.expect(200);
    assert_eq!(changed["rules"].as_array().unwrap().len(), 1);
    cloud
        .put("/security-groups/web/rules", json!([{ "direction": "sideways" }]))
        .await
        .problem(400, "invalid-argument");
    cloud
        .put("/security-groups/absent/rules", json!([]))
        .await
        .problem(404, "not-found");
    cloud.delete("/security-groups/web").await.expect(204);
    cloud.get("/security-groups/web").await.problem(404, "not-found");
}
