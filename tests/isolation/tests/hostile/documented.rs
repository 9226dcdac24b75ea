//! The page about limits says what the code does: every limit has a row with its default and a test that there is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stockade::HostLimits;
use stockade::limits::GuestLimits;
use stockade_host::http::HttpLimits;

use crate::lab::{Lab, Trial};

pub(crate) const TRIALS: &[Trial] = &[Trial {
    name: "every_limit_is_documented_with_its_default_and_its_test",
    attempts: &[],
    run: documented,
}];

/// Computed on each computer: their rows say how, and give no number.
const COMPUTED: [&str; 2] = ["total_memory_mib", "guest_cores"];

fn documented(_lab: &Lab) {
    let page = std::fs::read_to_string(root().join("runtime/src/docs/limits.md")).unwrap();
    let section = |heading: &str| rows(page.split(&format!("## {heading}\n")).nth(1).unwrap());
    let number = |(name, value): (&String, &Value)| (name.clone(), value.to_string());
    let fields = |value: Value| value.as_object().unwrap().iter().map(number).collect();
    let guest: BTreeMap<_, _> = fields(serde_json::to_value(GuestLimits::default()).unwrap());
    let mut host: BTreeMap<_, _> = fields(serde_json::to_value(HostLimits::default()).unwrap());
    for name in COMPUTED {
        *host.get_mut(name).unwrap() = section("Of all connections together")[name].clone();
    }
    assert_eq!(section("Of one connection"), guest);
    assert_eq!(section("Of all connections together"), host);
    assert_eq!(
        section("Of HTTP"),
        printed_fields(&format!("{:#?}", HttpLimits::default()))
    );

    let sources = ["host-bindings/src", "runtime/src", "tests"].map(|directory| sources(&root().join(directory)));
    let sources = sources.concat();
    let tests: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with('|'))
        .filter_map(|line| line.trim_end_matches('|').rsplit('|').next())
        .flat_map(quoted)
        .collect();
    assert!(tests.len() > 40, "the page is read");
    for test in tests {
        let is_there = sources.contains(&format!("fn {test}(")) || sources.contains(&format!("\"{test}\""));
        assert!(is_there, "there is no test `{test}`");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Names and defaults of a section's table.
fn rows(section: &str) -> BTreeMap<String, String> {
    let table = section.lines().take_while(|line| !line.starts_with("## "));
    let cells = |line: &str| {
        let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        Some((cells.nth(1)?, cells.next()?))
    };
    table.filter(|line| line.starts_with("| `")).filter_map(cells).collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The fields of a record that prints itself over several lines.
fn printed_fields(printed: &str) -> BTreeMap<String, String> {
    let fields = printed.lines().filter_map(|line| line.strip_prefix("    "));
    let field = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_owned(), value.trim_end_matches(',').to_owned()))
    };
    fields.filter_map(field).collect()
}

/// All Rust sources below a directory, one after the other.
fn sources(directory: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all += &std::fs::read_to_string(&path).unwrap();
        }
    }
    all
}
