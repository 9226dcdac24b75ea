//! What the README and the recipes promise must be there.
//!
//! A command in the README that does not exist costs a newcomer their first hour.

use crate::SourceFile;

/// Recipes without a comment line above them; `just --list` shows that comment.
#[must_use]
pub fn recipes_without_comment(justfile: &str) -> Vec<String> {
    let mut previous = "";
    let mut found = Vec::new();
    for line in justfile.lines() {
        if let Some(name) = recipe_name(line)
            && !previous.starts_with('#')
        {
            found.push(format!(
                "justfile: recipe `{name}` has no comment: say above it what it is for"
            ));
        }
        // Attributes such as `[private]` stand between the comment and the recipe.
        if !line.starts_with('[') {
            previous = line;
        }
    }
    found
}

/// The names of all recipes.
#[must_use]
pub fn recipes(justfile: &str) -> Vec<&str> {
    justfile.lines().filter_map(recipe_name).collect()
}

fn recipe_name(line: &str) -> Option<&str> {
    let is_recipe = line.starts_with(|first: char| first.is_ascii_lowercase()) && !line.contains(":=");
    let (head, _) = line.split_once(':')?;
    is_recipe.then(|| head.split_whitespace().next().unwrap_or_default())
}

/// What the README says that is not so: recipes, scripts and links that do not exist, crates that it does not list.
#[must_use]
pub fn readme_errors(readme: &str, justfile: &str, files: &[SourceFile]) -> Vec<String> {
    let exists = |path: &str| {
        let directory = format!("{}/", path.trim_end_matches('/'));
        files
            .iter()
            .any(|file| file.path == path || file.path.starts_with(&directory))
    };
    let mut found = Vec::new();
    for script in ["tests/support/scripts/setup", "tests/support/scripts/test"] {
        if !readme.contains(script) || !exists(script) {
            found.push(format!(
                "README.md: `{script}` is one of its two commands, and must be named and exist"
            ));
        }
    }
    let known = recipes(justfile);
    for recipe in spans(readme, "`just ", "`")
        .into_iter()
        .filter_map(|span| span.split_whitespace().next())
    {
        if !known.contains(&recipe) {
            found.push(format!(
                "README.md: `just {recipe}` is no recipe: correct it or add the recipe"
            ));
        }
    }
    for target in spans(readme, "](", ")") {
        if !target.contains("://") && !target.starts_with('#') && !exists(target) {
            found.push(format!("README.md: the link to `{target}` leads nowhere"));
        }
    }
    for directory in ["wit/", "runtime/", "components/", "host-bindings/", "tests/"] {
        if !readme.contains(&format!("| `{directory}`")) {
            found.push(format!("README.md: its table of the tree has no row for `{directory}`"));
        }
    }
    found
}

/// The texts between `open` and the next `close`.
fn spans<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    text.split(open)
        .skip(1)
        .filter_map(|rest| rest.split_once(close))
        .map(|(span, _)| span)
        .collect()
}

/// Members that do not inherit the workspace's lints.
#[must_use]
pub fn manifests_without_lints(files: &[SourceFile]) -> Vec<String> {
    files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml") && !file.text.contains("[lints]\nworkspace = true"))
        .map(|file| {
            format!(
                "{}: does not inherit the lints: add `[lints]` with `workspace = true`",
                file.path
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_need_comments() {
        let justfile =
            "set shell := [\"bash\"]\n# Builds.\nbuild:\n    cargo build\n\ntest NAME='x': build\n    cargo test\n";
        assert_eq!(recipes(justfile), ["build", "test"]);
        let found = recipes_without_comment(justfile);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("`test`"));
    }

    #[test]
    fn the_readme_promises_only_what_is_there() {
        let tree = "| `wit/`\n| `runtime/`\n| `components/`\n| `host-bindings/`\n| `tests/`\n";
        let scripts = ["tests/support/scripts/setup", "tests/support/scripts/test"];
        let files = scripts.map(|path| SourceFile::new(path, ""));
        let good = format!("{tree}{} {} `just build` [a](tests/support/)", scripts[0], scripts[1]);
        let justfile = "# Builds.\nbuild:\n";
        assert_eq!(readme_errors(&good, justfile, &files), Vec::<String>::new());
        for (good_part, bad_part) in [
            ("scripts/test", "scripts/tset"),
            ("just build", "just bulid"),
            ("](tests", "](tets"),
            ("| `wit/`", ""),
        ] {
            let found = readme_errors(&good.replace(good_part, bad_part), justfile, &files);
            assert_eq!(found.len(), 1, "{bad_part}: {found:?}");
        }
    }

    #[test]
    fn manifests_inherit_lints() {
        let bad = SourceFile::new("a/Cargo.toml", "[package]");
        let good = SourceFile::new("b/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n");
        assert_eq!(manifests_without_lints(&[bad, good]).len(), 1);
    }
}
