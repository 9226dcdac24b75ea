//! Request rules: which methods on which paths. Providers ask with them and operators grant with them.
//!
//! A request is allowed when an asked rule *and* a granted rule match it; both lists are kept, so a denial can say which
//! side is missing. Paths are compared segment by segment, decoded, so no encoding of a name matches differently.
//!
//! | pattern | matches | does not match |
//! |---|---|---|
//! | `/v1/vms` | `/v1/vms` | `/v1/vms/`, `/v1/VMS` |
//! | `/v1/vms/*` | `/v1/vms/web-1` | `/v1/vms`, `/v1/vms/`, `/v1/vms/web-1/start`, `/v1/vms/web-1%2Fstart` |
//! | `/v1/**` | `/v1`, `/v1/`, `/v1/vms/web-1/start` | `/v2`, `/v11` |
//! | `/` | `/` | everything else |

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::segment;

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
    #[error(
        "`{0}` is not a method that a rule can allow: an upper-case token, except `CONNECT` and `TRACE`"
    )]
    Method(String),
}

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// This decoded text and nothing else.
    Literal(String),
    /// Any one segment that is not empty and that no server reads as several.
    One,
}

impl Part {
    fn matches(&self, segment: &str) -> bool {
        match self {
            Self::Literal(text) => text == segment,
            Self::One => !segment.is_empty() && !segment::may_be_read_as_several(segment),
        }
    }

    fn intersection(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::One, Self::One) => Some(Self::One),
            (Self::Literal(text), part) | (part, Self::Literal(text)) => {
                part.matches(text).then(|| Self::Literal(text.clone()))
            }
        }
    }
}

/// A path pattern: literal segments, `*` for one segment, a final `**` for any rest, also none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    parts: Vec<Part>,
    rest: bool,
}

impl PathPattern {
    /// Whether a path of decoded segments matches. A path without segments is the root, like one empty segment.
    #[must_use]
    pub fn matches(&self, path: &[String]) -> bool {
        let path = if matches!(path, [only] if only.is_empty()) {
            &[]
        } else {
            path
        };
        let long_enough = if self.rest {
            path.len() >= self.parts.len()
        } else {
            path.len() == self.parts.len()
        };
        long_enough
            && self
                .parts
                .iter()
                .zip(path)
                .all(|(part, segment)| part.matches(segment))
    }

    /// The pattern that matches exactly what both match; none when they share no path.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (short, long) = if self.parts.len() <= other.parts.len() {
            (self, other)
        } else {
            (other, self)
        };
        if short.parts.len() < long.parts.len() && !short.rest {
            return None;
        }
        let shared = short
            .parts
            .iter()
            .zip(&long.parts)
            .map(|(one, two)| one.intersection(two));
        let parts = shared
            .chain(long.parts[short.parts.len()..].iter().cloned().map(Some))
            .collect::<Option<_>>()?;
        Some(Self {
            parts,
            rest: short.rest && long.rest,
        })
    }
}

impl FromStr for PathPattern {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let mut segments: Vec<&str> = text
            .strip_prefix('/')
            .ok_or_else(|| RuleError::NoSlash(text.to_owned()))?
            .split('/')
            .collect();
        let rest = segments.pop_if(|last| *last == "**").is_some();
        if segments == [""] && !rest {
            segments.clear();
        }
        let mut literals = Vec::new();
        let mut parts = Vec::new();
        for segment in segments {
            if segment == "*" {
                parts.push(Part::One);
                literals.push("x".to_owned());
                continue;
            }
            if segment.contains('*') {
                return Err(RuleError::Wildcard(text.to_owned()));
            }
            let literal = decode(segment).ok_or_else(|| RuleError::Segment(text.to_owned()))?;
            literals.push(literal.clone());
            parts.push(Part::Literal(literal));
        }
        if rest {
            literals.push("x".to_owned());
        }
        segment::check(&literals).map_err(|_| RuleError::Segment(text.to_owned()))?;
        Ok(Self { parts, rest })
    }
}

/// Decodes a literal segment; none when an escape is broken or the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let sound = text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    sound
        .then(|| percent_decode_str(text).decode_utf8().ok())
        .flatten()
        .map(Into::into)
}

impl fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => {
                    formatter.write_str(&segment::encode_path(std::slice::from_ref(text)))?
                }
                Part::One => formatter.write_str("/*")?,
            }
        }
        match (self.rest, self.parts.is_empty()) {
            (true, _) => formatter.write_str("/**"),
            (false, true) => formatter.write_str("/"),
            (false, false) => Ok(()),
        }
    }
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
    pub fn new<M: Into<String>>(
        methods: impl IntoIterator<Item = M>,
        path: &str,
    ) -> Result<Self, RuleError> {
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
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn path(text: &str) -> Vec<String> {
        let text = text.strip_prefix('/').unwrap();
        text.split('/')
            .map(|segment| decode(segment).unwrap())
            .collect()
    }

    fn pattern(text: &str) -> PathPattern {
        text.parse().unwrap()
    }

    #[test]
    fn patterns_match_whole_decoded_segments() {
        for (text, matching, other) in [
            ("/", &["/"][..], &["/a", "/a/"][..]),
            (
                "/v1/vms",
                &["/v1/vms", "/v1/%76ms"],
                &["/v1/vms/", "/v1", "/v1/vmsx", "/v1/VMS", "/v1/vms/a"],
            ),
            ("/v1/vms/", &["/v1/vms/"], &["/v1/vms"]),
            (
                "/v1/vms/*",
                &["/v1/vms/a", "/v1/vms/a%20b"],
                &[
                    "/v1/vms",
                    "/v1/vms/",
                    "/v1/vms/a/b",
                    "/v1/vms/a%2Fb",
                    "/v1/vms/a%252Fb",
                ],
            ),
            (
                "/v1/*/start",
                &["/v1/a/start"],
                &["/v1//start", "/v1/a/stop", "/v1/start"],
            ),
            (
                "/v1/**",
                &["/v1", "/v1/", "/v1/a", "/v1/a/b/", "/v1/a%2Fb"],
                &["/", "/v11", "/v2/a"],
            ),
            ("/**", &["/", "/a", "/a/b"], &[]),
            (
                "/v1/*/**",
                &["/v1/a", "/v1/a/", "/v1/a/b"],
                &["/v1", "/v1/", "/v1//b"],
            ),
            ("/p%C3%A9/%2A", &["/p\u{e9}/%2A"], &["/p\u{e9}/a"]),
            ("/a%2Fb", &["/a%2Fb"], &["/a/b"]),
        ] {
            for good in matching {
                assert!(
                    pattern(text).matches(&path(good)),
                    "`{text}` does not match `{good}`"
                );
            }
            for bad in other {
                assert!(
                    !pattern(text).matches(&path(bad)),
                    "`{text}` matches `{bad}`"
                );
            }
            assert_eq!(pattern(&pattern(text).to_string()), pattern(text), "{text}");
        }
        assert!(pattern("/").matches(&[]) && !pattern("/a").matches(&[]));
    }

    #[test]
    fn malformed_patterns_and_methods_are_refused() {
        for text in [
            "", "v1", "*", "/a*", "/**/a", "/a/**b", "/***", "//a", "/a//b", "/a/../b", "/./a",
            "/%2e%2e", "/%zz", "/%4", "/a%00", "/%ff", "/a//**",
        ] {
            assert!(
                text.parse::<PathPattern>().is_err(),
                "`{text}` was taken for a pattern"
            );
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
        assert!(
            serde_json::from_str::<RequestRule>(r#"{"methods":["GET"],"path":"/","x":1}"#).is_err()
        );
    }

    /// Over random small patterns and paths: an intersection matches exactly what both sides match.
    #[test]
    fn an_intersection_matches_exactly_what_both_match() {
        let mut random = StdRng::seed_from_u64(7);
        let mut shared = 0;
        for _ in 0..20_000 {
            let (one, two) = (random_pattern(&mut random), random_pattern(&mut random));
            let both = one.intersection(&two);
            for _ in 0..8 {
                let length = random.random_range(0..4);
                let mut path: Vec<String> = (0..length)
                    .map(|_| ["a", "b", "a/b"][random.random_range(0..3)].into())
                    .collect();
                if random.random_bool(0.3) {
                    path.push(String::new());
                }
                let expected = one.matches(&path) && two.matches(&path);
                shared += u32::from(expected);
                assert_eq!(
                    both.as_ref().is_some_and(|both| both.matches(&path)),
                    expected,
                    "{one} and {two} on {path:?}"
                );
            }
        }
        assert!(
            shared > 1_000,
            "the generator hardly ever made patterns that share a path: {shared}"
        );
    }

    fn random_pattern(random: &mut StdRng) -> PathPattern {
        let length = random.random_range(0..4);
        let mut text: String = (0..length)
            .map(|_| ["/a", "/b", "/*", "/a%2Fb"][random.random_range(0..4)])
            .collect();
        match random.random_range(0..4) {
            0 => text.push_str("/**"),
            1 => text.push('/'),
            _ if text.is_empty() => text.push('/'),
            _ => {}
        }
        pattern(&text)
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
        let lines: Vec<String> = effective(&asked, &granted)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            lines,
            [
                r#"{ methods = ["GET"], path = "/vms/*" }"#,
                r#"{ methods = ["DELETE"], path = "/vms/test-1" }"#
            ]
        );
    }
}
