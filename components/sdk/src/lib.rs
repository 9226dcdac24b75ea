//! Placeholder.
#[allow(unsafe_code, missing_docs, clippy::all, reason = "generated")]
pub mod bindings;
