//! Which headers may pass at an endpoint, beside those that are the host's anyway: see `headers`.

use http::HeaderName;

use super::text_pattern::TextPattern;

/// Which headers may pass. Patterns are compared without regard to case, and `_` counts as `-`, as to some servers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HeaderRule {
    /// Every one.
    #[default]
    All,
    /// Those that match one of these.
    Allow(Vec<TextPattern>),
    /// Those that match none of these.
    Deny(Vec<TextPattern>),
}

/// Why a text is no pattern of header names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no header's name, or the beginning of one and `*`")]
pub struct HeaderPatternError(
    /// The offending text.
    pub String,
);

impl HeaderRule {
    /// Parses the name of a header, or its beginning and `*`.
    ///
    /// # Errors
    /// When no header is called so.
    pub fn pattern(text: &str) -> Result<TextPattern, HeaderPatternError> {
        let refused = || HeaderPatternError(text.to_owned());
        let name = text.strip_suffix('*').unwrap_or(text);
        if !name.is_empty() && HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(refused());
        }
        canonical(text).parse().map_err(|_| refused())
    }

    /// Whether a header may pass.
    #[must_use]
    pub(super) fn passes(&self, name: &HeaderName) -> bool {
        let is_among = |patterns: &[TextPattern]| {
            let name = canonical(name.as_str());
            patterns.iter().any(|pattern| pattern.matches(&name))
        };
        match self {
            Self::All => true,
            Self::Allow(patterns) => is_among(patterns),
            Self::Deny(patterns) => !is_among(patterns),
        }
    }
}

fn canonical(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_every_spelling_of_a_name() {
        let patterns = vec![
            HeaderRule::pattern("X-Vendor-*").unwrap(),
            HeaderRule::pattern("Prefer").unwrap(),
        ];
        for (name, is_named) in [
            ("x-vendor-a", true),
            ("X_VENDOR_A", true),
            ("prefer", true),
            ("preference", false),
            ("x-vendo", false),
        ] {
            let name: HeaderName = name.parse().unwrap();
            assert_eq!(HeaderRule::Allow(patterns.clone()).passes(&name), is_named, "{name}");
            assert_eq!(HeaderRule::Deny(patterns.clone()).passes(&name), !is_named, "{name}");
            assert!(HeaderRule::All.passes(&name));
        }
        assert!(!HeaderRule::Allow(Vec::new()).passes(&HeaderName::from_static("a")));
        for text in ["", "a b", "a*b", "**", "\u{e9}"] {
            assert!(HeaderRule::pattern(text).is_err(), "{text}");
        }
    }
}
