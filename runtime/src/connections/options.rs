//! Provider-specific options: from what people write to typed values, by the provider's schema.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stockade_host::contract::{OptionEntry, OptionSchema, OptionType, OptionValue};
use stockade_host::http::Template;
use utoipa::ToSchema;

use super::grants::option_text;
use crate::error::{Error, Result};
use crate::suggest;

/// An option's value as people write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum OptionInput {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i32),
    /// Text. On the command line everything is text, and the schema says what it means.
    Text(String),
    /// A list of texts.
    TextList(Vec<String>),
}

/// Validates options against a schema and fills in the defaults. `place` says whose options they are.
pub(crate) fn validate(
    schema: &[OptionSchema],
    inputs: &BTreeMap<String, OptionInput>,
    place: &str,
) -> Result<Vec<OptionEntry>> {
    let names: Vec<&str> = schema.iter().map(|option| option.name.as_str()).collect();
    if let Some(unknown) = inputs.keys().find(|name| !names.contains(&name.as_str())) {
        let error = Error::invalid(unknown, format!("{place} has no option `{unknown}`"));
        return Err(match suggest::hint(unknown, &names) {
            Some(hint) => error.hint(hint),
            None => error.hint("it takes no options"),
        });
    }
    let mut entries: Vec<OptionEntry> = Vec::new();
    let mut derived = Vec::new();
    for option in schema {
        let value = match inputs.get(&option.name) {
            Some(input) => Some(convert(option, input)?),
            None if option.required => {
                return Err(Error::invalid(
                    &option.name,
                    format!("{place} needs option `{}`: {}", option.name, option.doc),
                ));
            }
            None => option.default.clone(),
        };
        if let (None, Some(OptionValue::Text(text))) = (inputs.get(&option.name), &value)
            && text.contains('{')
        {
            let template = Template::parse(text);
            // A secret must not become part of what is shown, resolved and logged.
            let is_open = |place: &str| schema.iter().any(|other| other.name == place && !other.secret);
            if template.places().all(is_open) {
                derived.push((entries.len(), template));
            }
        }
        entries.extend(value.map(|value| OptionEntry {
            name: option.name.clone(),
            value,
        }));
    }
    fill_in(&mut entries, &derived);
    Ok(entries)
}

/// Fills defaults that name other options, once: what one names that is itself such a default is taken as it is written.
/// A default that names an option without a value is no value.
fn fill_in(entries: &mut Vec<OptionEntry>, derived: &[(usize, Template)]) {
    let texts: BTreeMap<String, String> = entries
        .iter()
        .filter_map(|entry| Some((entry.name.clone(), option_text(entries, &entry.name)?)))
        .collect();
    let mut lacking = Vec::new();
    for (index, template) in derived {
        match template.fill(|name| texts.get(name).map(String::as_str)) {
            Ok(text) => entries[*index].value = OptionValue::Text(text.to_string()),
            Err(_) => lacking.push(*index),
        }
    }
    for index in lacking.into_iter().rev() {
        entries.remove(index);
    }
}

/// A list that was given as one text: items between commas, or a JSON array for items that have commas themselves.
fn split_list(text: &str) -> Vec<String> {
    let items = || text.split(',').map(str::trim).filter(|item| !item.is_empty());
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(items) => items,
        Err(_) => items().map(str::to_owned).collect(),
    }
}

fn convert(option: &OptionSchema, input: &OptionInput) -> Result<OptionValue> {
    let value = match (option.r#type, input) {
        (OptionType::Text, OptionInput::Text(text)) => OptionValue::Text(text.clone()),
        (OptionType::Integer, OptionInput::Integer(number)) => OptionValue::Integer(*number),
        (OptionType::Integer, OptionInput::Text(text)) => {
            OptionValue::Integer(text.trim().parse().map_err(|_| mismatch(option, text))?)
        }
        (OptionType::Boolean, OptionInput::Boolean(value)) => OptionValue::Boolean(*value),
        (OptionType::Boolean, OptionInput::Text(text)) => {
            OptionValue::Boolean(text.trim().parse().map_err(|_| mismatch(option, text))?)
        }
        (OptionType::TextList, OptionInput::TextList(items)) => OptionValue::TextList(items.clone()),
        (OptionType::TextList, OptionInput::Text(text)) => OptionValue::TextList(split_list(text)),
        // A number is also a text: `port = 8000` where the schema says text.
        (OptionType::Text, OptionInput::Integer(number)) => OptionValue::Text(number.to_string()),
        (_, other) => return Err(mismatch(option, &format!("{other:?}"))),
    };
    match &value {
        OptionValue::Text(text) if !option.choices.is_empty() && !option.choices.contains(text) => {
            let choices: Vec<_> = option.choices.iter().map(String::as_str).collect();
            let error = Error::invalid(&option.name, format!("option `{}` cannot be `{text}`", option.name));
            Err(error.hint(suggest::hint(text, &choices).unwrap_or_default()))
        }
        _ => Ok(value),
    }
}

fn mismatch(option: &OptionSchema, found: &str) -> Error {
    let expected = match option.r#type {
        OptionType::Text => "a text",
        OptionType::Integer => "a whole number",
        OptionType::Boolean => "`true` or `false`",
        OptionType::TextList => "a list of texts",
    };
    let found = if option.secret { "something else" } else { found };
    Error::invalid(
        &option.name,
        format!("option `{}` must be {expected}, not `{found}`", option.name),
    )
    .hint(option.doc.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(name: &str, r#type: OptionType) -> OptionSchema {
        OptionSchema {
            name: name.to_owned(),
            r#type,
            required: false,
            default: None,
            choices: Vec::new(),
            secret: false,
            doc: "about it".to_owned(),
        }
    }

    fn check(schema: OptionSchema, input: OptionInput) -> Result<Vec<OptionEntry>> {
        let name = schema.name.clone();
        validate(&[schema], &BTreeMap::from([(name, input)]), "provider `example`")
    }

    #[test]
    fn text_from_the_command_line_becomes_what_the_schema_says() {
        let text = |text: &str| OptionInput::Text(text.to_owned());
        let cases = [
            (OptionType::Integer, text("8000"), OptionValue::Integer(8000)),
            (OptionType::Boolean, text("true"), OptionValue::Boolean(true)),
            (
                OptionType::TextList,
                text("a, b"),
                OptionValue::TextList(vec!["a".into(), "b".into()]),
            ),
            (
                OptionType::TextList,
                text(r#"["0:cache=none,io=native", "1:shareable"]"#),
                OptionValue::TextList(vec!["0:cache=none,io=native".into(), "1:shareable".into()]),
            ),
            (
                OptionType::TextList,
                text("[::1]:80,b"),
                OptionValue::TextList(vec!["[::1]:80".into(), "b".into()]),
            ),
            (OptionType::Text, OptionInput::Integer(7), OptionValue::Text("7".into())),
        ];
        for (r#type, input, expected) in cases {
            assert_eq!(check(option("x", r#type), input).unwrap()[0].value, expected);
        }
        assert!(check(option("x", OptionType::Integer), text("many")).is_err());
        assert!(check(option("x", OptionType::Boolean), OptionInput::Integer(1)).is_err());
    }

    #[test]
    fn a_default_may_name_other_options() {
        let with_default = |name, default: &str| {
            let mut option = option(name, OptionType::Text);
            option.default = Some(OptionValue::Text(default.into()));
            option
        };
        let schema = [
            with_default("host", "ec2.{region}.{suffix}"),
            option("region", OptionType::Text),
            with_default("suffix", "example.com"),
            with_default("verbatim", "{absent} {}"),
            with_default("leaky", "{pin}.example.com"),
            OptionSchema {
                secret: true,
                ..with_default("pin", "1234")
            },
        ];
        let read = |inputs: &[(&str, &str)]| {
            let inputs = inputs
                .iter()
                .map(|(name, text)| ((*name).to_owned(), OptionInput::Text((*text).to_owned())));
            let entries = validate(&schema, &inputs.collect(), "provider `example`").unwrap();
            entries
                .iter()
                .map(|entry| format!("{}={}", entry.name, option_text(&entries, &entry.name).unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            read(&[("region", "eu-1")]),
            [
                "host=ec2.eu-1.example.com",
                "region=eu-1",
                "suffix=example.com",
                "verbatim={absent} {}",
                "leaky={pin}.example.com",
                "pin=1234"
            ]
        );
        // What somebody gives is a value, never a template; without the region there is no host.
        assert_eq!(
            read(&[("region", "{suffix}"), ("suffix", "x")])[0],
            "host=ec2.{suffix}.x"
        );
        assert_eq!(read(&[])[..2], ["suffix=example.com", "verbatim={absent} {}"]);
        assert_eq!(read(&[("host", "{region}")])[0], "host={region}");
    }

    #[test]
    fn a_typo_is_refused_with_the_nearest_name() {
        let inputs = BTreeMap::from([("regoin".to_owned(), OptionInput::Text("x".into()))]);
        let error = validate(&[option("region", OptionType::Text)], &inputs, "provider `example`").unwrap_err();
        assert_eq!(error.to_string(), "provider `example` has no option `regoin`");
        assert_eq!(error.hints(), ["did you mean `region`?"]);
    }

    #[test]
    fn defaults_are_filled_in_and_required_ones_are_missed() {
        let mut region = option("region", OptionType::Text);
        region.default = Some(OptionValue::Text("eu".into()));
        assert_eq!(
            validate(&[region.clone()], &BTreeMap::new(), "x").unwrap()[0].value,
            OptionValue::Text("eu".into())
        );
        region.required = true;
        assert!(
            validate(&[region], &BTreeMap::new(), "x")
                .unwrap_err()
                .to_string()
                .contains("needs option `region`")
        );
    }

    #[test]
    fn a_choice_is_one_of_the_choices() {
        let mut scheme = option("scheme", OptionType::Text);
        scheme.choices = vec!["http".into(), "https".into()];
        assert!(check(scheme.clone(), OptionInput::Text("https".into())).is_ok());
        assert_eq!(
            check(scheme, OptionInput::Text("htps".into())).unwrap_err().hints(),
            ["did you mean `https`?"]
        );
    }
}
