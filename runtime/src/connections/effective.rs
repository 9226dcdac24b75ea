//! What is effective at an endpoint: what was both asked for and granted.
//!
//! For showing only. What decides on a request is the host, which looks at both lists; see `grants`.

use stockade_host::contract;
use stockade_host::http::{self, RequestRule};

use super::config::RuleConfig;
use crate::error::{Error, Result, chain};

/// The requests that were both asked for and granted.
///
/// # Errors
/// `invalid-argument` when a rule is malformed.
pub fn effective_rules(asked: &[contract::RequestRule], granted: &[RuleConfig]) -> Result<Vec<RuleConfig>> {
    let rule = |methods: &[String], path: &str| {
        RequestRule::new(methods.iter().cloned(), path).map_err(|error| Error::invalid("grants", chain(&error)))
    };
    let asked: Vec<_> = asked
        .iter()
        .map(|asked| rule(&asked.methods, &asked.path))
        .collect::<Result<_>>()?;
    let granted: Vec<_> = granted
        .iter()
        .map(|granted| rule(&granted.methods, &granted.path))
        .collect::<Result<_>>()?;
    let config = |rule: &RequestRule| RuleConfig {
        methods: rule.methods().to_vec(),
        path: rule.path().to_string(),
    };
    Ok(http::effective(&asked, &granted).iter().map(config).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_effective_is_the_narrower_of_the_two() {
        let asked = contract::RequestRule {
            methods: vec!["GET".into(), "POST".into()],
            path: "/vms/**".into(),
            conditions: Vec::new(),
            effect: None,
            reason: String::new(),
        };
        let granted = |path: &str| RuleConfig {
            methods: vec!["GET".into(), "DELETE".into()],
            path: path.into(),
        };
        let effective = effective_rules(&[asked], &[granted("/vms/web-1"), granted("/disks")]).unwrap();
        assert_eq!(effective.len(), 1, "{effective:?}");
        assert_eq!(
            (effective[0].methods.join(","), effective[0].path.as_str()),
            ("GET".into(), "/vms/web-1")
        );
        assert!(effective_rules(&[], &[granted("no-slash")]).is_err());
    }
}
