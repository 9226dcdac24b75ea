//! Patterns of short texts: one text exactly, or every text that begins with one.
//!
//! Values of conditions, names of headers and values of origin variables are compared with them. A star is a wildcard
//! only at the end, where it stands for any rest; anywhere else the pattern is refused, so that nobody takes `*Instances`
//! for something that it is not.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text, or the beginning of a text when it ends with `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TextPattern {
    /// This text.
    Exact(String),
    /// Any text that begins so.
    Prefix(String),
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a pattern: it is empty, holds a control character, or a `*` that is not its last character")]
pub struct TextPatternError(
    /// The offending text.
    pub String,
);

impl TextPattern {
    /// Whether a text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
        }
    }

    /// The pattern that matches exactly what both match; none when they share no text.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Exact(exact), pattern) | (pattern, Self::Exact(exact)) => {
                pattern.matches(exact).then(|| Self::Exact(exact.clone()))
            }
            (Self::Prefix(one), Self::Prefix(two)) => {
                let (short, long) = if one.len() <= two.len() { (one, two) } else { (two, one) };
                long.starts_with(short.as_str()).then(|| Self::Prefix(long.clone()))
            }
        }
    }
}

/// What both of two lists of patterns match, each text once where one pattern covers another.
#[must_use]
pub(super) fn intersections(ones: &[TextPattern], twos: &[TextPattern]) -> Vec<TextPattern> {
    let mut shared: Vec<TextPattern> = Vec::new();
    for pattern in ones
        .iter()
        .flat_map(|one| twos.iter().filter_map(|two| one.intersection(two)))
    {
        if !shared.contains(&pattern) {
            shared.push(pattern);
        }
    }
    shared
}

impl FromStr for TextPattern {
    type Err = TextPatternError;

    fn from_str(text: &str) -> Result<Self, TextPatternError> {
        let (literal, is_prefix) = match text.strip_suffix('*') {
            Some(literal) => (literal, true),
            None => (text, false),
        };
        if text.is_empty() || literal.contains('*') || literal.chars().any(char::is_control) {
            return Err(TextPatternError(text.to_owned()));
        }
        let literal = literal.to_owned();
        Ok(if is_prefix {
            Self::Prefix(literal)
        } else {
            Self::Exact(literal)
        })
    }
}

impl TryFrom<String> for TextPattern {
    type Error = TextPatternError;

    fn try_from(text: String) -> Result<Self, TextPatternError> {
        text.parse()
    }
}

impl From<TextPattern> for String {
    fn from(pattern: TextPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for TextPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => formatter.write_str(text),
            Self::Prefix(text) => write!(formatter, "{text}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> TextPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_final_star_stands_for_any_rest_and_no_other_star_for_anything() {
        for (text, matching, other) in [
            (
                "Describe*",
                &["Describe", "DescribeVms"][..],
                &["describeVms", "xDescribe", ""][..],
            ),
            ("GetVm", &["GetVm"], &["GetVms", "getvm", "GetV"]),
            ("*", &["", "anything"], &[]),
        ] {
            assert!(matching.iter().all(|good| pattern(text).matches(good)), "{text}");
            assert!(!other.iter().any(|bad| pattern(text).matches(bad)), "{text}");
            assert_eq!(pattern(text).to_string(), text);
        }
        for text in ["", "*Vms", "a*b", "**", "a**", "a\n", "\0*"] {
            assert!(text.parse::<TextPattern>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_intersection_is_the_narrower_or_nothing() {
        for (one, two, both) in [
            ("Describe*", "DescribeV*", Some("DescribeV*")),
            ("Describe*", "DescribeVms", Some("DescribeVms")),
            ("*", "a", Some("a")),
            ("a", "a", Some("a")),
            ("Describe*", "Delete*", None),
            ("a", "ab", None),
        ] {
            let expected = both.map(pattern);
            assert_eq!(pattern(one).intersection(&pattern(two)), expected, "{one} and {two}");
            assert_eq!(pattern(two).intersection(&pattern(one)), expected, "{two} and {one}");
        }
    }
}
