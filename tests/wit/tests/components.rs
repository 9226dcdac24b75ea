//! What the built components import and export, exactly: an import is what a component can ask its host for.
//!
//! A change here is a change of what somebody must agree to; it belongs into the changelog.

use std::collections::BTreeSet;

use stockade_test_support::artifacts::component;
use stockade_test_wit::Surface;

/// The contract's own prefix; what carries another one does not come from it.
fn of_the_contract(names: &[&str]) -> BTreeSet<String> {
    names
        .iter()
        .map(|name| format!("stockade:provider/{name}@0.1.0"))
        .collect()
}

fn check(name: &str, imports: &[&str], exports: &[&str]) {
    let surface = Surface::of(&component(name));
    let is_types = |import: &String| import.contains("/types@") || import.contains("-types@");
    let imported: BTreeSet<_> = surface.imports.into_iter().filter(|import| !is_types(import)).collect();
    assert_eq!(imported, of_the_contract(imports), "imports of `{name}`");
    assert_eq!(surface.exports, of_the_contract(exports), "exports of `{name}`");
}

#[test]
fn fake_reaches_nothing_outside() {
    check(
        "fake",
        &["blobs", "clock", "connection", "progress", "state"],
        &[
            "buckets",
            "consoles",
            "disks",
            "dns",
            "events",
            "flavors",
            "guest-agent",
            "hosts",
            "images",
            "info",
            "load-balancers",
            "migrations",
            "networks",
            "nics",
            "operations",
            "pools",
            "security-groups",
            "snapshots",
            "subnets",
            "vm-clone",
            "vm-export",
            "vm-media",
            "vm-metadata",
            "vm-pause",
            "vm-resize",
            "vms",
        ],
    );
}

#[test]
fn web_speaks_http_and_keeps_a_little_state() {
    check(
        "web",
        &["blobs", "clock", "connection", "http", "state"],
        &[
            "disks",
            "hosts",
            "images",
            "info",
            "networks",
            "nics",
            "pools",
            "snapshots",
            "vm-metadata",
            "vm-resize",
            "vms",
        ],
    );
}

#[test]
fn a_missing_component_names_the_recipe_that_makes_it() {
    let panic = std::panic::catch_unwind(|| component("no-such-provider")).unwrap_err();
    let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(words.contains("just components"), "{words}");
}
