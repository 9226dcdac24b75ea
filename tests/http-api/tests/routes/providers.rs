//! `/v1/providers`.

use std::sync::Arc;

use serde_json::json;

use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![a_provider_shows_what_it_can_do_and_asks_for]
}

async fn a_provider_shows_what_it_can_do_and_asks_for(fixture: Arc<Fixture>) {
    let list = fixture.client.get("/v1/providers").await.expect(200);
    let listed = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|provider| provider["info"]["name"] == "fake");
    let fake = fixture.client.get("/v1/providers/fake").await.expect(200);
    assert_eq!(listed, Some(&fake));
    assert_eq!(fake["kind"], "component");
    assert!(fake["abilities"].as_array().unwrap().contains(&json!("vms")));
    let problem = fixture.client.get("/v1/providers/fkae").await.problem(404, "not-found");
    assert_eq!(problem["hints"], json!(["did you mean `fake`?"]));
}
