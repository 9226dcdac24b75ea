//! Credentials that sign requests, and those in the query: from a connection's file to what the host attaches.
//!
//! What a signature is made for (region, service, account) is the provider's declaration, where the connection's options
//! stand for parts of it; the host checks the result. Reading secrets is the parent module's.

use std::sync::Arc;

use stockade_host::contract::{CredentialKind, CredentialRequest};
use stockade_host::http::{AccessKey, AzureSas, AzureSharedKey, Credential, Query, Sigv4, Template};

use super::Recipe;
use super::source::Sources;
use crate::connections::config::{SecretSource, TextSource};
use crate::error::Result;

/// A key in a query parameter.
pub(super) fn query(recipe: &Recipe, sources: &Sources<'_>, value: &SecretSource) -> Result<Credential> {
    let name = recipe.accepted("query", |kind| match kind {
        CredentialKind::Query(parameter) => Some(parameter),
        _ => None,
    })?;
    Ok(Arc::new(Query {
        name: name.clone(),
        value: sources.read(value)?,
    }))
}

/// Signature Version 4.
pub(super) fn sigv4(
    recipe: &Recipe,
    sources: &Sources<'_>,
    access_key: &TextSource,
    secret_key: &SecretSource,
    session_token: Option<&SecretSource>,
) -> Result<Credential> {
    let declared = recipe.accepted("sigv4", |kind| match kind {
        CredentialKind::Sigv4(declared) => Some(declared),
        _ => None,
    })?;
    let key = AccessKey {
        id: match access_key {
            TextSource::Text(text) => text.clone(),
            TextSource::Source(source) => sources.read(source)?.expose().to_owned(),
        },
        secret: sources.read(secret_key)?,
        session_token: session_token.map(|token| sources.read(token)).transpose()?,
    };
    let region = filled(recipe, &declared.region)?;
    let service = declared.service.replace(ENDPOINT_PLACE, &recipe.endpoint);
    Ok(Arc::new(Sigv4::new(key, service, region)))
}

/// Stands for the endpoint's name in the name of a signature's service.
const ENDPOINT_PLACE: &str = "{endpoint}";

/// Whether a credential signs for another service at each endpoint.
pub(super) fn depends_on_endpoint(request: &CredentialRequest) -> bool {
    let names_it =
        |kind: &CredentialKind| matches!(kind, CredentialKind::Sigv4(sigv4) if sigv4.service.contains(ENDPOINT_PLACE));
    request.kinds.iter().any(names_it)
}

/// Azure Storage's shared key.
pub(super) fn azure_shared_key(recipe: &Recipe, sources: &Sources<'_>, key: &SecretSource) -> Result<Credential> {
    let account = recipe.accepted("azure-shared-key", |kind| match kind {
        CredentialKind::AzureSharedKey(account) => Some(account),
        _ => None,
    })?;
    let account = filled(recipe, account)?;
    Ok(Arc::new(AzureSharedKey::new(account, sources.read(key)?)))
}

/// Azure Storage's shared access signature.
pub(super) fn azure_sas(recipe: &Recipe, sources: &Sources<'_>, query: &SecretSource) -> Result<Credential> {
    recipe.accepted("azure-sas", |kind| {
        matches!(kind, CredentialKind::AzureSas).then_some(())
    })?;
    Ok(Arc::new(AzureSas {
        query: sources.read(query)?,
    }))
}

/// A template with the connection's options in their places: `{region}`, `{zone}-1`.
fn filled(recipe: &Recipe, template: &str) -> Result<String> {
    let value = |name: &str| recipe.options.get(name).map(String::as_str);
    let filled = Template::parse(template).fill(value);
    Ok(filled.map_err(|error| recipe.unusable(&error))?.to_string())
}

#[cfg(test)]
mod tests {
    use stockade_host::contract::{CredentialRequest, OptionEntry, OptionValue, Sigv4 as DeclaredSigv4};

    use super::super::tests::resolve;
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
        assert!(error.contains("`{region}` stands for nothing"), "{error}");
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

    #[test]
    fn one_key_signs_for_the_service_of_each_endpoint() {
        let of = |service: &str| {
            request(vec![CredentialKind::Sigv4(DeclaredSigv4 {
                service: service.into(),
                region: "{region}".into(),
            })])
        };
        assert!(depends_on_endpoint(&of("{endpoint}")));
        assert!(!depends_on_endpoint(&of("s3")) && !depends_on_endpoint(&of("{region}")));
        let (_file, secret) = kept(CANARY);
        let config = CredentialConfig::Sigv4 {
            access_key: TextSource::Text("AKIA1".into()),
            secret_key: secret,
            session_token: None,
        };
        // The tests' recipe is for the endpoint `api`.
        let credential = resolve(&of("{endpoint}"), &config, &options("eu-1")).unwrap();
        assert!(format!("{credential:?}").contains("\"api\""), "{credential:?}");
    }
}
