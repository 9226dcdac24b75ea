//! Options that are a short list of settings in one text: `cpus=0-3,memory=2048` or `1:cache=none,shareable`.

use crate::contract::Error;

use super::names::{check_text, printable};

/// The settings of one text, taken one by one; what is left over is refused.
#[derive(Debug)]
pub(super) struct Keyed<'a> {
    option: &'a str,
    text: &'a str,
    settings: Vec<(&'a str, &'a str)>,
}

impl<'a> Keyed<'a> {
    /// Splits a text at commas, and each part at its first `=`. A part without one is a flag.
    ///
    /// # Errors
    /// `invalid-argument` with the option's name when a setting has no name or is given twice.
    pub(super) fn parse(option: &'a str, text: &'a str) -> Result<Self, Error> {
        check_text(option, text)?;
        let keyed = Self {
            option,
            text,
            settings: text
                .split(',')
                .filter(|part| !part.trim().is_empty())
                .map(|part| part.split_once('=').unwrap_or((part, "")))
                .map(|(key, value)| (key.trim(), value.trim()))
                .collect(),
        };
        for (index, (key, _)) in keyed.settings.iter().enumerate() {
            if key.is_empty() || keyed.settings[..index].iter().any(|(other, _)| other == key) {
                return Err(keyed.refused(&format!("setting `{}` is empty or given twice", printable(key))));
            }
        }
        Ok(keyed)
    }

    /// Splits the number before the first colon from the settings after it: `1:cache=none`.
    ///
    /// # Errors
    /// `invalid-argument` with the option's name when there is no such number.
    pub(super) fn parse_indexed(option: &'a str, text: &'a str) -> Result<(usize, Self), Error> {
        let (index, rest) = text.split_once(':').unwrap_or_default();
        match index.trim().parse() {
            Ok(index) => Ok((index, Self::parse(option, rest)?)),
            Err(_) => {
                let message = format!(
                    "`{}` does not begin with a number and a colon, as `0:key=value` does",
                    printable(text)
                );
                Err(Error::invalid_argument(option, message))
            }
        }
    }

    /// The setting's value, when it is there.
    pub(super) fn take(&mut self, key: &str) -> Option<&'a str> {
        let place = self.settings.iter().position(|(name, _)| *name == key)?;
        Some(self.settings.remove(place).1)
    }

    /// The setting's value.
    ///
    /// # Errors
    /// `invalid-argument` when it is not there or empty.
    pub(super) fn required(&mut self, key: &str) -> Result<&'a str, Error> {
        match self.take(key) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(self.refused(&format!("`{key}` is missing"))),
        }
    }

    /// The setting's value as a number.
    ///
    /// # Errors
    /// `invalid-argument` when it is there and no number.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<u32>, Error> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.refused(&format!("`{key}` is not a number"))),
        }
    }

    /// The setting's value, which must be one of `choices`.
    ///
    /// # Errors
    /// `invalid-argument` when it is there and none of them.
    pub(super) fn choice(&mut self, key: &str, choices: &[&'static str]) -> Result<Option<&'static str>, Error> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match choices.iter().find(|choice| **choice == value) {
            Some(choice) => Ok(Some(choice)),
            None => Err(self.refused(&format!("`{key}` is one of {}", choices.join(", ")))),
        }
    }

    /// Whether the flag is there: `shareable`, `shareable=yes`, `shareable=no`.
    ///
    /// # Errors
    /// `invalid-argument` for another value.
    pub(super) fn flag(&mut self, key: &str) -> Result<bool, Error> {
        match self.take(key) {
            None | Some("no") => Ok(false),
            Some("" | "yes") => Ok(true),
            Some(_) => Err(self.refused(&format!("`{key}` is yes or no"))),
        }
    }

    /// Refuses what was not taken.
    ///
    /// # Errors
    /// `invalid-argument` that names the first unknown setting.
    pub(super) fn finish(self) -> Result<(), Error> {
        match self.settings.first() {
            None => Ok(()),
            Some((key, _)) => Err(self.refused(&format!("there is no setting `{}`", printable(key)))),
        }
    }

    /// The error of a text that cannot be used.
    pub(super) fn refused(&self, why: &str) -> Error {
        Error::invalid_argument(
            self.option,
            format!("{} `{}`: {why}", self.option, printable(self.text)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_taken_one_by_one_and_the_rest_is_refused() {
        let mut keyed = Keyed::parse("numa_cells", "cpus=0-1, memory=512,locked,x=1").unwrap();
        assert_eq!(keyed.required("cpus").unwrap(), "0-1");
        assert_eq!(keyed.number("memory").unwrap(), Some(512));
        assert!(keyed.flag("locked").unwrap() && !keyed.flag("locked").unwrap());
        let error = keyed.finish().unwrap_err();
        assert_eq!(
            error.kind,
            crate::contract::ErrorKind::InvalidArgument("numa_cells".into())
        );
        assert!(error.message.contains("no setting `x`"), "{error}");
    }

    #[test]
    fn unusable_texts_are_refused_with_the_option() {
        assert!(
            Keyed::parse("o", "a=1,a=2").is_err()
                && Keyed::parse("o", "=1").is_err()
                && Keyed::parse("o", "a=\0").is_err()
        );
        assert!(Keyed::parse_indexed("o", "a=1").is_err() && Keyed::parse_indexed("o", "x:a").is_err());
        let (index, mut keyed) = Keyed::parse_indexed("o", "2:io=fast,n=x,f=maybe").unwrap();
        assert_eq!(index, 2);
        assert!(
            keyed.choice("io", &["native", "threads"]).is_err()
                && keyed.number("n").is_err()
                && keyed.flag("f").is_err()
        );
        assert!(keyed.required("absent").is_err());
    }
}
