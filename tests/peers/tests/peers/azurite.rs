//! Azurite, which verifies Azure Storage's shared keys and shared access signatures.

use std::sync::Arc;
use std::time::Duration;

use stockade_host::http::{AzureSas, AzureSharedKey, Credential, Request, RequestBody, Response, Secret};
use stockade_test_support::peer::Peer;

use crate::lab::{Lab, exchange, grant, request, text};

/// The peer's account and its key: <https://learn.microsoft.com/azure/storage/common/storage-use-azurite>.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// What an upload must say.
const AS_BLOB: [(&str, &str); 1] = [("x-ms-blob-type", "BlockBlob")];
const WRONG: &str = "d3JvbmctY2FuYXJ5LWtleQ==";

/// Sends a blob as a stranger would.
fn fetch(method: &str, url: &str, body: &str) -> (u16, String) {
    let (status, _, body) = exchange(method, url, &AS_BLOB, body);
    (status, body)
}

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

fn shared_key(key: &str) -> Option<Credential> {
    Some(Arc::new(AzureSharedKey::new(ACCOUNT, Secret::new(key))))
}

fn owner(peer: &Peer) -> Lab {
    Lab::new(&peer.origin(), shared_key(KEY))
}

fn blob(method: &str, name: &str) -> Request {
    let mut request = request(method, &[ACCOUNT, "container", name]);
    if method == "PUT" {
        request.headers = vec![("x-ms-blob-type".into(), "BlockBlob".into())];
    }
    request
}

/// A request that can be presigned: without headers.
fn bare(method: &str, name: &str) -> Request {
    Request {
        headers: Vec::new(),
        ..blob(method, name)
    }
}

fn container(method: &str, more: &[(&str, &str)]) -> Request {
    let query = [("restype", "container")].into_iter().chain(more.iter().copied());
    Request {
        query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..request(method, &[ACCOUNT, "container"])
    }
}

async fn sent(lab: &Lab, request: &Request, body: RequestBody) -> Response {
    lab.send(request, body).await.unwrap()
}

async fn created(peer: &Peer) -> Lab {
    let lab = owner(peer);
    let response = sent(&lab, &container("PUT", &[]), RequestBody::none()).await;
    assert_eq!(response.status, 201, "{} {}", text(&response), peer.log());
    lab
}

#[tokio::test]
async fn the_right_key_is_accepted_and_a_wrong_one_or_none_refused() {
    let peer = start();
    let lab = created(&peer).await;
    for name in ["plain", "a b+c", "50%", "ü&=", "!$'()*,:@;~"] {
        let mut put = blob("PUT", name);
        put.headers.push(("content-type".into(), "text/plain".into()));
        put.headers.push(("x-ms-meta-note".into(), " b".into()));
        put.headers.push(("if-none-match".into(), "*".into()));
        let response = sent(&lab, &put, RequestBody::Bytes("content".into())).await;
        assert_eq!(response.status, 201, "{name}: {}", text(&response));
        let mut get = blob("GET", name);
        get.headers = vec![("range".into(), "bytes=0-3".into())];
        let response = sent(&lab, &get, RequestBody::none()).await;
        assert_eq!((response.status, &*text(&response)), (206, "cont"), "{name}");
    }
    let list = container("GET", &[("comp", "list"), ("prefix", "a b+"), ("include", "metadata")]);
    let response = sent(&lab, &list, RequestBody::none()).await;
    assert!(text(&response).contains("<Name>a b+c</Name>"), "{}", text(&response));

    let content = vec![7; 100_000];
    let stream = RequestBody::stream(std::io::Cursor::new(content.clone()), Some(100_000));
    assert_eq!(sent(&lab, &blob("PUT", "spliced"), stream).await.status, 201);
    let response = sent(&lab, &blob("GET", "spliced"), RequestBody::none()).await;
    assert!(response.body[..] == content[..]);

    for credential in [shared_key(WRONG), None] {
        let lab = Lab::new(&peer.origin(), credential);
        let response = sent(&lab, &blob("GET", "plain"), RequestBody::none()).await;
        assert!([403, 404].contains(&response.status), "{}", text(&response));
        assert!(!text(&response).contains("content"));
    }
    assert!(!lab.seen().contains(KEY));
}

#[tokio::test]
async fn a_presigned_url_works_for_anybody_until_something_of_it_changes() {
    let peer = start();
    let lab = created(&peer).await;
    for name in ["a b+ü", "other"] {
        sent(&lab, &blob("PUT", name), RequestBody::Bytes("content".into())).await;
    }
    let granted = |key| {
        let mut grant = grant(&peer.origin(), shared_key(key));
        grant.presign_seconds = Some(600);
        Lab::granted(grant)
    };
    let lab = granted(KEY);
    let object = |method| bare(method, "a b+ü");
    let minute = Duration::from_secs(60);
    let url = lab.presign(&object("GET"), minute).await.unwrap();
    assert_eq!(fetch("GET", &url, ""), (200, "content".to_owned()));
    assert_eq!(fetch("GET", &url.replace("a%20b+%C3%BC", "other"), "").0, 403, "{url}");
    assert_eq!(fetch("GET", &url.replace("sp=r", "sp=rw"), "").0, 403);
    assert_eq!(fetch("GET", &url.replace("se=2", "se=3"), "").0, 403);
    assert_eq!(fetch("PUT", &url, "changed").0, 403);
    assert_eq!(fetch("DELETE", &url, "").0, 403);

    let upload = lab.presign(&object("PUT"), minute).await.unwrap();
    assert_eq!(fetch("PUT", &upload, "uploaded").0, 201);
    assert_eq!(fetch("GET", &url, ""), (200, "uploaded".to_owned()));
    assert_eq!(fetch("GET", &upload, "").0, 403);

    let forged = granted(WRONG).presign(&object("GET"), minute).await.unwrap();
    assert_eq!(fetch("GET", &forged, "").0, 403);
    assert!(lab.seen().contains("Presigned") && !lab.seen().contains("sig="));
    let short = lab.presign(&object("GET"), Duration::from_secs(1)).await.unwrap();
    stockade_test_support::wait_for("the URL to expire", minute, || {
        (fetch("GET", &short, "").0 == 403).then_some(())
    });
    let gone = lab.presign(&object("DELETE"), minute).await.unwrap();
    assert_eq!(fetch("DELETE", &gone, "").0, 202);
}

#[tokio::test]
async fn a_shared_access_signature_is_attached_to_each_request() {
    let peer = start();
    let lab = created(&peer).await;
    sent(&lab, &blob("PUT", "plain"), RequestBody::Bytes("content".into())).await;
    let mut grant = grant(&peer.origin(), shared_key(KEY));
    grant.presign_seconds = Some(600);
    let url = Lab::granted(grant)
        .presign(&bare("GET", "plain"), Duration::from_secs(60))
        .await
        .unwrap();
    let (_, query) = url.split_once('?').unwrap();
    for (query, status) in [(query.to_owned(), 200), (query.replace("sp=r", "sp=rw"), 403)] {
        let sas = AzureSas {
            query: Secret::new(query),
        };
        let lab = Lab::new(&peer.origin(), Some(Arc::new(sas)));
        let response = sent(&lab, &blob("GET", "plain"), RequestBody::none()).await;
        assert_eq!(response.status, status, "{}", text(&response));
        assert!(!lab.seen().contains("sig="));
    }
}
