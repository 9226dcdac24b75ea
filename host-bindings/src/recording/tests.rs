//! Recordings are made, given back, and refused where they do not fit.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::bindings::stockade::provider::http_types::{Fault, Request};
use crate::blobs::{Blob, BlobId};
use crate::call::Call;
use crate::component::Function;
use crate::connection::Connection;
use crate::contract::{Ability, ErrorKind, OptionEntry, OptionValue};
use crate::host_calls::{CallHost, HostAnswer, HostCall};
use crate::limits::Room;

const LIST: Function = Function {
    ability: Ability::Vms,
    name: "list-vms",
};

fn file() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("recording.jsonl");
    (directory, path)
}

fn options() -> Vec<OptionEntry> {
    let option = |name: &str, value: &str| OptionEntry {
        name: name.to_owned(),
        value: OptionValue::Text(value.to_owned()),
    };
    vec![option("region", "eu"), option("pin", "canary-of-an-option")]
}

/// The host's side of a call on connection `lab`, which holds no grants.
fn host(tape: &Tape) -> CallHost {
    host_of(part(tape))
}

fn part(tape: &Tape) -> ConnectionTape {
    let secret = ["pin".to_owned()];
    tape.connect("lab", ("example", "d1"), &options(), &secret).unwrap()
}

fn host_of(part: ConnectionTape) -> CallHost {
    let connection = Connection {
        options: options(),
        tape: Some(part),
        ..Connection::without_grants("lab")
    };
    CallHost::new(Arc::new(connection), Call::default(), LIST, &Room::new(1 << 20))
}

fn request(path: &str) -> Request {
    Request {
        endpoint: "api".to_owned(),
        origin: None,
        method: "GET".to_owned(),
        path: vec![path.to_owned()],
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: None,
    }
}

/// A recording in which `list-vms` was called once, with these answers to `GET api/PATH`: a body, or none for a fault.
fn written(path: &Path, answers: &[(&str, Option<&str>)]) {
    let mut text = format!(
        "{{\"recording\":{{\"version\":1,\"contract\":\"{}\"}}}}\n{{\"provider\":{{\"name\":\"example\"}}}}\n",
        crate::contract::CONTRACT_VERSION
    );
    text.push_str("{\"call\":{\"id\":1,\"connection\":\"lab\",\"function\":\"vms/list-vms\"}}\n");
    for (path, body) in answers {
        let asked = serde_json::json!({"Send": {"request": request(path)}});
        let answered = match body {
            Some(body) => serde_json::json!({"Ok": {"status": 200, "headers": [], "body": {"$text": body}}}),
            None => serde_json::json!({"Err": Fault::Timeout}),
        };
        let line = serde_json::json!({"answer": {"call": 1, "asked": asked, "answered": {"Send": answered}}});
        text.push_str(&format!("{line}\n"));
    }
    std::fs::write(path, text).unwrap();
}

fn bodies(answer: HostAnswer) -> Vec<Option<String>> {
    let HostAnswer::SendMany(answers) = answer else {
        panic!("{answer:?}")
    };
    let body = |answer: Result<_, Fault>| match answer {
        Ok(crate::bindings::stockade::provider::http_types::Response { body, .. }) => {
            Some(String::from_utf8(body).unwrap())
        }
        Err(_) => None,
    };
    answers.into_iter().map(body).collect()
}

#[tokio::test]
async fn what_a_guest_learns_is_given_back_and_secrets_are_not_in_the_file() {
    let (_directory, path) = file();
    let ask = async |tape: &Tape| {
        let host = host(tape);
        let mut answers = Vec::new();
        for call in [
            HostCall::WallClock {},
            HostCall::MonotonicClock {},
            HostCall::MonotonicClock {},
            HostCall::Random { length: 9 },
            HostCall::ConnectionName {},
            HostCall::GetState {
                key: "canary-of-an-option".to_owned(),
            },
            HostCall::Send {
                request: request("canary-of-an-option"),
            },
        ] {
            answers.push(format!("{:?}", host.perform(call).await));
        }
        host.finish().unwrap();
        answers
    };
    let recorded = ask(&Tape::record(&path).unwrap()).await;
    // A replayed guest was given the options of the recording: it asks with what stands there.
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("canary"), "{text}");
    let tape = Tape::replay(&path).unwrap();
    assert_eq!(ask(&tape).await, recorded);

    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(Tape::record(&path), Err(TapeError::Exists(_))));
}

#[tokio::test]
async fn options_are_recorded_without_the_secret_ones() {
    let (_directory, path) = file();
    let recorder = host(&Tape::record(&path).unwrap());
    let HostAnswer::ConnectionOptions(seen) = recorder.perform(HostCall::ConnectionOptions {}).await else {
        panic!()
    };
    assert_eq!(seen, options());
    let replayed = host(&Tape::replay(&path).unwrap());
    let HostAnswer::ConnectionOptions(seen) = replayed.perform(HostCall::ConnectionOptions {}).await else {
        panic!()
    };
    assert_eq!(seen[0], options()[0]);
    assert_eq!(seen[1].value, OptionValue::Text("[secret]".to_owned()));
}

#[tokio::test]
async fn a_secret_of_one_call_is_hidden_and_its_request_is_found_again() {
    let (_directory, path) = file();
    let password = OptionEntry {
        name: "password".to_owned(),
        value: OptionValue::Text("canary-password".to_owned()),
    };
    let ask = async |tape: Tape| {
        let part = part(&tape);
        let host = host_of(part.clone());
        part.hide(&password);
        let mut request = request("vms");
        request.body = b"{\"password\": \"canary-password\"}".to_vec();
        host.perform(HostCall::Send { request }).await;
        host.finish()
    };
    ask(Tape::record(&path).unwrap()).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("canary") && text.contains("[secret]"), "{text}");
    ask(Tape::replay(&path).unwrap()).await.unwrap();
}

#[tokio::test]
async fn equal_requests_are_answered_in_their_order_and_different_ones_in_any() {
    let (_directory, path) = file();
    written(
        &path,
        &[("a", Some("a1")), ("b", None), ("a", Some("a2")), ("c", Some("c"))],
    );
    let host = host(&Tape::replay(&path).unwrap());
    let many = |paths: &[&str]| HostCall::SendMany {
        requests: paths.iter().map(|path| request(path)).collect(),
        parallel: 4,
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(bodies(host.perform(many(&["c", "a"])).await), [some("c"), some("a1")]);
    assert_eq!(bodies(host.perform(many(&["a", "b"])).await), [some("a2"), None]);
    host.finish().unwrap();
}

#[tokio::test]
async fn what_the_recording_does_not_hold_fails_the_call_and_says_what_it_expects() {
    let (_directory, path) = file();
    written(&path, &[("a", Some("a")), ("b", Some("b"))]);
    let tape = Tape::replay(&path).unwrap();
    let host = host(&tape);
    host.perform(HostCall::Send { request: request("a") }).await;
    host.finish().unwrap();
    host.perform(HostCall::Send { request: request("a") }).await;
    let error = host.finish().unwrap_err();
    assert_eq!(
        error.message,
        "the recording has no answer to `GET api/a` in `vms/list-vms`; line 5 expects `GET api/b`"
    );
    assert_eq!(error.kind, ErrorKind::InvalidArgument("replay".to_owned()));
    let again = self::host(&tape).finish().unwrap_err();
    assert!(
        again.message.contains("no further call of `vms/list-vms`"),
        "{}",
        again.message
    );
}

/// Three bytes of a blob.
fn send_part(request: &Request, body: BlobId, offset: u64) -> HostCall {
    HostCall::SendBlobPart {
        request: request.clone(),
        body,
        offset,
        length: 3,
    }
}

#[tokio::test]
async fn blobs_are_known_by_their_content_and_spliced_bodies_come_back() {
    let (_directory, path) = file();
    let lent = async |host: &CallHost, content: &'static [u8]| {
        let blob = Blob::scratch(Room::new(100)).unwrap();
        blob.append(bytes::Bytes::from_static(content)).await.unwrap();
        host.lend(blob)
    };
    let host = host(&Tape::record(&path).unwrap());
    let body = lent(&host, b"image").await;
    let request = request("images");
    host.perform(HostCall::SendBlob {
        request: request.clone(),
        body,
    })
    .await;
    host.perform(send_part(&request, body, 1)).await;
    let into = lent(&host, b"").await;
    host.perform(HostCall::SendIntoBlob {
        request: request.clone(),
        into,
    })
    .await;
    host.finish().unwrap();
    // As if the server had answered: without grants it was not asked.
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("\"spliced\":[]", "\"spliced\":{\"$base64\":\"/wA=\"}");
    std::fs::write(&path, text).unwrap();

    let tape = Tape::replay(&path).unwrap();
    let host = self::host(&tape);
    let body = lent(&host, b"image").await;
    host.perform(HostCall::SendBlob {
        request: request.clone(),
        body,
    })
    .await;
    let around = lent(&host, b"--mag--").await;
    host.perform(send_part(&request, around, 2)).await;
    let into = lent(&host, b"").await;
    host.perform(HostCall::SendIntoBlob {
        request: request.clone(),
        into,
    })
    .await;
    host.finish().unwrap();
    assert_eq!(host.piece_of(into, 0).await.as_deref(), Some(&[0xff, 0][..]));

    let other = self::host(&Tape::replay(&path).unwrap());
    let body = lent(&other, b"other").await;
    other.perform(HostCall::SendBlob { request, body }).await;
    assert!(other.finish().is_err(), "another body has the same answer");
}

#[test]
fn recordings_that_do_not_fit_are_refused() {
    let (_directory, path) = file();
    let replay = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let tape = Tape::replay(&path)?;
        tape.connect("lab", ("example", "d1"), &[], &[]).map(drop)
    };
    let version = crate::contract::CONTRACT_VERSION;
    let begin = format!("{{\"recording\":{{\"version\":1,\"contract\":\"{version}\"}}}}\n");
    let provider = |rest: &str| format!("{begin}{{\"provider\":{{\"name\":\"example\"{rest}}}}}\n");
    replay(&provider("")).unwrap();
    replay(&provider(",\"digest\":\"d1\"")).unwrap();
    let call = "{\"call\":{\"id\":1,\"connection\":\"lab\",\"function\":\"f\"}}\n";
    for (text, expected) in [
        (String::new(), "line 1 of the recording is broken: it is empty"),
        (begin.clone(), "has no call of provider `example`"),
        (
            provider(",\"digest\":\"d2\""),
            "another build of provider `example`: d2, not d1",
        ),
        (begin.replace(version, "0.0.1"), "version 0.0.1 of the contract"),
        (
            begin.replace("\"version\":1", "\"version\":9"),
            "does not know its version",
        ),
        (provider("").replace(&begin, ""), "begins with its version"),
        (
            format!("{begin}{call}{call}"),
            "line 3 of the recording is broken: there is a call",
        ),
        (
            format!("{begin}{{\"answer\":{{\"call\":7,\"asked\":1,\"answered\":2}}}}"),
            "belongs to no call",
        ),
        (format!("{begin}{{\"cal\":1}}"), "line 2 of the recording is broken"),
        (provider(",\"digst\":\"d1\""), "unknown field `digst`"),
    ] {
        let error = replay(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
