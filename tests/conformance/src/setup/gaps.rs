//! What the things behind a provider cannot do, though the provider could. Each gap is named and has a reason, and what it
//! excuses is reported as ignored.

use stockade::contract::Ability;

/// The gaps of a setup. The default is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gaps {
    /// Abilities that are exported and whose every function must say that something is missing.
    pub(crate) absent: &'static [Ability],
    /// Trials that cannot hold, and why.
    pub(crate) excused: &'static [(&'static str, &'static str)],
    /// Nouns of which things remain though they were deleted, and why.
    pub(crate) remaining: &'static [(&'static str, &'static str)],
}

impl Default for Gaps {
    fn default() -> Self {
        Self::NONE
    }
}

impl Gaps {
    /// Nothing is missing.
    pub(crate) const NONE: Self = Self {
        absent: &[],
        excused: &[],
        remaining: &[],
    };

    /// Why a trial is excused; none when it is not.
    pub(crate) fn excuse(&self, trial: &str) -> Option<&'static str> {
        let found = self.excused.iter().find(|(name, _)| *name == trial);
        found.map(|(_, why)| *why)
    }
}
