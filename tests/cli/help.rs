//! Help of every command, and completions.

use crate::session::Session;

#[test]
fn every_command_has_help_on_standard_output() {
    let session = Session::empty();
    let mut pending = vec![String::new()];
    let mut pages = Vec::new();
    while let Some(command) = pending.pop() {
        let page = session.done(&format!("{command} --help"));
        let subcommands = subcommands(&page);
        pending.extend(
            subcommands
                .iter()
                .rev()
                .map(|name| format!("{command} {name}").trim().to_owned()),
        );
        pages.push(format!("$ stockade {command} --help\n{page}"));
    }
    assert!(pages.len() > 40, "only {} commands", pages.len());
    insta::assert_snapshot!("help", pages.join("\n"));
}

/// The commands that a page of help lists.
fn subcommands(page: &str) -> Vec<String> {
    let lines = page.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // Continued descriptions are indented further.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned);
    names.filter(|name| name != "help").collect()
}

#[test]
fn shells_get_completions() {
    let session = Session::empty();
    for (shell, word) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef stockade"),
        ("fish", "complete -c stockade"),
    ] {
        let script = session.done(&format!("completions {shell}"));
        assert!(script.contains(word), "{shell}");
        assert!(script.contains("snapshot"), "{shell}");
    }
    session.fails(2, "completions tcsh");
}

#[test]
fn no_command_is_a_usage_error() {
    let ended = Session::empty().run("");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("Usage: stockade"), "{}", ended.stderr);
}
