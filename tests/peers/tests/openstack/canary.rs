//! The password goes to Keystone, the token to what is granted, and neither to the guest, an error or the operator's terminal.

use serde_json::json;
use stockade::contract::ErrorKind;
use stockade_test_support::http_server::Answer;

use crate::identity_service::PASSWORD;
use crate::lab::{Lab, VM};
use crate::{Claim, claims};

pub(crate) fn claims() -> Vec<Claim> {
    claims![
        the_guest_sees_neither_password_nor_token_also_when_a_server_sends_them_back,
        a_service_of_the_catalogue_whose_origin_is_not_granted_gets_no_token,
    ]
}

fn the_guest_sees_neither_password_nor_token_also_when_a_server_sends_them_back(lab: &Lab) {
    lab.done(lab.service.list_vms());
    let token = lab.token();
    assert!(token.len() > 100, "a token of Keystone: {token}");
    // What a guest reads it can tell: here as the message of its error.
    let echo = json!({ "computeFault": { "code": 500, "message": format!("you said {token} and {PASSWORD} END") } });
    for _ in 0..4 {
        // A read is repeated after a 500.
        lab.services
            .once("GET", &format!("/v2.1/servers/{VM}"), Answer::json(500, &echo));
    }
    let error = lab.refused(lab.service.get_vm(VM));
    let said = format!("{error} {error:?} {:?}", lab.told());
    assert!(said.contains("you said"), "{said}");
    for secret in [token.as_str(), PASSWORD, "canary"] {
        assert!(!said.contains(secret), "{said}");
    }
    for request in lab.services.requests() {
        let all = format!("{request:?} {}", String::from_utf8_lossy(&request.body));
        assert!(!all.contains("canary"), "{all}");
        assert_eq!(request.header("x-auth-token"), token);
    }
    let component = std::fs::read(stockade_test_support::artifacts::component("openstack")).unwrap();
    let has = |secret: &str| component.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
    assert!(!has(PASSWORD) && !has(&token));
}

fn a_service_of_the_catalogue_whose_origin_is_not_granted_gets_no_token(lab: &Lab) {
    lab.done(lab.service.list_vms());
    let error = lab.refused(lab.service.list_dns_zones());
    assert_eq!(*error.kind(), ErrorKind::Denied, "{error}");
    assert!(lab.elsewhere.requests().is_empty());
    let told = lab.told().join("\n");
    let origin = lab.elsewhere.url();
    assert!(
        told.contains(&origin) || error.to_string().contains(&origin),
        "{told} {error}"
    );
}
