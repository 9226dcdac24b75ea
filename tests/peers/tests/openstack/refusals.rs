//! What does not work is said in words that help, with the request's id where a service gave one, and nothing is half made.

use serde_json::json;
use stockade::connections::{CredentialConfig, KeystoneConfig, OptionInput, SecretSource};
use stockade::contract::ErrorKind;
use stockade_test_support::http_server::Answer;

use crate::lab::{Lab, VM};
use crate::{Claim, claims};

pub(crate) fn claims() -> Vec<Claim> {
    claims![
        a_wrong_password_is_unauthenticated_and_in_no_message,
        a_catalogue_without_the_region_names_those_that_it_has,
        a_service_that_the_catalogue_lacks_is_unsupported,
        a_service_that_is_down_is_unavailable,
        a_microversion_that_is_too_old_is_unsupported,
        an_error_has_the_id_of_the_request,
    ]
}

fn a_wrong_password_is_unauthenticated_and_in_no_message(lab: &Lab) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"wrong-canary").unwrap();
    let other = lab.sibling("wrong", |config| {
        let credential = config.credentials.get_mut("keystone");
        if let Some(CredentialConfig::Keystone(KeystoneConfig::Password { password, .. })) = credential {
            *password = SecretSource::File(file.path().display().to_string());
        }
    });
    let error = lab.refused(other.list_vms());
    assert_eq!(*error.kind(), ErrorKind::Unauthenticated, "{error}");
    let said = format!("{error} {error:?} {:?}", lab.told());
    assert!(!said.contains("canary"), "{said}");
    assert!(lab.services.requests().is_empty());
}

fn a_catalogue_without_the_region_names_those_that_it_has(lab: &Lab) {
    let other = lab.sibling("region", |config| {
        let region = OptionInput::Text("absent".to_owned());
        config.options.insert("region".to_owned(), region);
    });
    let error = lab.refused(other.list_vms());
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
    let said = error.to_string();
    assert!(said.contains("`absent`") && said.contains(&lab.region), "{said}");
    assert!(lab.services.requests().is_empty());
}

fn a_service_that_the_catalogue_lacks_is_unsupported(lab: &Lab) {
    let error = lab.refused(lab.service.list_buckets());
    assert_eq!(*error.kind(), ErrorKind::Unsupported("list-buckets".to_owned()));
    assert!(error.to_string().contains("Swift"), "{error}");
}

fn a_service_that_is_down_is_unavailable(lab: &Lab) {
    for _ in 0..4 {
        lab.services.once(
            "GET",
            "/v2.1/servers/detail",
            Answer::bytes(503, "").header("x-openstack-request-id", "req-down"),
        );
    }
    let error = lab.refused(lab.service.list_vms());
    assert_eq!(*error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(error.cause().request_id.as_deref(), Some("req-down"));
}

fn a_microversion_that_is_too_old_is_unsupported(lab: &Lab) {
    let old = json!({"version": {"id": "v2.1", "status": "CURRENT", "version": "2.53", "min_version": "2.1"}});
    lab.services.once("GET", "/v2.1/", Answer::json(200, &old));
    let error = lab.refused(lab.service.list_vms());
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
    let said = error.to_string();
    assert!(said.contains("2.53") && said.contains("2.67"), "{said}");
}

fn an_error_has_the_id_of_the_request(lab: &Lab) {
    for (status, body, is_expected) in [
        (
            403,
            json!({"forbidden": {"code": 403, "message": "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"}}),
            (|kind| matches!(kind, ErrorKind::QuotaExceeded(_))) as fn(&ErrorKind) -> bool,
        ),
        (
            403,
            json!({"forbidden": {"code": 403, "message": "Policy doesn't allow it"}}),
            |kind| matches!(kind, ErrorKind::Denied),
        ),
        (
            409,
            json!({"conflictingRequest": {"code": 409, "message": "Cannot 'start' instance"}}),
            |kind| matches!(kind, ErrorKind::Conflict),
        ),
    ] {
        let server = format!("/v2.1/servers/{VM}");
        lab.services
            .once("GET", &server, crate::lab::recorded("server_stopped"));
        let answer = Answer::json(status, &body).header("x-openstack-request-id", "req-1");
        lab.services.once("POST", &format!("{server}/action"), answer);
        let error = lab.refused(lab.service.start_vm(VM));
        assert!(is_expected(error.kind()), "{error}");
        assert_eq!(error.cause().request_id.as_deref(), Some("req-1"), "{error}");
    }
}
