//! The one error of this crate: what was being done and why it failed, for whoever runs the tests.

use std::fmt::Display;

/// Why a test's surroundings could not be had.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}: {why}")]
pub struct SupportError {
    doing: String,
    why: String,
}

impl SupportError {
    /// `doing` completes "could not"; `why` is the cause and, where one is known, what to do.
    pub(crate) fn new(doing: impl Into<String>, why: impl Display) -> Self {
        Self {
            doing: doing.into(),
            why: why.to_string(),
        }
    }
}
