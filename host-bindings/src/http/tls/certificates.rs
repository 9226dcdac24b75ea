//! Certificates and keys as they stand in files: PEM blocks and dates.
//!
//! The verifier of the TLS library looks at the dates of what a server shows, but neither at those of an authority that
//! it was told to trust nor at those of our own certificate; `TlsProfile::client_config` has them looked at here.

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

use super::TlsError;
use crate::http::secret::Secret;

/// How the messages name what a server's certificate has to lead to.
const AUTHORITY: &str = "the authority's certificate";

/// The certificates of a PEM text, in order; other blocks are passed over. `what` names them in errors.
pub(super) fn read(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::Pem {
            what,
            why: error.to_string(),
        })?;
    if certificates.is_empty() {
        Err(TlsError::NoCertificate(what))
    } else {
        Ok(certificates)
    }
}

/// The authorities of a PEM text that are in date; at least one.
pub(super) fn authorities(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let mut passed_over = None;
    for certificate in read(AUTHORITY, pem)? {
        match Dates::of(AUTHORITY, &certificate)?.check() {
            Ok(()) => roots.add(certificate).map_err(|source| TlsError::Certificate {
                what: AUTHORITY,
                source,
            })?,
            Err(error) => passed_over = Some(error),
        }
    }
    match passed_over {
        Some(error) if roots.is_empty() => Err(error),
        _ => Ok(roots),
    }
}

/// The first private key of a PEM text.
pub(super) fn key(pem: &Secret) -> Result<PrivateKeyDer<'static>, TlsError> {
    // The library's error could quote the text.
    PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| TlsError::Key)
}

/// From when until when a certificate is valid.
pub(super) struct Dates {
    what: &'static str,
    from: ASN1Time,
    until: ASN1Time,
}

impl Dates {
    /// The dates of a certificate: RFC 5280, section 4.1.2.5.
    pub(super) fn of(what: &'static str, certificate: &CertificateDer<'_>) -> Result<Self, TlsError> {
        let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| TlsError::Malformed(what))?;
        let validity = certificate.validity();
        Ok(Self {
            what,
            from: validity.not_before,
            until: validity.not_after,
        })
    }

    /// Whether the certificate is valid now.
    pub(super) fn check(&self) -> Result<(), TlsError> {
        let now = ASN1Time::now();
        if self.from <= now && now <= self.until {
            Ok(())
        } else {
            Err(TlsError::OutOfDate {
                what: self.what,
                from: self.from.to_string(),
                until: self.until.to_string(),
            })
        }
    }
}
