//! `runtime/src/docs/abilities.md`: which method of other tools works with which provider, and which trial proves it.
//!
//! The rows are those of the contract map, the columns are the providers of the tree; a cell is derived from what a
//! provider exports, what its documentation refuses, and the trials that run on it. Nothing is written by hand, so that a
//! new provider adds its column by being there.

mod contract_tests;
mod field_rows;
mod fields;
mod proofs;
mod provider;

use std::fmt::Write as _;

use stockade::contract::Ability;
use stockade_test_support::artifacts::workspace_root;
use stockade_test_wit::{Table, tables};

use crate::outcome::{Outcome, ensure};
use crate::setup::{Stage, check_aws_excuses};
use crate::trials::{self, Trial};
use proofs::{EVERY_FUNCTION, meets_a_refusal, proofs};
use provider::Provider;

/// Its name among the setups.
pub(crate) const NAME: &str = "table";
/// The trial's name.
pub(crate) const TRIAL: &str = "the_table_of_abilities_is_up_to_date";
/// Writes the table anew instead of comparing it.
const BLESS_VARIABLE: &str = "STOCKADE_BLESS";

/// The tables of the contract map that are rows here.
const HEADINGS: &[&str] = &[
    "kcli: the 71 methods of its provider base class",
    "kcli: what callers use beyond the base class",
    "VirtRigaud: the 18 calls of its provider service",
];

/// What stands in the cells of a provider for which the suite has no setup.
const UNTRIED: &str = "*exported*";

const INTRODUCTION: &str = "\
# What works with which provider

Made from the contract map, from what each provider exports, from the table of what its documentation refuses, and from the
trials of the conformance suite; a trial of that suite fails when this page is not what they say, and writes it anew with
`STOCKADE_BLESS=1`. In a cell:

- a name is the trial by which the suite proves the function on that provider; it runs there with everything else;
- `unsupported` is what the provider answers, with the reason. An ability that a provider does not export is refused before any
  of its code runs;
- *contract* is what that provider's setup has nothing behind: the named test of the component tries it against answers made
  from the vendor's documentation, and real services were not asked;
- *exported* is what a provider has, for which this suite has no setup: tests of its own try it;
- *outside* means that no provider is asked; the contract map says why.

Where a method is served by several functions, the cell names each one that differs.
";

/// Compares the table with what it should be.
pub(crate) fn check(stage: &Stage) -> Outcome {
    let trials = trials::all();
    check_proofs(&trials)?;
    check_aws_excuses()?;
    let mut expected = document(&Provider::all(stage)?, &trials)?;
    expected.push_str(&fields::table(&stage.runtime.provider(provider::NATIVE)?, &trials)?);
    let file = workspace_root().join("runtime/src/docs/abilities.md");
    if std::env::var_os(BLESS_VARIABLE).is_some() {
        std::fs::write(&file, &expected)?;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    ensure!(
        found == expected,
        "`runtime/src/docs/abilities.md` is out of date: run this trial with `{BLESS_VARIABLE}=1` and look at the difference"
    );
    Ok(())
}

/// Every proof is a trial that needs the function's ability.
fn check_proofs(trials: &[Trial]) -> Outcome {
    for ability in Ability::ALL {
        for function in ability.functions() {
            for proof in proofs(&format!("{}.{function}", ability.name())) {
                let trial = trials.iter().find(|trial| trial.name == *proof);
                ensure!(
                    trial.is_some_and(|trial| trial.needs.contains(ability) || matches!(ability, Ability::Info)),
                    "`{proof}` is named as the proof of `{function}`, but is no trial that needs `{}`",
                    ability.name()
                );
            }
        }
    }
    Ok(())
}

fn document(providers: &[Provider], trials: &[Trial]) -> Outcome<String> {
    let map = std::fs::read_to_string(workspace_root().join("runtime/src/docs/contract-map.md"))?;
    let mut text = INTRODUCTION.to_owned();
    for heading in HEADINGS {
        let table = tables(&map).into_iter().find(|table| table.heading == *heading);
        let table = table.ok_or_else(|| format!("contract-map.md has no table below `{heading}`"))?;
        write_table(&mut text, &table, providers, trials)?;
    }
    Ok(text)
}

fn write_table(text: &mut String, table: &Table, providers: &[Provider], trials: &[Trial]) -> Outcome {
    let names: Vec<_> = providers.iter().map(|provider| provider.name.as_str()).collect();
    write!(text, "\n## {}\n\n| method | {} |\n", table.heading, names.join(" | "))?;
    writeln!(text, "|---|{}", "---|".repeat(names.len()))?;
    for row in &table.rows {
        let [method, served_by, ..] = row.as_slice() else {
            return Err(format!("a row of the contract map has too few cells: {row:?}").into());
        };
        let functions: Vec<_> = served_by.split('`').skip(1).step_by(2).collect();
        write!(text, "| {method} |")?;
        for provider in providers {
            write!(text, " {} |", cell(provider, &functions, trials)?)?;
        }
        text.push('\n');
    }
    Ok(())
}

/// What a provider makes of a method that these functions serve.
fn cell(provider: &Provider, functions: &[&str], trials: &[Trial]) -> Outcome<String> {
    if functions.is_empty() {
        return Ok("*outside*".to_owned());
    }
    let mut answers: Vec<(&str, String)> = Vec::new();
    for full in functions {
        let (ability, function) = split(full)?;
        let answer = match provider.refusal(ability, function) {
            Some(refusal) => refusal,
            None if !provider.is_tried => UNTRIED.to_owned(),
            None => match proof(provider, full, trials) {
                Some(trial) => format!("`{trial}`"),
                None => format!("*contract*: `{}`", contract_tests::proof(&provider.name, full)?),
            },
        };
        answers.push((function, answer));
    }
    let (_, first) = &answers[0];
    if answers.iter().all(|(_, answer)| answer == first) {
        return Ok(first.clone());
    }
    let parts = answers
        .iter()
        .map(|(function, answer)| format!("`{function}`: {answer}"));
    Ok(parts.collect::<Vec<_>>().join("; "))
}

/// `vms.get-vm` as the ability and the function.
fn split(full: &str) -> Outcome<(Ability, &str)> {
    let (ability, function) = full
        .split_once('.')
        .ok_or_else(|| format!("`{full}` names no function"))?;
    let ability = Ability::ALL.iter().find(|known| known.name() == ability);
    Ok((*ability.ok_or_else(|| format!("`{full}` is of no ability"))?, function))
}

/// The first trial of a function that runs on a provider; none when all that prove it are excused or refused there.
fn proof(provider: &Provider, function: &str, trials: &[Trial]) -> Option<&'static str> {
    let runs = |name: &&&str| {
        let is_run = |trial: &Trial| trial.name == **name && provider.runs(trial);
        trials.iter().any(is_run) && !meets_a_refusal(name, provider)
    };
    match proofs(function) {
        [] => Some(EVERY_FUNCTION),
        proofs => proofs.iter().find(runs).copied(),
    }
}
