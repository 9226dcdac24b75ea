//! `/openapi.json`, and its copy in the tree.

use std::sync::Arc;

use stockade::http_api::openapi_json;

use crate::fixture::{Claim, Fixture, claims, workspace_root};

/// Writes the copy anew instead of comparing it.
const BLESS_VARIABLE: &str = "STOCKADE_BLESS";

pub(crate) fn trials() -> Vec<Claim> {
    claims![
        the_copy_in_the_tree_is_what_the_handlers_say,
        the_document_is_served_without_a_token,
    ]
}

async fn the_copy_in_the_tree_is_what_the_handlers_say(_fixture: Arc<Fixture>) {
    let path = workspace_root().join("runtime/openapi/v1.json");
    if std::env::var_os(BLESS_VARIABLE).is_some() {
        std::fs::write(&path, openapi_json()).unwrap();
    }
    let copy = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        copy == openapi_json(),
        "the HTTP API changed: run `just openapi` (or this test with `{BLESS_VARIABLE}=1`) and look at the difference of `runtime/openapi/v1.json`"
    );
}

async fn the_document_is_served_without_a_token(fixture: Arc<Fixture>) {
    let document = fixture.client.with_token(None).get("/openapi.json").await.expect(200);
    assert_eq!(
        document,
        serde_json::from_str::<serde_json::Value>(openapi_json()).unwrap()
    );
}
