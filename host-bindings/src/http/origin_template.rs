//! Origins with placeholders for a connection's options, as providers declare them: `https://{host}:{port}`,
//! `https://ec2.{region}.amazonaws.com`.
//!
//! A value fills a hole and cannot change the shape around it. What a hole takes depends on where it stands:
//!
//! | position | takes | example |
//! |---|---|---|
//! | the whole host | a host name, an IPv4 address, an IPv6 address with or without brackets | `https://{host}:8006` |
//! | part of a host name | letters, digits and inner hyphens, no dot: it fills one label and adds none; the result is a name, never an address | `https://{account}.blob.{region}.example` |
//! | the whole port | 1 to 65535 | `https://{host}:{port}` |
//! | the whole scheme | `http` or `https` | `{scheme}://{host}` |
//!
//! A host that begins with `*` is discovered at run time: `https://*`, `https://*.{domain}`, where an option after `*.`
//! is a whole host name, and `:*` stands for any port. Such a template resolves to a pattern instead of an origin.
//!
//! The runtime resolves a template once, when it builds a connection's grants.

use std::fmt;
use std::str::FromStr;

use super::origin::{Host, Origin, OriginError, OriginProblem, Scheme, parse_port, split_authority};
use super::origin_pattern::{Hosts, OriginPattern};

const PART: &str = "letters, digits and inner hyphens, which is what part of a host name takes";
const WHOLE_HOST: &str = "a host name or an address";
const PORT: &str = "a port from 1 to 65535";
const SCHEME: &str = "`http` or `https`";

/// An origin in which connection options stand for the host, parts of its name, or the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginTemplate {
    text: String,
    scheme: Piece,
    discovered: Option<Discovered>,
    host: Vec<Piece>,
    port: Option<Piece>,
}

/// What of an origin is discovered. The pieces of the host are those of the suffix; none for any host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Discovered {
    any_port: bool,
}

/// What a template stands for on one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// This origin.
    Fixed(Origin),
    /// Origins that are discovered at run time.
    Discovered(OriginPattern),
}

impl fmt::Display for Resolved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(origin) => write!(formatter, "{origin}"),
            Self::Discovered(pattern) => write!(formatter, "{pattern}"),
        }
    }
}

/// A run of text or a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Option(String),
}

impl OriginTemplate {
    /// Fills the placeholders. `value` answers an option's value as text, or none when the connection has none.
    ///
    /// # Errors
    /// [`OriginProblem::MissingOption`], [`OriginProblem::Value`] when a value does not fit its position, or
    /// [`OriginProblem::Host`] when the parts together are no host name.
    pub fn resolve(&self, value: impl Fn(&str) -> Option<String>) -> Result<Resolved, OriginError> {
        self.fill(&value).map_err(|problem| OriginError {
            text: self.text.clone(),
            problem,
        })
    }

    /// The options that the template needs, in order.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.scheme)
            .chain(&self.host)
            .chain(&self.port)
            .filter_map(|piece| match piece {
                Piece::Option(name) => Some(name.as_str()),
                Piece::Text(_) => None,
            })
    }

    fn fill(&self, value: &dyn Fn(&str) -> Option<String>) -> Result<Resolved, OriginProblem> {
        let of = |option: &str| value(option).ok_or_else(|| OriginProblem::MissingOption(option.to_owned()));
        let scheme = match &self.scheme {
            Piece::Text(text) => Scheme::parse(text)?,
            Piece::Option(option) => {
                let value = of(option)?;
                Scheme::parse(&value).map_err(|_| misfit(option, &value, SCHEME))?
            }
        };
        let port = match &self.port {
            None => scheme.default_port(),
            Some(Piece::Text(text)) => parse_port(text)?,
            Some(Piece::Option(option)) => {
                let value = of(option)?;
                parse_port(&value).map_err(|_| misfit(option, &value, PORT))?
            }
        };
        let Some(discovered) = self.discovered else {
            let host = self.fill_host(&of)?;
            return Ok(Resolved::Fixed(Origin { scheme, host, port }));
        };
        let hosts = if self.host.is_empty() {
            Hosts::Any
        } else {
            match self.fill_host(&of)? {
                Host::Name(suffix) => Hosts::Below(suffix),
                address @ Host::Address(_) => return Err(OriginProblem::Host(format!("*.{address}"))),
            }
        };
        Ok(Resolved::Discovered(OriginPattern {
            scheme,
            hosts,
            port: (!discovered.any_port).then_some(port),
        }))
    }

    fn fill_host(&self, of: &dyn Fn(&str) -> Result<String, OriginProblem>) -> Result<Host, OriginProblem> {
        if let [Piece::Option(option)] = self.host.as_slice() {
            let value = of(option)?;
            return Host::parse(&value).map_err(|_| misfit(option, &value, WHOLE_HOST));
        }
        let mut name = String::new();
        let mut filled = false;
        for piece in &self.host {
            match piece {
                Piece::Text(text) => name.push_str(text),
                Piece::Option(option) => {
                    filled = true;
                    name.push_str(&part(option, of(option)?)?);
                }
            }
        }
        match Host::parse(&name)? {
            Host::Address(_) if filled => Err(OriginProblem::Host(name)),
            host => Ok(host),
        }
    }
}

fn misfit(option: &str, value: &str, expected: &'static str) -> OriginProblem {
    OriginProblem::Value {
        option: option.to_owned(),
        value: value.to_owned(),
        expected,
    }
}

fn part(option: &str, value: String) -> Result<String, OriginProblem> {
    let sound = !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-');
    if sound {
        Ok(value)
    } else {
        Err(misfit(option, &value, PART))
    }
}

impl FromStr for OriginTemplate {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        parse(text).map_err(|problem| OriginError {
            text: text.to_owned(),
            problem,
        })
    }
}

fn parse(text: &str) -> Result<OriginTemplate, OriginProblem> {
    let (scheme, authority) = text.split_once("://").ok_or(OriginProblem::Scheme)?;
    let scheme = match pieces(scheme)?.as_slice() {
        [piece] => piece.clone(),
        _ => return Err(OriginProblem::Scheme),
    };
    let (host_text, port_text) = split_authority(authority);
    let (is_discovered, host_text) = match host_text.strip_prefix('*') {
        Some("") => (true, None),
        Some(rest) => (
            true,
            Some(
                rest.strip_prefix('.')
                    .ok_or_else(|| OriginProblem::Host(host_text.to_owned()))?,
            ),
        ),
        None => (false, Some(host_text)),
    };
    let host = host_text.map_or(Ok(Vec::new()), pieces)?;
    let any_port = is_discovered && port_text == Some("*");
    let port = match port_text.filter(|_| !any_port).map(pieces).transpose()?.as_deref() {
        None => None,
        Some([piece]) => Some(piece.clone()),
        Some(_) => return Err(OriginProblem::Port),
    };
    let template = OriginTemplate {
        text: text.to_owned(),
        scheme,
        discovered: is_discovered.then_some(Discovered { any_port }),
        host,
        port,
    };
    // A sample that fits every position proves the literal parts sound now, before any connection uses them.
    let stands_for = |piece: Option<&Piece>, option: &str| matches!(piece, Some(Piece::Option(name)) if name == option);
    template.fill(&|option| {
        let sample = if stands_for(template.port.as_ref(), option) {
            "1"
        } else if stands_for(Some(&template.scheme), option) {
            "https"
        } else {
            "a"
        };
        Some(sample.into())
    })?;
    if template.options().next().is_none() && !is_discovered {
        // Without placeholders the text is an origin and has to satisfy that parser.
        let _: Origin = text.parse().map_err(|error: OriginError| error.problem)?;
    }
    Ok(template)
}

fn pieces(text: &str) -> Result<Vec<Piece>, OriginProblem> {
    if text.contains(['/', '\\', '?', '#', '@']) {
        return Err(OriginProblem::MoreThanAnOrigin);
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(OriginProblem::Placeholder)?;
        let sound = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !sound {
            return Err(OriginProblem::Placeholder);
        }
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Option(name.to_owned()));
        rest = after;
    }
    if rest.contains('}') {
        return Err(OriginProblem::Placeholder);
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

impl fmt::Display for OriginTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(template: &str, values: &[(&str, &str)]) -> Result<String, OriginProblem> {
        let template: OriginTemplate = template.parse().map_err(|error: OriginError| error.problem)?;
        template
            .resolve(|option| {
                values
                    .iter()
                    .find(|(name, _)| *name == option)
                    .map(|(_, value)| (*value).to_owned())
            })
            .map(|resolved| resolved.to_string())
            .map_err(|error| error.problem)
    }

    #[test]
    fn values_fill_whole_hosts_parts_of_names_and_ports() {
        for (template, values, expected) in [
            ("https://api.example.com", &[][..], "https://api.example.com"),
            (
                "https://ec2.{region}.amazonaws.com",
                &[("region", "eu-west-1")],
                "https://ec2.eu-west-1.amazonaws.com",
            ),
            (
                "https://{a}-{b}.example.com:8443",
                &[("a", "x"), ("b", "Y")],
                "https://x-y.example.com:8443",
            ),
            (
                "http://{host}:{port}",
                &[("host", "pve.lan"), ("port", "8006")],
                "http://pve.lan:8006",
            ),
            (
                "http://{host}:{port}",
                &[("host", "10.0.0.7"), ("port", "80")],
                "http://10.0.0.7",
            ),
            ("http://{host}", &[("host", "::1")], "http://[::1]"),
            ("http://{host}:9000", &[("host", "[fd00::2]")], "http://[fd00::2]:9000"),
            ("http://[::1]:{port}", &[("port", "81")], "http://[::1]:81"),
        ] {
            assert_eq!(resolve(template, values).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn a_host_that_begins_with_a_star_is_a_pattern() {
        for (template, values, expected) in [
            ("https://*", &[][..], "https://*"),
            ("https://*:*", &[], "https://*:*"),
            (
                "{scheme}://*:{port}",
                &[("scheme", "http"), ("port", "81")],
                "http://*:81",
            ),
            (
                "https://*.{domain}",
                &[("domain", "Cloud.example.com")],
                "https://*.cloud.example.com",
            ),
            (
                "https://*.{region}.example.com:*",
                &[("region", "eu")],
                "https://*.eu.example.com:*",
            ),
            ("https://*.example.com", &[], "https://*.example.com"),
        ] {
            assert_eq!(resolve(template, values).as_deref(), Ok(expected), "{template}");
        }
        for value in ["", "*", "*.com", "10.0.0.1", "::1", "a/b", "a:80", ".a", "a."] {
            assert!(
                resolve("https://*.{domain}", &[("domain", value)]).is_err(),
                "`{value}`"
            );
        }
        for template in [
            "https://*a",
            "https://a.*",
            "https://**",
            "https://*.",
            "https://a:*",
            "*://a",
            "https://*.*",
        ] {
            assert!(
                template.parse::<OriginTemplate>().is_err(),
                "`{template}` was taken for a template"
            );
        }
    }

    #[test]
    fn a_value_cannot_change_the_shape_of_the_origin() {
        let hostile = [
            "", ".", "..", "a.b", "a/b", "/", "a@b", "@", "a:b", ":80", "a?b", "a#b", "a\\b", "a b", "a%2eb", "\u{e9}",
            "-a", "a-", "a\n", "{x}", "[::1]",
        ];
        for value in hostile {
            let answer = resolve("https://ec2.{region}.amazonaws.com", &[("region", value)]);
            assert!(
                matches!(answer, Err(OriginProblem::Value { .. })),
                "region `{value}`: {answer:?}"
            );
        }
        for value in [
            "",
            ".",
            "a/b",
            "u@h",
            "h:80",
            "h?q",
            "h#f",
            "127.1",
            "2130706433",
            "0x7f000001",
            "h\\",
            "a b",
            "::1]:80",
        ] {
            let answer = resolve("https://{host}", &[("host", value)]);
            assert!(
                matches!(answer, Err(OriginProblem::Value { .. })),
                "host `{value}`: {answer:?}"
            );
        }
        for value in ["", "0", "65536", "80/x", "80@h", "+80", "080", "8 0"] {
            let answer = resolve("https://h:{port}", &[("port", value)]);
            assert!(
                matches!(answer, Err(OriginProblem::Value { .. })),
                "port `{value}`: {answer:?}"
            );
        }
    }

    #[test]
    fn a_scheme_is_http_or_https_and_chooses_the_default_port() {
        assert_eq!(resolve("{scheme}://h", &[("scheme", "https")]), Ok("https://h".into()));
        assert_eq!(
            resolve("{scheme}://h:{port}", &[("scheme", "http"), ("port", "81")]),
            Ok("http://h:81".into())
        );
        for value in ["", "ftp", "https://evil", "http:"] {
            let answer = resolve("{scheme}://h", &[("scheme", value)]);
            assert!(
                matches!(answer, Err(OriginProblem::Value { .. })),
                "scheme `{value}`: {answer:?}"
            );
        }
    }

    #[test]
    fn parts_never_add_up_to_an_address() {
        for template in ["https://{a}.0.0.1", "https://{a}.{a}.{a}.{a}", "https://a.{b}"] {
            let answer = resolve(template, &[("a", "127"), ("b", "1")]);
            assert!(matches!(answer, Err(OriginProblem::Host(_))), "{template}: {answer:?}");
        }
    }

    #[test]
    fn malformed_templates_and_missing_options_are_refused() {
        for template in [
            "{scheme}s://host",
            "{scheme}:/host",
            "ftp://host",
            "https://{host",
            "https://host}",
            "https://{}",
            "https://{Host}",
            "https://{a{b}}",
            "https://h:{port}0",
            "https://{host}/v1",
            "https://{user}@{host}",
            "https://h:99999",
        ] {
            assert!(
                template.parse::<OriginTemplate>().is_err(),
                "`{template}` was taken for a template"
            );
        }
        assert_eq!(
            resolve("https://{host}", &[]),
            Err(OriginProblem::MissingOption("host".into()))
        );
        let template: OriginTemplate = "http://{host}:{port}".parse().unwrap();
        assert_eq!(template.options().collect::<Vec<_>>(), ["host", "port"]);
    }
}
