//! TLS against real handshakes with private authorities.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use time::{Duration, OffsetDateTime};

use super::*;

/// A private authority.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate that an authority made, and its key.
pub(super) struct Issued {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for a name that is valid until so many days from now.
    pub(super) fn issue(&self, name: &str, days: i64) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.not_before = OffsetDateTime::now_utc() - Duration::days(30);
        parameters.not_after = OffsetDateTime::now_utc() + Duration::days(days);
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        Issued {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }

    /// The profile that trusts it.
    pub(super) fn trusted(&self) -> TlsProfile {
        TlsProfile::trusting(Trust::Authority(self.0.pem()))
    }
}

impl Issued {
    fn identity(&self) -> ClientIdentity {
        ClientIdentity {
            certificates: self.pem.clone(),
            key: Secret::new(self.key.serialize_pem()),
        }
    }

    /// A server that shows it. With an authority for clients, they have to show a certificate of that one.
    pub(super) fn acceptor(
        &self,
        clients: Option<&Authority>,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let mut config = builder.with_single_cert(vec![self.certificate.clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    async fn server(&self, clients: Option<&Authority>) -> Server {
        let acceptor = self.acceptor(clients, rustls::ALL_VERSIONS, &["http/1.1"]);
        Server::start_with(Some(acceptor), |_| ok("fine")).await
    }
}

/// A server that answers whatever it reads in plain text, as an `http` port does.
async fn plain_text_server() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read_u8().await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    port
}

/// Whether a host at a loopback port is trusted and answers; every other end is a fault of TLS.
async fn is_trusted(host: &str, port: u16, tls: &TlsProfile) -> bool {
    let grant = EndpointGrant {
        tls: tls.clone(),
        ..grant(&format!("https://{host}:{port}"))
    };
    let bench = Bench::resolving(grant, HttpLimits::default(), &rebinding(&[&["127.0.0.1"]]));
    match bench.send(&get("/")).await {
        Ok(response) => response.status == 200,
        Err(Fault::Tls(_)) => false,
        Err(fault) => panic!("{host} {tls:?}: {fault:?}"),
    }
}

#[tokio::test]
async fn tls_is_verified_against_the_grants_own_authority_and_name() {
    let (authority, foreign) = (Authority::new(), Authority::new());
    let server = authority.issue("cloud.example", 30).server(None).await;
    let expired = authority.issue("cloud.example", -10).server(None).await;
    let plain = plain_text_server().await;
    let own = authority.trusted();
    let named = |name: &str| TlsProfile {
        server_name: Some(Host::parse(name).unwrap()),
        ..authority.trusted()
    };
    let insecure = TlsProfile::trusting(Trust::Insecure);
    for (host, port, tls, trusted) in [
        ("cloud.example", server.port, &own, true),
        ("cloud.example", server.port, &insecure, true),
        ("other.example", server.port, &insecure, true),
        ("other.example", server.port, &own, false),
        ("127.0.0.1", server.port, &own, false),
        ("127.0.0.1", server.port, &named("cloud.example"), true),
        ("cloud.example", server.port, &named("other.example"), false),
        ("cloud.example", server.port, &TlsProfile::default(), false),
        ("cloud.example", server.port, &foreign.trusted(), false),
        ("cloud.example", expired.port, &own, false),
        ("cloud.example", plain, &insecure, false),
    ] {
        assert_eq!(is_trusted(host, port, tls).await, trusted, "{host} {tls:?}");
    }
}

#[tokio::test]
async fn the_system_list_does_not_vouch_for_a_private_authority() {
    let server = Authority::new().issue("cloud.example", 30).server(None).await;
    let profile = TlsProfile::trusting(Trust::System);
    match profile.client_config() {
        Ok(_) => assert!(!is_trusted("cloud.example", server.port, &profile).await),
        // A system without a list is told so.
        Err(error) => assert!(matches!(error, TlsError::System(_)), "{error:?}"),
    }
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_gets_the_granted_one() {
    let (authority, foreign) = (Authority::new(), Authority::new());
    let issued = authority.issue("cloud.example", 30);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let acceptor = issued.acceptor(Some(&authority), &[version], &["http/1.1"]);
        let server = Server::start_with(Some(acceptor), |_| ok("fine")).await;
        let with = |identity| TlsProfile {
            identity,
            ..authority.trusted()
        };
        let own = authority.issue("client.example", 30).identity();
        let others = foreign.issue("client.example", 30).identity();
        for (identity, trusted) in [(Some(own), true), (Some(others), false), (None, false)] {
            let profile = with(identity);
            let answer = is_trusted("cloud.example", server.port, &profile).await;
            assert_eq!(answer, trusted, "{version:?} {profile:?}");
        }
    }
}

#[tokio::test]
async fn a_version_below_the_granted_one_is_not_spoken() {
    let authority = Authority::new();
    let acceptor = authority
        .issue("cloud.example", 30)
        .acceptor(None, &[&rustls::version::TLS12], &["http/1.1"]);
    let server = Server::start_with(Some(acceptor), |_| ok("fine")).await;
    let strict = TlsProfile {
        least_version: TlsVersion::Tls13,
        ..authority.trusted()
    };
    assert!(is_trusted("cloud.example", server.port, &authority.trusted()).await);
    assert!(!is_trusted("cloud.example", server.port, &strict).await);
}
