//! Puts a request together: what the guest gave and was checked, then what is the host's.

use std::time::SystemTime;

use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderValue, USER_AGENT};
use http::{Method, Uri};

use super::credential::{Outgoing, OutgoingBody, OwnRequests};
use super::decide::Allowed;
use super::failure::Failure;
use super::fault::Fault;
use super::payload::Payload;

/// Sent unless the guest names itself; some services refuse requests without any.
const AGENT: &str = concat!("stockade/", env!("CARGO_PKG_VERSION"));

/// Assembles an allowed request, authenticated if it may be. Answers what the credential noted about it, too; see
/// [`Outgoing::stamp`].
pub(super) async fn assemble(
    allowed: &Allowed<'_>,
    body: OutgoingBody<'_>,
    host: Option<&dyn OwnRequests>,
    payload: Payload,
) -> Result<(http::Request<Payload>, u64), Failure> {
    let bodiless = hyper::body::Body::is_end_stream(&payload);
    let mut headers = allowed.headers.clone();
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let method = &allowed.method;
    // RFC 9110, section 8.6: methods that take a body announce an empty one. Some servers insist (411).
    if bodiless && !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::DELETE) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut query = allowed.query.clone();
    let mut stamp = 0;
    if let (Some(credential), Some(host)) = (&allowed.grant.credential, host) {
        let mut outgoing = Outgoing {
            origin: &allowed.origin,
            method,
            path: &allowed.path,
            query: &mut query,
            headers: &mut headers,
            body,
            changes: allowed.changes,
            now: SystemTime::now(),
            stamp,
        };
        credential
            .attach(&mut outgoing, host)
            .await
            .map_err(|error| Failure::Fault(Fault::Credential(error.to_string())))?;
        stamp = outgoing.stamp;
    }
    let mark = if query.is_empty() { "" } else { "?" };
    let uri = format!("{}{}{mark}{query}", allowed.origin, allowed.path);
    let uri: Uri = uri
        .parse()
        .map_err(|_| Failure::protocol("the path and query make no URL"))?;
    let mut request = http::Request::new(payload);
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    *request.method_mut() = method.clone();
    Ok((request, stamp))
}
