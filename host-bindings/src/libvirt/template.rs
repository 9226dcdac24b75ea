//! User-data that is made from a template: one text for many VMs, filled in for each.
//!
//! Jinja's syntax, read strictly: a name that is not there is an error, never an empty place. Only for callers who ask for
//! it (`user_data_template`), because user-data of others is handed over byte for byte.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::contract::Error;

/// Steps that a template may take; a loop without an end stops here.
const FUEL: u64 = 1_000_000;
/// The longest user-data that is made, which is far more than any guest reads.
const BYTES_MAX: usize = 16 << 20;

/// What a template can name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct TemplateContext {
    /// The VM's name.
    pub(super) name: String,
    /// The guest's host name.
    pub(super) hostname: String,
    /// The VM's metadata.
    pub(super) metadata: BTreeMap<String, String>,
    /// The public keys that were given.
    pub(super) ssh_keys: Vec<String>,
    /// The VM's interfaces in order.
    pub(super) nics: Vec<TemplateNic>,
}

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct TemplateNic {
    /// Its MAC address.
    pub(super) mac: String,
    /// Its fixed address with prefix length; absent for DHCP.
    pub(super) address: Option<String>,
    /// The gateway that goes with it.
    pub(super) gateway: Option<String>,
}

/// Fills the template in.
///
/// # Errors
/// `invalid-argument` of `user-data`, with the line and the reason; the text itself, which may hold secrets, is not in it.
pub(super) fn render(template: &str, context: &TemplateContext) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_keep_trailing_newline(true);
    environment.set_fuel(Some(FUEL));
    let refused = |error: &minijinja::Error| {
        let place = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
        let reason = error.kind();
        let names = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        let message = format!(
            "the template cannot be filled in{place}: {reason}{names}; it can name name, hostname, metadata, ssh_keys and nics"
        );
        Error::invalid_argument("user-data", message)
    };
    let text = environment
        .render_str(template, context)
        .map_err(|error| refused(&error))?;
    if text.len() > BYTES_MAX {
        let message = format!(
            "the template makes {} bytes, and at most {BYTES_MAX} are handed to a guest",
            text.len()
        );
        return Err(Error::invalid_argument("user-data", message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> TemplateContext {
        TemplateContext {
            name: "web-1".into(),
            hostname: "web-1.example".into(),
            metadata: BTreeMap::from([("plan".to_owned(), "it's <b>".to_owned())]),
            ssh_keys: vec!["ssh-ed25519 A me".into()],
            nics: vec![TemplateNic {
                mac: "52:54:00:00:00:01".into(),
                address: None,
                gateway: None,
            }],
        }
    }

    #[test]
    fn a_template_is_filled_in_without_any_escaping_of_its_own() {
        let template = "#cloud-config\nfqdn: {{ hostname }}\nplan: {{ metadata.plan }}\n{% for nic in nics %}- {{ nic.mac }}\n{% endfor %}\n";
        let expected = "#cloud-config\nfqdn: web-1.example\nplan: it's <b>\n- 52:54:00:00:00:01\n\n";
        assert_eq!(render(template, &context()).unwrap(), expected);
    }

    #[test]
    fn what_is_not_there_is_an_error_with_its_line_and_never_an_empty_place() {
        for bad in [
            "a\n{{ absent }}",
            "a\n{{ metadata.absent }}",
            "a\n{% if %}",
            "a\n{{ name | nofilter }}",
        ] {
            let error = render(bad, &context()).unwrap_err();
            assert_eq!(
                error.kind,
                crate::contract::ErrorKind::InvalidArgument("user-data".into())
            );
            assert!(error.message.contains("line 2"), "{error}");
        }
    }

    #[test]
    fn a_template_that_never_ends_is_stopped() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(render(endless, &context()).is_err());
    }

    #[test]
    fn files_of_the_host_cannot_be_included() {
        for bad in ["{% include '/etc/passwd' %}", "{% import '/etc/passwd' as x %}"] {
            assert!(render(bad, &context()).is_err(), "{bad}");
        }
    }
}
