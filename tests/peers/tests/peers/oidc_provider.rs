//! oidc-provider, an OAuth 2.0 server that verifies clients' secrets and signatures.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use stockade_host::http::{Fault, Oauth2, Oauth2Grant, Oauth2Request, RequestBody, Secret, SigningKey, TokenService};
use stockade_test_support::peer::Peer;

use crate::lab::{Lab, grant, request, text};

const SCRIPT: &str = include_str!("oidc_provider.mjs");
const SECRET: &str = "canary client:secret/+%";

struct Server {
    peer: Peer,
    key: String,
}

fn start() -> Server {
    let key = openssl(
        &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "",
    );
    let public = openssl(&["pkey", "-pubout"], &key);
    let peer = Peer::start("oidc-provider", |place| {
        // Beside its packages, where the modules that it names are found.
        let script = place.installation.join("stockade.mjs");
        std::fs::write(&script, SCRIPT).unwrap();
        let mut command = Command::new("node");
        command
            .arg(script)
            .arg(place.port.to_string())
            .env("PUBLIC_KEY", &public)
            .env("CLIENT_SECRET", SECRET);
        command
    });
    Server {
        peer: peer.unwrap(),
        key,
    }
}

fn openssl(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

impl Server {
    fn lab(&self, grant_of: Oauth2Grant) -> Lab {
        let service = TokenService {
            endpoint: "api".into(),
            path: vec!["token".into()],
        };
        let asked = Oauth2Request {
            url: service.url(&self.peer.origin().parse().unwrap()),
            service,
            scope: Some("vms".into()),
            parameters: Vec::new(),
        };
        Lab::granted(grant(&self.peer.origin(), Some(Arc::new(Oauth2::new(asked, grant_of)))))
    }

    fn key(&self) -> SigningKey {
        SigningKey::from_pem(&self.key, Some("k1".into())).unwrap()
    }
}

fn basic(secret: &str) -> Oauth2Grant {
    Oauth2Grant::ClientSecretBasic {
        client_id: "basic".into(),
        client_secret: Secret::new(secret),
    }
}

async fn vms(lab: &Lab) -> Result<(u16, String), Fault> {
    let response = lab.send(&request("GET", &["resource"]), RequestBody::none()).await?;
    Ok((response.status, text(&response)))
}

#[tokio::test]
async fn each_grant_obtains_a_token_that_the_server_accepts() {
    let server = start();
    let grants = [
        basic(SECRET),
        Oauth2Grant::ClientSecretPost {
            client_id: "post".into(),
            client_secret: Secret::new(SECRET),
        },
        Oauth2Grant::ClientAssertion {
            client_id: "signed".into(),
            key: server.key(),
        },
        Oauth2Grant::JwtBearer {
            issuer: "robot".into(),
            subject: Some("robot".into()),
            key: server.key(),
        },
        Oauth2Grant::ApiKey {
            grant_type: "urn:stockade:apikey".into(),
            parameter: "apikey".into(),
            key: Secret::new(SECRET),
        },
    ];
    for grant in grants {
        let shown = format!("{grant:?}");
        let lab = server.lab(grant);
        let (status, body) = vms(&lab)
            .await
            .unwrap_or_else(|fault| panic!("{shown}: {fault} {}", server.peer.log()));
        assert_eq!(status, 200, "{shown}: {body}");
        assert!(body.contains("[redacted]"), "the server echoes the token: {body}");
        assert!(!lab.seen().contains("canary") && !shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_wrong_secret_and_a_wrong_key_are_told_to_the_operator() {
    let server = start();
    let other = SigningKey::from_pem(&openssl(&["genpkey", "-algorithm", "RSA"], ""), Some("k1".into())).unwrap();
    let signed = Oauth2Grant::ClientAssertion {
        client_id: "signed".into(),
        key: other,
    };
    for grant in [basic("canary wrong"), signed] {
        let lab = server.lab(grant);
        let Err(Fault::Credential(why)) = vms(&lab).await else {
            panic!("it was let in")
        };
        assert!(why.contains("the server answered 401: invalid_client"), "{why}");
        assert!(!format!("{why}{}", lab.seen()).contains("canary"), "{why}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_renewed_and_the_request_repeated_once() {
    let server = start();
    let lab = server.lab(basic(SECRET));
    assert_eq!(vms(&lab).await.unwrap().0, 200);
    let revoked = lab
        .send(&request("POST", &["revoke-all"]), RequestBody::none())
        .await
        .unwrap();
    assert_eq!(revoked.status, 204);
    assert_eq!(vms(&lab).await.unwrap().0, 200, "{}", lab.seen());
    assert_eq!(lab.seen().matches("path: \"/token\"").count(), 2, "{}", lab.seen());
}
