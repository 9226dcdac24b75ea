//! Names of new things.

use stockade_provider::types::Error;

/// The longest name in characters, of Nova, Neutron, Glance and Cinder alike.
const MAX_CHARACTERS: usize = 255;

/// Refuses names that the services refuse or change: Nova wants printable characters, no space at either end
/// (<https://docs.openstack.org/api-ref/compute/#create-server>).
///
/// # Errors
/// `invalid-argument` for `name`.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let is_sound = !name.is_empty()
        && name.chars().count() <= MAX_CHARACTERS
        && name.trim() == name
        && !name.chars().any(char::is_control);
    if is_sound {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot be a name: use 1 to {MAX_CHARACTERS} printable characters without a space at either end",
        name.escape_debug()
    );
    Err(Error::invalid_argument("name", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_changed_are_refused() {
        for name in ["", " a", "a ", "a\nb", "a\0", &"x".repeat(256)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["a", "two words", "grün-機械", "..", &"x".repeat(255)] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
    }
}
