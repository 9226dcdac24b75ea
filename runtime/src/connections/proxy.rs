//! From what a connection's file says about a proxy to the one that the host uses.

use std::sync::Arc;

use stockade_host::http::{Basic, Origin, Proxy};

use super::config::ProxyConfig;
use super::credentials;
use crate::error::{Error, Result};

/// The proxy of an endpoint.
pub(super) fn proxy(endpoint: &str, config: &ProxyConfig) -> Result<Arc<Proxy>> {
    let invalid = |why: &dyn std::fmt::Display| Error::invalid("proxy", format!("endpoint `{endpoint}`: {why}"));
    let origin: Origin = config.url.parse().map_err(|error| invalid(&error))?;
    let credential = match (&config.user, &config.password) {
        (None, None) => None,
        (Some(user), Some(password)) => Some(Basic {
            user: user.clone(),
            password: credentials::read("proxy", password)?,
        }),
        _ => {
            return Err(invalid(
                &"`user` and `password` of a proxy belong together, and one is missing",
            ));
        }
    };
    Ok(Arc::new(Proxy {
        origin,
        credential,
        resolves_names: config.resolves_names,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Arc<Proxy>, String> {
        let config: ProxyConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        proxy("api", &config).map_err(|error| error.to_string())
    }

    #[test]
    fn a_proxy_is_an_origin_with_both_halves_of_a_credential_or_none() {
        let plain = parse("url = 'http://Proxy.example:3128'").unwrap();
        assert_eq!(plain.origin.to_string(), "http://proxy.example:3128");
        assert!(plain.credential.is_none() && !plain.resolves_names);
        // `HOME` is set wherever tests run, and no test may set a variable.
        let known =
            parse("url = 'http://p:1'\nuser = 'me'\npassword = { env = 'HOME' }\nresolves_names = true").unwrap();
        assert_eq!(known.credential.as_ref().unwrap().user, "me");
        assert!(known.resolves_names);
        for text in [
            "",
            "url = 'proxy.example:3128'",
            "url = 'http://me:secret@proxy.example:3128'",
            "url = 'http://proxy.example:3128/'",
            "url = 'http://p:1'\nuser = 'me'",
            "url = 'http://p:1'\npassword = { env = 'HOME' }",
            "url = 'http://p:1'\nuser = 'me'\npassword = { env = 'STOCKADE_TEST_ABSENT' }",
            "url = 'http://p:1'\nno_proxy = 'x'",
        ] {
            assert!(parse(text).is_err(), "`{text}` was accepted");
        }
    }
}
