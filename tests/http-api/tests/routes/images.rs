//! `/v1/connections/{connection}/images`.

use std::sync::Arc;

use http::Method;
use serde_json::json;

use crate::client::{Reply, names};
use crate::fixture::{Claim, Cloud, Fixture, MAX_UPLOAD_BYTES, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![
        an_image_is_uploaded_read_and_deleted,
        an_upload_is_refused_when_it_is_too_large_or_not_what_was_announced,
        an_import_needs_a_url_and_a_provider_that_fetches,
    ]
}

async fn upload(fixture: &Fixture, cloud: &Cloud<'_>, query: &str, content: Vec<u8>) -> Reply {
    let headers = [("content-type", "application/octet-stream")];
    let path = cloud.path(&format!("/images?{query}"));
    fixture.client.send_bytes(Method::POST, &path, &headers, content).await
}

async fn an_image_is_uploaded_read_and_deleted(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let present = names(&cloud.get("/images").await.expect(200)).len();
    let mut content = vec![0; (2 << 20) + 1];
    content[..4].copy_from_slice(b"QFI\xfb");
    let created = upload(&fixture, &cloud, "name=my%20image", content).await;
    let location = created.location();
    let image = created.expect(201);
    assert_eq!(
        (&image["name"], &image["format"], &image["size_mib"]),
        (&json!("my image"), &json!("qcow2"), &json!(3))
    );
    assert_eq!(fixture.client.get(&location).await.expect(200), image);
    assert_eq!(cloud.get("/images/my%20image").await.expect(200), image);
    assert_eq!(names(&cloud.get("/images").await.expect(200)).len(), present + 1);
    cloud.delete("/images/my%20image").await.expect(204);
    cloud.get("/images/my%20image").await.problem(404, "not-found");
}

async fn an_upload_is_refused_when_it_is_too_large_or_not_what_was_announced(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let present = names(&cloud.get("/images").await.expect(200)).len();
    let large = upload(&fixture, &cloud, "name=a", vec![1; MAX_UPLOAD_BYTES + 1]).await;
    large.problem(413, "too-large");
    let wrong = upload(&fixture, &cloud, &format!("name=a&sha256={}", "0".repeat(64)), vec![1]).await;
    assert_eq!(wrong.problem(400, "invalid-argument")["field"], "sha256");
    let unnamed = upload(&fixture, &cloud, "pool=default", vec![1]).await;
    assert_eq!(unnamed.problem(400, "invalid-argument")["field"], "name");
    let typo = upload(&fixture, &cloud, "name=a&fromat=raw", vec![1]).await;
    assert_eq!(
        typo.problem(400, "invalid-argument")["hints"],
        json!(["did you mean `format`?"])
    );
    assert_eq!(names(&cloud.get("/images").await.expect(200)).len(), present);
    upload(&fixture, &cloud, "name=a", vec![1; MAX_UPLOAD_BYTES])
        .await
        .expect(201);
}

async fn an_import_needs_a_url_and_a_provider_that_fetches(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud().await;
    let body = json!({ "name": "a", "url": "https://images.example/a.qcow2" });
    cloud.post("/images", body).await.problem(422, "unsupported");
    assert_eq!(
        cloud
            .post("/images", json!({ "name": "a" }))
            .await
            .problem(400, "invalid-argument")["field"],
        "url"
    );
    cloud.act("/images").await.problem(415, "unsupported-media-type");
}
