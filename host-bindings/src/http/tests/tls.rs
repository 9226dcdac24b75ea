//! TLS against real handshakes with a private authority.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use super::*;

/// A private authority and a server certificate for `cloud.example`.
fn private_authority() -> (String, TlsAcceptor) {
    let authority_key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(parameters, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["cloud.example".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (authority.pem(), TlsAcceptor::from(Arc::new(config)))
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

#[tokio::test]
async fn tls_is_verified_against_the_grants_own_authority_and_name() {
    let (authority, acceptor) = private_authority();
    let (foreign, _) = private_authority();
    let server = Server::start_with(Some(acceptor), |_| ok("fine")).await;
    let plain = plain_text_server().await;
    let own = || TlsProfile::trusting(Trust::Authority(authority.clone()));
    for (host, port, tls, trusted) in [
        ("cloud.example", server.port, own(), true),
        (
            "cloud.example",
            server.port,
            TlsProfile::trusting(Trust::Insecure),
            true,
        ),
        (
            "other.example",
            server.port,
            TlsProfile::trusting(Trust::Insecure),
            true,
        ),
        ("other.example", server.port, own(), false),
        ("127.0.0.1", server.port, own(), false),
        ("cloud.example", server.port, TlsProfile::default(), false),
        (
            "cloud.example",
            server.port,
            TlsProfile::trusting(Trust::Authority(foreign)),
            false,
        ),
        ("cloud.example", plain, TlsProfile::trusting(Trust::Insecure), false),
    ] {
        let grant = EndpointGrant {
            tls: tls.clone(),
            ..grant(&format!("https://{host}:{port}"))
        };
        let bench = Bench::resolving(grant, HttpLimits::default(), &rebinding(&[&["127.0.0.1"]]));
        let answer = bench.send(&get("/")).await;
        match answer {
            Ok(response) => assert!(trusted && response.status == 200, "{host} {tls:?}"),
            Err(fault) => assert!(!trusted && matches!(fault, Fault::Tls(_)), "{host} {tls:?}: {fault:?}"),
        }
    }
}
