//! Whose components are trusted: keys, what each may sign, and what happens to what nobody signed.
//!
//! Signatures are minisign's, so that an author signs with the ordinary tool. The operator names keys in `trust.toml`. This
//! module answers one question: does this policy accept this signature over these bytes for a provider of this name? The
//! registry asks it when a component is installed and again whenever one is used; it keeps nothing.

mod config;
mod signature;
mod store;

use std::path::{Path, PathBuf};

pub use config::{KeyConfig, NamePattern, Revocation, TrustConfig, Unsigned};
pub use signature::{KeyId, PublicKey};
pub(crate) use signature::{MAX_SIGNATURE_BYTES, Signature};
pub use store::TrustStore;

use stockade_host::contract::{ErrorKind, ProviderInfo};

use crate::error::{Error, Result};

/// The policy as it is now.
#[derive(Debug)]
pub(crate) struct Trust {
    path: PathBuf,
    /// None when there is no file: then nothing is verified, and nothing is refused.
    config: Option<TrustConfig>,
}

/// A key that the policy accepts.
#[derive(Clone, Debug)]
pub(crate) struct TrustedKey {
    /// Its name in the file.
    pub(crate) name: String,
    config: KeyConfig,
}

impl Trust {
    /// Whether there is a policy at all.
    pub(crate) fn exists(&self) -> bool {
        self.config.is_some()
    }

    /// The file that says so.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of a key, revoked or not.
    pub(crate) fn key_name(&self, id: KeyId) -> Option<&str> {
        self.find(id).map(|(name, _)| name)
    }

    /// The key that must have made a signature; none when the policy accepts components without one. Says nothing of the
    /// signature itself: see [`TrustedKey::verify`].
    pub(crate) fn judge(&self, signature: Option<&Signature>) -> Result<Option<TrustedKey>> {
        let Some(policy) = &self.config else { return Ok(None) };
        let file = self.path.display();
        let Some(signature) = signature else {
            return match policy.unsigned {
                Unsigned::Allow => Ok(None),
                Unsigned::Refuse => Err(refused("it is not signed, and `unsigned` is `refuse`").hint(format!(
                    "ask its author for the signature (`FILE.minisig`), or write `unsigned = \"allow\"` into `{file}`"
                ))),
            };
        };
        let id = signature.key_id();
        let Some((name, config)) = self.find(id) else {
            return Err(refused(format!("it is signed with key {id}, which is not trusted")).hint(format!(
                "if you know whose key that is: `stockade provider trust add NAME KEY --providers PATTERN` writes it into `{file}`"
            )));
        };
        if let Some(reason) = config.revoked.as_ref().and_then(Revocation::reason) {
            return Err(refused(format!(
                "it is signed with key `{name}` ({id}), which was revoked: {reason}"
            ))
            .hint("ask its author for one that is signed with another key, and replace this one by it"));
        }
        Ok(Some(TrustedKey {
            name: name.to_owned(),
            config: config.clone(),
        }))
    }

    fn find(&self, id: KeyId) -> Option<(&str, &KeyConfig)> {
        let mut keys = self.config.iter().flat_map(|config| &config.keys);
        let (name, key) = keys.find(|(_, key)| key.public_key.id() == id)?;
        Some((name, key))
    }
}

impl TrustedKey {
    /// The key itself.
    pub(crate) fn public_key(&self) -> &PublicKey {
        &self.config.public_key
    }

    /// Checks a signature over a component's bytes.
    pub(crate) fn verify(&self, bytes: &[u8], signature: &Signature) -> Result<()> {
        let (name, id) = (&self.name, signature.key_id());
        self.config.public_key.verify(bytes, signature).map_err(|why| {
            refused(format!("its signature by key `{name}` ({id}) is not good: {why}"))
                .hint("the component or its signature was changed after signing, or they do not belong together")
        })
    }

    /// Checks that the key may sign this provider.
    pub(crate) fn check_name(&self, provider: &str) -> Result<()> {
        let patterns = &self.config.providers;
        if patterns.iter().any(|pattern| pattern.matches(provider)) {
            return Ok(());
        }
        let patterns: Vec<_> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
        Err(refused(format!(
            "key `{}` signed it and may sign {}, but not `{provider}`",
            self.name,
            patterns.join(", ")
        ))
        .hint("another provider's author has no say about this name; if this one has, add the name to the key's `providers`"))
    }

    /// Checks what the signature says about the component, if it does: a provider's name, a version.
    pub(crate) fn check_comment(&self, info: &ProviderInfo, signature: &Signature) -> Result<()> {
        for (word, actual) in [("provider", &info.name), ("version", &info.version)] {
            if let Some(signed) = signature.trusted_word(word)
                && signed != actual
            {
                return Err(refused(format!(
                    "its signature is for {word} `{}`, and it calls itself `{actual}`",
                    signed.escape_default()
                ))
                .hint("the component and its signature do not belong together"));
            }
        }
        Ok(())
    }
}

/// What the policy does not accept.
fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Denied, why)
}

#[cfg(test)]
mod tests;
