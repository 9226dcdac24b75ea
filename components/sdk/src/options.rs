//! Options: how a provider declares them in `describe`, and how it reads them in a call.
//!
//! The host has checked every value against the schema and filled in the defaults, so a value of the wrong type or a
//! missing required option is a defect of host or provider and is reported as `internal`.

use crate::types::{
    Condition, CredentialKind, CredentialRequest, Effect, Endpoint, Error, OptionEntry, OptionSchema, OptionType,
    OptionValue, Parameter, ProviderInfo, RequestRule,
};

impl ProviderInfo {
    /// A description without options, endpoints, credentials and state; set the public fields for more.
    pub fn new(name: &str, version: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            description: description.to_owned(),
            connection_options: Vec::new(),
            spec_options: Vec::new(),
            endpoints: Vec::new(),
            credentials: Vec::new(),
            state_kib: None,
        }
    }
}

impl Endpoint {
    /// An endpoint that no request reaches yet.
    pub fn new(name: &str, origin: &str, reason: &str) -> Self {
        Self {
            name: name.to_owned(),
            origin: origin.to_owned(),
            reason: reason.to_owned(),
            rules: Vec::new(),
            credential: None,
        }
    }

    /// Asks for requests of these methods, separated by spaces, on this path pattern.
    #[must_use]
    pub fn with_rule(mut self, methods: &str, path: &str, reason: &str) -> Self {
        self.rules.push(RequestRule {
            methods: methods.split(' ').map(str::to_owned).collect(),
            path: path.to_owned(),
            conditions: Vec::new(),
            effect: None,
            reason: reason.to_owned(),
        });
        self
    }

    /// Narrows the last rule to requests in which a parameter has one of these values; a final `*` stands for any rest.
    #[must_use]
    pub fn only_when(mut self, parameter: Parameter, values: &[&str]) -> Self {
        if let Some(rule) = self.rules.last_mut() {
            rule.conditions.push(Condition {
                parameter,
                values: values.iter().map(|&value| value.to_owned()).collect(),
            });
        }
        self
    }

    /// Says of the last rule what its requests do, where the method does not tell.
    #[must_use]
    pub fn that(mut self, effect: Effect) -> Self {
        if let Some(rule) = self.rules.last_mut() {
            rule.effect = Some(effect);
        }
        self
    }

    /// Asks the host to attach a credential to requests for this origin.
    #[must_use]
    pub fn with_credential(mut self, name: &str) -> Self {
        self.credential = Some(name.to_owned());
        self
    }
}

impl CredentialRequest {
    /// A credential that may be left out.
    pub fn optional(name: &str, kinds: Vec<CredentialKind>, reason: &str) -> Self {
        Self {
            name: name.to_owned(),
            kinds,
            required: false,
            reason: reason.to_owned(),
        }
    }

    /// A credential without which requests fail.
    pub fn required(name: &str, kinds: Vec<CredentialKind>, reason: &str) -> Self {
        Self {
            required: true,
            ..Self::optional(name, kinds, reason)
        }
    }
}

impl OptionSchema {
    fn new(name: &str, r#type: OptionType, doc: &str) -> Self {
        Self {
            name: name.to_owned(),
            type_: r#type,
            required: false,
            default: None,
            choices: Vec::new(),
            secret: false,
            doc: doc.to_owned(),
        }
    }

    /// An optional text.
    pub fn text(name: &str, doc: &str) -> Self {
        Self::new(name, OptionType::Text, doc)
    }

    /// An optional whole number.
    pub fn integer(name: &str, doc: &str) -> Self {
        Self::new(name, OptionType::Integer, doc)
    }

    /// An optional boolean.
    pub fn boolean(name: &str, doc: &str) -> Self {
        Self::new(name, OptionType::Boolean, doc)
    }

    /// An optional list of texts.
    pub fn text_list(name: &str, doc: &str) -> Self {
        Self::new(name, OptionType::TextList, doc)
    }

    /// Must be given.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Has this value when it is not given.
    #[must_use]
    pub fn with_default(mut self, value: impl Into<OptionValue>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Takes one of these texts only.
    #[must_use]
    pub fn with_choices(mut self, choices: &[&str]) -> Self {
        self.choices = choices.iter().map(|&choice| choice.to_owned()).collect();
        self
    }
}

impl From<&str> for OptionValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<i32> for OptionValue {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for OptionValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<Vec<String>> for OptionValue {
    fn from(value: Vec<String>) -> Self {
        Self::TextList(value)
    }
}

/// The options of a connection or a spec, by name and type.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a>(&'a [OptionEntry]);

impl<'a> Options<'a> {
    /// Reads these entries.
    pub fn of(entries: &'a [OptionEntry]) -> Self {
        Self(entries)
    }

    fn value(self, name: &str) -> Option<&'a OptionValue> {
        self.0.iter().find(|entry| entry.name == name).map(|entry| &entry.value)
    }

    /// A text; none when it was not given.
    ///
    /// # Errors
    /// `internal` when the value is not a text.
    pub fn text(self, name: &str) -> Result<Option<&'a str>, Error> {
        match self.value(name) {
            None => Ok(None),
            Some(OptionValue::Text(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(name, "a text")),
        }
    }

    /// A whole number; none when it was not given.
    ///
    /// # Errors
    /// `internal` when the value is not a number.
    pub fn integer(self, name: &str) -> Result<Option<i32>, Error> {
        match self.value(name) {
            None => Ok(None),
            Some(OptionValue::Integer(number)) => Ok(Some(*number)),
            Some(_) => Err(wrong_type(name, "an integer")),
        }
    }

    /// A number within bounds; none when it was not given.
    ///
    /// # Errors
    /// `invalid-argument` when the number is out of bounds, `internal` when the value is not a number.
    pub fn integer_within(self, name: &str, bounds: std::ops::RangeInclusive<u32>) -> Result<Option<u32>, Error> {
        let Some(number) = self.integer(name)? else {
            return Ok(None);
        };
        match u32::try_from(number) {
            Ok(number) if bounds.contains(&number) => Ok(Some(number)),
            _ => {
                let message = format!("`{name}` must be {} to {}, not {number}", bounds.start(), bounds.end());
                Err(Error::invalid_argument(name, message))
            }
        }
    }

    /// A boolean; none when it was not given.
    ///
    /// # Errors
    /// `internal` when the value is not a boolean.
    pub fn boolean(self, name: &str) -> Result<Option<bool>, Error> {
        match self.value(name) {
            None => Ok(None),
            Some(OptionValue::Boolean(boolean)) => Ok(Some(*boolean)),
            Some(_) => Err(wrong_type(name, "a boolean")),
        }
    }

    /// A list of texts; empty when it was not given.
    ///
    /// # Errors
    /// `internal` when the value is not a list of texts.
    pub fn text_list(self, name: &str) -> Result<&'a [String], Error> {
        match self.value(name) {
            None => Ok(&[]),
            Some(OptionValue::TextList(list)) => Ok(list),
            Some(_) => Err(wrong_type(name, "a list of texts")),
        }
    }

    /// Refuses options that the provider does not know. The host refuses them first; this holds when it did not.
    ///
    /// # Errors
    /// `invalid-argument` with the name of the first unknown option.
    pub fn refuse_others(self, known: &[&str]) -> Result<(), Error> {
        match self.0.iter().find(|entry| !known.contains(&entry.name.as_str())) {
            None => Ok(()),
            Some(entry) => Err(Error::invalid_argument(
                &entry.name,
                format!("there is no option `{}`", entry.name),
            )),
        }
    }
}

fn wrong_type(name: &str, expected: &str) -> Error {
    Error::internal(format!(
        "the option `{name}` is not {expected}, although the schema says so"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ErrorKind;

    fn entries() -> Vec<OptionEntry> {
        let entry = |name: &str, value: OptionValue| OptionEntry {
            name: name.to_owned(),
            value,
        };
        vec![
            entry("host", "a".into()),
            entry("port", 8000.into()),
            entry("tls", true.into()),
            entry("tags", vec!["x".to_owned()].into()),
        ]
    }

    #[test]
    fn values_are_read_by_name_and_type() {
        let entries = entries();
        let options = Options::of(&entries);
        assert_eq!(options.text("host"), Ok(Some("a")));
        assert_eq!(options.text("none"), Ok(None));
        assert_eq!(options.integer_within("port", 1..=65_535), Ok(Some(8000)));
        assert_eq!(options.boolean("tls"), Ok(Some(true)));
        assert_eq!(options.text_list("tags"), Ok(["x".to_owned()].as_slice()));
    }

    #[test]
    fn wrong_types_bounds_and_names_are_told_apart() {
        let entries = entries();
        let options = Options::of(&entries);
        assert_eq!(options.text("port").expect_err("type").kind, ErrorKind::Internal);
        assert_eq!(
            options.integer_within("port", 1..=80).expect_err("bounds").kind,
            ErrorKind::InvalidArgument("port".to_owned())
        );
        assert_eq!(
            options.refuse_others(&["host", "port", "tls"]).expect_err("name").kind,
            ErrorKind::InvalidArgument("tags".to_owned())
        );
        assert_eq!(options.refuse_others(&["host", "port", "tls", "tags"]), Ok(()));
    }
}
