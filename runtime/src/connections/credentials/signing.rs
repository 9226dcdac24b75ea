//! Credentials that sign requests, and those in the query: from a connection's file to what the host attaches.
//!
//! What a signature is made for (region, service, account) is the provider's declaration, where the connection's options
//! stand for parts of it; the host checks the result. Reading secrets is the parent module's.

use std::sync::Arc;

use stockade_host::contract::{CredentialKind, CredentialRequest, OptionEntry};
use stockade_host::http::{AccessKey, AzureSas, AzureSharedKey, Credential, Query, Sigv4};

use super::{read, read_text, refused};
use crate::connections::config::{SecretSource, TextSource};
use crate::connections::grants::option_text;
use crate::error::{Error, Result};

/// A key in a query parameter.
pub(super) fn query(request: &CredentialRequest, value: &SecretSource) -> Result<Credential> {
    let parameter = request.kinds.iter().find_map(|kind| match kind {
        CredentialKind::Query(parameter) => Some(parameter),
        _ => None,
    });
    Ok(Arc::new(Query {
        name: parameter.ok_or_else(|| refused(request, "query"))?.clone(),
        value: read(&request.name, value)?,
    }))
}

/// Signature Version 4.
pub(super) fn sigv4(
    request: &CredentialRequest,
    options: &[OptionEntry],
    access_key: &TextSource,
    secret_key: &SecretSource,
    session_token: Option<&SecretSource>,
) -> Result<Credential> {
    let name = &request.name;
    let declared = request.kinds.iter().find_map(|kind| match kind {
        CredentialKind::Sigv4(declared) => Some(declared),
        _ => None,
    });
    let declared = declared.ok_or_else(|| refused(request, "sigv4"))?;
    let key = AccessKey {
        id: read_text(name, access_key)?,
        secret: read(name, secret_key)?,
        session_token: session_token.map(|token| read(name, token)).transpose()?,
    };
    let region = filled(name, &declared.region, options)?;
    Ok(Arc::new(Sigv4::new(key, &declared.service, region)))
}

/// Azure Storage's shared key.
pub(super) fn azure_shared_key(
    request: &CredentialRequest,
    options: &[OptionEntry],
    key: &SecretSource,
) -> Result<Credential> {
    let account = request.kinds.iter().find_map(|kind| match kind {
        CredentialKind::AzureSharedKey(account) => Some(account),
        _ => None,
    });
    let account = account.ok_or_else(|| refused(request, "azure-shared-key"))?;
    let account = filled(&request.name, account, options)?;
    Ok(Arc::new(AzureSharedKey::new(account, read(&request.name, key)?)))
}

/// Azure Storage's shared access signature.
pub(super) fn azure_sas(request: &CredentialRequest, query: &SecretSource) -> Result<Credential> {
    let accepted = request
        .kinds
        .iter()
        .any(|kind| matches!(kind, CredentialKind::AzureSas));
    if !accepted {
        return Err(refused(request, "azure-sas"));
    }
    Ok(Arc::new(AzureSas {
        query: read(&request.name, query)?,
    }))
}

/// A template with the connection's options in their places: `{region}`, `{zone}-1`.
fn filled(credential: &str, template: &str, options: &[OptionEntry]) -> Result<String> {
    let invalid = |why: String| {
        let message = format!("credential `{credential}` cannot be made for `{template}`: {why}");
        Error::invalid("credentials", message)
    };
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (option, after) = after
            .split_once('}')
            .ok_or_else(|| invalid("the provider does not close a brace".to_owned()))?;
        let value = option_text(options, option)
            .ok_or_else(|| invalid(format!("the connection has no value for the option `{option}`")))?;
        text.push_str(before);
        text.push_str(&value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use stockade_host::contract::{OptionValue, Sigv4 as DeclaredSigv4};

    use super::super::resolve;
    use super::*;
    use crate::connections::config::CredentialConfig;

    const CANARY: &str = "canary-secret";

    fn request(kinds: Vec<CredentialKind>) -> CredentialRequest {
        CredentialRequest {
            name: "storage".into(),
            kinds,
            required: true,
            reason: "to be let in".into(),
        }
    }

    fn kinds() -> Vec<CredentialKind> {
        vec![
            CredentialKind::Query("key".into()),
            CredentialKind::Sigv4(DeclaredSigv4 {
                service: "s3".into(),
                region: "{region}".into(),
            }),
            CredentialKind::AzureSharedKey("{account}".into()),
            CredentialKind::AzureSas,
        ]
    }

    fn options(region: &str) -> Vec<OptionEntry> {
        [("region", region), ("account", "account1")]
            .map(|(name, value)| OptionEntry {
                name: name.into(),
                value: OptionValue::Text(value.into()),
            })
            .into()
    }

    /// A private file with this content.
    fn kept(content: &str) -> (tempfile::NamedTempFile, SecretSource) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let source = SecretSource::File(file.path().display().to_string());
        (file, source)
    }

    #[test]
    fn each_kind_is_read_by_its_name_and_holds_its_secret() {
        let (_file, secret) = kept(CANARY);
        let (_key_file, key) = kept("Y2FuYXJ5LXNlY3JldA==");
        let (_sas_file, query) = kept("?sv=2022-11-02&sig=canary-secret");
        let sigv4 = |access_key| CredentialConfig::Sigv4 {
            access_key,
            secret_key: secret.clone(),
            session_token: Some(secret.clone()),
        };
        for config in [
            CredentialConfig::Query { value: secret.clone() },
            sigv4(TextSource::Text("AKIA1".into())),
            sigv4(TextSource::Source(secret.clone())),
            CredentialConfig::AzureSharedKey { key },
            CredentialConfig::AzureSas { query },
        ] {
            // As it stands in a connection's file.
            let written = toml::to_string(&config).unwrap();
            let config: CredentialConfig = toml::from_str(&written).unwrap();
            let credential = resolve(&request(kinds()), &config, &options("eu-1")).unwrap();
            assert_eq!(credential.check(), Ok(()), "{written}");
            let shown = format!("{:?}", credential.secrets());
            assert!(!shown.is_empty() && !written.contains(CANARY), "{written}");
            assert!(
                !format!("{credential:?}").contains("secret: \"canary"),
                "{credential:?}"
            );
            let none = resolve(&request(vec![CredentialKind::Bearer]), &config, &options("eu-1")).unwrap_err();
            assert_eq!(none.hints(), ["the provider accepts: bearer"]);
        }
    }

    #[test]
    fn a_region_that_is_none_makes_no_credential() {
        let (_file, secret) = kept(CANARY);
        let config = CredentialConfig::Sigv4 {
            access_key: TextSource::Text("AKIA1".into()),
            secret_key: secret,
            session_token: None,
        };
        let credential = resolve(&request(kinds()), &config, &options("eu/../us")).unwrap();
        let error = credential.check().unwrap_err().to_string();
        assert!(
            error.contains("the region `eu/../us` is not made of lower-case letters"),
            "{error}"
        );
        let error = resolve(&request(kinds()), &config, &[]).unwrap_err().to_string();
        assert!(error.contains("no value for the option `region`"), "{error}");
    }

    #[test]
    fn unknown_keys_of_a_credential_are_errors() {
        for text in [
            "kind = \"sigv4\"\naccess_key = \"a\"\nsecret_key = { env = \"S\" }\nregion = \"eu\"",
            "kind = \"azure-shared-key\"\nkey = { env = \"S\" }\naccount = \"a\"",
            "kind = \"azure-sas\"\nquery = \"sv=1\"",
            "kind = \"query\"\nvalue = { env = \"S\" }\nname = \"key\"",
        ] {
            assert!(toml::from_str::<CredentialConfig>(text).is_err(), "{text}");
        }
    }
}
