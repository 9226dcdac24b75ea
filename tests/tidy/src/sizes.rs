//! Sizes: a file is one noun, and is read in one sitting.
//!
//! Aim at 300 lines; 800 is refused. Functions are clippy's (`too_many_lines`).

use crate::SourceFile;

/// The most lines of a source file.
pub const LINE_LIMIT: usize = 800;

/// Larger files, each with the reason why it may not be split. Empty, and best left so.
const EXCEPTIONS: [(&str, &str); 0] = [];

/// Source files over the limit, and exceptions that are not needed.
#[must_use]
pub fn violations(files: &[SourceFile]) -> Vec<String> {
    over_limit(files, &EXCEPTIONS)
}

fn over_limit(files: &[SourceFile], exceptions: &[(&str, &str)]) -> Vec<String> {
    let excepted = |path: &str| exceptions.iter().any(|(exception, _)| *exception == path);
    let mut found = Vec::new();
    for file in files.iter().filter(|file| is_source(&file.path)) {
        let count = file.text.lines().count();
        let path = &file.path;
        if count > LINE_LIMIT && !excepted(path) {
            found.push(format!(
                "{path}: {count} lines: split it, one noun per file (limit {LINE_LIMIT})"
            ));
        } else if count <= LINE_LIMIT && excepted(path) {
            found.push(format!(
                "{path}: {count} lines: remove it from the exceptions in `sizes.rs`"
            ));
        }
    }
    found
}

fn is_source(path: &str) -> bool {
    [".rs", ".wit"].iter().any(|ending| path.ends_with(ending)) || path.starts_with("tests/support/scripts/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_long_files_and_needless_exceptions() {
        let files = [
            SourceFile::new("a.rs", &"x\n".repeat(LINE_LIMIT + 1)),
            SourceFile::new("b.wit", &"x\n".repeat(LINE_LIMIT)),
            SourceFile::new("Cargo.lock", &"x\n".repeat(LINE_LIMIT + 1)),
        ];
        assert_eq!(over_limit(&files, &[]).len(), 1);
        let found = over_limit(&files, &[("a.rs", "generated"), ("b.wit", "was longer")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("b.wit"));
    }
}
