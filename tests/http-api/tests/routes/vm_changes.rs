//! `/v1/connections/{connection}/vms/{vm}/…`: what is done with existing VMs.

use std::sync::Arc;

use serde_json::json;

use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![
        a_vm_is_held_and_let_go,
        a_vm_is_resized_noted_on_and_given_a_medium,
        a_vm_is_copied_exported_and_moved,
        interfaces_and_disks_come_and_go,
    ]
}

async fn a_vm_is_held_and_let_go(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud.post("/vms", json!({ "name": "web" })).await.expect(201);
    for (action, status) in [
        ("pause", "paused"),
        ("resume", "running"),
        ("suspend", "suspended"),
        ("resume", "running"),
        ("reset", "running"),
    ] {
        let vm = cloud.act(&format!("/vms/web/{action}")).await.expect(200);
        assert_eq!(vm["status"], status, "{action}");
    }
    cloud.act("/vms/web/stop?mode=forced").await.expect(200);
    cloud.act("/vms/web/pause").await.problem(409, "conflict");
    cloud.act("/vms/absent/pause").await.problem(404, "not-found");
}

async fn a_vm_is_resized_noted_on_and_given_a_medium(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud
        .post(
            "/vms",
            json!({ "name": "web", "metadata": [{ "key": "a", "value": "1" }] }),
        )
        .await
        .expect(201);
    let vm = cloud
        .post("/vms/web/resize", json!({ "cpus": 3, "apply": "now" }))
        .await
        .expect(200);
    assert_eq!(vm["cpus"], 3);
    cloud
        .post("/vms/web/resize", json!({ "cpus": 3, "apply": "yesterday" }))
        .await
        .problem(400, "invalid-argument");
    cloud
        .post("/vms/web/upgrade-hardware", json!({}))
        .await
        .problem(422, "unsupported");
    let vm = cloud
        .patch("/vms/web/metadata", json!({ "a": null, "b": "2" }))
        .await
        .expect(200);
    assert_eq!(vm["metadata"], json!([{ "key": "b", "value": "2" }]));
    for description in [json!("for tests"), json!(null)] {
        let vm = cloud
            .put("/vms/web/description", json!({ "description": description }))
            .await
            .expect(200);
        assert_eq!(vm["description"], description);
    }
    // Leaving it out is no way to remove it.
    cloud
        .put("/vms/web/description", json!({}))
        .await
        .problem(400, "invalid-argument");
    let vm = cloud
        .put("/vms/web/autostart", json!({ "autostart": true }))
        .await
        .expect(200);
    assert_eq!(vm["autostart"], true);

    let mut iso = vec![0_u8; 40_000];
    iso[32_769..32_774].copy_from_slice(b"CD001");
    let headers = [("content-type", "application/octet-stream")];
    let path = cloud.path("/images?name=disc");
    fixture
        .client
        .send_bytes(http::Method::POST, &path, &headers, iso)
        .await
        .expect(201);
    let vm = cloud
        .put("/vms/web/media", json!({ "image": "disc" }))
        .await
        .expect(200);
    assert_eq!(vm["disks"][0]["device"], "cdrom");
    cloud
        .put("/vms/web/media", json!({ "image": "tiny" }))
        .await
        .problem(400, "invalid-argument");
    let vm = cloud.delete("/vms/web/media").await.expect(200);
    assert!(vm["disks"][0]["id"].is_null(), "{vm}");
}

async fn a_vm_is_copied_exported_and_moved(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud
        .post("/vms", json!({ "name": "web", "image": "tiny" }))
        .await
        .expect(201);
    let copied = cloud.post("/vms/web/clone", json!({ "name": "copy" })).await;
    let location = copied.location();
    let copy = copied.expect(201);
    assert_eq!((&copy["name"], &copy["status"]), (&json!("copy"), &json!("stopped")));
    assert_eq!(fixture.client.get(&location).await.expect(200), copy);
    cloud
        .post("/vms/web/clone", json!({ "name": "copy" }))
        .await
        .problem(409, "already-exists");
    let exported = cloud.post("/vms/copy/export", json!({ "image": "golden" })).await;
    assert_eq!(
        fixture.client.get(&exported.location()).await.expect(200)["name"],
        "golden"
    );
    let moved = cloud
        .post("/vms/web/migrate", json!({ "target": "zone-b", "live": true }))
        .await
        .expect(200);
    assert_eq!(moved["location"], "zone-b");
    cloud
        .post("/vms/web/migrate", json!({ "target": "zone-c", "live": true }))
        .await
        .problem(404, "not-found");
}

async fn interfaces_and_disks_come_and_go(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud.post("/vms", json!({ "name": "web" })).await.expect(201);
    cloud
        .post("/networks", json!({ "name": "other", "cidrs": ["198.51.100.0/24"] }))
        .await
        .expect(201);
    let added = cloud.post("/vms/web/nics", json!({ "network": "default" })).await;
    assert!(added.location().ends_with("/vms/web/nics/eth1"));
    let vm = cloud
        .patch("/vms/web/nics/eth1", json!({ "network": "other" }))
        .await
        .expect(200);
    assert_eq!(vm["nics"][1]["network"], "other");
    cloud.delete("/vms/web/nics/eth1").await.expect(204);
    cloud.delete("/vms/web/nics/eth1").await.problem(404, "not-found");

    cloud
        .post("/disks", json!({ "name": "data", "size_gib": 5 }))
        .await
        .expect(201);
    let vm = cloud
        .post("/vms/web/disks", json!({ "disk": "data" }))
        .await
        .expect(200);
    assert_eq!(vm["disks"].as_array().unwrap().len(), 1);
    cloud.delete("/disks/data").await.problem(409, "conflict");
    let grown = cloud
        .post("/disks/data/resize", json!({ "size_gib": 7 }))
        .await
        .expect(200);
    assert_eq!(grown["size_gib"], 7);
    cloud
        .post("/disks/data/resize", json!({ "size_gib": 6 }))
        .await
        .problem(400, "invalid-argument");
    cloud.delete("/vms/web/disks/data").await.expect(204);
    cloud.delete("/disks/data").await.expect(204);
}
