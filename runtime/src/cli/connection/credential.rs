//! How a credential is written on the command line: where it is, never what it is.

use std::path::{Path, PathBuf};

use stockade::connections::{CredentialConfig, KubernetesConfig, Oauth2Config, SecretSource, TextSource};

/// How it is written, for messages.
const FORM: &str = "it must be written `NAME=bearer:SOURCE`, `NAME=basic:USER:SOURCE`, `NAME=header:SOURCE`, \
                    `NAME=session:USER:SOURCE`, `NAME=oauth2:CLIENT:SOURCE`, `NAME=kubernetes:PATH`, `NAME=query:SOURCE`, \
                    `NAME=sigv4:ACCESS_KEY:SOURCE`, `NAME=azure-shared-key:SOURCE` or `NAME=azure-sas:SOURCE`, where SOURCE is \
                    `env:VARIABLE`, `file:PATH`, `keyring:SERVICE/USER`, `secret:NAME` or `command:PATH`; what needs more \
                    words is written into the connection's file";

/// Reads `NAME=KIND:…:SOURCE`.
pub(super) fn parse(text: &str) -> Result<(String, CredentialConfig), String> {
    // What was typed may hold a secret by mistake: it is never repeated.
    let (name, value) = text.split_once('=').ok_or(FORM)?;
    let (kind, rest) = value.split_once(':').ok_or(FORM)?;
    let named = || -> Result<(String, SecretSource), String> {
        let (user, rest) = rest.split_once(':').ok_or(FORM)?;
        Ok((user.to_owned(), source(rest)?))
    };
    let credential = match kind {
        "bearer" => CredentialConfig::Bearer { token: source(rest)? },
        "header" => CredentialConfig::Header { value: source(rest)? },
        "basic" => {
            let (user, password) = named()?;
            CredentialConfig::Basic { user, password }
        }
        "session" => {
            let (user, password) = named()?;
            CredentialConfig::Session { user, password }
        }
        "oauth2" => {
            let (client_id, client_secret) = named()?;
            CredentialConfig::Oauth2(Oauth2Config::ClientSecret {
                client_id,
                client_secret,
            })
        }
        "query" => CredentialConfig::Query { value: source(rest)? },
        "sigv4" => {
            let (access_key, secret_key) = named()?;
            CredentialConfig::Sigv4 {
                access_key: TextSource::Text(access_key),
                secret_key,
                session_token: None,
            }
        }
        "azure-shared-key" => CredentialConfig::AzureSharedKey { key: source(rest)? },
        "azure-sas" => CredentialConfig::AzureSas { query: source(rest)? },
        "kubernetes" if !rest.is_empty() => CredentialConfig::Kubernetes(KubernetesConfig::Kubeconfig {
            path: absolute(rest)?,
            context: None,
            exec_allow: Vec::new(),
        }),
        _ => return Err(FORM.to_owned()),
    };
    match name.is_empty() {
        true => Err(FORM.to_owned()),
        false => Ok((name.to_owned(), credential)),
    }
}

fn source(text: &str) -> Result<SecretSource, String> {
    let (kind, place) = text.split_once(':').ok_or(FORM)?;
    match (kind, place) {
        (_, "") => Err(FORM.to_owned()),
        ("env", variable) => Ok(SecretSource::Env(variable.to_owned())),
        ("file", path) => Ok(SecretSource::File(absolute(path)?)),
        ("keyring", entry) if entry.contains('/') => Ok(SecretSource::Keyring(entry.to_owned())),
        ("secret", name) => Ok(SecretSource::Secret(name.to_owned())),
        ("command", path) => Ok(SecretSource::Command(vec![absolute(path)?])),
        _ => Err(FORM.to_owned()),
    }
}

/// A path that means the same file wherever it is read later.
pub(super) fn absolute(path: &str) -> Result<String, String> {
    utf8(std::path::absolute(Path::new(path)).map_err(|error| format!("`{path}`: {error}"))?)
}

/// A path as text.
pub(super) fn utf8(path: PathBuf) -> Result<String, String> {
    path.into_os_string()
        .into_string()
        .map_err(|_| "the path is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_says_where_it_is() {
        let env = |name: &str| SecretSource::Env(name.to_owned());
        assert_eq!(
            parse("api=bearer:env:TOKEN"),
            Ok(("api".to_owned(), CredentialConfig::Bearer { token: env("TOKEN") }))
        );
        assert_eq!(
            parse("api=basic:root:file:/a:b").unwrap().1,
            CredentialConfig::Basic {
                user: "root".to_owned(),
                password: SecretSource::File("/a:b".to_owned())
            }
        );
        assert_eq!(
            parse("api=header:keyring:lab/me").unwrap().1,
            CredentialConfig::Header {
                value: SecretSource::Keyring("lab/me".to_owned())
            }
        );
        assert_eq!(
            parse("api=session:root@pam:secret:lab").unwrap().1,
            CredentialConfig::Session {
                user: "root@pam".to_owned(),
                password: SecretSource::Secret("lab".to_owned())
            }
        );
        assert_eq!(
            parse("api=oauth2:client:command:/usr/bin/pass").unwrap().1,
            CredentialConfig::Oauth2(Oauth2Config::ClientSecret {
                client_id: "client".to_owned(),
                client_secret: SecretSource::Command(vec!["/usr/bin/pass".to_owned()])
            })
        );
        assert_eq!(
            parse("s3=sigv4:AKIA1:env:SECRET").unwrap().1,
            CredentialConfig::Sigv4 {
                access_key: TextSource::Text("AKIA1".to_owned()),
                secret_key: env("SECRET"),
                session_token: None,
            }
        );
        for (text, credential) in [
            ("a=query:env:K", CredentialConfig::Query { value: env("K") }),
            ("a=azure-sas:env:K", CredentialConfig::AzureSas { query: env("K") }),
            (
                "a=azure-shared-key:env:K",
                CredentialConfig::AzureSharedKey { key: env("K") },
            ),
        ] {
            assert_eq!(parse(text).unwrap().1, credential);
        }
        assert!(parse("api=kubernetes:/etc/kubernetes/admin.conf").is_ok());
    }

    #[test]
    fn a_secret_typed_by_mistake_is_refused_and_not_repeated() {
        for text in [
            "canary",
            "api=canary",
            "api=bearer:canary",
            "api=bearer:literal:canary",
            "api=basic:canary:env:",
            "=bearer:env:canary",
            "api=header:keyring:canary",
            "api=sigv4:AKIA1:canary",
            "api=sigv4:canary",
            "api=azure-sas:sv=1&sig=canary",
            "api=session:canary:canary",
            "api=oauth2:canary",
            "canary=kubernetes:",
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
