//! Reads the provider-specific options of a spec, each once; what is left over is refused.

use crate::contract::{Error, OptionEntry, OptionValue};

use super::names::{check_text, printable};

/// The options of one spec.
pub(super) struct Entries<'a> {
    noun: &'static str,
    left: Vec<&'a OptionEntry>,
}

impl<'a> Entries<'a> {
    /// The options of a spec of this noun.
    pub(super) fn new(noun: &'static str, entries: &'a [OptionEntry]) -> Self {
        Self {
            noun,
            left: entries.iter().collect(),
        }
    }

    /// A text; an empty one is as good as none.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<&'a str>, Error> {
        match self.take(name).map(|entry| &entry.value) {
            None => Ok(None),
            Some(OptionValue::Text(text)) => {
                check_text(name, text)?;
                Ok(Some(text.as_str()).filter(|text| !text.is_empty()))
            }
            Some(_) => Err(wrong_type(name, "a text")),
        }
    }

    /// A list of texts; none when the option is not given.
    pub(super) fn list(&mut self, name: &str) -> Result<Option<&'a [String]>, Error> {
        match self.take(name).map(|entry| &entry.value) {
            None => Ok(None),
            Some(OptionValue::TextList(texts)) => {
                texts.iter().try_for_each(|text| check_text(name, text))?;
                Ok(Some(texts))
            }
            Some(_) => Err(wrong_type(name, "a list of texts")),
        }
    }

    /// A yes or no.
    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Error> {
        match self.take(name).map(|entry| &entry.value) {
            None => Ok(None),
            Some(OptionValue::Boolean(value)) => Ok(Some(*value)),
            Some(_) => Err(wrong_type(name, "true or false")),
        }
    }

    /// A whole number within these bounds, both included.
    pub(super) fn integer(&mut self, name: &str, least: i32, most: i32) -> Result<Option<i32>, Error> {
        match self.take(name).map(|entry| &entry.value) {
            None => Ok(None),
            Some(OptionValue::Integer(value)) if (least..=most).contains(value) => Ok(Some(*value)),
            Some(OptionValue::Integer(value)) => {
                let message = format!("option `{name}` is {value}, but must be between {least} and {most}");
                Err(Error::invalid_argument(name, message))
            }
            Some(_) => Err(wrong_type(name, "a whole number")),
        }
    }

    /// Refuses what was not read.
    pub(super) fn finish(self) -> Result<(), Error> {
        match self.left.first() {
            None => Ok(()),
            Some(entry) => {
                let message = format!("a {} has no option `{}`", self.noun, printable(&entry.name));
                Err(Error::invalid_argument(&entry.name, message))
            }
        }
    }

    fn take(&mut self, name: &str) -> Option<&'a OptionEntry> {
        let index = self.left.iter().position(|entry| entry.name == name)?;
        Some(self.left.remove(index))
    }
}

fn wrong_type(name: &str, expected: &str) -> Error {
    Error::invalid_argument(name, format!("option `{name}` is {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, value: OptionValue) -> OptionEntry {
        OptionEntry {
            name: name.into(),
            value,
        }
    }

    #[test]
    fn every_option_is_read_once_and_the_rest_is_refused() {
        let given = [
            entry("a", OptionValue::Text("x".into())),
            entry("b", OptionValue::Boolean(true)),
            entry("c", OptionValue::Integer(5)),
            entry("d", OptionValue::TextList(vec!["1".into()])),
            entry("e", OptionValue::Text(String::new())),
        ];
        let mut entries = Entries::new("pool", &given);
        assert_eq!(entries.text("a").unwrap(), Some("x"));
        assert_eq!(entries.boolean("b").unwrap(), Some(true));
        assert_eq!(entries.integer("c", 1, 9).unwrap(), Some(5));
        assert_eq!(entries.list("d").unwrap(), Some(["1".to_owned()].as_slice()));
        assert_eq!(entries.text("absent").unwrap(), None);
        let error = entries.finish().unwrap_err();
        assert!(error.message.contains("a pool has no option `e`"), "{error}");
    }

    #[test]
    fn wrong_types_ranges_and_characters_are_refused_by_name() {
        let given = [
            entry("a", OptionValue::Boolean(true)),
            entry("b", OptionValue::Text("x".into())),
            entry("c", OptionValue::Integer(10)),
            entry("d", OptionValue::TextList(vec!["a\0b".into()])),
            entry("e", OptionValue::Text("\u{1b}[0m".into())),
        ];
        let mut entries = Entries::new("pool", &given);
        let kind = |name: &str| crate::contract::ErrorKind::InvalidArgument(name.to_owned());
        assert_eq!(entries.text("a").unwrap_err().kind, kind("a"));
        assert_eq!(entries.boolean("b").unwrap_err().kind, kind("b"));
        assert_eq!(entries.integer("c", 1, 9).unwrap_err().kind, kind("c"));
        assert_eq!(entries.list("d").unwrap_err().kind, kind("d"));
        assert_eq!(entries.text("e").unwrap_err().kind, kind("e"));
    }
}
