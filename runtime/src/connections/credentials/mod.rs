//! From where a secret is to the secret, read when it is needed.

mod signing;

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use stockade_host::contract::{CredentialKind, CredentialRequest, ErrorKind, OptionEntry};
use stockade_host::http::{Basic, Bearer, Credential, Header, Secret};

use super::config::{CredentialConfig, SecretSource, TextSource};
use crate::error::{Error, Result};

/// The largest secret file in bytes.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// Reads a credential and puts it into the form that the host attaches. The connection's options fill templates.
pub(super) fn resolve(
    request: &CredentialRequest,
    config: &CredentialConfig,
    options: &[OptionEntry],
) -> Result<Credential> {
    let name = &request.name;
    let wanted = |kind: fn(&CredentialKind) -> bool| request.kinds.iter().find(|candidate| kind(candidate));
    let refused = |kind: &str| refused(request, kind);
    match config {
        CredentialConfig::Bearer { token } => {
            wanted(|kind| matches!(kind, CredentialKind::Bearer)).ok_or_else(|| refused("bearer"))?;
            Ok(Arc::new(Bearer {
                token: read(name, token)?,
            }))
        }
        CredentialConfig::Basic { user, password } => {
            wanted(|kind| matches!(kind, CredentialKind::Basic)).ok_or_else(|| refused("basic"))?;
            Ok(Arc::new(Basic {
                user: user.clone(),
                password: read(name, password)?,
            }))
        }
        CredentialConfig::Header { value } => match wanted(|kind| matches!(kind, CredentialKind::Header(_))) {
            Some(CredentialKind::Header(header)) => Ok(Arc::new(Header {
                name: header_name(name, header)?,
                value: read(name, value)?,
            })),
            _ => Err(refused("header")),
        },
        CredentialConfig::Query { value } => signing::query(request, value),
        CredentialConfig::Sigv4 {
            access_key,
            secret_key,
            session_token,
        } => signing::sigv4(request, options, access_key, secret_key, session_token.as_ref()),
        CredentialConfig::AzureSharedKey { key } => signing::azure_shared_key(request, options, key),
        CredentialConfig::AzureSas { query } => signing::azure_sas(request, query),
    }
}

/// The error for a kind that the provider does not accept.
fn refused(request: &CredentialRequest, kind: &str) -> Error {
    let kinds: Vec<_> = request.kinds.iter().map(kind_name).collect();
    Error::invalid(
        "credentials",
        format!("credential `{}` cannot be of kind `{kind}`", request.name),
    )
    .hint(format!("the provider accepts: {}", kinds.join(", ")))
}

fn kind_name(kind: &CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Bearer => "bearer",
        CredentialKind::Basic => "basic",
        CredentialKind::Header(_) => "header",
        CredentialKind::Query(_) => "query",
        CredentialKind::Sigv4(_) => "sigv4",
        CredentialKind::Oauth2(_) => "oauth2",
        CredentialKind::Keystone(_) => "keystone",
        CredentialKind::Session(_) => "session",
        CredentialKind::Kubernetes => "kubernetes",
        CredentialKind::AzureSharedKey(_) => "azure-shared-key",
        CredentialKind::AzureSas => "azure-sas",
    }
}

/// Reads a secret; `name` is how errors name what it is for.
///
/// # Errors
/// When it is missing, empty, or where others can read it.
pub(super) fn read(name: &str, source: &SecretSource) -> Result<Secret> {
    let secret = match source {
        SecretSource::Env(variable) => std::env::var(variable).map(Secret::new).map_err(|_| {
            missing(name, format!("the environment variable `{variable}` is not set")).hint(format!("set `{variable}`"))
        })?,
        SecretSource::File(path) => read_file(name, Path::new(path))?,
        SecretSource::Keyring(entry) => read_keyring(name, entry)?,
    };
    if secret.expose().is_empty() {
        return Err(missing(name, "it is empty"));
    }
    Ok(secret)
}

/// Reads what need not be secret.
fn read_text(name: &str, source: &TextSource) -> Result<String> {
    match source {
        TextSource::Text(text) => Ok(text.clone()),
        TextSource::Source(source) => read(name, source).map(|text| text.expose().to_owned()),
    }
}

/// Reads a secret file; one that others can read is refused, as OpenSSH refuses a private key.
fn read_file(name: &str, path: &Path) -> Result<Secret> {
    let failed =
        |error: &std::io::Error| missing(name, format!("the file `{}` cannot be read: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let metadata = file.metadata().map_err(|error| failed(&error))?;
    if metadata.mode() & 0o077 != 0 {
        return Err(missing(name, format!("others can read the file `{}`", path.display()))
            .hint(format!("chmod 600 {}", path.display())));
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    file.take(MAX_SECRET_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| failed(&error))?;
    Ok(Secret::new(text.trim_end_matches(['\n', '\r'])))
}

fn read_keyring(name: &str, entry: &str) -> Result<Secret> {
    let (service, user) = entry.split_once('/').ok_or_else(|| {
        Error::invalid(
            "credentials",
            format!("the keyring entry `{entry}` of credential `{name}` is not `SERVICE/USER`"),
        )
    })?;
    let look_up = || -> keyring_core::Result<String> {
        let store = linux_keyutils_keyring_store::Store::new()?;
        keyring_core::set_default_store(store);
        keyring_core::Entry::new(service, user)?.get_password()
    };
    look_up()
        .map(Secret::new)
        .map_err(|error| missing(name, format!("the keyring entry `{entry}` cannot be read: {error}")))
}

fn missing(name: &str, why: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        format!("credential `{name}` cannot be used: {why}"),
    )
}

fn header_name(credential: &str, header: &str) -> Result<http::HeaderName> {
    header.parse().map_err(|_| {
        Error::invalid(
            "credentials",
            format!("credential `{credential}` wants `{header}`, which is not a header name"),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn request(kinds: Vec<CredentialKind>) -> CredentialRequest {
        CredentialRequest {
            name: "api".into(),
            kinds,
            required: true,
            reason: "to be let in".into(),
        }
    }

    fn bearer(token: SecretSource) -> CredentialConfig {
        CredentialConfig::Bearer { token }
    }

    fn holds(credential: &Credential, secret: &str) -> bool {
        credential
            .secrets()
            .iter()
            .any(|spelling| spelling.as_slice() == secret.as_bytes())
    }

    fn resolve_bearer(token: SecretSource) -> Result<Credential> {
        resolve(&request(vec![CredentialKind::Bearer]), &bearer(token), &[])
    }

    #[test]
    fn a_file_is_read_without_its_line_break_and_only_when_it_is_private() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let source = || SecretSource::File(file.path().display().to_string());
        let credential = resolve_bearer(source()).unwrap();
        assert!(holds(&credential, "s3cret"));
        assert!(!format!("{credential:?}").contains("s3cret"));
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = resolve_bearer(source()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Unauthenticated);
        assert!(error.hints()[0].starts_with("chmod 600"), "{:?}", error.hints());
    }

    #[test]
    fn what_is_missing_or_empty_is_said_and_never_sent() {
        let error = resolve_bearer(SecretSource::Env("STOCKADE_TEST_ABSENT".into())).unwrap_err();
        assert!(
            error.to_string().contains("`STOCKADE_TEST_ABSENT` is not set"),
            "{error}"
        );
        let empty = tempfile::NamedTempFile::new().unwrap();
        let error = resolve_bearer(SecretSource::File(empty.path().display().to_string())).unwrap_err();
        assert!(error.to_string().contains("it is empty"), "{error}");
        assert!(resolve_bearer(SecretSource::Keyring("no-slash".into())).is_err());
    }

    #[test]
    fn a_kind_that_the_provider_does_not_accept_is_refused() {
        let error = resolve(
            &request(vec![CredentialKind::Basic]),
            &bearer(SecretSource::Env("HOME".into())),
            &[],
        )
        .unwrap_err();
        assert_eq!(error.hints(), ["the provider accepts: basic"]);
    }

    #[test]
    fn the_keyring_gives_back_what_was_put_there() {
        let entry = format!("stockade-test/{}", std::process::id());
        let (service, user) = entry.split_once('/').unwrap();
        let put = || -> keyring_core::Result<keyring_core::Entry> {
            keyring_core::set_default_store(linux_keyutils_keyring_store::Store::new()?);
            let stored = keyring_core::Entry::new(service, user)?;
            stored.set_password("from the keyring")?;
            Ok(stored)
        };
        match put() {
            Ok(stored) => {
                let credential = resolve_bearer(SecretSource::Keyring(entry.clone())).unwrap();
                assert!(holds(&credential, "from the keyring"));
                stored.delete_credential().unwrap();
            }
            // Containers often forbid the kernel's keyring: then the operator has to be told.
            Err(_) => {
                let error = resolve_bearer(SecretSource::Keyring(entry)).unwrap_err();
                assert!(error.to_string().contains("keyring entry"), "{error}");
            }
        }
    }
}
