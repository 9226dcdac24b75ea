//! What is blotted out of a recording: options that the provider calls secret, wherever they turn up.
//!
//! Credentials never come here: requests are recorded as the guest made them, and responses after they were scrubbed. An
//! option is the guest's own, so it can hide one by encoding it: what it sends is between it and the vendor.

use std::fmt;

use crate::contract::{OptionEntry, OptionValue};
use crate::http::SHORTEST_SCRUBBED_BYTES;

/// Stands where something was blotted out.
const BLOT: &str = "[secret]";

/// What must not be seen.
#[derive(Clone, Default)]
pub(super) struct Redaction {
    /// The names of secret options.
    names: Vec<String>,
    /// Their values. Short ones would blot out half of everything.
    values: Vec<String>,
}

impl fmt::Debug for Redaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Redaction")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Redaction {
    /// What must not be seen of these options.
    pub(super) fn of_options(options: &[OptionEntry], secret: &[String]) -> Self {
        let mut redaction = Self {
            names: secret.to_vec(),
            values: Vec::new(),
        };
        let options = options.iter().filter(|option| secret.contains(&option.name));
        options.for_each(|option| redaction.hide(option));
        redaction
    }

    /// Hides the value of an option.
    pub(super) fn hide(&mut self, option: &OptionEntry) {
        let texts = match &option.value {
            OptionValue::Text(text) => std::slice::from_ref(text),
            OptionValue::TextList(texts) => texts,
            OptionValue::Integer(_) | OptionValue::Boolean(_) => &[],
        };
        for text in texts {
            if text.len() >= SHORTEST_SCRUBBED_BYTES && !self.values.contains(text) {
                self.values.push(text.clone());
            }
        }
        // The longest first: one may be a part of another.
        self.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    pub(super) fn text(&self, text: String) -> String {
        self.values.iter().fold(text, |text, value| match text.contains(value) {
            true => text.replace(value, BLOT),
            false => text,
        })
    }

    pub(super) fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.values
            .iter()
            .fold(bytes, |bytes, value| replaced(&bytes, value.as_bytes()))
    }

    /// The options, secret ones blotted out whatever their length. They keep their types.
    pub(super) fn options(&self, options: &[OptionEntry]) -> Vec<OptionEntry> {
        let blotted = |option: &OptionEntry| OptionEntry {
            name: option.name.clone(),
            value: match &option.value {
                value if !self.names.contains(&option.name) => value.clone(),
                OptionValue::Text(_) => OptionValue::Text(BLOT.to_owned()),
                OptionValue::TextList(texts) => OptionValue::TextList(vec![BLOT.to_owned(); texts.len()]),
                OptionValue::Integer(_) => OptionValue::Integer(0),
                OptionValue::Boolean(_) => OptionValue::Boolean(false),
            },
        };
        options.iter().map(blotted).collect()
    }

    /// A URL that the host signed, without what makes it valid.
    pub(super) fn url(&self, url: &str) -> String {
        match url.split_once('?') {
            Some((place, _)) => format!("{place}?{BLOT}"),
            None => url.to_owned(),
        }
    }
}

fn replaced(bytes: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    let mut result = Vec::with_capacity(bytes.len());
    while let Some(at) = rest.windows(secret.len()).position(|window| window == secret) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(BLOT.as_bytes());
        rest = &rest[at + secret.len()..];
    }
    result.extend_from_slice(rest);
    result
}
