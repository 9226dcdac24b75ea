//! `/v1/connections`.

use std::sync::Arc;

use serde_json::json;

use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![
        a_connection_shows_its_options_and_grants,
        a_broken_file_is_told_beside_the_others,
        a_check_says_whether_the_connection_works,
        connections_cannot_be_written,
    ]
}

async fn a_connection_shows_its_options_and_grants(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud_with(json!({ "page_size": 7 })).await;
    let info = cloud.get("").await.expect(200);
    assert_eq!(
        (&info["name"], &info["provider"]),
        (&json!(cloud.connection), &json!("fake"))
    );
    assert_eq!(info["options"], json!({ "page_size": 7 }));
    assert!(info["grants"]["state_kib"].is_number(), "{info}");
    let problem = fixture
        .client
        .get("/v1/connections/no-such")
        .await
        .problem(404, "not-found");
    assert!(!problem["hints"].as_array().unwrap().is_empty());
}

async fn a_broken_file_is_told_beside_the_others(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let file = fixture.runtime.connection_file("broken");
    std::fs::write(
        &file,
        "provider = \"gone\"\noptions = { passphrase = \"hunter2\" }\ntypo = 1\n",
    )
    .unwrap();
    let list = fixture.client.get("/v1/connections").await.expect(200);
    let has = |list: &serde_json::Value, key: &str, field: &str, name: &str| {
        list[key].as_array().unwrap().iter().any(|item| item[field] == name)
    };
    assert!(has(&list, "items", "name", &cloud.connection));
    assert!(has(&list, "errors", "connection", "broken"));
    // A provider that is not installed: nobody knows which of its options are secret.
    std::fs::write(&file, "provider = \"gone\"\noptions = { passphrase = \"hunter2\" }\n").unwrap();
    let info = fixture.client.get("/v1/connections/broken").await.expect(200);
    assert_eq!(info["options"], json!({ "passphrase": "[redacted]" }));
    std::fs::remove_file(&file).unwrap();
}

async fn a_check_says_whether_the_connection_works(fixture: Arc<Fixture>) {
    fixture.cloud().await.act("/check").await.expect(204);
    let refused = fixture
        .cloud_with(json!({ "fail_on": ["check-connection:unauthenticated"] }))
        .await;
    refused.act("/check").await.problem(502, "unauthenticated");
}

async fn connections_cannot_be_written(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud.delete("").await.problem(405, "method-not-allowed");
    cloud.post("", json!({})).await.problem(405, "method-not-allowed");
}
