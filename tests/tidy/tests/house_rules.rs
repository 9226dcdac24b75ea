//! Runs every house rule over the workspace; one test per rule, so that all that is wrong shows at once.

use std::process::Command;
use stockade_test_tidy::{SourceFile, documents, layering, sizes, text, workspace_files, workspace_root};

/// Fails with every violation on a line of its own.
fn assert_kept(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn text_of(files: &[SourceFile], path: &str) -> String {
    let file = files.iter().find(|file| file.path == path);
    file.map(|file| file.text.clone()).unwrap_or_default()
}

#[test]
fn files_are_of_readable_size() {
    assert_kept(&sizes::violations(&workspace_files()));
}

#[test]
fn crates_depend_only_as_layered() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output = cargo.current_dir(workspace_root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata = serde_json::from_slice(&output.stdout).unwrap();
    assert_kept(&layering::violations(&metadata));
}

#[test]
fn crates_inherit_the_lints() {
    assert_kept(&documents::manifests_without_lints(&workspace_files()));
}

#[test]
fn the_runtime_names_no_provider() {
    assert_kept(&text::provider_names_in_runtime(&workspace_files()));
}

#[test]
fn only_the_host_opens_connections() {
    assert_kept(&text::sockets_outside_host(&workspace_files()));
}

#[test]
fn only_the_libvirt_provider_uses_virt() {
    assert_kept(&text::virt_outside_libvirt(&workspace_files()));
}

#[test]
fn unsafe_is_listed_with_a_reason() {
    assert_kept(&text::unlisted_unsafe(&workspace_files()));
}

#[test]
fn notes_to_oneself_have_an_issue() {
    assert_kept(&text::notes_without_issue(&workspace_files()));
}

#[test]
fn nothing_names_one_machine_or_one_registry() {
    assert_kept(&text::foreign_places(&workspace_files()));
}

#[test]
fn modules_open_with_their_purpose() {
    assert_kept(&text::modules_without_purpose(&workspace_files()));
}

#[test]
fn recipes_have_comments() {
    let justfile = text_of(&workspace_files(), "justfile");
    assert!(
        documents::recipes(&justfile).len() > 5,
        "the justfile is missing or empty"
    );
    assert_kept(&documents::recipes_without_comment(&justfile));
}

#[test]
fn the_readme_is_true() {
    let files = workspace_files();
    let (readme, justfile) = (text_of(&files, "README.md"), text_of(&files, "justfile"));
    assert_kept(&documents::readme_errors(&readme, &justfile, &files));
}
