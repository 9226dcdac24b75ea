//! Patterns of origins, for endpoints whose origin is discovered at run time: a service catalogue, an upload URL.
//!
//! | pattern | matches | does not match |
//! |---|---|---|
//! | `https://*.cloud.example.com` | `https://a.cloud.example.com`, `https://a.b.cloud.example.com` | `https://cloud.example.com`, another port or scheme |
//! | `https://*.cloud.example.com:*` | the same, on any port | |
//! | `https://10.1.0.0/16:8774`, `https://[fd00::/64]` | literal addresses of that network | names, whatever they resolve to |
//! | `https://api.example.com` | exactly that | everything else |
//! | `https://*` | every host on port 443 | another port; only asked for, never granted |
//!
//! Providers ask with such a pattern, operators grant with some; a request's origin must match both. Where a name leads
//! is not looked at here: the connector checks every address, as for fixed origins.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::origin::{Host, Origin, OriginError, OriginProblem, Scheme, parse_port, split_authority};

/// Labels that a granted suffix has at least: `*.com` would grant every shop of the world.
const LEAST_SUFFIX_LABELS: usize = 2;

/// A set of origins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginPattern {
    pub(super) scheme: Scheme,
    pub(super) hosts: Hosts,
    /// None for any.
    pub(super) port: Option<u16>,
}

/// A set of hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hosts {
    /// Every one.
    Any,
    /// Names that end with a dot and this name.
    Below(String),
    /// Literal addresses of this network.
    Network(IpNet),
    /// This one.
    Only(Host),
}

/// Why a pattern cannot be granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginGrantError {
    /// Any host.
    #[error("`{0}` would grant every host; name a suffix of two labels or more, a network, or the origins one by one")]
    AnyHost(OriginPattern),
    /// A suffix of one label.
    #[error("`{0}` would grant a whole top-level domain; name a suffix of two labels or more")]
    TopLevel(OriginPattern),
    /// Nothing that the provider asks for.
    #[error("`{granted}` grants no origin that the provider asks for, which is `{asked}`")]
    NotAsked {
        /// What was granted.
        granted: OriginPattern,
        /// What was asked for.
        asked: OriginPattern,
    },
}

impl OriginPattern {
    /// Whether an origin matches.
    #[must_use]
    pub fn matches(&self, origin: &Origin) -> bool {
        let host = match (&self.hosts, &origin.host) {
            (Hosts::Any, _) => true,
            (Hosts::Below(suffix), Host::Name(name)) => is_below(name, suffix),
            (Hosts::Network(network), Host::Address(address)) => network.contains(address),
            (Hosts::Only(only), host) => only == host,
            (Hosts::Below(_), Host::Address(_)) | (Hosts::Network(_), Host::Name(_)) => false,
        };
        host && self.scheme == origin.scheme && self.port.is_none_or(|port| port == origin.port)
    }

    /// Whether some origin matches both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let hosts = match (&self.hosts, &other.hosts) {
            (Hosts::Any, _) | (_, Hosts::Any) => true,
            (Hosts::Below(one), Hosts::Below(two)) => one == two || is_below(one, two) || is_below(two, one),
            (Hosts::Network(one), Hosts::Network(two)) => one.contains(two) || two.contains(one),
            (Hosts::Only(host), hosts) | (hosts, Hosts::Only(host)) => match (hosts, host) {
                (Hosts::Below(suffix), Host::Name(name)) => is_below(name, suffix),
                (Hosts::Network(network), Host::Address(address)) => network.contains(address),
                (Hosts::Only(other), host) => other == host,
                _ => false,
            },
            (Hosts::Below(_), Hosts::Network(_)) | (Hosts::Network(_), Hosts::Below(_)) => false,
        };
        let ports = match (self.port, other.port) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        hosts && ports && self.scheme == other.scheme
    }

    /// Checks that an operator may grant the pattern to a provider that asks for another.
    ///
    /// # Errors
    /// Why not.
    pub fn check_granted(&self, asked: &Self) -> Result<(), OriginGrantError> {
        match &self.hosts {
            Hosts::Any => return Err(OriginGrantError::AnyHost(self.clone())),
            Hosts::Below(suffix) if suffix.split('.').count() < LEAST_SUFFIX_LABELS => {
                return Err(OriginGrantError::TopLevel(self.clone()));
            }
            Hosts::Below(_) | Hosts::Network(_) | Hosts::Only(_) => {}
        }
        if self.overlaps(asked) {
            Ok(())
        } else {
            Err(OriginGrantError::NotAsked {
                granted: self.clone(),
                asked: asked.clone(),
            })
        }
    }
}

/// Whether a name has at least one more label than a suffix.
fn is_below(name: &str, suffix: &str) -> bool {
    let labels = name.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.'));
    labels.is_some_and(|labels| !labels.is_empty())
}

fn parse(text: &str) -> Result<OriginPattern, OriginProblem> {
    let (scheme, authority) = Scheme::split(text)?;
    if authority.contains(['\\', '?', '#', '@']) {
        return Err(OriginProblem::MoreThanAnOrigin);
    }
    let (host, port) = split_authority(authority);
    let port = match port {
        None => Some(scheme.default_port()),
        Some("*") => None,
        Some(port) => Some(parse_port(port)?),
    };
    let hosts = hosts(host)?;
    Ok(OriginPattern { scheme, hosts, port })
}

fn hosts(text: &str) -> Result<Hosts, OriginProblem> {
    let refused = || OriginProblem::Host(text.to_owned());
    if text == "*" {
        return Ok(Hosts::Any);
    }
    if let Some(suffix) = text.strip_prefix("*.") {
        return match Host::parse(suffix)? {
            Host::Name(suffix) => Ok(Hosts::Below(suffix)),
            Host::Address(_) => Err(refused()),
        };
    }
    let unbracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if text.contains('/') {
        let network: IpNet = unbracketed.unwrap_or(text).parse().map_err(|_| refused())?;
        let is_canonical = network == network.trunc() && matches!(network, IpNet::V6(_)) == unbracketed.is_some();
        return is_canonical.then_some(Hosts::Network(network)).ok_or_else(refused);
    }
    match Host::parse(text)? {
        Host::Address(IpAddr::V6(_)) if unbracketed.is_none() => Err(refused()),
        host => Ok(Hosts::Only(host)),
    }
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        parse(text).map_err(|problem| OriginError {
            text: text.to_owned(),
            problem,
        })
    }
}

impl TryFrom<String> for OriginPattern {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<OriginPattern> for String {
    fn from(pattern: OriginPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://", self.scheme)?;
        match &self.hosts {
            Hosts::Any => formatter.write_str("*")?,
            Hosts::Below(suffix) => write!(formatter, "*.{suffix}")?,
            Hosts::Network(network @ IpNet::V4(_)) => write!(formatter, "{network}")?,
            Hosts::Network(network @ IpNet::V6(_)) => write!(formatter, "[{network}]")?,
            Hosts::Only(host) => write!(formatter, "{host}")?,
        }
        match self.port {
            None => formatter.write_str(":*"),
            Some(port) if port == self.scheme.default_port() => Ok(()),
            Some(port) => write!(formatter, ":{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> OriginPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_matches_what_it_says_and_nothing_that_looks_like_it() {
        for (text, matching, other) in [
            (
                "https://*.cloud.example.com",
                &["https://a.cloud.example.com", "https://A.b.Cloud.example.com:443"][..],
                &[
                    "https://cloud.example.com",
                    "https://acloud.example.com",
                    "https://a.cloud.example.com.evil.example",
                    "https://a.cloud.example.com:8443",
                    "http://a.cloud.example.com",
                ][..],
            ),
            (
                "https://*.example.com:*",
                &["https://a.example.com:1", "https://a.example.com"],
                &["http://a.example.com:1", "https://example.com:1"],
            ),
            (
                "https://10.1.0.0/16:8774",
                &["https://10.1.2.3:8774"],
                &[
                    "https://10.2.0.1:8774",
                    "https://10.1.2.3",
                    "https://a.10.1.example:8774",
                    "https://[::ffff:a01:203]:8774",
                ],
            ),
            (
                "https://[fd00::/64]",
                &["https://[fd00::7]"],
                &["https://[fd01::7]", "https://10.1.2.3"],
            ),
            (
                "https://api.example.com",
                &["https://api.example.com"],
                &["https://a.api.example.com"],
            ),
            ("http://[::1]:81", &["http://[::1]:81"], &["http://[::1]"]),
            (
                "https://*",
                &["https://a", "https://10.0.0.1"],
                &["https://a:444", "http://a"],
            ),
        ] {
            for good in matching {
                assert!(
                    pattern(text).matches(&good.parse().unwrap()),
                    "`{text}` does not match `{good}`"
                );
            }
            for bad in other {
                assert!(
                    !pattern(text).matches(&bad.parse().unwrap()),
                    "`{text}` matches `{bad}`"
                );
            }
            assert_eq!(pattern(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "*",
            "*.example.com",
            "ftp://*.example.com",
            "https://**",
            "https://*example.com",
            "https://a.*.example.com",
            "https://*.",
            "https://*..com",
            "https://*.10.0.0.1",
            "https://user@*.example.com",
            "https://*.example.com/",
            "https://*.example.com:0",
            "https://*.example.com:**",
            "https://10.1.2.3/16",
            "https://10.1.0.0/33",
            "https://fd00::/64",
            "https://[10.0.0.0/8]",
            "https://::1",
            "https://*.h\u{f3}st.example",
        ] {
            assert!(
                text.parse::<OriginPattern>().is_err(),
                "`{text}` was taken for a pattern"
            );
        }
    }

    #[test]
    fn only_narrow_patterns_that_were_asked_for_can_be_granted() {
        for (granted, asked, is_fine) in [
            ("https://*.cloud.example.com:*", "https://*:*", true),
            ("https://10.1.0.0/16:8774", "https://*:*", true),
            ("https://*.cloud.example.com", "https://*.example.com", true),
            ("https://a.example.com:8443", "https://*.example.com:*", true),
            ("https://*", "https://*", false),
            ("https://*.com", "https://*", false),
            ("http://*.example.com", "https://*", false),
            ("https://*.example.com:8443", "https://*", false),
            ("https://*.example.org", "https://*.example.com", false),
            ("https://10.0.0.0/8", "https://*.example.com", false),
            ("https://example.com", "https://*.example.com", false),
        ] {
            let answer = pattern(granted).check_granted(&pattern(asked));
            assert_eq!(answer.is_ok(), is_fine, "{granted} for {asked}: {answer:?}");
        }
    }
}
