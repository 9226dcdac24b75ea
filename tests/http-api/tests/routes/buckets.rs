//! `/v1/connections/{connection}/buckets`.

use std::sync::Arc;

use serde_json::json;

use crate::client::names;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![
        a_bucket_holds_objects_of_any_key,
        an_object_that_is_too_large_is_refused,
        what_is_missing_or_public_is_told
    ]
}

async fn a_bucket_holds_objects_of_any_key(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let created = cloud.post("/buckets", json!({ "name": "shelf" })).await;
    assert!(created.location().ends_with("/buckets/shelf"));
    assert_eq!(names(&cloud.get("/buckets").await.expect(200)), ["shelf"]);
    cloud
        .post("/buckets", json!({ "name": "shelf" }))
        .await
        .problem(409, "already-exists");

    let content: Vec<u8> = (0..2_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let object = "/buckets/shelf/objects/deep%2Fa%20b%25.bin";
    cloud.put_bytes(object, content.clone()).await.expect(204);
    let reply = cloud.get(object).await;
    assert_eq!(reply.headers["content-type"], "application/octet-stream");
    assert_eq!(reply.headers["content-length"], "2000000");
    assert!(
        reply.status == 200 && reply.body == content,
        "another content came back"
    );

    for key in ["deep%2Fb", "deep%2Fc", "other"] {
        cloud
            .put_bytes(&format!("/buckets/shelf/objects/{key}"), vec![])
            .await
            .expect(204);
    }
    let keys = |list: serde_json::Value| {
        let items = list["items"].as_array().unwrap().clone();
        let keys = items.into_iter().map(|item| item["key"].as_str().unwrap().to_owned());
        (keys.collect::<Vec<_>>(), list["next"].as_str().map(str::to_owned))
    };
    let page = cloud
        .get("/buckets/shelf/objects?prefix=deep%2F&limit=2")
        .await
        .expect(200);
    let (first, next) = keys(page);
    assert_eq!(first, ["deep/a b%.bin", "deep/b"]);
    let rest = format!(
        "/buckets/shelf/objects?prefix=deep%2F&limit=2&cursor={}",
        next.unwrap().replace('/', "%2F")
    );
    assert_eq!(
        keys(cloud.get(&rest).await.expect(200)),
        (vec!["deep/c".to_owned()], None)
    );
    cloud
        .get("/buckets/shelf/objects?limit=0")
        .await
        .problem(400, "invalid-argument");

    cloud.delete("/buckets/shelf").await.problem(409, "conflict");
    cloud.delete(object).await.expect(204);
    cloud.get(object).await.problem(404, "not-found");
    cloud.delete("/buckets/shelf?contents=true").await.expect(204);
    assert_eq!(names(&cloud.get("/buckets").await.expect(200)), Vec::<&str>::new());
}

async fn an_object_that_is_too_large_is_refused(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud.post("/buckets", json!({ "name": "shelf" })).await.expect(201);
    let bytes = vec![0; crate::fixture::MAX_UPLOAD_BYTES + 1];
    let reply = cloud.put_bytes("/buckets/shelf/objects/a", bytes).await;
    reply.problem(413, "too-large");
}

async fn what_is_missing_or_public_is_told(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    cloud.get("/buckets/absent/objects").await.problem(404, "not-found");
    let problem = cloud
        .post("/buckets", json!({ "name": "shelf", "public": true }))
        .await
        .problem(400, "invalid-argument");
    assert_eq!(problem["field"], "public");
    cloud
        .post("/buckets", json!({ "name": "shelf", "colour": "red" }))
        .await
        .problem(400, "invalid-argument");
    cloud.post("/buckets", json!({ "name": "shelf" })).await.expect(201);
    cloud
        .act("/buckets/shelf/objects/a/url?valid_seconds=60")
        .await
        .problem(422, "unsupported");
}
