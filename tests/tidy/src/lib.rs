//! The house rules, as an ordinary test: a rule that nothing checks is a wish.
//!
//! Each module holds one kind of rule as functions from files to violations, with samples beside it that break the rule;
//! `tests/house_rules.rs` runs them over the workspace. A violation names the file and the line and says what to do.
//! Exceptions are named in the rule's own list, with a reason, and an exception that is no longer needed is a violation.

pub mod documents;
pub mod layering;
pub mod sizes;
pub mod source;
pub mod text;

pub use source::{SourceFile, workspace_files, workspace_root};
