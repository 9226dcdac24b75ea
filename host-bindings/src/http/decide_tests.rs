//! `decide` against tables of requests and grants, and against a simple model over random ones.
//!
//! The grants here are also those of the tests of denials. Nothing is sent: the client's tests do that.

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
        tls: TlsProfile::default(),
        proxy: None,
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

/// A rule from the line that grants it.
pub(in crate::http) fn line(json: &str) -> RequestRule {
    serde_json::from_str(json).unwrap()
}

fn at_query_api(asked: &[&str], granted: &[&str]) -> Vec<EndpointGrant> {
    let lines = |lines: &[&str]| lines.iter().map(|json| line(json)).collect();
    vec![EndpointGrant {
        asked: lines(asked),
        granted: lines(granted),
        ..grants().remove(0)
    }]
}

const DESCRIBE: &str = r#"{"methods":["POST"],"path":"/","when":[{"form":"Action","values":["Describe*"]}]}"#;
const DESCRIBE_READS: &str =
    r#"{"methods":["POST"],"path":"/","when":[{"form":"Action","values":["Describe*"]}],"effect":"read"}"#;
const ANY_ACTION: &str = r#"{"methods":["POST"],"path":"/"}"#;

fn action(name: &str) -> (Request, Vec<u8>) {
    let request = Request {
        headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
        ..request("POST", "/")
    };
    (request, format!("Action={name}&Version=1").into_bytes())
}

#[test]
fn a_condition_lets_list_and_not_terminate() {
    let try_it = |grants: &[EndpointGrant], name: &str| {
        let (request, body) = action(name);
        decide(grants, &HttpLimits::default(), &request, OutgoingBody::Bytes(&body))
            .map(|allowed| allowed.changes)
            .map_err(|denial| denial.reason)
    };
    let granted = at_query_api(&[ANY_ACTION], &[DESCRIBE]);
    assert_eq!(
        try_it(&granted, "DescribeVms"),
        Ok(true),
        "the method is POST, and nobody says otherwise"
    );
    let missing = line(ANY_ACTION);
    assert_eq!(
        try_it(&granted, "TerminateVms"),
        Err(DenyReason::NotGranted {
            missing: missing.clone()
        })
    );
    let asked = at_query_api(&[DESCRIBE], &[ANY_ACTION]);
    assert_eq!(try_it(&asked, "TerminateVms"), Err(DenyReason::NotAsked));
    // A spliced body is not read, so that no condition on it holds; a rule without any does not need it.
    let (request, _) = action("DescribeVms");
    let spliced = |grants: &[EndpointGrant]| {
        decide(
            grants,
            &HttpLimits::default(),
            &request,
            OutgoingBody::Spliced(Some(20)),
        )
        .is_ok()
    };
    assert!(!spliced(&granted) && spliced(&at_query_api(&[ANY_ACTION], &[ANY_ACTION])));
}

#[test]
fn only_the_operator_makes_a_read_of_what_is_none_by_its_method() {
    let effect = |method: &str, effect: &str| {
        let effect = if effect.is_empty() {
            String::new()
        } else {
            format!(r#","effect":"{effect}""#)
        };
        format!(r#"{{"methods":["{method}"],"path":"/"{effect}}}"#)
    };
    for (method, asked, granted, changes) in [
        ("GET", "", "", false),
        ("HEAD", "", "", false),
        ("POST", "", "", true),
        ("UPDATE", "", "", true),
        ("POST", "read", "", true),
        ("POST", "", "read", false),
        ("POST", "change", "read", false),
        ("POST", "read", "change", true),
        ("GET", "change", "", true),
        ("GET", "", "change", true),
        ("GET", "read", "change", true),
        ("GET", "change", "read", false),
    ] {
        let grants = at_query_api(&[&effect(method, asked)], &[&effect(method, granted)]);
        let request = request(method, "/");
        let allowed = decide(&grants, &HttpLimits::default(), &request, OutgoingBody::Bytes(&[])).unwrap();
        assert_eq!(
            allowed.changes, changes,
            "{method}: asked `{asked}`, granted `{granted}`"
        );
    }
    // Of several granted rules that match, one that says something counts, and a change more than a read.
    let (request, body) = action("DescribeVms");
    let decided = |granted: &[&str]| {
        let grants = at_query_api(&[ANY_ACTION], granted);
        let allowed = decide(&grants, &HttpLimits::default(), &request, OutgoingBody::Bytes(&body)).unwrap();
        (allowed.changes, allowed.granted.clone())
    };
    assert_eq!(decided(&[ANY_ACTION, DESCRIBE_READS]), (false, line(DESCRIBE_READS)));
    let change = effect("POST", "change");
    assert_eq!(decided(&[DESCRIBE_READS, &change]), (true, line(&change)));
}

#[test]
fn an_origin_is_named_where_it_is_discovered_and_only_there() {
    let discovered = |granted: &[&str]| {
        vec![EndpointGrant {
            origin: Destination::Discovered {
                asked: "https://*.example.com:*".parse().unwrap(),
                granted: granted.iter().map(|text| text.parse().unwrap()).collect(),
            },
            ..grants().remove(0)
        }]
    };
    let told = |grants: &[EndpointGrant], origin: Option<&str>| {
        let request = Request {
            origin: origin.map(str::to_owned),
            ..request("GET", "/vms")
        };
        decide(grants, &HttpLimits::default(), &request, OutgoingBody::Bytes(&[]))
            .map(|allowed| allowed.origin.to_string())
            .map_err(|denial| denial.reason)
    };
    let fixed = grants();
    assert_eq!(told(&fixed, None).as_deref(), Ok("https://api.example.com"));
    assert_eq!(
        told(&fixed, Some("https://api.example.com")),
        Err(DenyReason::OriginNotTaken)
    );

    let narrow = discovered(&["https://*.eu.example.com:8774"]);
    let good = "https://nova.eu.example.com:8774";
    assert_eq!(told(&narrow, Some(good)).as_deref(), Ok(good));
    assert_eq!(told(&narrow, None), Err(DenyReason::OriginMissing));
    for malformed in [
        "https://x@nova.eu.example.com:8774",
        "https://nova.eu.example.com:8774/v2",
        "nova.eu.example.com:8774",
        "https://nova.eu.example.com.:8774",
        "https://*.eu.example.com:8774",
        "",
    ] {
        assert_eq!(
            told(&narrow, Some(malformed)),
            Err(DenyReason::BadOrigin),
            "{malformed}"
        );
    }
    let origin = |text: &str| text.parse::<Origin>().unwrap();
    for other in ["https://nova.us.example.com:8774", "https://nova.eu.example.com"] {
        assert_eq!(
            told(&narrow, Some(other)),
            Err(DenyReason::OriginNotGranted { origin: origin(other) })
        );
    }
    for foreign in [
        "https://evil.example.org",
        "https://10.0.0.1",
        "http://nova.eu.example.com:8774",
    ] {
        assert!(
            matches!(
                told(&discovered(&["https://*.example.org"]), Some(foreign)),
                Err(DenyReason::OriginNotAsked { .. })
            ),
            "{foreign}"
        );
    }
    assert!(matches!(
        told(&discovered(&[]), Some(good)),
        Err(DenyReason::OriginNotGranted { .. })
    ));
}

#[test]
fn an_endpoint_may_have_narrower_bounds_than_its_connection() {
    let bounded = vec![EndpointGrant {
        bounds: EndpointBounds {
            request_headers: crate::http::header_rule::HeaderRule::Deny(vec!["x-debug-*".parse().unwrap()]),
            request_body_bytes: Some(4),
            ..EndpointBounds::default()
        },
        ..grants().remove(0)
    }];
    let told = |name: &str, body| {
        let request = Request {
            headers: vec![(name.to_owned(), "1".to_owned())],
            ..request("GET", "/vms")
        };
        let decided = decide(&bounded, &HttpLimits::default(), &request, body);
        decided
            .map(|_| ())
            .map_err(|denial| (denial.fault(), denial.hint().unwrap()))
    };
    assert_eq!(told("x-debu", OutgoingBody::Bytes(b"1234")), Ok(()));
    for (name, body, hint) in [
        ("X-Debug-Level", OutgoingBody::Bytes(&b""[..]), "request_headers"),
        ("x_debug_level", OutgoingBody::Bytes(b""), "request_headers"),
        ("a", OutgoingBody::Bytes(b"12345"), "request_body_kib"),
        ("a", OutgoingBody::Spliced(Some(5)), "request_body_kib"),
    ] {
        let (fault, told) = told(name, body).unwrap_err();
        assert!(
            fault == crate::http::Fault::Denied && told.contains(hint),
            "{name}: {told}"
        );
    }
}

/// Over random requests and grants: nothing passes that a simple model denies.
#[test]
fn whatever_passes_was_asked_for_and_granted() {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    let methods = ["GET", "POST", "DELETE"];
    let paths = ["/", "/vms", "/vms/*", "/vms/**", "/**", "/vms/a"];
    let random_rule = |random: &mut StdRng| {
        let path = paths[random.random_range(0..paths.len())];
        let method = methods[random.random_range(0..3)];
        if method == "POST" && random.random_bool(0.5) {
            line(&DESCRIBE.replace("\"/\"", &format!("\"{path}\"")))
        } else {
            rule(&[method], path)
        }
    };
    // The model compares texts, and knows each path of the generator by heart.
    let model = |rule: &RequestRule, method: &str, path: &str, action: &str| {
        let path_matches = match rule.path().to_string().as_str() {
            "/**" => true,
            "/vms/**" => path == "/vms" || path.starts_with("/vms/"),
            "/vms/*" => path == "/vms/a" || path == "/vms/b",
            exact => exact == path,
        };
        let told = rule.conditions().is_empty() || action.starts_with("Describe");
        rule.methods() == [method] && path_matches && told
    };
    let mut random = StdRng::seed_from_u64(3);
    let (mut passed, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let rules = |random: &mut StdRng| {
            (0..random.random_range(0..4))
                .map(|_| random_rule(random))
                .collect::<Vec<_>>()
        };
        let grants = vec![EndpointGrant {
            asked: rules(&mut random),
            granted: rules(&mut random),
            ..grants().remove(0)
        }];
        let (method, path) = (
            methods[random.random_range(0..3)],
            ["/", "/vms", "/vms/a", "/vms/b", "/vms/a/b", "/vm"][random.random_range(0..6)],
        );
        let name = ["DescribeVms", "StopVms"][random.random_range(0..2)];
        let (mut sent, body) = action(name);
        (sent.method, sent.path) = (method.to_owned(), path.split('/').skip(1).map(Into::into).collect());
        let matches = |rules: &[RequestRule]| rules.iter().any(|rule| model(rule, method, path, name));
        let expected = matches(&grants[0].asked) && matches(&grants[0].granted);
        let decided = decide(&grants, &HttpLimits::default(), &sent, OutgoingBody::Bytes(&body)).is_ok();
        assert_eq!(decided, expected, "{method} {path} {name} under {grants:?}");
        if decided { passed += 1 } else { refused += 1 }
    }
    assert!(
        passed > 500 && refused > 500,
        "{passed} passed and {refused} were refused"
    );
}
