//! Grants that are mistakes: found when a connection is created or opened, before anything is granted.
//!
//! A rule that grants what nobody asks for does nothing today, and something when the provider changes. Two rules that
//! contradict each other about what a request does leave it open whether a read-only connection sends it.

use std::collections::BTreeMap;

use stockade_host::http::{
    Destination, EndpointBounds, HeaderRule, OriginPattern, OriginTemplate, RequestRule, Resolved, TextPattern,
};

use super::config::{EndpointGrants, HeadersConfig};
use crate::error::{Error, Result, chain};
use crate::suggest;

/// Refuses granted rules that no asked rule shares a request with, and those that contradict each other.
pub(super) fn rules(asked: &[RequestRule], granted: &[RequestRule]) -> Result<()> {
    let is_asked = |rule: &RequestRule| asked.iter().any(|asked| asked.intersection(rule).is_some());
    if let Some(rule) = granted.iter().find(|rule| !is_asked(rule)) {
        let error = Error::invalid(
            "grants",
            format!("the provider asks for no request that the rule `{rule}` grants"),
        );
        return Err(match nearest(rule, asked) {
            Some(asked) => error.hint(format!("the nearest rule that it asks for is `{asked}`")),
            None => error.hint("it asks for no request there: take the rule out"),
        });
    }
    for (index, one) in granted.iter().enumerate() {
        if let Some(two) = granted[index + 1..].iter().find(|two| one.contradicts(two)) {
            let message =
                format!("the rules `{one}` and `{two}` contradict each other about what the same request does");
            return Err(Error::invalid("grants", message).hint("leave `effect` out of the wider one, or narrow it"));
        }
    }
    Ok(())
}

fn nearest<'a>(rule: &RequestRule, asked: &'a [RequestRule]) -> Option<&'a RequestRule> {
    let text = rule.to_string();
    let likeness = |asked: &RequestRule| strsim::jaro_winkler(&text, &asked.to_string());
    asked.iter().max_by(|one, two| likeness(one).total_cmp(&likeness(two)))
}

/// Where an endpoint leads, with the options filled in and within what was granted.
pub(super) fn destination(
    template: &OriginTemplate,
    granted: &EndpointGrants,
    option: &dyn Fn(&str) -> Option<String>,
) -> Result<Destination> {
    variables(template, &granted.variables, option)?;
    let invalid = |error: &dyn std::error::Error| Error::invalid("grants", chain(error));
    match template.resolve(option).map_err(|error| invalid(&error))? {
        Resolved::Fixed(origin) if granted.origins.is_empty() => Ok(origin.into()),
        Resolved::Fixed(origin) => Err(Error::invalid(
            "grants",
            format!("the endpoint leads to `{origin}` and discovers no other origin"),
        )
        .hint("take `origins` out")),
        Resolved::Discovered(asked) => {
            let check = |pattern: &OriginPattern| pattern.check_granted(&asked).map_err(|error| invalid(&error));
            granted.origins.iter().try_for_each(check)?;
            Ok(Destination::Discovered {
                asked,
                granted: granted.origins.clone(),
            })
        }
    }
}

/// Refuses values of an origin's options that were not granted.
fn variables(
    template: &OriginTemplate,
    granted: &BTreeMap<String, Vec<TextPattern>>,
    option: &dyn Fn(&str) -> Option<String>,
) -> Result<()> {
    let known: Vec<&str> = template.options().collect();
    for (name, patterns) in granted {
        if !known.contains(&name.as_str()) {
            let error = Error::invalid("grants", format!("the origin `{template}` has no variable `{name}`"));
            return Err(match suggest::hint(name, &known) {
                Some(hint) => error.hint(hint),
                None => error,
            });
        }
        let value = option(name).unwrap_or_default();
        if !patterns.iter().any(|pattern| pattern.matches(&value)) {
            let allowed: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
            let message = format!(
                "the option `{name}` is `{value}`, and granted is {}",
                allowed.join(", ")
            );
            return Err(Error::invalid("grants", message).hint("change the option, or `variables` of the endpoint"));
        }
    }
    Ok(())
}

/// What an endpoint may use of its connection.
pub(super) fn bounds(granted: &EndpointGrants) -> Result<EndpointBounds> {
    let bytes = |kib: Option<u32>| kib.map(|kib| u64::from(kib) << 10);
    Ok(EndpointBounds {
        request_headers: headers(granted.request_headers.as_ref())?,
        response_headers: headers(granted.response_headers.as_ref())?,
        request_body_bytes: bytes(granted.request_body_kib),
        response_body_bytes: bytes(granted.response_body_kib),
        requests_per_second: granted.requests_per_second,
        requests_in_flight: granted.requests_in_flight,
    })
}

fn headers(config: Option<&HeadersConfig>) -> Result<HeaderRule> {
    let patterns = |names: &[String]| {
        names
            .iter()
            .map(|name| HeaderRule::pattern(name).map_err(|error| Error::invalid("grants", error.to_string())))
            .collect::<Result<Vec<_>>>()
    };
    Ok(match config {
        None => HeaderRule::All,
        Some(HeadersConfig::Allow(names)) => HeaderRule::Allow(patterns(names)?),
        Some(HeadersConfig::Deny(names)) => HeaderRule::Deny(patterns(names)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::RuleConfig;

    fn rule(toml: &str) -> RequestRule {
        toml::from_str::<RuleConfig>(toml).unwrap().rule().unwrap()
    }

    #[test]
    fn grants_that_nobody_asks_for_or_that_contradict_each_other_are_refused() {
        let asked = [
            rule("methods = [\"GET\"]\npath = \"/vms/*\""),
            rule("methods = [\"POST\"]\npath = \"/\"\nwhen = [{ form = \"Action\", values = [\"Describe*\"] }]"),
        ];
        let action = |value: &str, effect: &str| {
            rule(&format!(
                "methods = [\"POST\"]\npath = \"/\"\neffect = \"{effect}\"\nwhen = [{{ form = \"Action\", values = [\"{value}\"] }}]"
            ))
        };
        let wide = rule("methods = [\"GET\", \"DELETE\"]\npath = \"/**\"");
        rules(&asked, &[wide, action("DescribeVms", "read")]).unwrap();
        for (granted, told) in [
            (vec![rule("methods = [\"GET\"]\npath = \"/vm/*\"")], "/vms/*"),
            (vec![action("Stop*", "change")], "Describe*"),
            (
                vec![action("Describe*", "read"), action("DescribeVms", "change")],
                "leave `effect`",
            ),
        ] {
            let error = rules(&asked, &granted).unwrap_err();
            assert!(error.hints()[0].contains(told), "{error}: {:?}", error.hints());
        }
    }

    #[test]
    fn origins_and_variables_are_checked_against_the_template() {
        let check = |template: &str, granted: &str| {
            let template: OriginTemplate = template.parse().unwrap();
            let granted: EndpointGrants = toml::from_str(granted).unwrap();
            destination(&template, &granted, &|option| {
                (option == "region").then(|| "eu-west".to_owned())
            })
            .map(|destination| destination.to_string())
            .map_err(|error| format!("{error} {:?}", error.hints()))
        };
        let fixed = "https://api.{region}.example.com";
        for (template, granted, expected) in [
            (fixed, "", Ok("https://api.eu-west.example.com")),
            (
                fixed,
                "variables = { region = [\"us-*\", \"eu-*\"] }",
                Ok("https://api.eu-west.example.com"),
            ),
            (
                fixed,
                "variables = { region = [\"us-*\"] }",
                Err("`eu-west`, and granted is `us-*`"),
            ),
            (fixed, "variables = { region = [] }", Err("granted is")),
            (fixed, "variables = { regions = [\"*\"] }", Err("no variable `regions`")),
            (
                fixed,
                "origins = [\"https://a.example.com\"]",
                Err("take `origins` out"),
            ),
            ("https://*:*", "", Ok("https://*:*")),
            (
                "https://*:*",
                "origins = [\"https://*.example.com:8443\"]",
                Ok("https://*:*"),
            ),
            (
                "https://*:*",
                "origins = [\"https://*\"]",
                Err("would grant every host"),
            ),
            (
                "https://*:*",
                "origins = [\"http://*.example.com\"]",
                Err("grants no origin that"),
            ),
        ] {
            match (check(template, granted), expected) {
                (Ok(told), Ok(wanted)) => assert_eq!(told, wanted),
                (Err(told), Err(wanted)) => assert!(told.contains(wanted), "{told}"),
                (told, _) => panic!("{template} with {granted}: {told:?}"),
            }
        }
    }

    #[test]
    fn headers_that_are_none_are_refused() {
        for names in ["[\"a b\"]", "[\"\"]", "[\"a*b\"]"] {
            let granted: EndpointGrants = toml::from_str(&format!("request_headers = {{ deny = {names} }}")).unwrap();
            assert!(bounds(&granted).is_err(), "{names}");
        }
        let both = "request_headers = { deny = [\"a\"], allow = [\"b\"] }";
        assert!(toml::from_str::<EndpointGrants>(both).is_err());
        assert!(toml::from_str::<EndpointGrants>("requests_per_second = 0").is_err());
    }
}
