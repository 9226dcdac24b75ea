//! The canonical form of a request: the text that is hashed and signed.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request>.
//! Pure functions; `sigv4` decides what is signed and where the signature goes.

use http::header::{ACCEPT_ENCODING, AUTHORIZATION, EXPECT, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::Outgoing;
use super::super::hash::sha256_hex;
use super::ALGORITHM;

/// Instead of a hash, for a body that is not signed.
pub(super) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Encoded in a path: everything but RFC 3986's `unreserved` and the slash.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// The same for a path whose escapes are to stay.
const IN_ENCODED_PATH: &AsciiSet = &IN_PATH.remove(b'%');

/// What proxies and the HTTP library change on the way, and the signature itself.
const NOT_SIGNED: [HeaderName; 5] = [ACCEPT_ENCODING, AUTHORIZATION, EXPECT, TRANSFER_ENCODING, USER_AGENT];

/// Whether a header is signed when it is there.
fn is_signed(name: &HeaderName) -> bool {
    !NOT_SIGNED.contains(name) && name != "x-amzn-trace-id"
}

/// The path as it is signed and sent: servers differ in how they encode what need not be encoded.
pub(super) fn signed_path(path: &str) -> String {
    utf8_percent_encode(path, IN_ENCODED_PATH).to_string()
}

/// The canonical request, and the names of the signed headers. `twice` encodes the path once more, as all services but
/// object storage do.
pub(super) fn canonical_request(
    outgoing: &Outgoing<'_>,
    headers: &HeaderMap,
    twice: bool,
    payload_hash: &str,
) -> (Vec<u8>, String) {
    let mut signed: Vec<(&str, Vec<u8>)> = headers
        .keys()
        .filter(|name| is_signed(name))
        .map(|name| (name.as_str(), folded(headers, name)))
        .collect();
    signed.push(("host", host(outgoing).into_bytes()));
    signed.sort_unstable();
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");

    let mut text = Vec::with_capacity(512);
    let mut line = |parts: &[&[u8]]| {
        parts.iter().for_each(|part| text.extend_from_slice(part));
        text.push(b'\n');
    };
    line(&[outgoing.method.as_str().as_bytes()]);
    match twice {
        true => line(&[utf8_percent_encode(outgoing.path, IN_PATH).to_string().as_bytes()]),
        false => line(&[outgoing.path.as_bytes()]),
    }
    line(&[canonical_query(outgoing.query).as_bytes()]);
    for (name, value) in &signed {
        line(&[name.as_bytes(), b":", value]);
    }
    line(&[]);
    line(&[names.as_bytes()]);
    text.extend_from_slice(payload_hash.as_bytes());
    (text, names)
}

/// The text that is signed; its lines are the algorithm, the moment, the scope and a hash.
pub(super) fn string_to_sign(moment: &str, scope: &str, canonical_request: &[u8]) -> String {
    format!("{ALGORITHM}\n{moment}\n{scope}\n{}", sha256_hex(canonical_request))
}

/// Parameters sorted by their encoded names, then by their encoded values: an order of pairs, not of joined texts.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// The values of a header, each trimmed and with single spaces, joined by commas.
fn folded(headers: &HeaderMap, name: &HeaderName) -> Vec<u8> {
    let values = headers.get_all(name).iter().map(|value| {
        let words = value.as_bytes().split(|byte| matches!(byte, b' ' | b'\t'));
        let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
        words.join(&b' ')
    });
    values.collect::<Vec<_>>().join(&b',')
}

/// The host header as the HTTP library will write it: without the scheme's own port.
fn host(outgoing: &Outgoing<'_>) -> String {
    let origin = outgoing.origin.to_string();
    origin
        .split_once("://")
        .map_or(origin.clone(), |(_, host)| host.to_owned())
}
