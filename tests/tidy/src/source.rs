//! The files under the rules: everything of the workspace that a person writes.
//!
//! Read from the disk and not from git, so that a rule also holds in a tree that is exported or not yet committed.

use std::fs;
use std::path::{Path, PathBuf};

/// Directories that hold nothing a person wrote.
const SKIPPED: [&str; 4] = [".git", "target", "components/dist", "tests/fixtures"];

/// One file and what is in it.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Relative to the workspace's root, with `/`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl SourceFile {
    /// A file for a rule's own samples.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Whether this is Rust.
    #[must_use]
    pub fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|extension| extension == "rs")
    }

    /// Line numbers (from 1) and lines.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// The lines of a Rust file that are neither comments nor in its test module, which house style puts last.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test_file = self.path.ends_with("/tests.rs");
        self.lines()
            .take_while(move |(_, line)| !is_test_file && line.trim() != "#[cfg(test)]")
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// The workspace's root.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// All text files of the workspace, sorted by path.
#[must_use]
pub fn workspace_files() -> Vec<SourceFile> {
    let root = workspace_root();
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<SourceFile>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let relative = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        if SKIPPED.contains(&relative.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            // What is not text (images, components) is under no rule here.
            files.push(SourceFile { path: relative, text });
        }
    }
}
