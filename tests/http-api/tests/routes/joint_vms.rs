//! `/v1/vms`.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![
        a_connection_that_fails_stands_beside_the_others_vms,
        without_a_choice_all_connections_are_asked,
        filters_apply_to_every_connection,
        an_unknown_parameter_is_refused,
    ]
}

async fn a_connection_that_fails_stands_beside_the_others_vms(fixture: Arc<Fixture>) {
    let (one, two) = (fixture.cloud().await, fixture.cloud().await);
    let broken = fixture.cloud_with(json!({ "fail_on": ["list-vms:unavailable"] })).await;
    one.post("/vms", json!({ "name": "a" })).await.expect(201);
    two.post("/vms", json!({ "name": "b" })).await.expect(201);
    let names_of = [&broken, &one, &two].map(|cloud| cloud.connection.as_str());
    let query = names_of.map(|name| format!("connection={name}")).join("&");
    let list = fixture
        .client
        .get(&format!("/v1/vms?{query}&connection=no-such"))
        .await
        .expect(200);
    assert_eq!(names(&list), ["a", "b"]);
    assert_eq!(list["items"][0]["connection"], one.connection.as_str());
    assert_eq!(list["items"][1]["connection"], two.connection.as_str());
    assert_eq!(list["next"], json!(null));
    let errors = list["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{list}");
    assert_eq!(
        (&errors[0]["connection"], &errors[0]["kind"]),
        (&json!(broken.connection), &json!("unavailable"))
    );
    assert_eq!(
        (&errors[1]["connection"], &errors[1]["kind"]),
        (&json!("no-such"), &json!("not-found"))
    );
}

async fn without_a_choice_all_connections_are_asked(fixture: Arc<Fixture>) {
    let (one, two) = (fixture.cloud().await, fixture.cloud().await);
    for cloud in [&one, &two] {
        cloud.post("/vms", json!({ "name": "everywhere" })).await.expect(201);
    }
    let list = fixture.client.get("/v1/vms").await.expect(200);
    for cloud in [&one, &two] {
        let items = list["items"].as_array().unwrap();
        assert!(
            items
                .iter()
                .any(|vm| vm["name"] == "everywhere" && vm["connection"] == cloud.connection.as_str())
        );
    }
}

async fn filters_apply_to_every_connection(fixture: Arc<Fixture>) {
    let (one, two) = (fixture.cloud().await, fixture.cloud().await);
    one.post("/vms", json!({ "name": "a", "start": false }))
        .await
        .expect(201);
    two.post("/vms", json!({ "name": "a" })).await.expect(201);
    two.post("/vms", json!({ "name": "b", "start": false }))
        .await
        .expect(201);
    let query = format!(
        "connection={}&connection={}&name=a&status=stopped",
        one.connection, two.connection
    );
    let list = fixture.client.get(&format!("/v1/vms?{query}")).await.expect(200);
    assert_eq!(names(&list), ["a"]);
    assert_eq!(list["items"][0]["connection"], one.connection.as_str());
}

async fn an_unknown_parameter_is_refused(fixture: Arc<Fixture>) {
    for query in ["conection=a", "status=on", "name=a&name=b"] {
        fixture
            .client
            .get(&format!("/v1/vms?{query}"))
            .await
            .problem(400, "invalid-argument");
    }
}
