//! What VirtRigaud documents for VMs on libvirt, field by field, beside what serves it here and the test that proves it.
//!
//! The fields are those of its resource types and of its page about libvirt (`api/infra.virtrigaud.io/v1beta1` and
//! `docs/providers/libvirt.md` in <https://github.com/projectbeskar/virtrigaud>). Its provider ignores many of them. A field
//! that is served names something that exists, in the contract or among the options that our provider declares, and a test
//! that runs; both are looked up, so that a row cannot outlive what it says.

use std::collections::BTreeSet;
use std::path::Path;

use stockade::InstalledProvider;
use stockade_test_support::artifacts::workspace_root;
use stockade_test_wit::{contract, items};

use crate::outcome::{Outcome, ensure};
use crate::trials::Trial;

use super::field_rows::ROWS;

/// Where tests of the provider are, besides the trials of this suite.
const TESTS: [&str; 2] = ["host-bindings/src/libvirt", "tests/libvirt/tests"];

/// A field.
pub(super) struct Field {
    /// The resource and the field, as documented.
    pub(super) documented: &'static str,
    /// What becomes of it.
    pub(super) answer: Answer,
}

/// What becomes of a field.
pub(super) enum Answer {
    /// Items of the contract or options of the provider that serve it, and the test that proves it.
    Works(&'static [&'static str], &'static str),
    /// Why nothing serves it. There is no field or option to give it in, so it is refused by its name.
    Unsupported(&'static str),
}

/// The table.
pub(super) fn table(native: &InstalledProvider, trials: &[Trial]) -> Outcome<String> {
    let (names, tests) = (names(native), tests(trials)?);
    let mut text = "\n## VirtRigaud: the fields that it documents for libvirt\n\n\
                    Each of these tests runs without being asked for. What is *unsupported* has no field and no option: an \
                    unknown one is refused by its name (`an_unknown_option_of_a_vm_is_refused_by_name`).\n\n\
                    | documented field | served by | libvirt |\n|---|---|---|\n"
        .to_owned();
    let mut seen = BTreeSet::new();
    for Field { documented, answer } in ROWS {
        ensure!(seen.insert(documented), "`{documented}` has two rows");
        match answer {
            Answer::Works(by, test) => {
                for name in *by {
                    ensure!(
                        names.contains(*name),
                        "`{documented}` is served by `{name}`, which is neither in the contract nor an option"
                    );
                }
                ensure!(
                    tests.contains(*test),
                    "`{documented}` is proven by `{test}`, which is no test that runs"
                );
                let by: Vec<_> = by.iter().map(|name| format!("`{name}`")).collect();
                text.push_str(&format!("| `{documented}` | {} | `{test}` |\n", by.join(", ")));
            }
            Answer::Unsupported(why) => {
                text.push_str(&format!("| `{documented}` | | `unsupported`: {why} |\n"));
            }
        }
    }
    Ok(text)
}

/// Everything that can serve a field: `vm-spec.cpus`, `vms.create-vm`, and the provider's options.
fn names(native: &InstalledProvider) -> BTreeSet<String> {
    let of_contract = items(&contract()).into_iter().flat_map(|item| {
        // `vm-types.vm-spec.cpus` also without the interface that holds the record.
        let short = item.path.split_once('.').map(|(_, rest)| rest.to_owned());
        [Some(item.path), short].into_iter().flatten()
    });
    let info = &native.info;
    let options = info.spec_options.iter().flat_map(|noun| &noun.options);
    of_contract
        .chain(
            options
                .chain(&info.connection_options)
                .map(|option| option.name.clone()),
        )
        .collect()
}

/// The names of all tests of the provider that run without being asked for.
fn tests(trials: &[Trial]) -> Outcome<BTreeSet<String>> {
    let mut names = trials.iter().map(|trial| trial.name.to_owned()).collect();
    for directory in TESTS {
        collect(&workspace_root().join(directory), &mut names)?;
    }
    Ok(names)
}

fn collect(directory: &Path, names: &mut BTreeSet<String>) -> Outcome {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(tests_in(&std::fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// The functions of a source file that carry the attribute of a test and are not ignored.
fn tests_in(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut is_test, mut is_ignored) = (false, false);
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            is_ignored = true;
        } else if let Some((_, rest)) = line.split_once("fn ") {
            if is_test && !is_ignored {
                found.extend(rest.split('(').next().map(str::to_owned));
            }
            (is_test, is_ignored) = (false, false);
        }
    }
    found
}
