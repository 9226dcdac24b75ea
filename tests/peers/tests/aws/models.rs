//! AWS's own service models, as botocore ships them, against what the component reads of answers: what no server in these
//! tests says, or says otherwise than AWS, is still read by its right name. Requests are checked on their way to moto.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use serde_json::Value;
use stockade_test_support::artifacts::workspace_root;
use stockade_test_support::aws;

/// What is read of which answer.
const READS: &str = "tests/fixtures/aws/reads.json";
/// How the component names an element that it reads.
const READERS: [&str; 7] = ["string", "text", "number", "boolean", "child", "children", "set"];
/// What is read of errors, whose shapes no model has, and the entries of a list in the query protocol.
const OF_NO_MODEL: [&str; 2] = ["Region", "member"];

pub(crate) fn trials() -> Vec<Trial> {
    [
        (
            "every_element_that_is_read_is_in_aws_own_models",
            every_element_that_is_read_is_in_aws_own_models as fn(),
        ),
        (
            "every_element_that_the_code_names_is_listed",
            every_element_that_the_code_names_is_listed,
        ),
        (
            "repetitions_and_imports_are_as_the_models_have_them",
            repetitions_and_imports_are_as_the_models_have_them,
        ),
    ]
    .into_iter()
    .map(|(name, claim)| {
        Trial::test(format!("models::{name}"), move || {
            claim();
            Ok(())
        })
    })
    .collect()
}

fn every_element_that_is_read_is_in_aws_own_models() {
    let complaints = aws::models(&workspace_root().join(READS)).unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    // The same question with a word that no model has: a check that takes everything has checked nothing.
    let mut reads = reads();
    reads["reads"]["ec2"]["DescribeInstances"]["reservationSet"]["instancesSet"]["instanceColour"] =
        Value::Object([].into_iter().collect());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), reads.to_string()).unwrap();
    let complaints = aws::models(file.path()).unwrap();
    assert!(
        matches!(complaints.as_slice(), [one] if one.contains("instanceColour")),
        "{complaints:?}"
    );
}

fn every_element_that_the_code_names_is_listed() {
    let mut listed = BTreeSet::new();
    collect(&reads()["reads"], &mut listed);
    let mut missing = Vec::new();
    let mut count = 0;
    for file in sources(&workspace_root().join("components/aws/src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for name in named(code) {
            count += 1;
            if !listed.contains(&name) && !OF_NO_MODEL.contains(&&*name) {
                missing.push(format!("{}: `{name}`", file.display()));
            }
        }
    }
    assert!(
        count > 100,
        "only {count} elements are read: is the code written otherwise now?"
    );
    assert!(missing.is_empty(), "not in {READS}: {}", missing.join(", "));
}

fn repetitions_and_imports_are_as_the_models_have_them() {
    let wrong = serde_json::json!({
        "reads": {},
        "tokens": {"CreateVolume": 41, "RebootInstances": 41, "CopyImage": 1000},
        "objects": {"ImportImage": "DiskContainers.Content"},
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), wrong.to_string()).unwrap();
    let complaints = aws::models(file.path()).unwrap().join("\n");
    for expected in [
        "RebootInstances knows no repetition",
        "CopyImage takes 128 characters",
        "ImportImage has no DiskContainers.Content",
    ] {
        assert!(complaints.contains(expected), "{complaints}");
    }
    assert!(!complaints.contains("CreateVolume"), "{complaints}");
}

fn reads() -> Value {
    let text = std::fs::read_to_string(workspace_root().join(READS)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The names of all elements.
fn collect(reads: &Value, names: &mut BTreeSet<String>) {
    for (name, inner) in reads.as_object().into_iter().flatten() {
        names.insert(name.clone());
        collect(inner, names);
    }
}

/// The component's sources, without its tests.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                found.extend(sources(&path));
            }
        } else {
            found.push(path);
        }
    }
    found
}

/// The names in calls like `.string("vpcId")`, but for those of a connection's or a spec's options.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for reader in READERS {
        let call = format!(".{reader}(\"");
        for (at, _) in code.match_indices(&call) {
            let (before, after) = code.split_at(at);
            let name = after[call.len()..].split('"').next().unwrap_or_default();
            // A request's parameters have a dot.
            if !before.ends_with("options") && !name.contains('.') {
                names.push(name.to_owned());
            }
        }
    }
    names
}
