//! ministack, which verifies AWS Signature Version 4.

use stockade_host::http::RequestBody;
use stockade_test_support::peer::Peer;

use crate::lab::{Lab, request};

fn start() -> Peer {
    let peer = Peer::start("ministack", |place| {
        let mut command = place.python("ministack");
        command
            .env("AUTH", "true")
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", place.port.to_string());
        command
    });
    peer.unwrap()
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let peer = start();
    let lab = Lab::new(&peer.origin(), None);
    let mut who_am_i = request("GET", &[""]);
    who_am_i.query = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let response = lab.send(&who_am_i, RequestBody::none()).await.unwrap();
    assert_eq!(response.status, 403, "{response:?} {}", peer.log());
}
