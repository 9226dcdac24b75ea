//! What peers excuse, as the component's documentation lists it: a trial, the peers, the gap, and what is in its place.

use std::collections::BTreeSet;

use crate::SupportError;
use crate::artifacts::workspace_root;

/// The documentation.
const DOCUMENT: &str = "components/aws/README.md";
/// Where tests are that may stand for a trial.
const TESTS: [&str; 2] = ["components/aws/src/tests", "tests/peers/tests/aws"];

/// What is wrong with the table below a heading, given what each peer excuses: a trial that is not listed, one that is not
/// excused, a peer that stands for a trial that it excuses itself, a test that is not there.
///
/// # Errors
/// When the documentation or the tests cannot be read.
pub fn complaints(heading: &str, excused: &[(&str, &str)]) -> Result<Vec<String>, SupportError> {
    let read = |path: &std::path::Path| {
        std::fs::read_to_string(path).map_err(|error| SupportError::new(format!("read {}", path.display()), error))
    };
    let document = read(&workspace_root().join(DOCUMENT))?;
    let mut tests = String::new();
    for directory in TESTS {
        let entries = std::fs::read_dir(workspace_root().join(directory))
            .map_err(|error| SupportError::new(format!("read {directory}"), error))?;
        for entry in entries.flatten() {
            tests.push_str(&read(&entry.path())?);
        }
    }
    Ok(compare(&document, heading, excused, &tests))
}

fn compare(document: &str, heading: &str, excused: &[(&str, &str)], tests: &str) -> Vec<String> {
    let rows = document
        .lines()
        .skip_while(|line| line.trim_start_matches('#').trim() != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with("| `"));
    let mut found = Vec::new();
    let mut listed = BTreeSet::new();
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, trial, peers, _, instead, _] = cells.as_slice() else {
            found.push(format!("a row has not four cells: {row}"));
            continue;
        };
        let trial = trial.trim_matches('`');
        let peers: Vec<_> = peers.split(", ").collect();
        listed.extend(peers.iter().map(|peer| (*peer, trial)));
        let stands_for = |name: &&str| excused.iter().any(|(peer, _)| peer == name) && !peers.contains(name);
        let other = instead.split(';').next().filter(|first| !first.contains('`'));
        found.extend(match other {
            Some(other) if !stands_for(&other) => Some(format!("`{trial}`: `{other}` cannot be in its place")),
            _ => replacement(trial, instead, other.is_some(), tests),
        });
    }
    let excused: BTreeSet<_> = excused.iter().copied().collect();
    let unlisted = excused.difference(&listed);
    found.extend(unlisted.map(|(peer, trial)| format!("{peer} excuses `{trial}`, which is not listed")));
    let unexcused = listed.difference(&excused);
    found.extend(unexcused.map(|(peer, trial)| format!("`{trial}` is listed, and not excused at {peer}")));
    found
}

/// What is wrong with the tests that are in a trial's place; none are needed beside another peer.
fn replacement(trial: &str, instead: &str, beside_a_peer: bool, tests: &str) -> Option<String> {
    let names: Vec<_> = instead.split('`').skip(1).step_by(2).collect();
    if names.is_empty() && !beside_a_peer {
        return Some(format!("nothing is in the place of `{trial}`"));
    }
    let missing = names.iter().find(|name| !tests.contains(&format!("fn {name}(")));
    missing.map(|missing| format!("`{missing}`, in the place of `{trial}`, is no test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_right_has_no_complaints_and_each_fault_is_one() {
        let rows = "## T\n\n| a | b | c | d |\n|---|---|---|---|\n| `one` | x, y | gap | `a_test` |\n| `two` | x | gap | y |\n";
        let excused = [("x", "one"), ("y", "one"), ("x", "two")];
        assert_eq!(compare(rows, "T", &excused, "fn a_test()"), [""; 0]);
        assert_eq!(compare(rows, "T", &excused, "").len(), 1, "no such test");
        assert_eq!(compare(rows, "T", &excused[1..], "fn a_test()").len(), 1, "not excused");
        let more = [excused.as_slice(), &[("x", "three")]].concat();
        assert_eq!(compare(rows, "T", &more, "fn a_test()").len(), 1, "not listed");
        let itself = rows.replace("gap | y |", "gap | x |");
        assert_eq!(
            compare(&itself, "T", &excused, "fn a_test()").len(),
            1,
            "in its own place"
        );
        let nothing = rows.replace("`a_test`", "");
        assert_eq!(
            compare(&nothing, "T", &excused, "fn a_test()").len(),
            1,
            "nothing in its place"
        );
    }
}
