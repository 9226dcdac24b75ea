//! Verifying everything that is installed, bytes included, without running any of it.

use serde::Serialize;

use super::{InstalledProvider, ProviderKind, Registry};
use crate::error::Result;

/// What verifying an installed provider found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The provider.
    #[serde(flatten)]
    pub provider: InstalledProvider,
    /// What is wrong with it; none when nothing is.
    pub finding: Option<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Registry {
    /// Verifies one provider, or every one: lock file, digest, signature, policy. What is compiled in has nothing to verify.
    pub(crate) async fn verify(&self, name: Option<&str>) -> Result<Vec<Verification>> {
        let providers = match name {
            Some(name) => vec![self.get(name)?],
            None => self.list()?,
        };
        let mut verified = Vec::new();
        for provider in providers {
            if provider.kind == ProviderKind::Component {
                verified.push(self.verify_one(provider).await);
            }
        }
        Ok(verified)
    }

    async fn verify_one(&self, provider: InstalledProvider) -> Verification {
        let checked = match self.admit(&provider.info.name) {
            Ok(admission) => self.verified(&admission).await.map(drop),
            Err(error) => Err(error),
        };
        let error = checked.err();
        Verification {
            provider,
            hints: error.as_ref().map(|error| error.hints().to_vec()).unwrap_or_default(),
            finding: error.map(|error| error.to_string()),
        }
    }
}
