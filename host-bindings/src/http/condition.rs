//! Conditions: what a request must say besides its method and path, for vendors that put the verb elsewhere.
//!
//! A condition names a parameter and its values. It holds when the parameter occurs exactly once, under exactly this
//! spelling, with one of the values, and no server could read the request otherwise; `reading` decides that. In a grant
//! it is the table that its `Display` prints: `{ form = "Action", values = ["Describe*"] }`.
//!
//! This file knows what a condition is and which can never hold; it reads no request.

use std::fmt;

use http::HeaderName;
use serde::{Deserialize, Serialize};

use super::headers::is_hosts_own;
use super::reading::{Reading, is_plain};
use super::text_pattern::{TextPattern, TextPatternError, intersections};

/// The only parameter of a SOAP envelope that a condition can name.
const SOAP_OPERATION: &str = "operation";

/// Why a record is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// None or several of the four places.
    #[error("a condition names one parameter: `query`, `form`, `header` or `soap = \"operation\"`")]
    Parameter,
    /// The name could not stand for one parameter to every server.
    #[error(
        "`{0}` is no name that a condition can look at: printable ASCII without `%`, `+`, `&`, `=`, `;`, `[` and blanks"
    )]
    Name(String),
    /// Not a header that a guest may send.
    #[error("no request has the header `{0}` from its provider, so that the condition could never hold")]
    Header(String),
    /// No value.
    #[error("the condition on `{0}` names no value")]
    NoValue(String),
    /// A malformed value.
    #[error("the condition on `{name}` has a value that is none")]
    Value {
        /// The parameter.
        name: String,
        /// Why not.
        #[source]
        source: TextPatternError,
    },
    /// A value that a request could only say in a spelling that servers read differently.
    #[error("the condition on `{name}` could never hold: `{value}` has a character that servers read differently")]
    NeverHolds {
        /// The parameter.
        name: String,
        /// The value.
        value: String,
    },
}

/// Where a request says what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// The query parameter of this name.
    Query(String),
    /// The field of this name in a body of type `application/x-www-form-urlencoded`.
    Form(String),
    /// The header of this name.
    Header(HeaderName),
    /// The local name of the only element in the body of a SOAP envelope.
    SoapOperation,
}

impl Parameter {
    /// A query parameter.
    ///
    /// # Errors
    /// When servers could take the name for another.
    pub fn query(name: &str) -> Result<Self, ConditionError> {
        Ok(Self::Query(checked_name(name)?))
    }

    /// A form field.
    ///
    /// # Errors
    /// When servers could take the name for another.
    pub fn form(name: &str) -> Result<Self, ConditionError> {
        Ok(Self::Form(checked_name(name)?))
    }

    /// A header.
    ///
    /// # Errors
    /// When it is none, or one that no provider may set.
    pub fn header(name: &str) -> Result<Self, ConditionError> {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| ConditionError::Name(name.to_owned()))?;
        if is_hosts_own(&parsed) {
            return Err(ConditionError::Header(name.to_owned()));
        }
        Ok(Self::Header(parsed))
    }

    /// Whether it stands in the body.
    #[must_use]
    pub(super) fn is_in_body(&self) -> bool {
        matches!(self, Self::Form(_) | Self::SoapOperation)
    }

    fn key(&self) -> &'static str {
        match self {
            Self::Query(_) => "query",
            Self::Form(_) => "form",
            Self::Header(_) => "header",
            Self::SoapOperation => "soap",
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Query(name) | Self::Form(name) => name,
            Self::Header(name) => name.as_str(),
            Self::SoapOperation => SOAP_OPERATION,
        }
    }
}

fn checked_name(name: &str) -> Result<String, ConditionError> {
    if name.is_empty() || name.contains('[') || !is_plain(name) {
        Err(ConditionError::Name(name.to_owned()))
    } else {
        Ok(name.to_owned())
    }
}

/// A parameter that must have one of some values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ConditionText", into = "ConditionText")]
pub struct Condition {
    parameter: Parameter,
    values: Vec<TextPattern>,
}

/// A condition as written in a grant: one of the four keys, and the values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionText {
    /// The query parameter of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The form field of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// The header of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// `operation`: the local name of the only element in a SOAP envelope's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soap: Option<String>,
    /// The values, at least one; a final `*` stands for any rest.
    pub values: Vec<String>,
}

impl Condition {
    /// A condition.
    ///
    /// # Errors
    /// No value, a malformed one, or one that could never be met.
    pub fn new<V: AsRef<str>>(
        parameter: Parameter,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self, ConditionError> {
        let name = || parameter.name().to_owned();
        let mut patterns: Vec<TextPattern> = Vec::new();
        for value in values {
            let value = value.as_ref();
            let pattern = value
                .parse()
                .map_err(|source| ConditionError::Value { name: name(), source })?;
            let (TextPattern::Exact(text) | TextPattern::Prefix(text)) = &pattern;
            if !is_plain(text) {
                return Err(ConditionError::NeverHolds {
                    name: name(),
                    value: value.to_owned(),
                });
            }
            patterns.push(pattern);
        }
        if patterns.is_empty() {
            return Err(ConditionError::NoValue(name()));
        }
        Ok(Self {
            parameter,
            values: patterns,
        })
    }

    /// The parameter.
    #[must_use]
    pub fn parameter(&self) -> &Parameter {
        &self.parameter
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> &[TextPattern] {
        &self.values
    }

    /// Whether it holds for a request.
    #[must_use]
    pub(super) fn holds(&self, reading: &Reading<'_>) -> bool {
        reading
            .value(&self.parameter)
            .is_some_and(|value| self.values.iter().any(|pattern| pattern.matches(&value)))
    }
}

/// The conditions that hold when both lists hold, each parameter once; none when they never hold together.
#[must_use]
pub(super) fn conjunction(ones: &[Condition], twos: &[Condition]) -> Option<Vec<Condition>> {
    let mut all: Vec<Condition> = Vec::new();
    for condition in ones.iter().chain(twos) {
        match all.iter_mut().find(|have| have.parameter == condition.parameter) {
            None => all.push(condition.clone()),
            Some(have) => have.values = intersections(&have.values, &condition.values),
        }
    }
    let bodies = all.iter().filter(|condition| condition.parameter.is_in_body());
    let mixes_bodies = {
        let keys: Vec<_> = bodies.map(|condition| condition.parameter.key()).collect();
        keys.contains(&"form") && keys.contains(&"soap")
    };
    let never = mixes_bodies || all.iter().any(|condition| condition.values.is_empty());
    (!never).then_some(all)
}

impl TryFrom<ConditionText> for Condition {
    type Error = ConditionError;

    fn try_from(text: ConditionText) -> Result<Self, ConditionError> {
        let parameter = match (&text.query, &text.form, &text.header, text.soap.as_deref()) {
            (Some(name), None, None, None) => Parameter::query(name)?,
            (None, Some(name), None, None) => Parameter::form(name)?,
            (None, None, Some(name), None) => Parameter::header(name)?,
            (None, None, None, Some(SOAP_OPERATION)) => Parameter::SoapOperation,
            _ => return Err(ConditionError::Parameter),
        };
        Self::new(parameter, text.values)
    }
}

impl From<Condition> for ConditionText {
    fn from(condition: Condition) -> Self {
        let name = Some(condition.parameter.name().to_owned());
        let mut text = Self {
            values: condition.values.iter().map(ToString::to_string).collect(),
            ..Self::default()
        };
        match condition.parameter {
            Parameter::Query(_) => text.query = name,
            Parameter::Form(_) => text.form = name,
            Parameter::Header(_) => text.header = name,
            Parameter::SoapOperation => text.soap = name,
        }
        text
    }
}

/// The TOML inline table. Plain text holds no control character; what TOML escapes is escaped.
impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let values: Vec<String> = self.values.iter().map(|value| quoted(&value.to_string())).collect();
        write!(
            formatter,
            "{{ {} = {}, values = [{}] }}",
            self.parameter.key(),
            quoted(self.parameter.name()),
            values.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(json: &str) -> Result<Condition, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_condition_prints_the_table_that_grants_it() {
        for (json, line) in [
            (
                r#"{"form":"Action","values":["Describe*","List\"s"]}"#,
                r#"{ form = "Action", values = ["Describe*", "List\"s"] }"#,
            ),
            (
                r#"{"query":"comp","values":["list"]}"#,
                r#"{ query = "comp", values = ["list"] }"#,
            ),
            (
                r#"{"header":"X-Amz-Target","values":["A.List*"]}"#,
                r#"{ header = "x-amz-target", values = ["A.List*"] }"#,
            ),
            (
                r#"{"soap":"operation","values":["Retrieve*"]}"#,
                r#"{ soap = "operation", values = ["Retrieve*"] }"#,
            ),
        ] {
            let parsed = condition(json).unwrap();
            assert_eq!(parsed.to_string(), line);
            let again = serde_json::to_string(&parsed).unwrap();
            assert_eq!(condition(&again).unwrap(), parsed);
        }
    }

    #[test]
    fn conditions_that_are_malformed_or_never_hold_are_refused() {
        for json in [
            r#"{"values":["a"]}"#,
            r#"{"query":"a","form":"a","values":["a"]}"#,
            r#"{"soap":"header","values":["a"]}"#,
            r#"{"form":"Action","values":[]}"#,
            r#"{"form":"Action","values":["*x"]}"#,
            r#"{"form":"Action","values":[""]}"#,
            r#"{"form":"Action","values":["a b"]}"#,
            r#"{"form":"Action","values":["a%20"]}"#,
            r#"{"form":"","values":["a"]}"#,
            r#"{"form":"a[]","values":["a"]}"#,
            r#"{"query":"a+b","values":["a"]}"#,
            r#"{"header":"Authorization","values":["a"]}"#,
            r#"{"header":"a b","values":["a"]}"#,
            r#"{"form":"Action","values":["a"],"value":"b"}"#,
        ] {
            assert!(condition(json).is_err(), "{json}");
        }
    }

    #[test]
    fn conditions_together_narrow_each_parameter() {
        let one = |json: &str| vec![condition(json).unwrap()];
        let describe = one(r#"{"form":"Action","values":["Describe*","Start*"]}"#);
        let vms = one(r#"{"form":"Action","values":["DescribeVm*","Stop*"]}"#);
        let both = conjunction(&describe, &vms).unwrap();
        assert_eq!(both, one(r#"{"form":"Action","values":["DescribeVm*"]}"#));
        assert_eq!(
            conjunction(&describe, &one(r#"{"form":"Action","values":["Stop*"]}"#)),
            None
        );
        assert_eq!(
            conjunction(&describe, &one(r#"{"soap":"operation","values":["*"]}"#)),
            None
        );
        let other = one(r#"{"query":"v","values":["1"]}"#);
        assert_eq!(conjunction(&describe, &other).unwrap().len(), 2);
    }
}
