//! ministack, which verifies AWS Signature Version 4 in headers, in presigned URLs and chunk by chunk.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use stockade_host::http::{
    AccessKey, Credential, Fault, Outgoing, OutgoingBody, OwnRequests, Request, RequestBody, Response, Secret, Sigv4,
};
use stockade_test_support::peer::Peer;

use crate::lab::{Lab, exchange, fetch, grant, request, text};

/// The peer's owner: id and secret key are this. Its signatures are not verified.
const OWNER: &str = "test";
const WRONG: &str = "wrong-canary-key";

/// A running peer with one user, who may do everything and whose signatures are verified.
struct Stack {
    peer: Peer,
    id: String,
    secret: String,
}

impl Stack {
    async fn start() -> Self {
        let peer = Peer::start("ministack", |place| {
            let mut command = place.python("ministack");
            command
                .env("AUTH", "true")
                .env("BIND_HOST", "127.0.0.1")
                .env("GATEWAY_PORT", place.port.to_string());
            command
        });
        let peer = peer.unwrap();
        let owner = Lab::new(&peer.origin(), signing("iam", key(OWNER, OWNER, None)));
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let user = ("UserName", "one");
        let mut answer = String::new();
        for (name, more) in [
            ("CreateUser", &[][..]),
            ("PutUserPolicy", &[("PolicyName", "all"), ("PolicyDocument", policy)]),
            ("CreateAccessKey", &[]),
        ] {
            let more: Vec<_> = more.iter().copied().chain([user]).collect();
            let response = sent(&owner, &action("2010-05-08", name, &more), RequestBody::none()).await;
            answer = text(&response);
            assert_eq!(response.status, 200, "{answer} {}", peer.log());
        }
        Self {
            id: element(&answer, "AccessKeyId").to_owned(),
            secret: element(&answer, "SecretAccessKey").to_owned(),
            peer,
        }
    }

    fn key(&self) -> AccessKey {
        key(&self.id, &self.secret, None)
    }

    fn lab(&self, service: &str, key: AccessKey) -> Lab {
        Lab::new(&self.peer.origin(), signing(service, key))
    }

    /// The user's requests to object storage, where there is a bucket.
    async fn storage(&self) -> Lab {
        let lab = self.lab("s3", self.key());
        let response = sent(&lab, &request("PUT", &["bucket"]), RequestBody::none()).await;
        assert_eq!(response.status, 200, "{}", text(&response));
        lab
    }
}

fn key(id: &str, secret: &str, token: Option<&str>) -> AccessKey {
    AccessKey {
        id: id.into(),
        secret: Secret::new(secret),
        session_token: token.map(Secret::new),
    }
}

fn signing(service: &str, key: AccessKey) -> Option<Credential> {
    Some(Arc::new(Sigv4::new(key, service, "us-east-1")))
}

/// A request of a service whose actions are in the query.
fn action(version: &str, name: &str, more: &[(&str, &str)]) -> Request {
    let query = [("Action", name), ("Version", version)]
        .into_iter()
        .chain(more.iter().copied());
    Request {
        query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..request("GET", &[""])
    }
}

fn who_am_i() -> Request {
    action("2011-06-15", "GetCallerIdentity", &[])
}

fn body(text: &'static str) -> RequestBody {
    RequestBody::Bytes(text.into())
}

fn element<'a>(document: &'a str, name: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("<{name}>")).unwrap();
    rest.split_once("</").unwrap().0
}

async fn sent(lab: &Lab, request: &Request, body: RequestBody) -> Response {
    lab.send(request, body).await.unwrap()
}

#[tokio::test]
async fn the_right_key_is_accepted_and_a_wrong_one_or_none_refused() {
    let stack = Stack::start().await;
    let filters = [("Filter.1.Name", "opt-in-status"), ("Filter.1.Value.1", "a +&=/\u{fc}")];
    for (service, request) in [
        ("sts", who_am_i()),
        ("ec2", action("2016-11-15", "DescribeRegions", &filters)),
        ("route53", request("GET", &["2013-04-01", "hostedzone"])),
        ("s3", request("GET", &[""])),
    ] {
        let response = sent(&stack.lab(service, stack.key()), &request, RequestBody::none()).await;
        assert_eq!(response.status, 200, "{service}: {}", text(&response));
        for key in [key(&stack.id, WRONG, None), key("AKIAUNKNOWN", &stack.secret, None)] {
            let lab = stack.lab(service, key);
            let response = sent(&lab, &request, RequestBody::none()).await;
            assert!([401, 403].contains(&response.status), "{service}: {}", text(&response));
            assert!(!text(&response).contains("canary") && !lab.seen().contains("canary"));
        }
    }
    let nobody = Lab::new(&stack.peer.origin(), None);
    assert_eq!(sent(&nobody, &who_am_i(), RequestBody::none()).await.status, 403);
}

#[tokio::test]
async fn a_body_in_a_form_is_signed_with_its_type() {
    let stack = Stack::start().await;
    let mut request = request("POST", &[""]);
    request.headers = vec![(
        "content-type".into(),
        "application/x-www-form-urlencoded; charset=utf-8".into(),
    )];
    let form = body("Action=GetCallerIdentity&Version=2011-06-15");
    let response = sent(&stack.lab("sts", stack.key()), &request, form).await;
    assert!(
        response.status == 200 && text(&response).contains("user/one"),
        "{}",
        text(&response)
    );
}

#[tokio::test]
async fn a_stale_or_changed_request_is_refused() {
    let stack = Stack::start().await;
    let credential = signing("sts", stack.key()).unwrap();
    let origin = stack.peer.origin().parse().unwrap();
    let hour = Duration::from_secs(3_600);
    let sign = async |body: &str, now| {
        let (mut path, mut query, mut headers) = ("/".to_owned(), String::new(), HeaderMap::new());
        headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        let mut outgoing = Outgoing {
            origin: &origin,
            method: &Method::POST,
            path: &mut path,
            query: &mut query,
            headers: &mut headers,
            body: OutgoingBody::Bytes(body.as_bytes()),
            changes: true,
            now,
            stamp: 0,
            framing: None,
        };
        credential.attach(&mut outgoing, &NoRequests).await.unwrap();
        let stamp = outgoing.stamp;
        (headers, stamp)
    };
    let send = |headers: &HeaderMap, body: &str| {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        exchange("POST", &format!("{}/", stack.peer.origin()), &headers, body)
    };
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let (headers, _) = sign(form, SystemTime::now()).await;
    assert_eq!(send(&headers, form).0, 200);
    assert_eq!(send(&headers, &form.replace("Caller", "Callee")).0, 403);
    let mut changed = headers.clone();
    changed.insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(send(&changed, form).0, 403);

    for host_clock in [SystemTime::now() - hour, SystemTime::now() + hour] {
        let (headers, _) = sign(form, host_clock).await;
        assert_eq!(send(&headers, form).0, 403);
    }
    // Its answer says what time it is there. That is this machine's, so that there is nothing to correct.
    let (headers, stamp) = sign(form, SystemTime::now() - hour).await;
    let (status, answer, _) = send(&headers, form);
    assert!(status == 403 && answer.contains_key("date"), "{answer:?}");
    assert!(!credential.refused(stamp, &answer).await);
}

/// Signing needs no requests of the host's own.
struct NoRequests;

#[async_trait]
impl OwnRequests for NoRequests {
    async fn send(&self, _: &Request, _: Bytes) -> Result<Response, Fault> {
        Err(Fault::Connect)
    }
}

#[tokio::test]
async fn objects_of_any_name_are_written_read_and_listed() {
    let stack = Stack::start().await;
    let lab = stack.storage().await;
    for name in ["plain", "a b+c", "50%", "ü&=?#", "!$'()*,:@;~", "a%2Fb"] {
        let mut put = request("PUT", &["bucket", "folder", name]);
        put.headers = vec![
            ("content-type".into(), "text/plain".into()),
            ("x-amz-meta-note".into(), "two   spaces ".into()),
        ];
        let response = sent(&lab, &put, body("content")).await;
        assert_eq!(response.status, 200, "{name}: {}", text(&response));
        let response = sent(&lab, &request("GET", &["bucket", "folder", name]), RequestBody::none()).await;
        assert_eq!((response.status, &*text(&response)), (200, "content"), "{name}");
    }
    let mut list = request("GET", &["bucket"]);
    list.query = [("list-type", "2"), ("prefix", "folder/a b+c"), ("delimiter", "/")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let response = sent(&lab, &list, RequestBody::none()).await;
    assert_eq!(response.status, 200, "{}", text(&response));
    assert!(
        text(&response).contains("<Key>folder/a b+c</Key>"),
        "{}",
        text(&response)
    );
}

#[tokio::test]
async fn a_spliced_body_is_signed_chunk_by_chunk_in_plain_text() {
    let stack = Stack::start().await;
    let lab = stack.storage().await;
    for length in [0, 1, 65_536, 200_000] {
        let content: Vec<u8> = (0..length).map(|index: u32| index.to_le_bytes()[0]).collect();
        let put = request("PUT", &["bucket", "image"]);
        let stream = RequestBody::stream(std::io::Cursor::new(content.clone()), Some(content.len() as u64));
        let response = sent(&lab, &put, stream).await;
        assert_eq!(response.status, 200, "{length}: {}", text(&response));
        let response = sent(&lab, &request("GET", &["bucket", "image"]), RequestBody::none()).await;
        assert!(
            response.body[..] == content[..],
            "{length}: {} bytes came back",
            response.body.len()
        );
    }
    let wrong = stack.lab("s3", key(&stack.id, WRONG, None));
    let stream = RequestBody::stream(&b"image"[..], Some(5));
    assert_eq!(
        sent(&wrong, &request("PUT", &["bucket", "image"]), stream).await.status,
        403
    );
}

#[tokio::test]
async fn temporary_keys_need_their_session_token_and_it_is_not_seen() {
    let stack = Stack::start().await;
    let session = action("2011-06-15", "GetSessionToken", &[]);
    let answer = sent(&stack.lab("sts", stack.key()), &session, RequestBody::none()).await;
    let answer = text(&answer);
    let [id, secret, token] = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(|name| element(&answer, name));
    let response = sent(
        &stack.lab("sts", key(id, secret, Some(token))),
        &who_am_i(),
        RequestBody::none(),
    )
    .await;
    assert_eq!(response.status, 200, "{}", text(&response));
    for token in [None, Some("another-token")] {
        let lab = stack.lab("sts", key(id, secret, token));
        let response = sent(&lab, &who_am_i(), RequestBody::none()).await;
        assert_eq!(response.status, 403, "{token:?}: {}", text(&response));
    }
    // A server that sends the secrets back, here because somebody stored them there.
    let other = stack.storage().await;
    let echo = RequestBody::Bytes(format!("{token} {secret}").into());
    assert_eq!(
        sent(&other, &request("PUT", &["bucket", "echo"]), echo).await.status,
        200
    );
    let lab = stack.lab("s3", key(id, secret, Some(token)));
    let response = sent(&lab, &request("GET", &["bucket", "echo"]), RequestBody::none()).await;
    assert_eq!(text(&response), "[redacted] [redacted]");
    assert!(!lab.seen().contains(token));
}

#[tokio::test]
async fn a_presigned_url_works_for_anybody_until_something_of_it_changes() {
    let stack = Stack::start().await;
    let lab = stack.storage().await;
    let object = |method| request(method, &["bucket", "a b+ü"]);
    sent(&lab, &object("PUT"), body("content")).await;

    let granted = |key| {
        let mut grant = grant(&stack.peer.origin(), signing("s3", key));
        grant.presign_seconds = Some(600);
        Lab::granted(grant)
    };
    let lab = granted(stack.key());
    let url = lab.presign(&object("GET"), Duration::from_secs(60)).await.unwrap();
    assert_eq!(fetch("GET", &url, ""), (200, "content".to_owned()));
    assert_eq!(fetch("GET", &url.replace("bucket", "bucke2"), "").0, 403);
    assert_eq!(
        fetch("GET", &url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"), "").0,
        403
    );
    assert_eq!(fetch("PUT", &url, "other").0, 403);
    assert_eq!(fetch("GET", &format!("{url}&versionId=1"), "").0, 403);
    let mut query = object("GET");
    query.query = vec![("response-content-type".into(), "text/x note".into())];
    let with_query = lab.presign(&query, Duration::from_secs(60)).await.unwrap();
    assert_eq!(fetch("GET", &with_query, "").0, 200);

    let upload = lab.presign(&object("PUT"), Duration::from_secs(60)).await.unwrap();
    assert_eq!(fetch("PUT", &upload, "uploaded").0, 200);
    assert_eq!(fetch("GET", &url, ""), (200, "uploaded".to_owned()));

    let wrong = granted(key(&stack.id, WRONG, None));
    let forged = wrong.presign(&object("GET"), Duration::from_secs(60)).await.unwrap();
    assert_eq!(fetch("GET", &forged, "").0, 403);
    assert!(!format!("{}{}", lab.seen(), wrong.seen()).contains("X-Amz"));

    // Valid for a second: asked until the server's clock says that it is over.
    let short = lab.presign(&object("GET"), Duration::from_secs(1)).await.unwrap();
    stockade_test_support::wait_for("the URL to expire", Duration::from_secs(60), || {
        (fetch("GET", &short, "").0 == 403).then_some(())
    });
}
