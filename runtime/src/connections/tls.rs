//! From what a connection's file says about TLS to the profile that the host uses.
//!
//! Files are read when the connection is opened; a text that cannot work (an expired certificate, a key of another one)
//! is found by the host when it makes its client of the grants.

use std::io::Read as _;

use stockade_host::http::{ClientIdentity, Host, TlsProfile, TlsVersion, Trust};

use super::config::{RootsConfig, TlsConfig, TlsVersionConfig};
use super::credentials;
use crate::error::{Error, Result};

/// The largest file of certificates in bytes: Mozilla's whole list is a quarter of it.
const MAX_CERTIFICATE_BYTES: u64 = 1 << 20;

/// The profile of an endpoint.
pub(super) fn profile(endpoint: &str, config: Option<&TlsConfig>) -> Result<TlsProfile> {
    let Some(config) = config else {
        return Ok(TlsProfile::default());
    };
    let server_name = config.server_name.as_deref().map(|name| {
        Host::parse(name).map_err(|problem| invalid(endpoint, format!("the server's name is unusable: {problem}")))
    });
    Ok(TlsProfile {
        trust: trust(endpoint, config)?,
        identity: identity(endpoint, config)?,
        server_name: server_name.transpose()?,
        least_version: match config.least_version {
            None | Some(TlsVersionConfig::Tls12) => TlsVersion::Tls12,
            Some(TlsVersionConfig::Tls13) => TlsVersion::Tls13,
        },
    })
}

fn trust(endpoint: &str, config: &TlsConfig) -> Result<Trust> {
    match (config.roots, &config.ca, config.insecure) {
        (None, None, true) => {
            tracing::warn!(
                endpoint,
                "the server is not asked to prove who it is: anybody on the way can read and change everything"
            );
            Ok(Trust::Insecure)
        }
        (None, Some(path), false) => read("the certificate authorities", path).map(Trust::Authority),
        (None | Some(RootsConfig::Web), None, false) => Ok(Trust::WebRoots),
        (Some(RootsConfig::System), None, false) => Ok(Trust::System),
        _ => Err(
            invalid(endpoint, "`roots`, `ca` and `insecure` exclude each other").hint(
                "keep the one that is meant: `ca` for a private authority, `roots` for public ones, `insecure` for none",
            ),
        ),
    }
}

fn identity(endpoint: &str, config: &TlsConfig) -> Result<Option<ClientIdentity>> {
    match (&config.client_certificate, &config.client_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(ClientIdentity {
            certificates: read("the client's certificate", certificate)?,
            key: credentials::read("client_key", key)?,
        })),
        _ => Err(invalid(
            endpoint,
            "`client_certificate` and `client_key` belong together, and one is missing",
        )),
    }
}

fn read(what: &str, path: &str) -> Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_CERTIFICATE_BYTES).read_to_string(&mut text))
        .map_err(|error| Error::io(format_args!("reading {what} `{path}`"), &error))?;
    Ok(text)
}

fn invalid(endpoint: &str, why: impl std::fmt::Display) -> Error {
    Error::invalid("tls", format!("endpoint `{endpoint}`: {why}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<TlsProfile, String> {
        let config: TlsConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        profile("api", Some(&config)).map_err(|error| error.to_string())
    }

    fn file(directory: &Path, name: &str, mode: u32) -> String {
        let path = directory.join(name);
        std::fs::write(&path, format!("content of {name}")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    }

    #[test]
    fn every_key_says_what_it_says() {
        let directory = tempfile::tempdir().unwrap();
        let ca = file(directory.path(), "ca.pem", 0o644);
        let certificate = file(directory.path(), "c.pem", 0o644);
        let key = file(directory.path(), "k.pem", 0o600);
        for (text, trust) in [
            ("", Trust::WebRoots),
            ("roots = 'web'", Trust::WebRoots),
            ("roots = 'system'", Trust::System),
            ("insecure = true", Trust::Insecure),
            ("insecure = false", Trust::WebRoots),
            (
                &format!("ca = '{ca}'"),
                Trust::Authority("content of ca.pem".to_owned()),
            ),
        ] {
            let profile = parse(text).unwrap();
            assert_eq!(profile.trust, trust, "{text}");
            assert!(profile.identity.is_none() && profile.server_name.is_none(), "{text}");
            assert_eq!(profile.least_version, TlsVersion::Tls12);
        }
        let profile = parse(&format!(
            "client_certificate = '{certificate}'\nclient_key = {{ file = '{key}' }}\nserver_name = 'API.example'\n\
             least_version = '1.3'"
        ))
        .unwrap();
        let identity = profile.identity.unwrap();
        assert_eq!(identity.certificates, "content of c.pem");
        assert_eq!(identity.key.expose(), "content of k.pem");
        assert_eq!(profile.server_name.unwrap().to_string(), "api.example");
        assert_eq!(profile.least_version, TlsVersion::Tls13);
    }

    #[test]
    fn contradictions_and_unknown_words_are_errors() {
        for text in [
            "ca = 'x'\ninsecure = true",
            "ca = 'x'\nroots = 'web'",
            "roots = 'system'\ninsecure = true",
            "roots = 'mozilla'",
            "least_version = '1.1'",
            "server_name = 'https://api.example'",
            "server_name = ''",
            "client_certificate = 'x'",
            "client_key = { env = 'HOME' }",
            "client_key = 'k.pem'",
            "verify = false",
        ] {
            assert!(parse(text).is_err(), "`{text}` was accepted");
        }
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_missing_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let certificate = file(directory.path(), "c.pem", 0o644);
        let with = |key: &str| {
            parse(&format!(
                "client_certificate = '{certificate}'\nclient_key = {{ file = '{key}' }}"
            ))
        };
        assert!(with(&file(directory.path(), "private.pem", 0o600)).is_ok());
        let loose = with(&file(directory.path(), "loose.pem", 0o640)).unwrap_err();
        assert!(loose.contains("others can read the file"), "{loose}");
        assert!(with("/nonexistent/key.pem").unwrap_err().contains("cannot be read"));
        let missing = parse("ca = '/nonexistent/ca.pem'").unwrap_err();
        assert!(missing.contains("`/nonexistent/ca.pem`"), "{missing}");
    }
}
