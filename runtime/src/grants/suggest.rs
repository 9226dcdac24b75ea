//! The narrowest grants that would have sufficed for what the audit log holds.
//!
//! A path is written as it was, unless more than [`LITERALS`] values were seen where the asked rule has a wildcard: then
//! that wildcard stands there. Nothing is wider than what the provider asks for. The rest of an endpoint's grant (addresses,
//! TLS) and the state stay as they are: the log does not say whether they were needed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use stockade_host::contract::{ErrorKind, ProviderInfo};
use stockade_host::http::RequestRule;

use crate::audit::{AuditEntry, AuditEvent};
use crate::connections::{ConnectionConfig, Grants, RuleConfig, grants_without_secrets};
use crate::error::{Error, Result};

/// Values that are listed one by one; more become a wildcard. So few are names that somebody chose (a project, a node);
/// more are things that come and go.
const LITERALS: usize = 3;

/// What would have sufficed.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// The grants.
    pub grants: Grants,
    /// The requests that they were made from.
    pub requests: usize,
    /// Requests that the provider does not ask for any more; nothing is suggested for them.
    pub not_asked: usize,
}

/// Suggests grants for what a connection did, and with `denied` also for what it was denied and may be granted.
pub(crate) fn suggest(
    config: &ConnectionConfig,
    info: &ProviderInfo,
    entries: &[AuditEntry],
    denied: bool,
) -> Result<Suggestion> {
    let mut seen: BTreeMap<(&str, String), (&RequestRule, BTreeSet<&str>)> = BTreeMap::new();
    let declared = grants_without_secrets(config, info)?;
    let (mut requests, mut not_asked) = (0, 0);
    for (endpoint, path, rule) in entries.iter().filter_map(|entry| wanted(&entry.event, denied)) {
        let asked = declared.iter().find(|grant| grant.name == endpoint);
        let asked = asked.map_or(&[][..], |grant| &grant.asked);
        if asked.iter().any(|asked| asks_for(asked, rule)) {
            let (_, paths) = seen
                .entry((endpoint, rule.to_string()))
                .or_insert((rule, BTreeSet::new()));
            paths.insert(path);
            requests += 1;
        } else {
            not_asked += 1;
        }
    }
    let mut rules: BTreeMap<&str, Vec<RequestRule>> = BTreeMap::new();
    for ((endpoint, _), (rule, paths)) in &seen {
        for path in generalised(&rule.path().to_string(), paths) {
            rules
                .entry(endpoint)
                .or_default()
                .push(changed(rule, "path", path.into())?);
        }
    }
    let mut grants = Grants {
        endpoints: BTreeMap::new(),
        ..config.grants.clone()
    };
    for (endpoint, rules) in rules {
        let mut granted = config.grants.endpoints.get(endpoint).cloned().unwrap_or_default();
        granted.rules = merged(&rules)?.iter().map(in_config).collect::<Result<_>>()?;
        grants.endpoints.insert(endpoint.to_owned(), granted);
    }
    Ok(Suggestion {
        grants,
        requests,
        not_asked,
    })
}

/// Whether a rule of the log is still asked for, as it was or in a wider rule.
fn asks_for(asked: &RequestRule, rule: &RequestRule) -> bool {
    let is_same = || {
        let has_methods = rule.methods().iter().all(|method| asked.methods().contains(method));
        has_methods && changed(asked, "methods", rule.methods().into()).is_ok_and(|narrowed| narrowed == *rule)
    };
    asked.intersection(rule).as_ref() == Some(rule) || is_same()
}

/// Endpoint, path and asked rule of a line that grants are wanted for.
fn wanted(event: &AuditEvent, denied: bool) -> Option<(&str, &str, &RequestRule)> {
    match event {
        AuditEvent::Request {
            endpoint, path, rule, ..
        } => Some((endpoint, path, rule)),
        AuditEvent::Denied {
            endpoint,
            path,
            rule: Some(rule),
            ..
        } if denied => Some((endpoint, path, rule)),
        _ => None,
    }
}

/// The narrowest patterns for some paths, all of which match `asked`.
fn generalised(asked: &str, paths: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut parts: Vec<&str> = asked.split('/').skip(1).collect();
    let has_rest = parts.pop_if(|last| *last == "**").is_some();
    // A path that was cut for its line ends in a character that no encoded path has.
    let split = |path: &&str| {
        let segments: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
        (path.is_ascii() && segments.len() >= parts.len()).then_some(segments)
    };
    let Some(mut segmented) = paths.iter().map(split).collect::<Option<Vec<_>>>() else {
        return BTreeSet::from([asked.to_owned()]);
    };
    let many = |values: BTreeSet<&[String]>| values.len() > LITERALS;
    for (index, _) in parts.iter().enumerate().filter(|(_, part)| **part == "*") {
        if many(segmented.iter().map(|segments| &segments[index..=index]).collect()) {
            segmented
                .iter_mut()
                .for_each(|segments| segments[index] = "*".to_owned());
        }
    }
    if has_rest && many(segmented.iter().map(|segments| &segments[parts.len()..]).collect()) {
        for segments in &mut segmented {
            segments.truncate(parts.len());
            segments.push("**".to_owned());
        }
    }
    segmented
        .iter()
        .map(|segments| format!("/{}", segments.join("/")))
        .collect()
}

/// One rule for all that differ in their methods only.
fn merged(rules: &[RequestRule]) -> Result<Vec<RequestRule>> {
    let mut merged: Vec<(Map<String, Value>, RequestRule, BTreeSet<&String>)> = Vec::new();
    for rule in rules {
        let mut rest = written(rule)?;
        rest.remove("methods");
        match merged.iter_mut().find(|(other, _, _)| *other == rest) {
            Some((_, _, methods)) => methods.extend(rule.methods()),
            None => merged.push((rest, rule.clone(), rule.methods().iter().collect())),
        }
    }
    let rule = |(_, rule, methods): &(_, RequestRule, BTreeSet<&String>)| {
        let methods = methods.iter().map(|method| Value::from(method.as_str()));
        changed(rule, "methods", methods.collect::<Vec<_>>().into())
    };
    merged.iter().map(rule).collect()
}

/// The same rule with one key written differently, whatever else rules can say.
fn changed(rule: &RequestRule, key: &str, value: Value) -> Result<RequestRule> {
    let mut text = written(rule)?;
    text.insert(key.to_owned(), value);
    serde_json::from_value(text.into()).map_err(|error| unwritable(rule, &error))
}

fn in_config(rule: &RequestRule) -> Result<RuleConfig> {
    serde_json::from_value(written(rule)?.into()).map_err(|error| unwritable(rule, &error))
}

fn written(rule: &RequestRule) -> Result<Map<String, Value>> {
    match serde_json::to_value(rule) {
        Ok(Value::Object(text)) => Ok(text),
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(unwritable(rule, &error)),
    }
}

fn unwritable(rule: &RequestRule, error: &serde_json::Error) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("the rule `{rule}` cannot be narrowed: {error}"),
    )
}

impl Suggestion {
    /// The grants as they stand in a connection's file, one line for each rule.
    pub fn to_toml(&self) -> Result<String> {
        let mut text = "[grants]\n".to_owned();
        let failed = |error: toml::ser::Error| Error::new(ErrorKind::Internal, error.to_string());
        let rest = Grants {
            endpoints: BTreeMap::new(),
            ..self.grants.clone()
        };
        text.push_str(&toml::to_string(&rest).map_err(failed)?);
        for (name, endpoint) in &self.grants.endpoints {
            let mut rest = toml::Table::try_from(endpoint).map_err(failed)?;
            let rules = rest.remove("rules");
            text.push_str(&format!("\n[grants.endpoints.{name}]\n"));
            for (key, value) in &rest {
                text.push_str(&format!("{key} = {value}\n"));
            }
            text.push_str("rules = [\n");
            for rule in rules.as_ref().and_then(toml::Value::as_array).into_iter().flatten() {
                text.push_str(&format!("    {rule},\n"));
            }
            text.push_str("]\n");
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(asked: &str, paths: &[&str]) -> String {
        let patterns = generalised(asked, &paths.iter().copied().collect());
        patterns.into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn paths_stay_literal_until_there_are_many() {
        for (asked, paths, expected) in [
            ("/vms", &["/vms"][..], "/vms"),
            ("/", &["/"], "/"),
            ("/vms/*", &["/vms/a", "/vms/b"], "/vms/a /vms/b"),
            ("/vms/*", &["/vms/a", "/vms/b", "/vms/c", "/vms/d"], "/vms/*"),
            (
                "/p/*/vms/*",
                &["/p/x/vms/a", "/p/x/vms/b", "/p/x/vms/c", "/p/x/vms/d"],
                "/p/x/vms/*",
            ),
            ("/v1/**", &["/v1", "/v1/", "/v1/a/b"], "/v1 /v1/ /v1/a/b"),
            ("/v1/**", &["/v1", "/v1/a", "/v1/b", "/v1/c/d"], "/v1/**"),
            ("/**", &["/", "/a"], "/ /a"),
            ("/vms/*", &["/vms/aaaa\u{2026}"], "/vms/*"),
        ] {
            assert_eq!(patterns(asked, paths), expected, "{asked}: {paths:?}");
        }
    }

    #[test]
    fn rules_that_differ_in_methods_only_become_one() {
        let rule = |method: &str, path: &str| RequestRule::new([method], path).unwrap();
        let rules = [
            rule("GET", "/a"),
            rule("GET", "/b"),
            rule("DELETE", "/a"),
            rule("GET", "/a"),
        ];
        let merged: Vec<_> = merged(&rules).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            merged,
            [
                r#"{ methods = ["DELETE", "GET"], path = "/a" }"#,
                r#"{ methods = ["GET"], path = "/b" }"#
            ]
        );
    }

    #[test]
    fn conditions_are_carried_over_and_what_is_not_asked_any_more_is_left_out() {
        let describe = r#"{"query": "Action", "values": ["Describe*", "DescribeVms"]}"#;
        let asked: RequestRule = serde_json::from_str(&format!(
            r#"{{"methods": ["POST"], "path": "/*", "when": [{describe}]}}"#
        ))
        .unwrap();
        assert!(asks_for(&asked, &asked), "an asked rule counts as not asked");
        let narrowed = changed(&asked, "path", "/a".into()).unwrap();
        assert_eq!(
            narrowed.to_string(),
            r#"{ methods = ["POST"], path = "/a", when = [{ query = "Action", values = ["Describe*", "DescribeVms"] }] }"#
        );
        let text = toml::to_string(&in_config(&narrowed).unwrap()).unwrap();
        assert!(text.contains("Describe*"), "{text}");
        let without: RequestRule = serde_json::from_str(r#"{"methods": ["POST"], "path": "/a"}"#).unwrap();
        assert!(!asks_for(&asked, &without), "a rule without the condition is wider");
        assert_eq!(merged(&[narrowed, without]).unwrap().len(), 2, "a condition was lost");
    }
}
