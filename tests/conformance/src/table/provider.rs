//! A column of the table: what a provider exports, and what its documentation says that it refuses.
//!
//! A provider's documentation has a table of what is refused and why. A row whose first cell is nothing but names in
//! backticks is about those names as a whole: functions of abilities that it exports, or abilities that it does not.
//! Rows with more words in that cell are about a part, as a mode or a field; they are no refusals here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use stockade::contract::Ability;
use stockade_test_support::artifacts::{component, workspace_root};
use stockade_test_wit::{exported_abilities, tables};

use crate::outcome::{Outcome, ensure};
use crate::setup::{ALONE, EXCUSES, Gaps, IN_PROCESS, INSIDE, Stage};
use crate::trials::Trial;

/// Directories of `components/` that are no providers.
const NO_PROVIDERS: &[&str] = &["sdk", "componentize", "dist"];
/// The provider that is part of the host.
pub(super) const NATIVE: &str = "libvirt";
/// Its documentation, and its table of what is refused.
const NATIVE_DOCUMENTS: [&str; 2] = [
    "host-bindings/src/libvirt/mod.rs",
    "host-bindings/src/libvirt/refused.md",
];

/// A provider.
pub(super) struct Provider {
    pub(super) name: String,
    pub(super) abilities: Vec<Ability>,
    /// Whether the suite has a setup for it, by its name.
    pub(super) is_tried: bool,
    /// Why functions and abilities are refused, by name.
    refusals: BTreeMap<String, String>,
}

impl Provider {
    /// Every provider of the tree, by name.
    pub(super) fn all(stage: &Stage) -> Outcome<Vec<Self>> {
        let mut names = vec![NATIVE.to_owned()];
        for entry in std::fs::read_dir(workspace_root().join("components"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().join("Cargo.toml").exists() && !NO_PROVIDERS.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names.sort();
        names.into_iter().map(|name| Self::read(stage, name)).collect()
    }

    fn read(stage: &Stage, name: String) -> Outcome<Self> {
        if name == NATIVE {
            return Self::native(stage);
        }
        let exported = exported_abilities(&component(&name));
        let all = Ability::ALL.iter().copied();
        let abilities = all.filter(|ability| exported.iter().any(|name| name == ability.name()));
        let document = std::fs::read_to_string(readme(&name))?;
        Ok(Self {
            is_tried: is_tried(&name),
            abilities: abilities.collect(),
            refusals: refusals(&document),
            name,
        })
    }

    fn native(stage: &Stage) -> Outcome<Self> {
        let [about, refused] = NATIVE_DOCUMENTS.map(|file| std::fs::read_to_string(workspace_root().join(file)));
        let (about, refusals) = (about?, refusals(&refused?));
        let abilities = stage.runtime.provider(NATIVE)?.abilities;
        for name in refusals.keys() {
            let is_ability = Ability::ALL.iter().any(|ability| ability.name() == name);
            ensure!(
                is_ability || about.contains(&format!("`{name}`")),
                "`{}` refuses `{name}`, of which `{}` says nothing: is it done by now?",
                NATIVE_DOCUMENTS[1],
                NATIVE_DOCUMENTS[0]
            );
            ensure!(
                !abilities.iter().any(|ability| ability.name() == name),
                "`{}` refuses `{name}`, which the provider exports",
                NATIVE_DOCUMENTS[1]
            );
        }
        Ok(Self {
            is_tried: is_tried(NATIVE),
            name: NATIVE.to_owned(),
            abilities,
            refusals,
        })
    }

    /// Whether some setup of the provider runs this trial: one that all of them excuse proves nothing.
    pub(super) fn runs(&self, trial: &Trial) -> bool {
        let has = |gaps: &Gaps| {
            let is_there = |ability| self.abilities.contains(ability) && !gaps.absent.contains(ability);
            trial.needs.iter().all(is_there) && gaps.excuse(trial.name).is_none()
        };
        setups(&self.name).any(|setup| {
            let gaps = EXCUSES.iter().find(|(name, _)| *name == setup);
            has(gaps.map_or(&Gaps::NONE, |(_, gaps)| gaps))
        })
    }

    /// Why a function cannot be had; none when it can.
    pub(super) fn refusal(&self, ability: Ability, function: &str) -> Option<String> {
        if self.abilities.contains(&ability) {
            let why = self.refusals.get(function)?;
            return Some(format!("`unsupported`: {why}"));
        }
        Some(match self.refusals.get(ability.name()) {
            Some(why) => format!("`unsupported`: {why}"),
            None => format!("`unsupported`: no ability `{}`", ability.name()),
        })
    }
}

/// The setups of this provider: they have its name, or that and a word for what is behind it. Servers that fail as they are
/// told have trials of their own.
fn setups(provider: &str) -> impl Iterator<Item = &'static str> {
    let is_of = move |setup: &&str| {
        let rest = setup.strip_prefix(provider);
        rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with('-') && rest != "-faults"))
    };
    [IN_PROCESS, ALONE, INSIDE].into_iter().flatten().copied().filter(is_of)
}

fn is_tried(provider: &str) -> bool {
    setups(provider).next().is_some()
}

fn readme(name: &str) -> PathBuf {
    workspace_root().join("components").join(name).join("README.md")
}

/// What a document refuses as a whole, with the reason.
fn refusals(document: &str) -> BTreeMap<String, String> {
    let mut refusals = BTreeMap::new();
    for row in tables(document).into_iter().flat_map(|table| table.rows) {
        let [names, why] = row.as_slice() else { continue };
        let beside: String = names.split('`').step_by(2).collect();
        let is_names_only = beside.chars().all(|c| c == ',' || c.is_whitespace()) && names.contains('`');
        for name in names.split('`').skip(1).step_by(2).filter(|_| is_names_only) {
            let is_known = Ability::ALL
                .iter()
                .any(|ability| ability.name() == name || ability.functions().contains(&name));
            if is_known {
                refusals.insert(name.to_owned(), why.clone());
            }
        }
    }
    refusals
}
