//! Takes the provider-specific options of a spec one by one; what is left over is refused.

use crate::contract::{Error, OptionEntry, OptionValue};

use super::names::{check_text, printable};

/// Options that were not taken yet.
#[derive(Debug)]
pub(super) struct OptionReader {
    entries: Vec<OptionEntry>,
}

impl OptionReader {
    /// A reader of these options.
    ///
    /// # Errors
    /// `invalid-argument` with the name of an option that is given twice.
    pub(super) fn new(entries: Vec<OptionEntry>) -> Result<Self, Error> {
        for (index, entry) in entries.iter().enumerate() {
            if entries[..index].iter().any(|other| other.name == entry.name) {
                let message = format!("option `{}` is given twice", printable(&entry.name));
                return Err(Error::invalid_argument(&entry.name, message));
            }
        }
        Ok(Self { entries })
    }

    fn take(&mut self, name: &str) -> Option<OptionValue> {
        let place = self.entries.iter().position(|entry| entry.name == name)?;
        Some(self.entries.swap_remove(place).value)
    }

    /// A text that libvirt can keep.
    ///
    /// # Errors
    /// `invalid-argument` when it is of another type, empty, or has characters that XML cannot carry.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(OptionValue::Text(text)) if !text.trim().is_empty() => {
                check_text(name, &text)?;
                Ok(Some(text))
            }
            Some(_) => Err(Error::invalid_argument(
                name,
                format!("option `{name}` is a text, and not an empty one"),
            )),
        }
    }

    /// One of these texts.
    ///
    /// # Errors
    /// `invalid-argument` when it is none of them.
    pub(super) fn choice(&mut self, name: &str, choices: &[&'static str]) -> Result<Option<&'static str>, Error> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match choices.iter().find(|choice| **choice == text) {
            Some(choice) => Ok(Some(choice)),
            None => {
                let message = format!("`{}` is not one of {}", printable(&text), choices.join(", "));
                Err(Error::invalid_argument(name, message))
            }
        }
    }

    /// A number that is at least 1.
    ///
    /// # Errors
    /// `invalid-argument` when it is of another type or less.
    pub(super) fn count(&mut self, name: &str) -> Result<Option<u32>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(OptionValue::Integer(number)) if number > 0 => Ok(u32::try_from(number).ok()),
            Some(_) => Err(Error::invalid_argument(
                name,
                format!("option `{name}` is a whole number, at least 1"),
            )),
        }
    }

    /// A whole number within these bounds, both included.
    ///
    /// # Errors
    /// `invalid-argument` when it is of another type or outside of them.
    pub(super) fn integer(&mut self, name: &str, least: i32, most: i32) -> Result<Option<i32>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(OptionValue::Integer(number)) if (least..=most).contains(&number) => Ok(Some(number)),
            Some(_) => Err(Error::invalid_argument(
                name,
                format!("option `{name}` is a whole number from {least} to {most}"),
            )),
        }
    }

    /// Yes or no.
    ///
    /// # Errors
    /// `invalid-argument` when it is of another type.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(OptionValue::Boolean(wish)) => Ok(Some(wish)),
            Some(_) => Err(Error::invalid_argument(
                name,
                format!("option `{name}` is true or false"),
            )),
        }
    }

    /// A list of texts that libvirt can keep; empty when it is not given.
    ///
    /// # Errors
    /// `invalid-argument` when it is of another type, or one has characters that XML cannot carry.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<String>, Error> {
        Ok(self.given_list(name)?.unwrap_or_default())
    }

    /// The same where an empty list says something; none when it is not given.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub(super) fn given_list(&mut self, name: &str) -> Result<Option<Vec<String>>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(OptionValue::TextList(list)) => {
                for text in &list {
                    check_text(name, text)?;
                }
                Ok(Some(list))
            }
            Some(_) => Err(Error::invalid_argument(
                name,
                format!("option `{name}` is a list of texts"),
            )),
        }
    }

    /// Refuses what was not taken. `noun` is what the options are of.
    ///
    /// # Errors
    /// `invalid-argument` with the first option's name.
    pub(super) fn finish(self, noun: &str) -> Result<(), Error> {
        match self.entries.first() {
            None => Ok(()),
            Some(entry) => {
                let message = format!(
                    "a {noun} has no option `{}`: `stockade provider describe libvirt` lists them",
                    printable(&entry.name)
                );
                Err(Error::invalid_argument(&entry.name, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(value: OptionValue) -> OptionReader {
        OptionReader::new(vec![OptionEntry {
            name: "o".into(),
            value,
        }])
        .unwrap()
    }

    #[test]
    fn each_type_is_taken_as_such_and_as_nothing_else() {
        let all = || {
            [
                OptionValue::Text("x".into()),
                OptionValue::Integer(1),
                OptionValue::Boolean(true),
                OptionValue::TextList(vec!["x".into()]),
            ]
        };
        for (index, value) in all().into_iter().enumerate() {
            assert_eq!(reader(value.clone()).text("o").is_ok(), index == 0);
            assert_eq!(reader(value.clone()).count("o").is_ok(), index == 1);
            assert_eq!(reader(value.clone()).flag("o").is_ok(), index == 2);
            assert_eq!(reader(value).list("o").is_ok(), index == 3);
        }
        assert!(reader(OptionValue::Text("\0".into())).text("o").is_err());
        assert!(reader(OptionValue::Text(" ".into())).text("o").is_err());
        assert!(reader(OptionValue::Integer(0)).count("o").is_err());
        assert_eq!(reader(OptionValue::Integer(9)).integer("o", 1, 9).unwrap(), Some(9));
        for outside in [
            OptionValue::Integer(10),
            OptionValue::Integer(0),
            OptionValue::Boolean(true),
        ] {
            assert!(reader(outside).integer("o", 1, 9).is_err());
        }
        assert_eq!(
            reader(OptionValue::TextList(vec![])).given_list("o").unwrap(),
            Some(vec![])
        );
        assert_eq!(
            reader(OptionValue::TextList(vec![])).given_list("absent").unwrap(),
            None
        );
        assert!(reader(OptionValue::TextList(vec!["\0".into()])).list("o").is_err());
        assert!(reader(OptionValue::Text("c".into())).choice("o", &["a", "b"]).is_err());
    }

    #[test]
    fn what_is_not_taken_or_given_twice_is_refused_by_name() {
        let left = reader(OptionValue::Boolean(true));
        let error = left.finish("vm").unwrap_err();
        assert_eq!(error.kind, crate::contract::ErrorKind::InvalidArgument("o".into()));
        let entry = OptionEntry {
            name: "o".into(),
            value: OptionValue::Integer(1),
        };
        assert!(OptionReader::new(vec![entry.clone(), entry]).is_err());
    }
}
