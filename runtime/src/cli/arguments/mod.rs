//! Arguments that several commands take, and how they are written.
//!
//! Parsing only: whether a value makes sense is the library's and the provider's to say.

mod fields;
mod moment;
mod size;

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use stockade::connections::OptionInput;
use stockade::contract::Tag;

pub(crate) use fields::Fields;
pub(crate) use moment::moment;
pub(crate) use size::{disk_gib, memory_mib};

use crate::cli::failure::{Failure, Outcome};

/// Something that is on or off, where leaving it out leaves it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// It is so.
    On,
    /// It is not so.
    Off,
}

impl From<Switch> for bool {
    fn from(switch: Switch) -> Self {
        switch == Switch::On
    }
}

/// Provider-specific options.
#[derive(Debug, Args)]
pub(crate) struct ProviderOptions {
    /// An option of the provider; `stockade provider inspect` lists them
    #[arg(short = 'P', long = "option", value_name = "OPTION=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
}

/// Metadata of what is created.
#[derive(Debug, Args)]
pub(crate) struct Metadata {
    /// Metadata to note on it
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
}

impl ProviderOptions {
    /// The options by name.
    pub(crate) fn inputs(&self) -> Outcome<BTreeMap<String, OptionInput>> {
        let mut inputs = BTreeMap::new();
        for (name, value) in &self.options {
            if inputs.insert(name.clone(), OptionInput::Text(value.clone())).is_some() {
                return Err(twice("option", name));
            }
        }
        Ok(inputs)
    }
}

impl Metadata {
    /// The metadata, sorted by key.
    pub(crate) fn tags(&self) -> Outcome<Vec<Tag>> {
        let mut tags = BTreeMap::new();
        for (key, value) in &self.metadata {
            if tags.insert(key, value).is_some() {
                return Err(twice("metadata", key));
            }
        }
        let tag = |(key, value): (&String, &String)| Tag {
            key: key.clone(),
            value: value.clone(),
        };
        Ok(tags.into_iter().map(tag).collect())
    }
}

fn twice(what: &str, name: &str) -> Failure {
    Failure::usage(
        format!("{what} `{name}` is given twice"),
        "give it once; a list is written `NAME=a,b`",
    )
}

/// `KEY=VALUE`; the value may be empty and may contain `=`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it must be written `NAME=VALUE`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_be_anything_and_a_name_may_not_be_missing() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(pair("a="), Ok(("a".to_owned(), String::new())));
        assert!(pair("=b").is_err());
        assert!(pair("a").is_err());
    }

    #[test]
    fn what_is_given_twice_is_refused() {
        let options = ["a=1", "a=2"].map(|text| pair(text).unwrap()).to_vec();
        assert!(
            ProviderOptions {
                options: options.clone()
            }
            .inputs()
            .is_err()
        );
        assert!(Metadata { metadata: options }.tags().is_err());
    }
}
