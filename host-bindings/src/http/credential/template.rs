//! Texts of a provider with places for values: `{region}`, `{password}`.
//!
//! A template is taken apart once, before there is a value; a value then fills a place and is never read as a template
//! again. What a place means (part of a path, of a JSON string, of XML) is the caller's to know and to escape.

use zeroize::Zeroizing;

use super::CredentialError;

/// A text with places for values. `{name}` is a place, where a name is letters, digits, `_` and `-`; other braces are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(String),
}

impl Template {
    /// Takes a text apart.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            plain.push_str(&rest[..open]);
            let inner = &rest[open + 1..];
            match inner
                .find('}')
                .map(|close| &inner[..close])
                .filter(|name| is_name(name))
            {
                Some(name) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Place(name.to_owned()));
                    rest = &inner[name.len() + 1..];
                }
                None => {
                    plain.push('{');
                    rest = inner;
                }
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Self { pieces }
    }

    /// The names of its places, in order.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Place(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Fills the places with what `value` answers.
    ///
    /// # Errors
    /// When it answers none.
    pub fn fill<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Result<Zeroizing<String>, CredentialError> {
        self.fill_escaped(value, |text, filled| filled.push_str(text))
    }

    /// The same, with each value written by `write` so that it stays within its place.
    pub(super) fn fill_escaped<'a>(
        &self,
        value: impl Fn(&str) -> Option<&'a str>,
        write: impl Fn(&str, &mut String),
    ) -> Result<Zeroizing<String>, CredentialError> {
        let mut filled = Zeroizing::new(String::new());
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Place(name) => write(value(name).ok_or_else(|| unknown(name))?, &mut filled),
            }
        }
        Ok(filled)
    }
}

fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.bytes().all(is_part)
}

/// A place without a value.
pub(super) fn unknown(name: &str) -> CredentialError {
    CredentialError::Description(format!(
        "`{{{name}}}` stands for nothing that is known there, or for an option that the connection does not set"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_values_are_not_read_again() {
        let value = |name: &str| match name {
            "user" => Some("{password}"),
            "password" => Some("s3cret"),
            _ => None,
        };
        for (text, filled) in [
            ("", ""),
            ("plain", "plain"),
            ("{user}", "{password}"),
            ("a{user}b{password}", "a{password}bs3cret"),
            ("{ user} {} {{password}} }", "{ user} {} {s3cret} }"),
            ("{user", "{user"),
        ] {
            assert_eq!(Template::parse(text).fill(value).unwrap().as_str(), filled, "{text}");
        }
        assert!(Template::parse("{other}").fill(value).is_err());
    }
}
