//! Both orders of verb and noun: `vm list` is `list vm`, and `add provider` is `provider add`.
//!
//! The tree of commands decides which order exists; aliases count. Only the first two words are looked at.

use std::ffi::OsString;

use clap::Command;

/// Puts the first two words into the order that the tree of commands has.
pub(crate) fn verb_before_noun(root: &Command, mut typed: Vec<OsString>) -> Vec<OsString> {
    if let [_, first, second, ..] = typed.as_slice()
        && !has_path(root, first, second)
        && has_path(root, second, first)
    {
        typed.swap(1, 2);
    }
    typed
}

fn has_path(root: &Command, first: &OsString, second: &OsString) -> bool {
    root.find_subcommand(first)
        .is_some_and(|command| command.find_subcommand(second).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::verbs::Arguments;
    use clap::CommandFactory as _;

    #[test]
    fn both_orders_reach_the_same_command() {
        for (typed, expected) in [
            ("x list vm", "x list vm"),
            ("x vm list", "x list vm"),
            ("x vms get -o json", "x get vms -o json"),
            ("x vm start a", "x start vm a"),
            ("x add provider f", "x provider add f"),
            ("x provider list", "x provider list"),
            ("x list vm create", "x list vm create"),
            ("x nonsense vm", "x nonsense vm"),
            ("x vm", "x vm"),
        ] {
            let words = typed.split(' ').map(OsString::from).collect();
            let ordered = verb_before_noun(&Arguments::command(), words);
            let ordered: Vec<_> = ordered.iter().map(|word| word.to_string_lossy()).collect();
            assert_eq!(ordered.join(" "), expected, "{typed}");
        }
    }
}
