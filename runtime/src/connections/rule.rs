//! A rule of a connection's file, and the same asked for by a provider.

use serde::{Deserialize, Serialize};
use stockade_host::contract::{self, Parameter};
use stockade_host::http::{Condition, ConditionText, Effect, RequestRule};
use utoipa::ToSchema;

use crate::error::{Error, Result, chain};

/// A set of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// HTTP methods in upper case.
    pub methods: Vec<String>,
    /// Path pattern: literal segments, `*` for one segment, a final `**` for any rest.
    pub path: String,
    /// What else a request must say, all of it. Without any, the rule matches whatever else it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<ConditionText>,
    /// What such requests do; none when the method tells: `GET`, `HEAD` and `OPTIONS` read, all others change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

impl RuleConfig {
    /// What a provider asks for, as it would be granted.
    pub fn asked(rule: &contract::RequestRule) -> Self {
        Self {
            methods: rule.methods.clone(),
            path: rule.path.clone(),
            when: rule.conditions.iter().map(condition).collect(),
            effect: rule.effect.map(|effect| match effect {
                contract::Effect::Read => Effect::Read,
                contract::Effect::Change => Effect::Change,
            }),
        }
    }

    /// The rule that the host decides by.
    ///
    /// # Errors
    /// `invalid-argument` when it is malformed or can never match.
    pub fn rule(&self) -> Result<RequestRule> {
        let invalid = |error: &dyn std::error::Error| Error::invalid("grants", chain(error));
        let conditions = self.when.iter().cloned().map(Condition::try_from);
        let conditions: Vec<_> = conditions.collect::<Result<_, _>>().map_err(|error| invalid(&error))?;
        let rule = RequestRule::new(self.methods.iter().cloned(), &self.path);
        let rule = rule.and_then(|rule| rule.when(&conditions));
        Ok(rule.map_err(|error| invalid(&error))?.that(self.effect))
    }
}

impl From<&RequestRule> for RuleConfig {
    fn from(rule: &RequestRule) -> Self {
        Self {
            methods: rule.methods().to_vec(),
            path: rule.path().to_string(),
            when: rule.conditions().iter().cloned().map(Into::into).collect(),
            effect: rule.effect(),
        }
    }
}

fn condition(asked: &contract::Condition) -> ConditionText {
    let mut text = ConditionText {
        values: asked.values.clone(),
        ..ConditionText::default()
    };
    match &asked.parameter {
        Parameter::Query(name) => text.query = Some(name.clone()),
        Parameter::Form(name) => text.form = Some(name.clone()),
        Parameter::Header(name) => text.header = Some(name.clone()),
        Parameter::SoapOperation => text.soap = Some("operation".to_owned()),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_can_be_granted_as_it_is() {
        let conditions = [
            Parameter::Query("comp".into()),
            Parameter::Header("X-Target".into()),
            Parameter::SoapOperation,
        ];
        let asked = contract::RequestRule {
            methods: vec!["POST".into()],
            path: "/".into(),
            conditions: conditions
                .map(|parameter| contract::Condition {
                    parameter,
                    values: vec!["List*".into()],
                })
                .to_vec(),
            effect: Some(contract::Effect::Read),
            reason: String::new(),
        };
        let config = RuleConfig::asked(&asked);
        let rule = config.rule().unwrap();
        assert_eq!(
            rule.to_string(),
            "{ methods = [\"POST\"], path = \"/\", when = [{ query = \"comp\", values = [\"List*\"] }, { header = \
             \"x-target\", values = [\"List*\"] }, { soap = \"operation\", values = [\"List*\"] }], effect = \"read\" }"
        );
        let again = RuleConfig::from(&rule);
        assert_eq!(again.rule().unwrap(), rule);
        assert_eq!(
            toml::from_str::<RuleConfig>(&toml::to_string(&again).unwrap()).unwrap(),
            again
        );
    }
}
