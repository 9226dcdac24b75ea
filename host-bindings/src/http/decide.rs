//! The one place where a request is allowed or denied.
//!
//! [`decide`] looks at a request, the grants and the limits, and touches nothing else: no name is resolved, no socket
//! opened. The connector adds one more ground, the address; it makes a [`Denial`] of it too, so that every denial reads
//! alike.

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use super::credential::Credential;
use super::denial::{Denial, DenyReason, quotable};
use super::headers::{is_alias, is_hosts_own};
use super::limits::{HttpLimits, REQUEST_HEADER_BYTES, REQUEST_HEADER_COUNT, TARGET_BYTES};
use super::origin::Origin;
use super::request::Request;
use super::rule::{RequestRule, is_allowable_method};
use super::segment;
use super::tls::TlsProfile;

/// What a connection may do at one endpoint that its provider declared. An endpoint that the operator did not grant is
/// here too, with no granted rules, so that a denial can tell the two apart.
#[derive(Debug, Clone)]
pub struct EndpointGrant {
    /// The endpoint's name.
    pub name: String,
    /// Where it leads, with the connection's options filled in.
    pub origin: Origin,
    /// What the provider asks for.
    pub asked: Vec<RequestRule>,
    /// What the operator granted.
    pub granted: Vec<RequestRule>,
    /// What the host attaches to requests; none for anonymous requests.
    pub credential: Option<Credential>,
    /// How long a presigned URL may be valid at most, in seconds; none when the provider may have none.
    pub presign_seconds: Option<u32>,
    /// Networks beyond global unicast that the origin may lead to.
    pub allow_addresses: Vec<IpNet>,
    /// How an `https` origin proves itself.
    pub tls: TlsProfile,
}

/// A request that passed, ready to send.
#[derive(Debug)]
pub struct Allowed<'a> {
    /// The grant that allows it.
    pub grant: &'a EndpointGrant,
    /// The asked rule that matches, the first in the provider's order.
    pub asked: &'a RequestRule,
    /// The granted rule that matches, the first in the operator's order.
    pub granted: &'a RequestRule,
    /// Where it goes.
    pub origin: Origin,
    /// The method.
    pub method: Method,
    /// Whether it may change something.
    pub changes: bool,
    /// The encoded path.
    pub path: String,
    /// The encoded query, without its question mark; empty for none.
    pub query: String,
    /// The guest's headers.
    pub headers: HeaderMap,
}

/// Decides about a request whose body is of this size.
///
/// # Errors
/// The denial. Malformed requests are found before grants are looked at, so that what a guest learns about its own
/// mistake does not depend on them.
pub fn decide<'a>(
    grants: &'a [EndpointGrant],
    limits: &HttpLimits,
    request: &Request,
    body: BodySize,
) -> Result<Allowed<'a>, Denial> {
    let deny = |reason| Denial::new(request, reason);
    let (path, query) = target(request).map_err(deny)?;
    let headers = headers(&request.headers).map_err(deny)?;
    let method = method(&request.method).ok_or_else(|| deny(DenyReason::Method))?;
    body.check(limits).map_err(deny)?;
    let (grant, asked, granted) = permitting(grants, request).map_err(deny)?;
    if let Some(credential) = &grant.credential {
        refuse_the_credentials_own(credential, request, &headers).map_err(deny)?;
    }
    Ok(Allowed {
        grant,
        asked,
        granted,
        origin: grant.origin.clone(),
        changes: !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS),
        method,
        path,
        query,
        headers,
    })
}

/// How long a request's body is, as far as it is known before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodySize {
    /// Bytes from the guest.
    Bytes(u64),
    /// A spliced body; none when only its end will tell.
    Spliced(Option<u64>),
}

impl BodySize {
    fn check(self, limits: &HttpLimits) -> Result<(), DenyReason> {
        let (bytes, limit) = match self {
            Self::Bytes(bytes) => (bytes, limits.request_body_bytes),
            Self::Spliced(bytes) => (bytes.unwrap_or(0), limits.spliced_bytes),
        };
        if bytes > limit {
            Err(DenyReason::BodyTooLarge { bytes, limit })
        } else {
            Ok(())
        }
    }
}

/// What carries the credential is the host's alone, also under another spelling.
fn refuse_the_credentials_own(
    credential: &Credential,
    request: &Request,
    headers: &HeaderMap,
) -> Result<(), DenyReason> {
    let own = credential.headers();
    if let Some(name) = headers.keys().find(|name| own.iter().any(|own| is_alias(name, own))) {
        return Err(DenyReason::ForbiddenHeader { name: name.to_string() });
    }
    let own = credential.query_parameters();
    let is_own = |name: &str| own.iter().any(|own| own.eq_ignore_ascii_case(name));
    match request.query.iter().find(|(name, _)| is_own(name)) {
        Some((name, _)) => Err(DenyReason::ForbiddenParameter {
            name: quotable(name).into(),
        }),
        None => Ok(()),
    }
}

fn target(request: &Request) -> Result<(String, String), DenyReason> {
    segment::check(&request.path).map_err(|(index, problem)| DenyReason::BadSegment { index, problem })?;
    let path = segment::encode_path(&request.path);
    let query = segment::encode_query(&request.query);
    let bytes = path.len() + query.len() + usize::from(!query.is_empty());
    if bytes > TARGET_BYTES {
        Err(DenyReason::TargetTooLong { bytes })
    } else {
        Ok((path, query))
    }
}

fn method(text: &str) -> Option<Method> {
    is_allowable_method(text)
        .then(|| Method::from_bytes(text.as_bytes()).ok())
        .flatten()
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, DenyReason> {
    let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    if pairs.len() > REQUEST_HEADER_COUNT || bytes > REQUEST_HEADER_BYTES {
        return Err(DenyReason::HeadersTooLarge);
    }
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let malformed = || DenyReason::MalformedHeader {
            name: quotable(name).into(),
        };
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed())?;
        if is_hosts_own(&parsed) {
            return Err(DenyReason::ForbiddenHeader {
                name: parsed.to_string(),
            });
        }
        headers.append(
            parsed,
            HeaderValue::from_bytes(value.as_bytes()).map_err(|_| malformed())?,
        );
    }
    Ok(headers)
}

/// An endpoint's grant, and the asked and the granted rule that match.
type Permission<'a> = (&'a EndpointGrant, &'a RequestRule, &'a RequestRule);

/// The grant under which an asked and a granted rule match, and the two.
fn permitting<'a>(grants: &'a [EndpointGrant], request: &Request) -> Result<Permission<'a>, DenyReason> {
    let (method, path) = (&request.method, &request.path);
    let grant = grants
        .iter()
        .find(|grant| grant.name == request.endpoint)
        .ok_or(DenyReason::UnknownEndpoint)?;
    let matching = |rules: &'a [RequestRule]| rules.iter().find(|rule| rule.matches(method, path));
    let missing = |asked: &RequestRule| asked.for_method(method);
    match (matching(&grant.asked), matching(&grant.granted)) {
        (asked, _) if grant.granted.is_empty() => Err(DenyReason::EndpointNotGranted {
            missing: asked.map(missing),
        }),
        (None, _) => Err(DenyReason::NotAsked),
        (Some(asked), None) => Err(DenyReason::NotGranted {
            missing: missing(asked),
        }),
        (Some(asked), Some(granted)) => Ok((grant, asked, granted)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::http::credential::Header;
    use crate::http::secret::Secret;
    use crate::http::segment::SegmentProblem;

    pub(in crate::http) fn rule(methods: &[&str], path: &str) -> RequestRule {
        RequestRule::new(methods.iter().copied(), path).unwrap()
    }

    pub(in crate::http) fn grants() -> Vec<EndpointGrant> {
        let api = EndpointGrant {
            name: "api".into(),
            origin: "https://api.example.com".parse().unwrap(),
            asked: vec![
                rule(&["GET", "DELETE"], "/vms/*"),
                rule(&["GET"], "/vms"),
                rule(&["UPDATE"], "/vms/*"),
            ],
            granted: vec![rule(&["GET"], "/**"), rule(&["UPDATE"], "/vms/test-1")],
            credential: Some(Arc::new(Header {
                name: HeaderName::from_static("x-token"),
                value: Secret::new("canary"),
            })),
            presign_seconds: None,
            allow_addresses: Vec::new(),
            tls: TlsProfile::default(),
        };
        let images = EndpointGrant {
            name: "images".into(),
            asked: vec![rule(&["GET"], "/**")],
            granted: Vec::new(),
            ..api.clone()
        };
        vec![api, images]
    }

    pub(in crate::http) fn request(method: &str, path: &str) -> Request {
        Request {
            endpoint: "api".into(),
            method: method.into(),
            path: path.split('/').skip(1).map(Into::into).collect(),
            ..Request::default()
        }
    }

    fn reason(request: &Request) -> Option<DenyReason> {
        decide(&grants(), &HttpLimits::default(), request, BodySize::Bytes(0))
            .err()
            .map(|denial| denial.reason)
    }

    #[test]
    fn a_request_needs_an_asked_and_a_granted_rule() {
        let endpoint = |name: &str| Request {
            endpoint: name.into(),
            ..request("GET", "/vms")
        };
        for (request, expected) in [
            (request("GET", "/vms"), None),
            (request("GET", "/vms/web-1"), None),
            (request("UPDATE", "/vms/test-1"), None),
            (
                request("UPDATE", "/vms/web-1"),
                Some(DenyReason::NotGranted {
                    missing: rule(&["UPDATE"], "/vms/*"),
                }),
            ),
            (
                request("DELETE", "/vms/web-1"),
                Some(DenyReason::NotGranted {
                    missing: rule(&["DELETE"], "/vms/*"),
                }),
            ),
            (request("GET", "/users"), Some(DenyReason::NotAsked)),
            (request("POST", "/vms"), Some(DenyReason::NotAsked)),
            (request("GET", "/vms/web-1/console"), Some(DenyReason::NotAsked)),
            (request("GET", "/vms/a%2Fconsole"), Some(DenyReason::NotAsked)),
            (
                endpoint("images"),
                Some(DenyReason::EndpointNotGranted {
                    missing: Some(rule(&["GET"], "/**")),
                }),
            ),
            (endpoint("other"), Some(DenyReason::UnknownEndpoint)),
            (endpoint(""), Some(DenyReason::UnknownEndpoint)),
        ] {
            assert_eq!(reason(&request), expected, "{request:?}");
        }
    }

    #[test]
    fn malformed_requests_are_refused_whatever_is_granted() {
        let header = |name: &str, value: &str| Request {
            headers: vec![(name.into(), value.into())],
            ..request("GET", "/vms")
        };
        let forbidden = |name: &str| Some(DenyReason::ForbiddenHeader { name: name.into() });
        for (request, expected) in [
            (request("CONNECT", "/vms"), Some(DenyReason::Method)),
            (request("get", "/vms"), Some(DenyReason::Method)),
            (request("GET /x HTTP/1.1\r\n", "/vms"), Some(DenyReason::Method)),
            (
                request("GET", "/vms/.."),
                Some(DenyReason::BadSegment {
                    index: 1,
                    problem: SegmentProblem::Dots,
                }),
            ),
            (
                request("GET", "//evil.example"),
                Some(DenyReason::BadSegment {
                    index: 0,
                    problem: SegmentProblem::Empty,
                }),
            ),
            (
                request("GET", "/a\r\nhost: x"),
                Some(DenyReason::BadSegment {
                    index: 0,
                    problem: SegmentProblem::Control,
                }),
            ),
            (header("Authorization", "x"), forbidden("authorization")),
            (header("X-Forwarded-Host", "x"), forbidden("x-forwarded-host")),
            (header("X-Token", "guess"), forbidden("x-token")),
            (header("x_token", "guess"), forbidden("x_token")),
            (
                header("a b", "x"),
                Some(DenyReason::MalformedHeader { name: "a b".into() }),
            ),
            (
                header("a", "x\r\nhost: y"),
                Some(DenyReason::MalformedHeader { name: "a".into() }),
            ),
            (
                header("a", &"x".repeat(REQUEST_HEADER_BYTES)),
                Some(DenyReason::HeadersTooLarge),
            ),
            (header("accept", "application/json; q=\u{e9}"), None),
        ] {
            assert_eq!(reason(&request), expected, "{request:?}");
        }
        let long = request("GET", &format!("/{}", "x".repeat(TARGET_BYTES)));
        assert_eq!(
            reason(&long),
            Some(DenyReason::TargetTooLong {
                bytes: TARGET_BYTES + 1
            })
        );
    }

    #[test]
    fn bodies_are_limited_by_their_kind() {
        let limits = HttpLimits {
            request_body_bytes: 4,
            spliced_bytes: 8,
            ..HttpLimits::default()
        };
        for (body, allowed) in [
            (BodySize::Bytes(4), true),
            (BodySize::Bytes(5), false),
            (BodySize::Spliced(Some(8)), true),
            (BodySize::Spliced(Some(9)), false),
            (BodySize::Spliced(None), true),
        ] {
            assert_eq!(
                decide(&grants(), &limits, &request("GET", "/vms"), body).is_ok(),
                allowed,
                "{body:?}"
            );
        }
    }
}
