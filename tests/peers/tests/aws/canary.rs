//! The key: the host signs, the server verifies, and neither the guest, nor an error, nor what an operator reads has it.

use serde_json::json;
use stockade::connections::{CredentialConfig, SecretSource};
use stockade::contract::ErrorKind;

use crate::lab::{Lab, blob};
use crate::{Claim, claims};

pub(crate) fn claims() -> Vec<Claim> {
    claims![
        the_server_verifies_what_the_host_signed_and_nobody_else_sees_the_key,
        a_wrong_key_is_refused_by_every_service_and_is_in_no_message,
    ]
}

const WRONG: &str = "wrong-canary-key-that-nobody-has";

fn the_server_verifies_what_the_host_signed_and_nobody_else_sees_the_key(lab: &Lab) {
    lab.done(lab.service.check());
    lab.done(lab.service.create_bucket("kept", false));
    // A server that sends the key back, here because somebody stored it there.
    let echo = lab.peer.secret_key().to_owned();
    lab.boto(
        "s3",
        "put_object",
        json!({"Bucket": "kept", "Key": "echo", "Body": echo}),
    );
    let key = format!("echo-{}", lab.peer.secret_key());
    let error = lab.wait(lab.service.delete_bucket_object("kept", &key)).unwrap_err();
    let component = std::fs::read(stockade_test_support::artifacts::component("aws")).unwrap();
    assert!(!component.windows(echo.len()).any(|bytes| bytes == echo.as_bytes()));
    assert!(lab.told().iter().all(|told| !told.contains(&echo)), "{:?}", lab.told());
    assert!(matches!(error.kind(), ErrorKind::NotFound(_)), "{error}");
}

fn a_wrong_key_is_refused_by_every_service_and_is_in_no_message(lab: &Lab) {
    lab.done(lab.service.create_bucket("kept", false));
    let before = lab.peer.observe().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), WRONG).unwrap();
    let wrong = lab.sibling("wrong", |config| {
        for credential in config.credentials.values_mut() {
            if let CredentialConfig::Sigv4 { secret_key, .. } = credential {
                *secret_key = SecretSource::File(file.path().display().to_string());
            }
        }
    });
    let service = &wrong;
    let mut errors = vec![
        lab.wait(service.check()).unwrap_err(),
        lab.wait(service.list_networks()).unwrap_err(),
        lab.wait(service.list_buckets()).unwrap_err(),
        lab.wait(service.list_dns_zones()).unwrap_err(),
        lab.wait(service.list_load_balancers()).unwrap_err(),
    ];
    errors.push(
        lab.wait(service.upload_bucket_object("kept", "k", blob(b"small"), false))
            .unwrap_err(),
    );
    errors.push(
        lab.wait(service.upload_bucket_object("kept", "k", blob(&vec![1; 6 << 20]), false))
            .unwrap_err(),
    );
    for error in errors {
        let is_refused = matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Denied);
        assert!(is_refused, "{error}: {:?}", error.kind());
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        assert!(error.cause().request_id.is_some(), "{error}");
    }
    assert!(!lab.told().join("\n").contains("canary"));
    lab.expect_unchanged(&before);
}
