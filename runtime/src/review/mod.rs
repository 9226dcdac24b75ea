//! Review before installing: what a component asks for, what that changes, and whether somebody must approve it.
//!
//! Nothing here asks a person or installs anything: the command line shows a [`ProviderReview`] and asks, an embedding
//! program decides as it likes. A component that asks for no more than the one in its place needs no new approval.

mod difference;
mod impact;
#[cfg(test)]
mod tests;

use serde::Serialize;
use utoipa::ToSchema;

pub use difference::{AskChange, ChangeKind};
pub use impact::ConnectionImpact;

use crate::connections::ConnectionStore;
use crate::error::Result;
use crate::registry::{InstalledProvider, Prepared, Signer};

/// A component that was checked, and what installing it means. Nothing is installed yet.
#[derive(Debug)]
pub struct Candidate {
    pub(crate) prepared: Prepared,
    review: ProviderReview,
}

impl Candidate {
    pub(crate) fn new(prepared: Prepared, connections: &ConnectionStore) -> Result<Self> {
        let review = review(prepared.installed.as_ref(), &prepared.provider, connections)?;
        Ok(Self { prepared, review })
    }

    /// The provider that it would be.
    pub fn provider(&self) -> &InstalledProvider {
        &self.prepared.provider
    }

    /// What installing it means.
    pub fn review(&self) -> &ProviderReview {
        &self.review
    }
}

/// What installing a component means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProviderReview {
    /// The provider's name.
    pub provider: String,
    /// The version to be installed.
    pub new: ReviewedVersion,
    /// The version that it takes the place of; none when none is installed, or the installed one is not what was approved.
    pub installed: Option<ReviewedVersion>,
    /// Whether the installed version is the newer one.
    pub is_downgrade: bool,
    /// What differs in what is asked for.
    pub changes: Vec<AskChange>,
    /// What it means for the connections that use the provider, those that it changes something for.
    pub connections: Vec<ConnectionImpact>,
    /// Whether somebody must approve it.
    pub needs_approval: bool,
}

/// A version of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewedVersion {
    /// As it says.
    pub version: String,
    /// The SHA-256 of its component in lower-case hex.
    pub digest: String,
    /// Who signed it.
    pub signer: Option<Signer>,
}

impl ReviewedVersion {
    fn of(provider: &InstalledProvider) -> Self {
        Self {
            version: provider.info.version.clone(),
            digest: provider.digest.clone(),
            signer: provider.signer.clone(),
        }
    }
}

fn review(
    installed: Option<&InstalledProvider>,
    new: &InstalledProvider,
    connections: &ConnectionStore,
) -> Result<ProviderReview> {
    let changes = difference::difference(installed, new)?;
    let mut impacts = Vec::new();
    for name in connections.names()? {
        impacts.extend(impact_on(&name, installed, new, connections));
    }
    let is_downgrade = installed.is_some_and(|installed| is_older(&new.info.version, &installed.info.version));
    let signer_changes =
        installed.is_some_and(|installed| installed.signer.is_some() && installed.signer != new.signer);
    let widens = changes.iter().any(|change| change.widens) || impacts.iter().any(|impact| !impact.widened.is_empty());
    Ok(ProviderReview {
        provider: new.info.name.clone(),
        new: ReviewedVersion::of(new),
        installed: installed.map(ReviewedVersion::of),
        is_downgrade,
        changes,
        connections: impacts,
        needs_approval: installed.is_none() || is_downgrade || signer_changes || widens,
    })
}

/// What changes for a connection; none when nothing does, or it uses another provider.
fn impact_on(
    name: &str,
    installed: Option<&InstalledProvider>,
    new: &InstalledProvider,
    connections: &ConnectionStore,
) -> Option<ConnectionImpact> {
    // One that cannot be read says so when it is used; whose it is, nobody knows.
    let config = connections
        .get(name)
        .ok()
        .filter(|config| config.provider == new.info.name)?;
    let impact = impact::impact(name, &config, installed.map(|installed| &installed.info), &new.info);
    let is_changed = !impact.widened.is_empty() || !impact.narrowed.is_empty() || impact.problem.is_some();
    is_changed.then_some(impact)
}

/// Whether a version is older than another; two that cannot be compared are not.
fn is_older(version: &str, than: &str) -> bool {
    let parse = |text: &str| semver::Version::parse(text).ok();
    parse(version).zip(parse(than)).is_some_and(|(one, other)| one < other)
}
