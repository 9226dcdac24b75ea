//! Origins: the scheme, host and port to which an endpoint leads.
//!
//! An [`Origin`] has one spelling. What other parsers read differently is refused instead of repaired, because two
//! readings of one text are how a check and a connection come to mean different hosts:
//!
//! | text | answer |
//! |---|---|
//! | `https://API.example.com:443` | `https://api.example.com` |
//! | `http://[0:0::1]:8080` | `http://[::1]:8080` |
//! | `http://127.1`, `http://0x7f000001`, `http://2130706433`, `http://0177.0.0.1` | refused: not a canonical address |
//! | `https://user@host`, `https://host/`, `https://host?q`, `https://host#f` | refused: more than an origin |
//! | `https://hóst`, `https://ho%73t`, `https://host.` | refused: not a canonical name |
//!
//! It does not resolve names (see `resolver`) and knows no option values (see `origin_template`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest host name: RFC 1035, section 2.3.4, less the final dot and the length byte.
const HOST_NAME_BYTES: usize = 253;
/// The longest label of a host name: RFC 1035, section 2.3.4.
const LABEL_BYTES: usize = 63;

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an origin: {problem}; write `https://HOST` or `https://HOST:PORT`")]
pub struct OriginError {
    /// The offending text.
    pub text: String,
    /// What is wrong with it.
    pub problem: OriginProblem,
}

/// What can be wrong with an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginProblem {
    /// The scheme is missing or unknown.
    #[error("it does not begin with `http://` or `https://`")]
    Scheme,
    /// It holds more than scheme, host and port.
    #[error("it has user information, a path, a query or a fragment")]
    MoreThanAnOrigin,
    /// The port is not a number from 1 to 65535 without leading zeros.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// The host is neither a host name nor an address in canonical spelling.
    #[error("`{0}` is neither a host name (letters, digits, `-`, `_` and dots) nor an address in its usual spelling")]
    Host(String),
    /// A placeholder is where none may be, is not closed, or has a malformed name.
    #[error("a placeholder is `{{option_name}}` and stands for a host, part of a host name, or a port")]
    Placeholder,
    /// A placeholder's option has no value.
    #[error("the connection has no value for the option `{0}`")]
    MissingOption(String),
    /// A placeholder's value does not fit where it stands.
    #[error("the value `{value}` of the option `{option}` is not {expected}")]
    Value {
        /// The option's name.
        option: String,
        /// The value that was refused.
        value: String,
        /// What the position takes.
        expected: &'static str,
    },
}

/// A URL scheme that endpoints may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// The port that a URL of this scheme means when it names none: RFC 9110, section 4.2.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// Parses `http` or `https`.
    pub(super) fn parse(text: &str) -> Result<Self, OriginProblem> {
        match text.to_ascii_lowercase().as_str() {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => Err(OriginProblem::Scheme),
        }
    }

    /// Splits `scheme://` off a text.
    pub(super) fn split(text: &str) -> Result<(Self, &str), OriginProblem> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginProblem::Scheme)?;
        Ok((Self::parse(scheme)?, rest))
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// The host of an origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name in lower case, which the host resolves before each connection.
    Name(String),
    /// A literal address.
    Address(IpAddr),
}

impl Host {
    /// Parses a name, an IPv4 address or an IPv6 address, with or without brackets.
    ///
    /// # Errors
    /// [`OriginProblem::Host`] for any spelling that another parser could read as another host.
    pub fn parse(text: &str) -> Result<Self, OriginProblem> {
        let refused = || OriginProblem::Host(text.to_owned());
        let unbracketed = match text.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or_else(refused)?,
            None => text,
        };
        if let Ok(address) = unbracketed.parse::<Ipv6Addr>() {
            return Ok(Self::Address(address.into()));
        }
        if unbracketed.len() != text.len() {
            return Err(refused());
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        if is_host_name(text) {
            Ok(Self::Name(text.to_ascii_lowercase()))
        } else {
            Err(refused())
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(formatter, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
        }
    }
}

/// Whether a text is a host name that nobody reads as an address. A last label that is a number in any base is what
/// `getaddrinfo` and the WHATWG URL standard (<https://url.spec.whatwg.org/#ends-in-a-number-checker>) take for IPv4.
fn is_host_name(text: &str) -> bool {
    let label_is_sound = |label: &str| {
        let bytes = label.as_bytes();
        (1..=LABEL_BYTES).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && bytes.first() != Some(&b'-')
            && bytes.last() != Some(&b'-')
    };
    let is_number = |label: &str| {
        let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
        match hexadecimal {
            Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => label.bytes().all(|byte| byte.is_ascii_digit()),
        }
    };
    text.len() <= HOST_NAME_BYTES
        && text.split('.').all(label_is_sound)
        && !text.rsplit('.').next().is_some_and(is_number)
}

/// Parses a port: decimal, 1 to 65535, no sign and no leading zero.
pub(super) fn parse_port(text: &str) -> Result<u16, OriginProblem> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    canonical
        .then(|| text.parse().ok())
        .flatten()
        .ok_or(OriginProblem::Port)
}

/// Splits `host[:port]`, minding the colons in brackets.
pub(super) fn split_authority(authority: &str) -> (&str, Option<&str>) {
    let after_brackets = authority.rfind(']').map_or(0, |end| end + 1);
    match authority[after_brackets..].find(':') {
        Some(colon) => (
            &authority[..after_brackets + colon],
            Some(&authority[after_brackets + colon + 1..]),
        ),
        None => (authority, None),
    }
}

/// A scheme, a host and a port, in the one spelling that [`fmt::Display`] gives and [`FromStr`] takes back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    /// The scheme.
    pub scheme: Scheme,
    /// The host.
    pub host: Host,
    /// The port, also when it is the scheme's default.
    pub port: u16,
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        parse(text).map_err(|problem| OriginError {
            text: text.to_owned(),
            problem,
        })
    }
}

fn parse(text: &str) -> Result<Origin, OriginProblem> {
    let (scheme, authority) = Scheme::split(text)?;
    if authority.contains(['/', '\\', '?', '#', '@']) {
        return Err(OriginProblem::MoreThanAnOrigin);
    }
    let (host_text, port_text) = split_authority(authority);
    let host = Host::parse(host_text)?;
    // An IPv6 literal needs its brackets here, else its last group could be read as a port.
    if matches!(host, Host::Address(IpAddr::V6(_))) && !host_text.starts_with('[') {
        return Err(OriginProblem::Host(host_text.to_owned()));
    }
    let port = port_text.map_or(Ok(scheme.default_port()), parse_port)?;
    Ok(Origin { scheme, host, port })
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme, self.host)?;
        if self.port == self.scheme.default_port() {
            Ok(())
        } else {
            write!(formatter, ":{}", self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling_and_display_round_trips() {
        for (text, canonical) in [
            ("https://api.example.com", "https://api.example.com"),
            ("HTTPS://API.Example.COM:443", "https://api.example.com"),
            ("http://host:80", "http://host"),
            ("http://host:443", "http://host:443"),
            ("http://my_host-1:8080", "http://my_host-1:8080"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("https://[::1]", "https://[::1]"),
            ("https://[2001:DB8:0:0::1]:8006", "https://[2001:db8::1]:8006"),
            ("https://3com.com", "https://3com.com"),
            ("https://1.0x7f.example", "https://1.0x7f.example"),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(origin.to_string(), canonical, "{text}");
            assert_eq!(canonical.parse::<Origin>().unwrap(), origin, "{text}");
        }
    }

    #[test]
    fn what_is_not_exactly_a_canonical_origin_is_refused() {
        for text in [
            "",
            "host",
            "ftp://host",
            "//host",
            "https://",
            "https://host/",
            "https://host?q",
            "https://host#f",
            "https://user@host",
            "https://user:pw@host",
            "https://host\\evil",
            "https://host:",
            "https://host:0",
            "https://host:080",
            "https://host:+80",
            "https://host:65536",
            "https://host:80:90",
            "https://127.1",
            "https://2130706433",
            "https://0x7f000001",
            "https://0X7F.0.0.1",
            "https://0177.0.0.1",
            "https://127.0.0.1.",
            "https://1.2.3.4.5",
            "https://a.0x7f",
            "https://host.",
            "https://a..b",
            "https://-a.b",
            "https://a-.b",
            "https://h\u{f3}st",
            "https://\u{ff11}27.0.0.1",
            "https://ho%73t",
            "https://ho st",
            "https://host\n",
            " https://host",
            "https://::1",
            "https://[::1",
            "https://[::1]x",
            "https://[fe80::1%25eth0]",
            "https://[127.0.0.1]",
            "https://[host]",
        ] {
            assert!(text.parse::<Origin>().is_err(), "`{text}` was taken for an origin");
        }
    }
}
