//! nginx with a private authority and a required client certificate, over HTTP/1.1 and HTTP/2.
//!
//! It asks for the certificate in the handshake and answers 400 where it is missing or another authority's.

use std::fs;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use stockade_host::http::{ClientIdentity, Fault, Host, Request, RequestBody, Secret, TlsProfile, Trust};
use stockade_test_support::peer::{Peer, Place};
use time::{Duration, OffsetDateTime};

use crate::lab::{Lab, grant};

/// Where Debian and others put it.
const NGINX: &str = "/usr/sbin/nginx";

/// A private authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL takes a certificate whose issuer has its own name for one that signed itself.
        parameters
            .distinguished_name
            .push(DnType::CommonName, "a private authority");
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate that is valid until so many days from now, and its key.
    fn issue(&self, name: &str, days: i64) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.not_before = OffsetDateTime::now_utc() - Duration::days(30);
        parameters.not_after = OffsetDateTime::now_utc() + Duration::days(days);
        (parameters.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    fn identity(&self) -> ClientIdentity {
        let (certificates, key) = self.issue("client.example", 30);
        ClientIdentity {
            certificates,
            key: Secret::new(key),
        }
    }

    /// An nginx that is `cloud.example` by this authority until so many days from now, and lets in its clients.
    fn nginx(&self, protocol: &str, days: i64) -> Peer {
        let (certificate, key) = self.issue("cloud.example", days);
        let command = |place: &Place<'_>| {
            let home = place.home.display();
            let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|kind| format!("{kind}_temp_path {home}/{kind};"))
                .concat();
            let configuration = format!(
                "daemon off; master_process off; pid {home}/pid; error_log stderr; events {{}}
                 http {{ access_log off; {temporary}
                     server {{
                         listen 127.0.0.1:{} ssl {protocol};
                         ssl_certificate {home}/certificate; ssl_certificate_key {home}/key;
                         ssl_client_certificate {home}/authority; ssl_verify_client on;
                         return 200 \"$server_protocol $ssl_client_verify\";
                     }}
                 }}",
                place.port
            );
            for (name, content) in [
                ("certificate", &certificate),
                ("key", &key),
                ("authority", &self.0.pem()),
                ("nginx.conf", &configuration),
            ] {
                fs::write(place.home.join(name), content).unwrap();
            }
            let mut command = Command::new(NGINX);
            command
                .arg("-e")
                .arg("stderr")
                .arg("-c")
                .arg(place.home.join("nginx.conf"));
            command
        };
        Peer::start("nginx", command).unwrap()
    }
}

/// What a peer answers a client with this profile: the status and the body, or that it is not trusted.
async fn answer(peer: &Peer, tls: TlsProfile) -> Option<(u16, String)> {
    let mut grant = grant(&format!("https://127.0.0.1:{}", peer.port()), None);
    grant.tls = tls;
    let request = Request {
        endpoint: "api".into(),
        method: "GET".into(),
        ..Request::default()
    };
    match Lab::granted(grant).send(&request, RequestBody::none()).await {
        Ok(response) => Some((response.status, String::from_utf8_lossy(&response.body).into_owned())),
        Err(Fault::Tls(_)) => None,
        Err(fault) => panic!("{fault:?}: {}", peer.log()),
    }
}

#[tokio::test]
async fn a_private_authority_and_its_client_certificate_are_both_needed() {
    let (authority, foreign) = (Authority::new(), Authority::new());
    for (protocol, expected) in [("", "HTTP/1.1 SUCCESS"), ("http2", "HTTP/2.0 SUCCESS")] {
        let peer = authority.nginx(protocol, 30);
        let expired = authority.nginx(protocol, -10);
        let profile = |trust: &Authority, identity, name: &str| TlsProfile {
            trust: Trust::Authority(trust.0.pem()),
            identity,
            server_name: Some(Host::parse(name).unwrap()),
            ..TlsProfile::default()
        };
        let own = || Some(authority.identity());
        let right = answer(&peer, profile(&authority, own(), "cloud.example")).await;
        assert_eq!(right, Some((200, expected.to_owned())));
        for identity in [None, Some(foreign.identity())] {
            let refused = answer(&peer, profile(&authority, identity, "cloud.example")).await;
            assert!(matches!(refused, Some((400, _))), "{refused:?}");
        }
        for untrusted in [
            answer(&peer, profile(&authority, own(), "other.example")).await,
            answer(&peer, profile(&foreign, own(), "cloud.example")).await,
            answer(&expired, profile(&authority, own(), "cloud.example")).await,
            answer(
                &peer,
                TlsProfile {
                    trust: Trust::WebRoots,
                    ..profile(&authority, own(), "cloud.example")
                },
            )
            .await,
        ] {
            assert_eq!(untrusted, None);
        }
    }
}
