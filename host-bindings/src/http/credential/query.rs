//! A secret in a query parameter.
//!
//! Queries are written to logs and referrers by servers; vendors that want keys there leave no choice. The host writes
//! none: reports of requests hold no query (see `observer`).

use async_trait::async_trait;
use percent_encoding::utf8_percent_encode;
use zeroize::Zeroizing;

use super::{Authenticate, CredentialError, Outgoing, OwnRequests, Spelling, spellings};
use crate::http::secret::Secret;
use crate::http::segment::IN_QUERY;

/// A query parameter whose value is the secret.
#[derive(Debug)]
pub struct Query {
    /// The parameter's name.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

#[async_trait]
impl Authenticate for Query {
    fn query_parameters(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn check(&self) -> Result<(), CredentialError> {
        if self.name.is_empty() || self.name.chars().any(char::is_control) {
            return Err(CredentialError::Part {
                part: "query parameter",
                text: self.name.escape_debug().to_string(),
                expected: "a name without control characters",
            });
        }
        if self.value.expose().is_empty() {
            return Err(CredentialError::Value);
        }
        Ok(())
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, _host: &dyn OwnRequests) -> Result<(), CredentialError> {
        self.check()?;
        push_parameter(outgoing.query, &self.name, self.value.expose());
        Ok(())
    }

    fn secrets(&self) -> Vec<Spelling> {
        spellings_in_query(self.value.expose())
    }
}

/// Adds an unencoded parameter to an encoded query.
pub(super) fn push_parameter(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.extend(utf8_percent_encode(name, IN_QUERY));
    query.push('=');
    query.extend(utf8_percent_encode(value, IN_QUERY));
}

/// The spellings of a text that is sent in a query, where the characters that need no encoding have none, and of the
/// form encoding that servers write when they repeat a query.
pub(super) fn spellings_in_query(secret: &str) -> Vec<Spelling> {
    let sent = Zeroizing::new(utf8_percent_encode(secret, IN_QUERY).to_string());
    let mut all = spellings(secret);
    for text in [lower_escapes(&sent), sent.replace("%20", "+")] {
        all.push(Zeroizing::new(text.into_bytes()));
    }
    all.extend(spellings(&sent));
    all
}

/// The same with `%2f` for `%2F`: RFC 3986, section 2.1, holds both for the same.
fn lower_escapes(text: &str) -> String {
    let mut escape = 0;
    let lower = |character: char| {
        escape = match (escape, character) {
            (_, '%') => 3,
            (left, _) => i32::max(left - 1, 0),
        };
        if escape > 0 {
            character.to_ascii_lowercase()
        } else {
            character
        }
    };
    text.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::scrub::Scrubber;

    #[test]
    fn a_key_in_the_query_is_encoded_and_known_in_every_spelling() {
        let key = Query {
            name: "api key".into(),
            value: Secret::new("a-b/C d&e=1"),
        };
        let mut query = "x=1".to_owned();
        push_parameter(&mut query, &key.name, key.value.expose());
        assert_eq!(query, "x=1&api%20key=a-b%2FC%20d%26e%3D1");
        let scrubber = Scrubber::new(key.secrets());
        for echo in [
            "a-b/C d&e=1",
            "a-b%2FC%20d%26e%3D1",
            "a-b%2fC%20d%26e%3d1",
            "a-b%2FC+d%26e%3D1",
            "a%2Db%2FC%20d%26e%3D1",
        ] {
            let clean = scrubber.scrub(format!("?k={echo}.").as_bytes());
            assert_eq!(String::from_utf8(clean).unwrap(), "?k=[redacted].", "{echo}");
        }
    }

    #[test]
    fn a_parameter_without_name_or_value_is_refused() {
        for (name, value, sound) in [
            ("key", "v", true),
            ("", "v", false),
            ("a\nb", "v", false),
            ("key", "", false),
        ] {
            let key = Query {
                name: name.into(),
                value: Secret::new(value),
            };
            assert_eq!(key.check().is_ok(), sound, "{name:?}");
        }
    }
}
