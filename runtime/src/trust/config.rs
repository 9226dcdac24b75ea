//! What `trust.toml` says. Unknown keys are errors, and so is whatever could be meant in two ways.
//!
//! ```toml
//! unsigned = "refuse"
//!
//! [keys.acme]
//! public_key = "RW…"
//! providers = ["acme", "acme-*"]
//! revoked = "2026-05-01: the laptop was stolen"   # absent as long as the key is good
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::signature::PublicKey;

/// The policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustConfig {
    /// What happens to components that nobody signed.
    #[serde(default)]
    pub unsigned: Unsigned,
    /// Keys by the name that the operator gives them.
    #[serde(default)]
    pub keys: BTreeMap<String, KeyConfig>,
}

/// What happens to components that nobody signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsigned {
    /// They are neither installed nor used. Who writes the file wants signatures, so this is what it means by itself.
    #[default]
    Refuse,
    /// They are installed and used as if there were no file.
    Allow,
}

/// A key and what it may sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// The key.
    pub public_key: PublicKey,
    /// The names of the providers that it may sign.
    pub providers: Vec<NamePattern>,
    /// Why it is not to be trusted any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// Whether and why a key was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Revocation {
    /// Whether; written in a hurry.
    Flag(bool),
    /// Why.
    Reason(String),
}

impl Revocation {
    /// Why the key is revoked; none when it is not.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Flag(true) => Some("no reason is given"),
            Self::Flag(false) => None,
            Self::Reason(reason) => Some(reason),
        }
    }
}

/// Names of providers: one name, all that begin alike (`acme-*`), or all (`*`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamePattern(String);

impl NamePattern {
    /// Whether a provider's name is one of them.
    pub fn matches(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.0,
        }
    }
}

impl TryFrom<String> for NamePattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for NamePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_suffix('*').unwrap_or(text);
        let is_valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        match !text.is_empty() && name.chars().all(is_valid) {
            true => Ok(Self(text.to_owned())),
            false => Err(format!(
                "`{text}` names no providers: give a name, the beginning of names and `*`, or `*`"
            )),
        }
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TrustConfig {
    /// Reads the file's text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (name, key) in &config.keys {
            if key.providers.is_empty() {
                return Err(format!("key `{name}` may sign no provider: give names in `providers`"));
            }
            // Revoking one of two entries would leave the other.
            if let Some(other) = seen.insert(key.public_key.id().to_string(), name) {
                return Err(format!(
                    "keys `{other}` and `{name}` have the same id: keep one of them"
                ));
            }
        }
        Ok(config)
    }
}
