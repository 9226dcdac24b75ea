//! State keys as file names: readable, reversible, and unable to mean anything to a file system.

use super::StateError;

/// The ending of every file that holds a value.
const ENDING: &str = ".value";
/// The longest key in bytes: with every character escaped it still is a valid file name.
const MAX_KEY_BYTES: usize = 200;

/// The file name of a key. `/` becomes `=`; keys have no `=`, so this is reversible.
pub(super) fn file_name(key: &str) -> Result<String, StateError> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if key.is_empty() || key.len() > MAX_KEY_BYTES || key.starts_with('/') || !key.chars().all(is_valid) {
        return Err(StateError::InvalidKey);
    }
    Ok(key.replace('/', "=") + ENDING)
}

/// The key of a file name; none for a file that holds no value.
pub(super) fn key_of(file_name: &str) -> Option<String> {
    Some(file_name.strip_suffix(ENDING)?.replace('=', "/"))
}
