//! Headers that belong to the host: which a guest may not set, and which it does not get to see.
//!
//! Refusing the request is better than dropping the header: the provider's author learns of it at once.

use http::HeaderName;

/// Headers that authenticate, frame, route or negotiate the connection, or that make servers see another method, path or
/// client than the one that was checked. The hop-by-hop ones are those of RFC 9110, section 7.6.1. `accept-encoding` is
/// here because the host cannot look for echoed credentials in a compressed body.
const HOSTS_OWN: [&str; 33] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-override-url",
    "x-real-ip",
    "x-remote-user",
    "x-rewrite-url",
    "true-client-ip",
];
const HOSTS_OWN_PREFIXES: [&str; 2] = ["proxy-", "x-forwarded-"];

/// Response headers that are not passed on: framing, which the host has undone, and session cookies, which are
/// credentials.
const WITHHELD: [&str; 8] = [
    "connection",
    "keep-alive",
    "set-cookie",
    "set-cookie2",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether only the host may set a request header.
#[must_use]
pub(super) fn is_hosts_own(name: &HeaderName) -> bool {
    // `_` is an alias of `-` to CGI and WSGI servers: <https://peps.python.org/pep-3333/#environ-variables>.
    let name = name.as_str().replace('_', "-");
    HOSTS_OWN.contains(&name.as_str()) || HOSTS_OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether two request headers are the same one to some server.
#[must_use]
pub(super) fn is_alias(one: &HeaderName, two: &HeaderName) -> bool {
    one.as_str().replace('_', "-") == two.as_str().replace('_', "-")
}

/// Whether a response header is kept from the guest.
#[must_use]
pub(super) fn is_withheld(name: &HeaderName) -> bool {
    WITHHELD.contains(&name.as_str()) || name.as_str().starts_with("proxy-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_routing_and_authenticating_headers_are_the_hosts_in_any_spelling() {
        for name in [
            "Authorization",
            "COOKIE",
            "proxy-authorization",
            "Proxy-Connection",
            "x-forwarded-for",
            "X_Forwarded_Host",
            "content_length",
            "x-http-method-override",
            "accept-encoding",
        ] {
            assert!(is_hosts_own(&name.parse().unwrap()), "{name}");
        }
        for name in [
            "accept",
            "content-type",
            "if-match",
            "x-auth-token",
            "range",
            "user-agent",
            "prefer",
        ] {
            assert!(!is_hosts_own(&name.parse().unwrap()), "{name}");
        }
    }
}
