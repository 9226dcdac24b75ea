//! What is effective at an endpoint: what was both asked for and granted.
//!
//! For showing only. What decides on a request is the host, which looks at both lists; see `grants`.

use stockade_host::contract;
use stockade_host::http;

use super::rule::RuleConfig;
use crate::error::Result;

/// The requests that were both asked for and granted. What they do is what the operator says they do.
///
/// # Errors
/// `invalid-argument` when a rule is malformed.
pub fn effective_rules(asked: &[contract::RequestRule], granted: &[RuleConfig]) -> Result<Vec<RuleConfig>> {
    let asked: Vec<_> = asked
        .iter()
        .map(|asked| RuleConfig::asked(asked).rule())
        .collect::<Result<_>>()?;
    let granted: Vec<_> = granted.iter().map(RuleConfig::rule).collect::<Result<_>>()?;
    Ok(http::effective(&asked, &granted).iter().map(RuleConfig::from).collect())
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
            ..RuleConfig::default()
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
