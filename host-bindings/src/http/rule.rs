//! Request rules: which methods on which paths, under which conditions. Providers ask with them and operators grant with
//! them.
//!
//! A request is allowed when an asked rule *and* a granted rule match it; both lists are kept, so a denial can say which
//! side is missing. A rule without conditions matches whatever else a request says. In a grant, a rule is the table that
//! its `Display` prints: `{ methods = ["POST"], path = "/", when = [{ form = "Action", values = ["Describe*"] }],
//! effect = "read" }`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::condition::{Condition, conjunction};
use super::path_pattern::PathPattern;
use super::reading::Reading;

/// Why a text is no path pattern, or a record no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The pattern does not begin with a slash.
    #[error("the path pattern `{0}` does not begin with `/`")]
    NoSlash(String),
    /// A wildcard shares its segment with text, or `**` is not the last segment.
    #[error(
        "the path pattern `{0}` misuses a wildcard: `*` stands for one whole segment and `**` for a final rest; a literal star is `%2A`"
    )]
    Wildcard(String),
    /// A segment that no request may have, so that the pattern could never match.
    #[error(
        "the path pattern `{0}` has a segment that no request may have: empty, `.`, `..`, a control character or a broken `%` escape"
    )]
    Segment(String),
    /// No method.
    #[error("the rule for `{0}` names no method")]
    NoMethod(String),
    /// Not a method, or one that no rule may allow.
    #[error("`{0}` is not a method that a rule can allow: an upper-case token, except `CONNECT` and `TRACE`")]
    Method(String),
    /// Conditions that no request meets at once.
    #[error("no request meets all conditions of the rule for `{0}`")]
    Contradiction(String),
    /// A condition on the body of requests whose body means nothing.
    #[error("the rule for `{path}` has a condition on the body, and the body of `{method}` means nothing")]
    Bodiless {
        /// The rule's path.
        path: String,
        /// The method.
        method: String,
    },
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It changes nothing.
    Read,
    /// It may change something.
    Change,
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Read => "read",
            Self::Change => "change",
        })
    }
}

/// A set of requests: these methods on paths of this pattern that meet these conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RuleText", into = "RuleText")]
pub struct RequestRule {
    methods: Box<[String]>,
    path: PathPattern,
    conditions: Box<[Condition]>,
    effect: Option<Effect>,
}

/// A rule as written in a grant.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    methods: Vec<String>,
    path: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    when: Vec<Condition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effect: Option<Effect>,
}

impl RequestRule {
    /// A rule from its methods and its pattern.
    ///
    /// # Errors
    /// No method, a method that is not an upper-case token or that no rule can allow, or a malformed pattern.
    pub fn new<M: Into<String>>(methods: impl IntoIterator<Item = M>, path: &str) -> Result<Self, RuleError> {
        let methods: Vec<String> = methods.into_iter().map(Into::into).collect();
        if methods.is_empty() {
            return Err(RuleError::NoMethod(path.to_owned()));
        }
        if let Some(method) = methods.iter().find(|method| !is_allowable_method(method)) {
            return Err(RuleError::Method(method.clone()));
        }
        Ok(Self {
            methods: methods.into(),
            path: path.parse()?,
            conditions: Box::default(),
            effect: None,
        })
    }

    /// The same rule for requests that also meet these conditions.
    ///
    /// # Errors
    /// When no request could meet them.
    pub fn when(self, conditions: &[Condition]) -> Result<Self, RuleError> {
        let both = conjunction(&self.conditions, conditions);
        let conditions = both.ok_or_else(|| RuleError::Contradiction(self.path.to_string()))?;
        // RFC 9110, sections 9.3.1, 9.3.2 and 9.3.5: servers may ignore it, and look for the parameter elsewhere.
        let bodiless = |method: &&String| matches!(method.as_str(), "GET" | "HEAD" | "DELETE");
        match self.methods.iter().find(bodiless) {
            Some(method) if conditions.iter().any(|condition| condition.parameter().is_in_body()) => {
                Err(RuleError::Bodiless {
                    path: self.path.to_string(),
                    method: method.clone(),
                })
            }
            _ => Ok(Self {
                conditions: conditions.into(),
                ..self
            }),
        }
    }

    /// The same rule, which says what its requests do; none when their method tells.
    #[must_use]
    pub fn that(self, effect: Option<Effect>) -> Self {
        Self { effect, ..self }
    }

    /// The methods.
    #[must_use]
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// The path pattern.
    #[must_use]
    pub fn path(&self) -> &PathPattern {
        &self.path
    }

    /// What a request must say besides, all of it.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// What its requests do; none when their method tells.
    #[must_use]
    pub fn effect(&self) -> Option<Effect> {
        self.effect
    }

    /// Whether the rule matches a request. The request is read for conditions only when path and method match.
    #[must_use]
    pub(super) fn matches(&self, reading: &Reading<'_>) -> bool {
        let method = &reading.request().method;
        self.path.matches(reading.path())
            && self.methods.contains(method)
            && self.conditions.iter().all(|condition| condition.holds(reading))
    }

    /// The same rule for one of its methods alone.
    #[must_use]
    pub(super) fn for_method(&self, method: &str) -> Self {
        Self {
            methods: Box::new([method.to_owned()]),
            ..self.clone()
        }
    }

    /// The rule that matches exactly what both match; none when they share no request. Its effect is what both say, or
    /// the one that one of them says; a change where they contradict each other.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let methods: Vec<String> = self
            .methods
            .iter()
            .filter(|method| other.methods.contains(method))
            .cloned()
            .collect();
        let path = self.path.intersection(&other.path)?;
        let conditions = conjunction(&self.conditions, &other.conditions)?;
        let effect = match (self.effect, other.effect) {
            (Some(one), Some(two)) if one != two => Some(Effect::Change),
            (one, two) => one.or(two),
        };
        (!methods.is_empty()).then(|| Self {
            methods: methods.into(),
            path,
            conditions: conditions.into(),
            effect,
        })
    }

    /// Whether one rule says that some request reads, and the other that the same request changes.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        let says = (self.effect, other.effect);
        let differ = matches!(
            says,
            (Some(Effect::Read), Some(Effect::Change)) | (Some(Effect::Change), Some(Effect::Read))
        );
        differ && self.intersection(other).is_some()
    }
}

/// Whether a rule may allow a method. `CONNECT` turns a connection into a tunnel past every other check, `TRACE` echoes
/// the request with its credential: RFC 9110, sections 9.3.6 and 9.3.8.
#[must_use]
pub(super) fn is_allowable_method(method: &str) -> bool {
    http::Method::from_bytes(method.as_bytes()).is_ok()
        && !method.bytes().any(|byte| byte.is_ascii_lowercase())
        && !matches!(method, "CONNECT" | "TRACE")
}

/// What is effective when a provider asked for some rules and the operator granted others: every non-empty
/// intersection. For display; a decision looks at both lists.
#[must_use]
pub fn effective(asked: &[RequestRule], granted: &[RequestRule]) -> Vec<RequestRule> {
    let mut rules: Vec<RequestRule> = Vec::new();
    for rule in asked
        .iter()
        .flat_map(|one| granted.iter().filter_map(|two| one.intersection(two)))
    {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

impl TryFrom<RuleText> for RequestRule {
    type Error = RuleError;

    fn try_from(text: RuleText) -> Result<Self, RuleError> {
        Ok(Self::new(text.methods, &text.path)?.when(&text.when)?.that(text.effect))
    }
}

impl From<RequestRule> for RuleText {
    fn from(rule: RequestRule) -> Self {
        Self {
            methods: rule.methods.into(),
            path: rule.path.to_string(),
            when: rule.conditions.into(),
            effect: rule.effect,
        }
    }
}

/// The TOML inline table that grants the rule. Neither a method token nor an encoded pattern holds a quote or backslash.
impl fmt::Display for RequestRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{{ methods = [\"{}\"], path = \"{}\"",
            self.methods.join("\", \""),
            self.path
        )?;
        if !self.conditions.is_empty() {
            let conditions: Vec<String> = self.conditions.iter().map(ToString::to_string).collect();
            write!(formatter, ", when = [{}]", conditions.join(", "))?;
        }
        if let Some(effect) = self.effect {
            write!(formatter, ", effect = \"{effect}\"")?;
        }
        formatter.write_str(" }")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_patterns_and_methods_are_refused() {
        for text in [
            "", "v1", "*", "/a*", "/**/a", "/a/**b", "/***", "//a", "/a//b", "/a/../b", "/./a", "/%2e%2e", "/%zz",
            "/%4", "/a%00", "/%ff", "/a//**",
        ] {
            assert!(text.parse::<PathPattern>().is_err(), "`{text}` was taken for a pattern");
        }
        for method in [
            "", "get", "Get", "CONNECT", "TRACE", "G ET", "GET\r\n", "*\"", "M\u{c9}",
        ] {
            assert!(
                RequestRule::new([method], "/").is_err(),
                "`{method}` was taken for a method"
            );
        }
        assert!(RequestRule::new(["UPDATE", "GET"], "/").is_ok());
        assert!(RequestRule::new(Vec::<String>::new(), "/").is_err());
    }

    #[test]
    fn a_rule_prints_the_line_that_grants_it() {
        let rule = RequestRule::new(["GET", "DELETE"], "/vms/*/a \"b").unwrap();
        assert_eq!(
            rule.to_string(),
            r#"{ methods = ["GET", "DELETE"], path = "/vms/*/a%20%22b" }"#
        );
        let json = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<RequestRule>(&json).unwrap(), rule);
        assert!(serde_json::from_str::<RequestRule>(r#"{"methods":["GET"],"path":"/","x":1}"#).is_err());
    }

    fn read(json: &str) -> Result<RequestRule, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn conditions_and_effect_are_part_of_the_line() {
        let json =
            r#"{"methods":["POST"],"path":"/","when":[{"form":"Action","values":["Describe*"]}],"effect":"read"}"#;
        let rule = read(json).unwrap();
        assert_eq!(
            rule.to_string(),
            r#"{ methods = ["POST"], path = "/", when = [{ form = "Action", values = ["Describe*"] }], effect = "read" }"#
        );
        assert_eq!(serde_json::to_string(&rule).unwrap(), json);
        for broken in [
            json.replace("read", "reads"),
            json.replace("\"when\"", "\"if\""),
            json.replace("POST", "GET"),
            json.replace("POST\"", "POST\",\"DELETE\""),
            json.replace("}],", "},{\"form\":\"Action\",\"values\":[\"Stop*\"]}],"),
        ] {
            assert!(read(&broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn rules_contradict_each_other_only_about_shared_requests() {
        let rule = |values: &str, effect: &str| {
            let json = format!(
                r#"{{"methods":["POST"],"path":"/","when":[{{"form":"Action","values":["{values}"]}}],"effect":"{effect}"}}"#
            );
            read(&json).unwrap()
        };
        let describe = rule("Describe*", "read");
        assert!(describe.contradicts(&rule("DescribeVms", "change")));
        assert!(rule("*", "change").contradicts(&describe));
        assert!(!describe.contradicts(&rule("DescribeVms", "read")));
        assert!(!describe.contradicts(&rule("Stop*", "change")));
        assert!(!describe.contradicts(&RequestRule::new(["POST"], "/").unwrap()));
        let both = describe.intersection(&rule("DescribeVms", "change")).unwrap();
        assert_eq!(both.effect(), Some(Effect::Change));
    }

    #[test]
    fn effective_rules_are_the_intersections() {
        let asked = [
            RequestRule::new(["GET", "DELETE"], "/vms/*").unwrap(),
            RequestRule::new(["GET"], "/images").unwrap(),
        ];
        let granted = [
            RequestRule::new(["GET"], "/vms/**").unwrap(),
            RequestRule::new(["DELETE"], "/vms/test-1").unwrap(),
        ];
        let lines: Vec<String> = effective(&asked, &granted).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                r#"{ methods = ["GET"], path = "/vms/*" }"#,
                r#"{ methods = ["DELETE"], path = "/vms/test-1" }"#
            ]
        );
    }
}
