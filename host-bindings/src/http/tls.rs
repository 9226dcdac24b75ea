//! How an `https` origin proves itself to the host.
//!
//! The profile belongs to one endpoint's grant, and so does the configuration made of it: session tickets are not shared
//! between connections. A grant with an authority of its own trusts that alone, as a private authority must not vouch
//! for public names nor the public ones for a private host.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Which certificates an endpoint may show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TlsProfile {
    /// Those that lead to Mozilla's list of public authorities, for the origin's name.
    #[default]
    WebRoots,
    /// Those that lead to one of these certificates in PEM, for the origin's name; public authorities do not count.
    Authority(String),
    /// Any at all. Whoever is on the path can read and change everything, credentials included.
    Insecure,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The text holds no certificate.
    #[error("the authority's PEM text holds no `CERTIFICATE` block")]
    NoCertificate,
    /// A block of it is broken.
    #[error("the authority's PEM text is malformed: {0}")]
    Pem(String),
    /// A certificate or the configuration was not accepted.
    #[error("the authority's certificate is not usable")]
    Certificate(#[source] Error),
}

impl TlsProfile {
    /// A client configuration of its own, for HTTP/1.1.
    ///
    /// # Errors
    /// When an authority's text holds no usable certificate.
    pub fn client_config(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Certificate)?;
        let builder = match self {
            Self::WebRoots => builder.with_root_certificates(RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            }),
            Self::Authority(pem) => builder.with_root_certificates(roots(pem)?),
            Self::Insecure => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate { provider })),
        };
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn roots(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| TlsError::Pem(error.to_string()))?;
        roots.add(certificate).map_err(TlsError::Certificate)?;
    }
    if roots.is_empty() {
        Err(TlsError::NoCertificate)
    } else {
        Ok(roots)
    }
}

/// For [`TlsProfile::Insecure`]: takes every certificate, but the handshake must still be signed with it.
#[derive(Debug)]
struct AcceptAnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_without_a_usable_certificate_is_refused() {
        let authority = |pem: &str| TlsProfile::Authority(pem.into()).client_config().map(drop);
        assert!(matches!(authority(""), Err(TlsError::NoCertificate)));
        assert!(matches!(authority("not PEM at all"), Err(TlsError::NoCertificate)));
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(authority(empty), Err(TlsError::Certificate(_))));
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(matches!(authority(cut), Err(TlsError::Pem(_))));
        assert!(TlsProfile::WebRoots.client_config().is_ok() && TlsProfile::Insecure.client_config().is_ok());
    }
}
