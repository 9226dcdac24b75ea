//! Puts a request together: what the guest gave and was checked, then what is the host's.

use std::time::{Duration, SystemTime};

use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Uri};

use super::credential::{CredentialError, Outgoing, OutgoingBody, OwnRequests};
use super::decide::Allowed;
use super::failure::Failure;
use super::fault::Fault;
use super::origin::Origin;
use super::payload::Payload;

/// Sent unless the guest names itself; some services refuse requests without any.
const AGENT: &str = concat!("stockade/", env!("CARGO_PKG_VERSION"));

/// Assembles an allowed request, authenticated if it may be. Answers what the credential noted about it, too; see
/// [`Outgoing::stamp`].
pub(super) async fn assemble(
    allowed: &Allowed<'_>,
    body: OutgoingBody<'_>,
    host: Option<&dyn OwnRequests>,
    mut payload: Payload,
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
    let (mut path, mut query) = (allowed.path.clone(), allowed.query.clone());
    let mut stamp = 0;
    if let (Some(credential), Some(host)) = (&allowed.grant.credential, host) {
        let mut outgoing = Outgoing {
            origin: &allowed.origin,
            method,
            path: &mut path,
            query: &mut query,
            headers: &mut headers,
            body,
            changes: allowed.changes,
            now: SystemTime::now(),
            stamp,
            framing: None,
        };
        credential
            .attach(&mut outgoing, host)
            .await
            .map_err(|error| Failure::Fault(Fault::Credential(error.to_string())))?;
        stamp = outgoing.stamp;
        if let Some(framing) = outgoing.framing {
            payload = payload.framed(framing);
        }
    }
    let uri: Uri = url(&allowed.origin, &path, &query)
        .parse()
        .map_err(|_| Failure::protocol("the path and query make no URL"))?;
    let mut request = http::Request::new(payload);
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    *request.method_mut() = method.clone();
    Ok((request, stamp))
}

/// Signs the URL of an allowed request for whoever holds it. Answers it, and for how long it is valid.
pub(super) fn presigned(allowed: &Allowed<'_>, valid: Duration) -> Result<(String, Duration), CredentialError> {
    let none = CredentialError::Presign("the endpoint has no credential");
    let credential = allowed.grant.credential.as_ref().ok_or(none)?;
    let (mut path, mut query) = (allowed.path.clone(), allowed.query.clone());
    let mut outgoing = Outgoing {
        origin: &allowed.origin,
        method: &allowed.method,
        path: &mut path,
        query: &mut query,
        headers: &mut HeaderMap::new(),
        body: OutgoingBody::Bytes(&[]),
        changes: allowed.changes,
        now: SystemTime::now(),
        stamp: 0,
        framing: None,
    };
    let valid = credential.presign(&mut outgoing, valid)?;
    Ok((url(&allowed.origin, &path, &query), valid))
}

fn url(origin: &Origin, path: &str, query: &str) -> String {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{origin}{path}{mark}{query}")
}
