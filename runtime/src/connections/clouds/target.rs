//! From an identity service's URL to a provider's options, by the templates of the provider.

use std::collections::BTreeMap;

/// The version of the identity service's API, a segment of its paths.
const VERSION: &str = "v3";

/// A URL, taken apart.
pub(super) struct Target {
    pub(super) scheme: String,
    pub(super) host: String,
    port: String,
    /// The segments before the version.
    before: Vec<String>,
}

/// Takes a URL apart: `https://cloud.example.org:5000/identity/v3`, with the version or without.
///
/// # Errors
/// Why it is none.
pub(super) fn read(url: &str) -> Result<Target, String> {
    let wrong = |why: &str| format!("its `auth_url` {why}; it is written `https://HOST:PORT/v3`");
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("has no scheme"))?;
    let usual_port = match scheme {
        "https" => "443",
        "http" => "80",
        _ => return Err(wrong("is neither `https` nor `http`")),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err(wrong("has a user in it"));
    }
    if url.contains(['?', '#']) {
        return Err(wrong("has a query"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, usual_port),
    };
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err(wrong("has no host, or a port that is none"));
    }
    let mut before: Vec<String> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    match before.last().map(String::as_str) {
        Some(VERSION) => drop(before.pop()),
        Some("v2.0" | "v2") => {
            return Err(wrong(
                "names version 2 of the identity service, which nobody has any more",
            ));
        }
        _ => {}
    }
    Ok(Target {
        scheme: scheme.to_owned(),
        host: host.to_owned(),
        port: port.to_owned(),
        before,
    })
}

impl Target {
    /// The options that make these templates mean this URL: `{scheme}://{host}:{port}` and `/{prefix}/v3/auth/tokens`.
    ///
    /// # Errors
    /// Why none do.
    pub(super) fn fill(&self, origin: &str, login: &str) -> Result<BTreeMap<String, String>, String> {
        let mut options = BTreeMap::new();
        let elsewhere = || format!("the provider reaches the identity service at `{origin}` only");
        let (scheme, authority) = origin.split_once("://").ok_or_else(elsewhere)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port),
            None if self.port == if self.scheme == "https" { "443" } else { "80" } => (authority, self.port.as_str()),
            None => return Err(elsewhere()),
        };
        for (template, value) in [(scheme, &self.scheme), (host, &self.host), (port, &self.port)] {
            fill(template, value, &mut options).ok_or_else(elsewhere)?;
        }
        let elsewhere = || format!("the provider logs in at `{login}` only, which its `auth_url` is not");
        let asked: Vec<&str> = login.split('/').filter(|part| !part.is_empty()).collect();
        let version = asked.iter().position(|part| *part == VERSION).ok_or_else(elsewhere)?;
        let asked = asked.get(..version).unwrap_or_default();
        // A place without a value is left out of the path.
        let nothing = vec![String::new(); asked.len()];
        let given = if self.before.is_empty() { &nothing } else { &self.before };
        if given.len() != asked.len() {
            return Err(elsewhere());
        }
        for (template, value) in asked.iter().zip(given) {
            fill(template, value, &mut options).ok_or_else(elsewhere)?;
        }
        Ok(options)
    }
}

/// A template that is one place takes any value; another one only itself.
fn fill(template: &str, value: &str, options: &mut BTreeMap<String, String>) -> Option<()> {
    match template.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => {
            options.insert(name.to_owned(), value.to_owned());
            Some(())
        }
        None => (template == value).then_some(()),
    }
}
