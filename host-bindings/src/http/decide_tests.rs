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
        origin: "https://api.example.com".parse::<Origin>().unwrap().into(),
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
        allow_addresses: Vec::new(),
        tls: TlsProfile::WebRoots,
        bounds: EndpointBounds::default(),
        presign_seconds: None,
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
    decide(&grants(), &HttpLimits::default(), request, OutgoingBody::Bytes(&[]))
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
        (OutgoingBody::Bytes(b"1234"), true),
        (OutgoingBody::Bytes(b"12345"), false),
        (OutgoingBody::Spliced(Some(8)), true),
        (OutgoingBody::Spliced(Some(9)), false),
        (OutgoingBody::Spliced(None), true),
    ] {
        assert_eq!(
            decide(&grants(), &limits, &request("GET", "/vms"), body).is_ok(),
            allowed,
            "{body:?}"
        );
    }
}
