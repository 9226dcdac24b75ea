//! Keystone, and a plain client of it: the operator's own hands.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::{Value, json};
use stockade_test_support::peer::Peer;

use crate::identity_service::{self, PASSWORD};

/// A running Keystone.
pub(crate) struct Identity {
    peer: Peer,
    token: String,
}

impl Identity {
    pub(crate) fn start() -> Self {
        let mut identity = Self {
            peer: identity_service::start(),
            token: String::new(),
        };
        let user = json!({"name": "admin", "domain": {"id": "default"}, "password": PASSWORD});
        let login = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
        }});
        let answer = identity.raw("POST", "/v3/auth/tokens", "", &login);
        let token = answer.lines().find_map(|line| {
            line.to_lowercase()
                .starts_with("x-subject-token:")
                .then(|| line[16..].trim().to_owned())
        });
        identity.token = token.unwrap_or_else(|| panic!("{answer}"));
        identity
    }

    pub(crate) fn port(&self) -> u16 {
        self.peer.port()
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        self.peer.log()
    }

    /// How many logins there were so far, the administrator's own included.
    pub(crate) fn logins(&self) -> usize {
        self.log().matches("POST /v3/auth/tokens HTTP/1.").count()
    }

    /// Makes a region without services.
    pub(crate) fn add_region(&self, region: &str) {
        let made = self.ask("/v3/regions", &json!({"region": {"id": region}}));
        assert_eq!(made["region"]["id"], region);
    }

    /// Puts a service of a region into the catalogue.
    pub(crate) fn add_service(&self, region: &str, kind: &str, url: &str) {
        let service = self.ask("/v3/services", &json!({"service": {"type": kind, "name": kind}}));
        let id = &service["service"]["id"];
        let endpoint = json!({"service_id": id, "interface": "public", "region_id": region, "url": url});
        let made = self.ask("/v3/endpoints", &json!({ "endpoint": endpoint }));
        assert!(made["endpoint"]["id"].is_string(), "{made}");
    }

    /// Makes a token worth nothing.
    pub(crate) fn revoke(&self, token: &str) {
        let answer = self.raw(
            "DELETE",
            "/v3/auth/tokens",
            &format!("x-subject-token: {token}\r\n"),
            &Value::Null,
        );
        assert!(answer.contains(" 204 "), "{answer}");
    }

    fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = self.raw("POST", path, "", body);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// One request; the answer ends with the connection.
    fn raw(&self, method: &str, path: &str, headers: &str, body: &Value) -> String {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port())).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nx-auth-token: {}\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}
