//! How an `https` origin proves itself to the host, and the host to it.
//!
//! The profile belongs to one endpoint's grant, and so does the configuration made of it: session tickets are not shared
//! between connections. A grant with an authority of its own trusts that alone, as a private authority must not vouch
//! for public names nor the public ones for a private host. What cannot work is found when the configuration is made,
//! before anything is sent: a key of another certificate, a certificate that is out of date.
//!
//! `certificates` reads PEM and dates, `unverified` is the verifier that verifies nothing.

mod certificates;
mod unverified;

use std::sync::{Arc, LazyLock, OnceLock};

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, Error, RootCertStore};

use super::origin::Host;
use super::secret::Secret;
use certificates::Dates;
use unverified::AcceptAnyCertificate;

/// TLS sessions that are kept to be resumed: those of one server, of which rustls keeps at most 8 tickets. A connection
/// to one origin needs no more, and the default of 256 would cost memory for each.
const RESUMABLE_SESSIONS: usize = 8;

/// How both ends of an endpoint's connections prove who they are.
#[derive(Debug, Clone, Default)]
pub struct TlsProfile {
    /// Which certificates the server may show.
    pub trust: Trust,
    /// What the host shows when it is asked; none for nothing.
    pub identity: Option<ClientIdentity>,
    /// The name that the server is asked for (SNI) and must prove, where it is not the origin's host: a cluster that is
    /// reached by an address, a forwarded port. The request still names the origin's host.
    pub server_name: Option<Host>,
    /// The least version of TLS.
    pub least_version: TlsVersion,
}

/// Which certificates a server may show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those that lead to Mozilla's list of public authorities, for the server's name.
    #[default]
    WebRoots,
    /// Those that lead to the operating system's list, for the server's name. The list is read once in a process.
    System,
    /// Those that lead to one of these certificates in PEM, for the server's name; public authorities do not count.
    /// Certificates that are out of date are passed over, and some must be left: a bundle may hold the old and the new.
    Authority(String),
    /// Any at all. Whoever is on the path can read and change everything, credentials included.
    Insecure,
}

/// A certificate of the host's own and its key.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    /// The certificate and its chain in PEM, the host's own first.
    pub certificates: String,
    /// Its private key in PEM: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: Secret,
}

/// A version of TLS. Older ones are not spoken: RFC 8996.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2 or 1.3.
    #[default]
    Tls12,
    /// 1.3 only.
    Tls13,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM text holds no certificate.
    #[error("the PEM text of {0} holds no `CERTIFICATE` block")]
    NoCertificate(&'static str),
    /// A block of a PEM text is broken.
    #[error("the PEM text of {what} is malformed: {why}")]
    Pem {
        /// Whose text.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A certificate is not one.
    #[error("{0} is not a certificate")]
    Malformed(&'static str),
    /// A certificate is not valid now.
    #[error("{what} is valid from {from} to {until}, which is not now; renew it")]
    OutOfDate {
        /// Whose certificate.
        what: &'static str,
        /// Its first moment.
        from: String,
        /// Its last.
        until: String,
    },
    /// A name that no certificate can be for.
    #[error("no certificate can be for the name `{0}`")]
    ServerName(String),
    /// A private key is none.
    #[error("the client's key is not a private key in PEM; an encrypted one has to be decrypted first")]
    Key,
    /// The key and the certificate do not belong together.
    #[error("the client's key is not the key of the client's certificate, or is of a kind that is not supported")]
    Identity(#[source] Error),
    /// The operating system has no list of authorities.
    #[error("the operating system's certificate authorities could not be read: {0}")]
    System(String),
    /// A certificate or the configuration was not accepted.
    #[error("{what} is not usable")]
    Certificate {
        /// Which.
        what: &'static str,
        /// Why.
        source: Error,
    },
}

impl TlsProfile {
    /// The profile that takes these certificates and is otherwise the default.
    #[must_use]
    pub fn trusting(trust: Trust) -> Self {
        Self {
            trust,
            ..Self::default()
        }
    }

    /// A client configuration of its own, for HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// When a text holds no usable certificate or key, or a certificate is out of date.
    pub fn client_config(&self) -> Result<ClientConfig, TlsError> {
        let versions: &[&rustls::SupportedProtocolVersion] = match self.least_version {
            TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
            TlsVersion::Tls13 => &[&rustls::version::TLS13],
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(|source| TlsError::Certificate {
                what: "the TLS configuration",
                source,
            })?;
        let builder = match &self.trust {
            Trust::WebRoots => builder.with_root_certificates(web_roots()),
            Trust::System => builder.with_root_certificates(system_roots()?),
            Trust::Authority(pem) => builder.with_root_certificates(certificates::authorities(pem)?),
            Trust::Insecure => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate { provider: provider() })),
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = certificates::read("the client's certificate", &identity.certificates)?;
                for certificate in &chain {
                    Dates::of("the client's certificate", certificate)?.check()?;
                }
                let key = certificates::key(&identity.key)?;
                builder.with_client_auth_cert(chain, key).map_err(TlsError::Identity)?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.resumption = Resumption::in_memory_sessions(RESUMABLE_SESSIONS);
        Ok(config)
    }

    /// The name that the server of an origin on this host is asked for and has to prove.
    ///
    /// # Errors
    /// When the name can be in no certificate.
    pub(super) fn server_name(&self, host: &Host) -> Result<ServerName<'static>, TlsError> {
        match self.server_name.as_ref().unwrap_or(host) {
            Host::Address(address) => Ok(ServerName::from(*address)),
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| TlsError::ServerName(name.clone())),
        }
    }
}

/// One for all, as it never changes and a thousand connections share it.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(ring::default_provider()));
    Arc::clone(&PROVIDER)
}

/// The same, for the list of public authorities.
fn web_roots() -> Arc<RootCertStore> {
    static ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
        Arc::new(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        })
    });
    Arc::clone(&ROOTS)
}

/// The same, for the operating system's list, once it could be read.
fn system_roots() -> Result<Arc<RootCertStore>, TlsError> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(Arc::clone(roots));
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some systems list certificates that rustls does not take; what it takes is enough.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or_else(
            || "there are none; install the package `ca-certificates`".to_owned(),
            ToString::to_string,
        );
        return Err(TlsError::System(why));
    }
    Ok(Arc::clone(ROOTS.get_or_init(|| Arc::new(roots))))
}

#[cfg(test)]
mod tests;
