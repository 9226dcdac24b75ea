//! What a provider asks for, taken apart into lines, and what differs between two of its versions.
//!
//! The lines are made from the self-description's serialised form, whole values at a time, so that whatever the contract
//! adds to an endpoint or a rule is compared and shown without this module knowing it. Words for people (`reason`, `doc`)
//! are shown but not compared. It is strict: a line that was not there before needs approval, also when another line
//! would have covered it.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::registry::InstalledProvider;

/// A line that one version has and the other has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AskChange {
    /// Whether the new version has it.
    pub change: ChangeKind,
    /// What it is about: `endpoint api rule`.
    pub subject: String,
    /// The whole of it: `GET,POST /vms/**`.
    pub text: String,
    /// Why the provider asks for it, in its own words.
    pub reason: Option<String>,
    /// Whether somebody must approve it.
    pub widens: bool,
}

/// Which of the two versions has a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// The new one.
    Added,
    /// The old one.
    Removed,
}

/// One thing that a provider asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ask {
    subject: String,
    text: String,
    reason: Option<String>,
    /// Whether having it lets the provider do more.
    counts: bool,
    /// How much, where a smaller amount is less.
    amount: Option<u64>,
}

/// Fields of the self-description that ask for nothing.
const NOT_ASKED: [&str; 3] = ["name", "version", "description"];
/// What is shown and may change without approval: how vms may be described is not what a provider can reach.
const HARMLESS: [&str; 2] = ["spec_options", "abilities"];
/// Words for people inside of things.
const WORDS: [&str; 2] = ["reason", "doc"];

/// What differs, in the order of the new version; what only the old one had comes last.
///
/// # Errors
/// `internal` when a description cannot be serialised.
pub(super) fn difference(old: Option<&InstalledProvider>, new: &InstalledProvider) -> Result<Vec<AskChange>> {
    let old = old.map(asks).transpose()?.unwrap_or_default();
    let new = asks(new)?;
    let is_same = |one: &Ask, other: &Ask| one.subject == other.subject && one.text == other.text;
    let is_less = |ask: &Ask| {
        let before = old.iter().find(|before| before.subject == ask.subject);
        before
            .and_then(|before| before.amount)
            .zip(ask.amount)
            .is_some_and(|(before, now)| now <= before)
    };
    let line = |ask: &Ask, change: ChangeKind, widens: bool| AskChange {
        change,
        subject: ask.subject.clone(),
        text: ask.text.clone(),
        reason: ask.reason.clone(),
        widens,
    };
    let added = new.iter().filter(|ask| !old.iter().any(|before| is_same(before, ask)));
    let removed = old.iter().filter(|ask| !new.iter().any(|now| is_same(now, ask)));
    let mut changes: Vec<_> = added
        .map(|ask| line(ask, ChangeKind::Added, ask.counts && !is_less(ask)))
        .collect();
    changes.extend(removed.map(|ask| line(ask, ChangeKind::Removed, false)));
    Ok(changes)
}

fn asks(provider: &InstalledProvider) -> Result<Vec<Ask>> {
    let serialised = |value: serde_json::Result<Value>| {
        value.map_err(|error| Error::from(stockade_host::contract::Error::internal(error.to_string())))
    };
    let info = serialised(serde_json::to_value(&provider.info))?;
    let mut asks = Vec::new();
    let mut add = |field: &str, value: &Value| {
        take_apart(&singular(field), value, !HARMLESS.contains(&field), &mut asks);
    };
    for (field, value) in info.as_object().into_iter().flatten() {
        if !NOT_ASKED.contains(&field.as_str()) {
            add(field, value);
        }
    }
    add("imports", &serialised(serde_json::to_value(&provider.imports))?);
    add("abilities", &serialised(serde_json::to_value(&provider.abilities))?);
    Ok(asks)
}

/// Adds a value, and what is in it, as lines.
fn take_apart(subject: &str, value: &Value, counts: bool, asks: &mut Vec<Ask>) {
    let mut add = |subject: &str, text: String, reason: Option<String>, amount: Option<u64>| {
        asks.push(Ask {
            subject: subject.to_owned(),
            text,
            reason,
            counts,
            amount,
        });
    };
    match value {
        Value::Null => {}
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| take_apart(subject, element, counts, asks)),
        Value::Object(fields) => {
            let name = ["name", "noun"].iter().find_map(|field| fields.get(*field)?.as_str());
            let reason = WORDS
                .iter()
                .find_map(|field| fields.get(*field)?.as_str())
                .map(str::to_owned);
            let Some(name) = name else {
                // What has no name, a rule, is one line with all that is in it: a part of it means nothing alone.
                return add(subject, render(fields), reason, None);
            };
            let (parts, own): (Map<_, _>, Map<_, _>) =
                fields.clone().into_iter().partition(|(_, value)| has_parts(value));
            let subject = format!("{subject} `{name}`");
            add(&subject, render(&own), reason, None);
            for (field, value) in &parts {
                take_apart(&format!("{subject} {}", singular(field)), value, counts, asks);
            }
        }
        Value::Number(number) => add(subject, number.to_string(), None, number.as_u64()),
        Value::String(text) => add(subject, text.clone(), None, None),
        Value::Bool(_) => add(subject, value.to_string(), None, None),
    }
}

/// Whether a value is a list of things that are lines of their own.
fn has_parts(value: &Value) -> bool {
    value.as_array().is_some_and(|parts| parts.iter().any(Value::is_object))
}

/// A thing on one line, without its name and the words for people.
pub(super) fn render(fields: &Map<String, Value>) -> String {
    let is_told = |field: &str| ["name", "noun", "methods", "path"].contains(&field) || WORDS.contains(&field);
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let mut words: Vec<String> = Vec::new();
    // A rule reads as a request does.
    words.extend(fields.get("methods").and_then(Value::as_array).map(|methods| {
        let methods: Vec<_> = methods.iter().filter_map(Value::as_str).collect();
        methods.join(",")
    }));
    words.extend(fields.get("path").and_then(Value::as_str).map(str::to_owned));
    for (field, value) in fields {
        if !is_told(field) && !is_empty(value) {
            words.push(match value {
                Value::String(text) => format!("{field}={text}"),
                value => format!("{field}={value}"),
            });
        }
    }
    words.join(" ")
}

/// The name of one of the things that a field holds.
fn singular(field: &str) -> String {
    let word = field.replace('_', " ");
    match word.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => word.strip_suffix('s').unwrap_or(&word).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use stockade_host::contract::{
        Condition, CredentialKind, CredentialRequest, Effect, OptionSchema, OptionType, OptionValue, Parameter,
    };

    use super::*;
    use crate::review::tests::{provider, rule};

    /// The lines, sorted, as `+!subject: text`; `!` when it must be approved.
    fn lines(old: Option<&InstalledProvider>, new: &InstalledProvider) -> Vec<String> {
        let line = |change: &AskChange| {
            let sign = if change.change == ChangeKind::Added { '+' } else { '-' };
            let mark = if change.widens { "!" } else { "" };
            format!("{sign}{mark}{}: {}", change.subject, change.text)
        };
        let mut lines: Vec<_> = difference(old, new).unwrap().iter().map(line).collect();
        lines.sort();
        lines
    }

    #[test]
    fn a_new_provider_asks_for_all_of_it() {
        let new = provider(&[rule("GET", "/vms/*")]);
        let expected = [
            "+!endpoint `api` rule: GET /vms/*",
            "+!endpoint `api`: origin=https://{host}",
            "+!import: stockade:provider/http",
            "+!state kib: 64",
            "+ability: vms",
        ];
        assert_eq!(lines(None, &new), expected);
        assert_eq!(lines(Some(&new), &new), [""; 0]);
    }

    #[test]
    fn whatever_lets_it_do_more_is_found_and_words_are_not() {
        let mut old = provider(&[rule("GET", "/vms/*")]);
        old.info.endpoints[0].rules[0].conditions = vec![Condition {
            parameter: Parameter::Query("Action".into()),
            values: vec!["List*".into()],
        }];
        let check = |what: &str, change: fn(&mut InstalledProvider), expected: &[&str]| {
            let mut new = old.clone();
            change(&mut new);
            assert_eq!(lines(Some(&old), &new), expected, "{what}");
        };
        check("reason", |new| new.info.endpoints[0].reason = "other words".into(), &[]);
        check("version", |new| new.info.version = "9.0.0".into(), &[]);
        check(
            "less state",
            |new| new.info.state_kib = Some(32),
            &["+state kib: 32", "-state kib: 64"],
        );
        check(
            "more state",
            |new| new.info.state_kib = Some(65),
            &["+!state kib: 65", "-state kib: 64"],
        );
        check("no state", |new| new.info.state_kib = None, &["-state kib: 64"]);
        check(
            "import",
            |new| new.imports.push("stockade:provider/blobs".into()),
            &["+!import: stockade:provider/blobs"],
        );
        check(
            "no endpoint",
            |new| new.info.endpoints.clear(),
            &[
                "-endpoint `api` rule: GET /vms/* conditions=[{\"parameter\":{\"query\":\"Action\"},\"values\":[\"List*\"]}]",
                "-endpoint `api`: origin=https://{host}",
            ],
        );
        check(
            "origin",
            |new| new.info.endpoints[0].origin = "https://evil.example".into(),
            &[
                "+!endpoint `api`: origin=https://evil.example",
                "-endpoint `api`: origin=https://{host}",
            ],
        );
        check(
            "rule",
            |new| new.info.endpoints[0].rules.push(rule("DELETE", "/vms/*")),
            &["+!endpoint `api` rule: DELETE /vms/*"],
        );
        check(
            "a condition less",
            |new| new.info.endpoints[0].rules[0].conditions.clear(),
            &[
                "+!endpoint `api` rule: GET /vms/*",
                "-endpoint `api` rule: GET /vms/* conditions=[{\"parameter\":{\"query\":\"Action\"},\"values\":[\"List*\"]}]",
            ],
        );
        check(
            "another effect",
            |new| new.info.endpoints[0].rules[0].effect = Some(Effect::Read),
            &[
                "+!endpoint `api` rule: GET /vms/* conditions=[{\"parameter\":{\"query\":\"Action\"},\"values\":[\"List*\"]}] effect=read",
                "-endpoint `api` rule: GET /vms/* conditions=[{\"parameter\":{\"query\":\"Action\"},\"values\":[\"List*\"]}]",
            ],
        );
        check(
            "credential",
            |new| {
                new.info.endpoints[0].credential = Some("key".into());
                new.info.credentials.push(CredentialRequest {
                    name: "key".into(),
                    kinds: vec![CredentialKind::Bearer],
                    required: true,
                    reason: String::new(),
                });
            },
            &[
                "+!credential `key`: kinds=[\"bearer\"] required=true",
                "+!endpoint `api`: credential=key origin=https://{host}",
                "-endpoint `api`: origin=https://{host}",
            ],
        );
        // A default can stand in an origin.
        check(
            "default",
            |new| {
                new.info.connection_options.push(OptionSchema {
                    name: "host".into(),
                    r#type: OptionType::Text,
                    required: false,
                    default: Some(OptionValue::Text("evil.example".into())),
                    choices: Vec::new(),
                    secret: false,
                    doc: String::new(),
                });
            },
            &["+!connection option `host`: default={\"text\":\"evil.example\"} required=false secret=false type=text"],
        );
    }
}
