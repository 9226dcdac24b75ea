//! What is known of an installed provider without running it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stockade_host::contract::{Ability, OptionSchema, ProviderInfo};
use stockade_host::native::NativeProvider;
use stockade_host::text::clean;
use utoipa::ToSchema;

use super::files::Description;
use crate::error::{Error, Result};
use crate::home::check_name;
use crate::trust::{KeyId, Trust};

/// An installed provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InstalledProvider {
    /// How it runs.
    pub kind: ProviderKind,
    /// The SHA-256 of its component in lower-case hex; empty for a native one.
    pub digest: String,
    /// Where it was installed from.
    pub source: String,
    /// Who signed it; none when nobody did.
    pub signer: Option<Signer>,
    /// Why it cannot be used, as far as can be told without its bytes; none when it can.
    pub refusal: Option<String>,
    /// What it can do: the abilities that it exports.
    pub abilities: Vec<Ability>,
    /// The host interfaces that it imports.
    pub imports: Vec<String>,
    /// What it says about itself and asks for.
    pub info: ProviderInfo,
}

/// Whose signature a component carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Signer {
    /// The key's id, as minisign prints it.
    pub key_id: String,
    /// The key's name in the trust file; none when it is not there, and the signature was not verified.
    pub key: Option<String>,
}

impl Signer {
    pub(super) fn new(id: KeyId, trust: &Trust) -> Self {
        Self {
            key_id: id.to_string(),
            key: trust.key_name(id).map(str::to_owned),
        }
    }
}

/// How a provider runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// A sandboxed component.
    Component,
    /// Compiled in and trusted.
    Native,
}

impl InstalledProvider {
    pub(super) fn native(provider: &NativeProvider) -> Self {
        Self {
            kind: ProviderKind::Native,
            digest: String::new(),
            source: "compiled in".to_owned(),
            signer: None,
            refusal: None,
            abilities: provider.abilities.to_vec(),
            imports: Vec::new(),
            info: (provider.info)(),
        }
    }

    pub(super) fn component(description: Description, source: String, signer: Option<Signer>) -> Self {
        Self {
            kind: ProviderKind::Component,
            digest: description.digest,
            source,
            signer,
            refusal: None,
            abilities: description.abilities,
            imports: description.imports,
            info: description.info,
        }
    }

    /// Whether it has an ability.
    pub fn has(&self, ability: Ability) -> bool {
        self.abilities.contains(&ability)
    }

    /// The provider-specific options of a noun's spec.
    pub fn spec_options(&self, noun: &str) -> &[OptionSchema] {
        self.info
            .spec_options
            .iter()
            .find(|options| options.noun == noun)
            .map_or(&[], |options| &options.options)
    }
}

impl Description {
    /// Refuses a self-description that could mislead or that nothing can be done with.
    pub(super) fn check(&self) -> Result<()> {
        let info = &self.info;
        check_name("provider", &info.name)?;
        let described = serde_json::to_value(info).map_err(|error| Error::invalid("provider", error.to_string()))?;
        if let Some(text) = find_unprintable(&described) {
            return Err(Error::invalid(
                "provider",
                format!(
                    "the provider describes itself with control characters: `{}`",
                    text.escape_default()
                ),
            ));
        }
        for endpoint in &info.endpoints {
            if let Some(credential) = &endpoint.credential
                && !info.credentials.iter().any(|known| known.name == *credential)
            {
                let message = format!(
                    "endpoint `{}` wants credential `{credential}`, which the provider does not ask for",
                    endpoint.name
                );
                return Err(Error::invalid("provider", message));
            }
        }
        Ok(())
    }
}

/// The first text that would drive a terminal instead of being read.
fn find_unprintable(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => (clean(text, text.len()) != *text).then_some(text),
        Value::Array(values) => values.iter().find_map(find_unprintable),
        Value::Object(fields) => fields.values().find_map(find_unprintable),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
