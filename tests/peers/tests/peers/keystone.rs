//! Keystone, the identity service of OpenStack itself, with its database in a file.

use std::sync::Arc;

use stockade_host::http::{
    Fault, Keystone, KeystoneIdentity, KeystoneNamed, KeystoneScope, RequestBody, Response, Secret, TokenService,
};
use stockade_test_support::peer::Peer;

use crate::identity_service::{PASSWORD, start};
use crate::lab::{Lab, grant, request, text};

fn lab(peer: &Peer, identity: KeystoneIdentity) -> Lab {
    let service = TokenService {
        endpoint: "api".into(),
        path: ["v3", "auth", "tokens"].map(str::to_owned).into(),
    };
    let credential = Arc::new(Keystone::new(service, identity));
    Lab::granted(grant(&peer.origin(), Some(credential)))
}

fn named(name: &str) -> KeystoneNamed {
    KeystoneNamed::Name {
        name: name.into(),
        domain: Some("Default".into()),
    }
}

fn admin(password: &str, scope: KeystoneScope) -> KeystoneIdentity {
    KeystoneIdentity::Password {
        user: named("admin"),
        password: Secret::new(password),
        scope,
    }
}

fn body(text: &str) -> RequestBody {
    RequestBody::Bytes(text.to_owned().into())
}

fn date(response: &Response) -> Option<String> {
    let header = response.headers.iter().find(|(name, _)| name == "date");
    header.map(|(_, value)| value.clone())
}

/// A string member of a JSON text.
fn member<'a>(text: &'a str, name: &str) -> &'a str {
    let (_, rest) = text
        .split_once(&format!("\"{name}\": \""))
        .unwrap_or_else(|| panic!("{name} in {text}"));
    rest.split('"').next().unwrap()
}

#[tokio::test]
async fn passwords_and_application_credentials_obtain_tokens_that_the_service_accepts() {
    let peer = start();
    // The service's first administrator has a role on this project and on the system, and on no domain.
    for scope in [KeystoneScope::Project(named("admin")), KeystoneScope::System] {
        let lab = lab(&peer, admin(PASSWORD, scope));
        let response = lab
            .send(&request("GET", &["v3", "users"]), RequestBody::none())
            .await
            .unwrap_or_else(|error| panic!("{error}: {}", peer.log()));
        assert_eq!(response.status, 200, "{} {}", text(&response), peer.log());
        assert!(!lab.seen().contains("canary"));
    }

    // The administrator makes an application credential, whose secret it chose.
    let lab_of_admin = lab(&peer, admin(PASSWORD, KeystoneScope::Project(named("admin"))));
    let users = lab_of_admin
        .send(&request("GET", &["v3", "users"]), RequestBody::none())
        .await
        .unwrap();
    let user = member(&text(&users), "id").to_owned();
    let mut create = request("POST", &["v3", "users", &user, "application_credentials"]);
    create.headers = vec![("content-type".into(), "application/json".into())];
    let wanted = r#"{"application_credential": {"name": "robot", "secret": "canary-robot-secret"}}"#;
    let created = lab_of_admin.send(&create, body(wanted)).await.unwrap();
    assert_eq!(created.status, 201, "{}", text(&created));
    let id = created.body.clone();
    let id = String::from_utf8_lossy(&id)
        .split("\"application_credential\"")
        .nth(1)
        .map(|text| member(text, "id").to_owned());
    for (credential, user) in [
        (KeystoneNamed::Id(id.unwrap()), None),
        (
            KeystoneNamed::Name {
                name: "robot".into(),
                domain: None,
            },
            Some(named("admin")),
        ),
    ] {
        let secret = Secret::new("canary-robot-secret");
        let lab = lab(
            &peer,
            KeystoneIdentity::ApplicationCredential {
                credential,
                user,
                secret,
            },
        );
        let response = lab
            .send(&request("GET", &["v3", "auth", "projects"]), RequestBody::none())
            .await
            .unwrap();
        assert_eq!(response.status, 200, "{} {}", text(&response), peer.log());
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_to_the_operator() {
    let peer = start();
    let lab = lab(&peer, admin("canary wrong", KeystoneScope::Project(named("admin"))));
    let answer = lab.send(&request("GET", &["v3", "users"]), RequestBody::none()).await;
    let Err(Fault::Credential(why)) = answer else {
        panic!("{answer:?}")
    };
    assert!(
        why.contains("the server answered 401") && why.contains("check the user"),
        "{why}"
    );
    assert!(!format!("{why}{}", lab.seen()).contains("canary"), "{why}");
}

#[tokio::test]
async fn a_revoked_token_is_renewed_and_the_request_repeated_once() {
    let peer = start();
    let lab = lab(&peer, admin(PASSWORD, KeystoneScope::Project(named("admin"))));
    let users = lab
        .send(&request("GET", &["v3", "users"]), RequestBody::none())
        .await
        .unwrap();
    let user = member(&text(&users), "id").to_owned();
    // Changing a user revokes its tokens; the password stays.
    let mut change = request("POST", &["v3", "users", &user, "password"]);
    change.headers = vec![("content-type".into(), "application/json".into())];
    let same = serde_json::json!({ "user": { "original_password": PASSWORD, "password": PASSWORD } });
    let changed = lab.send(&change, body(&same.to_string())).await.unwrap();
    assert_eq!(changed.status, 204, "{}", text(&changed));
    // It counts revocations in seconds: a token of the same second would be revoked, too.
    let anybody = Lab::new(&peer.origin(), None);
    while date(
        &anybody
            .send(&request("GET", &["v3"]), RequestBody::none())
            .await
            .unwrap(),
    ) == date(&changed)
    {}
    let response = lab
        .send(&request("GET", &["v3", "users"]), RequestBody::none())
        .await
        .unwrap();
    assert_eq!(response.status, 200, "{}", lab.seen());
    assert_eq!(
        lab.seen().matches("path: \"/v3/auth/tokens\"").count(),
        2,
        "{}",
        lab.seen()
    );
}
