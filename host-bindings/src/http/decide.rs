//! The one place where a request is allowed or denied.
//!
//! [`decide`] looks at a request, the grants and the limits, and touches nothing else: no name is resolved, no socket
//! opened. It allocates nothing for a rule, so that a hundred of them cost little more than one. The connector adds one more ground, the address; it makes a [`Denial`] of it too, so that every denial reads
//! alike.

use std::sync::Arc;

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use super::bounds::EndpointBounds;
use super::credential::{Credential, OutgoingBody};
use super::denial::{Denial, DenyReason, quotable};
use super::destination::Destination;
use super::headers::{is_alias, is_hosts_own};
use super::limits::{HttpLimits, REQUEST_HEADER_BYTES, REQUEST_HEADER_COUNT, TARGET_BYTES};
use super::origin::Origin;
use super::proxy::Proxy;
use super::reading::Reading;
use super::request::Request;
use super::rule::{Effect, RequestRule, is_allowable_method};
use super::segment;
use super::tls::TlsProfile;

/// What a connection may do at one endpoint that its provider declared. An endpoint that the operator did not grant is
/// here too, with no granted rules, so that a denial can tell the two apart.
#[derive(Debug, Clone)]
pub struct EndpointGrant {
    /// The endpoint's name.
    pub name: String,
    /// Where it leads, with the connection's options filled in.
    pub origin: Destination,
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
    /// Through which proxy connections are made; none for straight ones.
    pub proxy: Option<Arc<Proxy>>,
    /// What it may use of the connection.
    pub bounds: EndpointBounds,
}

/// A request that passed, ready to send.
#[derive(Debug)]
pub struct Allowed<'a> {
    /// The grant that allows it.
    pub grant: &'a EndpointGrant,
    /// The asked rule that matches.
    pub asked: &'a RequestRule,
    /// The granted rule that matches; the one that says what the request does, where one does.
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

/// Decides about a request. Whether it may change something is part of the answer; what follows from that is decided by
/// `Changes`.
///
/// # Errors
/// The denial. Malformed requests are found before grants are looked at, so that what a guest learns about its own
/// mistake does not depend on them.
pub fn decide<'a>(
    grants: &'a [EndpointGrant],
    limits: &HttpLimits,
    request: &Request,
    body: OutgoingBody<'_>,
) -> Result<Allowed<'a>, Denial> {
    let deny = |reason| Denial::new(request, reason);
    let (path, query) = target(request).map_err(deny)?;
    let headers = headers(&request.headers).map_err(deny)?;
    let method = method(&request.method).ok_or_else(|| deny(DenyReason::Method))?;
    if let Some((bytes, limit)) = excess(body, limits) {
        return Err(deny(DenyReason::BodyTooLarge { bytes, limit }));
    }
    let permission = permission(grants, &Reading::new(request, &headers, body)).map_err(deny)?;
    let grant = permission.grant;
    let origin = grant.origin.of(request).map_err(deny)?;
    if let Some(credential) = &grant.credential {
        refuse_the_credentials_own(credential, request, &headers).map_err(deny)?;
    }
    let bounds = &grant.bounds;
    if let Some(name) = headers.keys().find(|name| !bounds.request_headers.passes(name)) {
        return Err(deny(DenyReason::HeaderNotGranted { name: name.to_string() }));
    }
    if let Some((bytes, limit)) = excess(body, &bounds.sending(limits)) {
        return Err(deny(DenyReason::BodyNotGranted { bytes, limit }));
    }
    Ok(Allowed {
        grant,
        asked: permission.asked,
        granted: permission.granted,
        origin,
        changes: permission.changes,
        method,
        path,
        query,
        headers,
    })
}

/// Refuses a guest the requests by which the host itself logs in.
///
/// # Errors
/// The reason.
pub(super) fn refuse_logins(grants: &[EndpointGrant], allowed: &Allowed<'_>) -> Result<(), DenyReason> {
    let mut logins = grants.iter().filter_map(|grant| grant.credential.as_ref()?.login());
    if logins.any(|login| login.is(&allowed.grant.name, &allowed.method, &allowed.path)) {
        return Err(DenyReason::HostsLogin);
    }
    Ok(())
}

/// A body's size and its limit, when it is larger. One whose size only its end will tell is limited while it is sent.
fn excess(body: OutgoingBody<'_>, limits: &HttpLimits) -> Option<(u64, u64)> {
    let (bytes, limit) = match body {
        OutgoingBody::Bytes(bytes) => (bytes.len() as u64, limits.request_body_bytes),
        OutgoingBody::Spliced(bytes) => (bytes.unwrap_or(0), limits.spliced_bytes),
    };
    (bytes > limit).then_some((bytes, limit))
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

/// The rules that allow a request.
struct Permission<'a> {
    grant: &'a EndpointGrant,
    asked: &'a RequestRule,
    granted: &'a RequestRule,
    changes: bool,
}

/// The grant under which an asked and a granted rule match.
fn permission<'a>(grants: &'a [EndpointGrant], reading: &Reading<'_>) -> Result<Permission<'a>, DenyReason> {
    let request = reading.request();
    let grant = grants
        .iter()
        .find(|grant| grant.name == request.endpoint)
        .ok_or(DenyReason::UnknownEndpoint)?;
    let (asked, granted) = (
        Matching::of(&grant.asked, reading),
        Matching::of(&grant.granted, reading),
    );
    let missing = || asked.first.map(|rule| rule.for_method(&request.method));
    match (asked.first, granted.told()) {
        _ if grant.granted.is_empty() => Err(DenyReason::EndpointNotGranted { missing: missing() }),
        (None, _) => Err(DenyReason::NotAsked),
        (Some(rule), None) => Err(DenyReason::NotGranted {
            missing: rule.for_method(&request.method),
        }),
        (Some(rule), Some(told)) => Ok(Permission {
            grant,
            asked: rule,
            granted: told,
            changes: changes(&request.method, &asked, &granted),
        }),
    }
}

/// The rules of one list that match a request.
struct Matching<'a> {
    first: Option<&'a RequestRule>,
    reads: Option<&'a RequestRule>,
    changes: Option<&'a RequestRule>,
}

impl<'a> Matching<'a> {
    fn of(rules: &'a [RequestRule], reading: &Reading<'_>) -> Self {
        let mut matching = Self {
            first: None,
            reads: None,
            changes: None,
        };
        for rule in rules.iter().filter(|rule| rule.matches(reading)) {
            matching.first.get_or_insert(rule);
            match rule.effect() {
                None => {}
                Some(Effect::Read) => drop(matching.reads.get_or_insert(rule)),
                Some(Effect::Change) => drop(matching.changes.get_or_insert(rule)),
            }
        }
        matching
    }

    /// The rule that says what the request does, or the first that matches.
    fn told(&self) -> Option<&'a RequestRule> {
        self.changes.or(self.reads).or(self.first)
    }
}

/// Whether a request may change something. Only the operator's word makes a read of what its method does not say to be
/// one; anybody's word makes a change of it.
fn changes(method: &str, asked: &Matching<'_>, granted: &Matching<'_>) -> bool {
    if granted.changes.is_some() {
        return true;
    }
    let reads_by_method = matches!(method, "GET" | "HEAD" | "OPTIONS") && asked.changes.is_none();
    granted.reads.is_none() && !reads_by_method
}

#[cfg(test)]
#[path = "decide_tests.rs"]
pub(super) mod tests;
