//! Azurite, which verifies Azure Storage's shared keys and shared access signatures.

use stockade_host::http::RequestBody;
use stockade_test_support::peer::Peer;

use crate::lab::{Lab, request};

fn start() -> Peer {
    let peer = Peer::start("azurite", |place| {
        let mut command = place.npm("azurite-blob");
        command
            .args(["--blobHost", "127.0.0.1", "--skipApiVersionCheck", "--disableTelemetry"])
            .args(["--blobPort", &place.port.to_string()])
            .arg("--location")
            .arg(place.home);
        command
    });
    peer.unwrap()
}

#[tokio::test]
async fn an_anonymous_request_is_refused() {
    let peer = start();
    let lab = Lab::new(&peer.origin(), None);
    let response = lab
        .send(
            &request("GET", &["devstoreaccount1", "container", "blob"]),
            RequestBody::none(),
        )
        .await
        .unwrap();
    assert!([403, 404].contains(&response.status), "{response:?} {}", peer.log());
}
