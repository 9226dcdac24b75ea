//! Request rules: which methods on which paths. Providers ask with them and operators grant with them.
//!
//! A request is allowed when an asked rule *and* a granted rule match it; both lists are kept, so a denial can say which
//! side is missing. In a grant, a rule is the table that its `Display` prints: `{ methods = ["GET"], path = "/vms/*" }`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::path_pattern::PathPattern;

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
}

/// A set of requests: these methods on paths of this pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RuleText", into = "RuleText")]
pub struct RequestRule {
    methods: Vec<String>,
    path: PathPattern,
}

/// A rule as written in a grant.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    methods: Vec<String>,
    path: String,
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
            methods,
            path: path.parse()?,
        })
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

    /// Whether the rule matches a request.
    #[must_use]
    pub fn matches(&self, method: &str, path: &[String]) -> bool {
        self.methods.iter().any(|allowed| allowed == method) && self.path.matches(path)
    }

    /// The same rule for one of its methods alone.
    #[must_use]
    pub(super) fn for_method(&self, method: &str) -> Self {
        Self {
            methods: vec![method.to_owned()],
            path: self.path.clone(),
        }
    }

    /// The rule that matches exactly what both match; none when they share no request.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let methods: Vec<String> = self
            .methods
            .iter()
            .filter(|method| other.methods.contains(method))
            .cloned()
            .collect();
        let path = self.path.intersection(&other.path)?;
        (!methods.is_empty()).then_some(Self { methods, path })
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
        Self::new(text.methods, &text.path)
    }
}

impl From<RequestRule> for RuleText {
    fn from(rule: RequestRule) -> Self {
        Self {
            methods: rule.methods,
            path: rule.path.to_string(),
        }
    }
}

/// The TOML inline table that grants the rule. Neither a method token nor an encoded pattern holds a quote or backslash.
impl fmt::Display for RequestRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{{ methods = [\"{}\"], path = \"{}\" }}",
            self.methods.join("\", \""),
            self.path
        )
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
