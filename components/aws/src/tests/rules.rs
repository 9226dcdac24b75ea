//! The provider asks for exactly the actions that it sends.

use std::collections::BTreeSet;
use std::path::Path;

use stockade_provider::abilities::Info;
use stockade_provider::fake_host::FakeHost;
use stockade_provider::types::*;

use crate::Aws;

/// All of the provider's own source, without tests and without the description itself.
fn sources(directory: &Path, all: &mut String) {
    for entry in std::fs::read_dir(directory)
        .expect("sources")
        .map(|entry| entry.expect("entry").path())
    {
        let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Buckets and names have paths and methods, not actions.
        if entry.is_dir() && !["tests", "buckets", "dns"].contains(&name) {
            sources(&entry, all);
        } else if name.ends_with(".rs") && name != "describe.rs" {
            let text = std::fs::read_to_string(&entry).expect("source");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            // Rules stand in the files of some services too, as lists of their own.
            all.extend(
                code.lines()
                    .filter(|line| !line.contains("const ACTIONS"))
                    .map(|line| format!("{line}\n")),
            );
        }
    }
}

/// The words of EC2 actions that the source names in quotes: capital letter, verb, noun.
fn named(source: &str) -> BTreeSet<&str> {
    const VERBS: [&str; 25] = [
        "Allocate",
        "Assign",
        "Associate",
        "Attach",
        "Authorize",
        "Cancel",
        "Copy",
        "Create",
        "Delete",
        "Deregister",
        "Describe",
        "Detach",
        "Disassociate",
        "Get",
        "Import",
        "Modify",
        "Reboot",
        "Register",
        "Release",
        "Replace",
        "Revoke",
        "Run",
        "Start",
        "Stop",
        "Terminate",
    ];
    source
        .split('"')
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        // A parameter: no action is called so.
        .filter(|word| !word.ends_with("Id"))
        .filter(|word| {
            let noun = VERBS.iter().find_map(|verb| word.strip_prefix(verb));
            noun.is_some_and(|noun| noun.starts_with(|c: char| c.is_ascii_uppercase()))
        })
        .collect()
}

fn asked(endpoint: &str) -> BTreeSet<String> {
    let info = <Aws as Info<FakeHost>>::describe();
    let endpoint = info
        .endpoints
        .into_iter()
        .find(|have| have.name == endpoint)
        .expect("endpoint");
    let conditions = endpoint.rules.into_iter().flat_map(|rule| rule.conditions);
    conditions.flat_map(|condition| condition.values).collect()
}

fn covers(asked: &BTreeSet<String>, action: &str) -> bool {
    asked.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => action.starts_with(beginning),
        None => action == pattern,
    })
}

#[test]
fn every_action_is_asked_for_and_no_other() {
    let mut source = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
    let named = named(&source);
    let (ec2, elb) = (asked("ec2"), asked("elasticloadbalancing"));
    assert!(
        named.contains("RunInstances") && named.contains("TerminateInstances"),
        "{named:?}"
    );
    let unasked: Vec<_> = named
        .iter()
        .filter(|action| !covers(&ec2, action) && !covers(&elb, action))
        .collect();
    assert!(unasked.is_empty(), "sent, but not asked for: {unasked:?}");
    let unused: Vec<_> = ec2
        .iter()
        .filter(|pattern| !pattern.ends_with('*') && !named.contains(pattern.as_str()))
        .collect();
    assert!(unused.is_empty(), "asked for, but never sent: {unused:?}");
}

#[test]
fn what_only_reads_says_so_and_the_rest_does_not() {
    let info = <Aws as Info<FakeHost>>::describe();
    for rule in info.endpoints.iter().flat_map(|endpoint| &endpoint.rules) {
        let actions: Vec<_> = rule
            .conditions
            .iter()
            .filter(|condition| condition.parameter == Parameter::Form("Action".to_owned()))
            .flat_map(|condition| &condition.values)
            .collect();
        let reads = |action: &&String| action.starts_with("Describe") || action.starts_with("Get");
        if !actions.is_empty() {
            let all_read = actions.iter().all(reads);
            assert_eq!(rule.effect == Some(Effect::Read), all_read, "{actions:?}");
        }
    }
}
