//! Who may call, and how the server stops.

use std::sync::Arc;

use http::Method;
use serde_json::json;
use stockade::http_api::{ServeOptions, Server};

use crate::client::Client;
use crate::fixture::{Claim, Fixture, claims};

pub(crate) fn trials() -> Vec<Claim> {
    claims![
        only_the_token_opens_the_api,
        without_a_token_only_this_host_is_served,
        a_port_that_is_taken_is_told,
        stopping_lets_a_change_end,
    ]
}

async fn only_the_token_opens_the_api(fixture: Arc<Fixture>) {
    let wrong = "0".repeat(64);
    for token in [None, Some(wrong.as_str())] {
        let stranger = fixture.client.with_token(token);
        assert_eq!(stranger.get("/healthz").await.expect(200), json!({ "status": "ok" }));
        for path in ["/v1/connections", "/v1/vms", "/v1/no-such", "/"] {
            let reply = stranger.get(path).await;
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
            reply.problem(401, "token-required");
        }
    }
    fixture.client.get("/v1/no-such").await.problem(404, "not-found");
}

fn without_token(listen: &str) -> ServeOptions {
    ServeOptions {
        listen: listen.parse().unwrap(),
        without_token: true,
        ..ServeOptions::default()
    }
}

async fn without_a_token_only_this_host_is_served(fixture: Arc<Fixture>) {
    let error = Server::bind(fixture.runtime.clone(), &without_token("0.0.0.0:0"))
        .await
        .unwrap_err();
    assert_eq!(error.kind().name(), "invalid-argument");
    let server = Server::bind(fixture.runtime.clone(), &without_token("127.0.0.1:0"))
        .await
        .unwrap();
    let client = Client::new(server.address(), None);
    let serving = tokio::spawn(server.run_until(std::future::pending()));
    client.get("/v1/providers").await.expect(200);
    for header in [("host", "rebound.example"), ("origin", "http://127.0.0.1")] {
        let reply = client.send_bytes(Method::GET, "/v1/providers", &[header], "").await;
        reply.problem(403, "origin-refused");
    }
    serving.abort();
}

async fn a_port_that_is_taken_is_told(fixture: Arc<Fixture>) {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Server::bind(fixture.runtime.clone(), &without_token(&address.to_string()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

async fn stopping_lets_a_change_end(fixture: Arc<Fixture>) {
    let cloud = fixture.cloud_with(json!({ "pending_polls": 3 })).await;
    cloud.post("/vms", json!({ "name": "web" })).await.expect(201);
    let server = Server::bind(fixture.runtime.clone(), &without_token("127.0.0.1:0"))
        .await
        .unwrap();
    let client = Client::new(server.address(), None);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run_until(async { stopped.await.unwrap_or(()) }));
    let path = cloud.path("/vms/web/stop?mode=forced");
    let change = tokio::spawn(async move { client.send(Method::POST, &path, None).await });
    // Another server of the same runtime shows that the change has begun.
    while cloud.get("/vms/web").await.expect(200)["status"] == "running" {}
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert_eq!(change.await.unwrap().expect(200)["status"], "stopped");
}
