//! A value that must not be seen: a token or a password.
//!
//! The type has no `Display`, no `Serialize` and no `PartialEq`, its `Debug` is constant, and its memory is wiped when it
//! is dropped. It does not say where the value came from; the runtime's credential references do. Two callers read
//! the value: the credential that attaches it to a request, and the scrubber that blots it out of a response.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// What is written wherever a secret stood.
pub const REDACTED: &str = "[redacted]";

/// A secret text, wiped on drop and never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value into custody. The caller's own copies, if any, are the caller's to wipe.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value. Only for attaching it to a request and for blotting it out of a response.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_secret_shows_neither_value_nor_length() {
        for value in ["", "x", "canary-5ad1f0"] {
            assert_eq!(format!("{:?}", Secret::new(value)), REDACTED);
        }
        assert_eq!(Secret::new("canary").expose(), "canary");
    }
}
