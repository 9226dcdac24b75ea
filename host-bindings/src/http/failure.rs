//! Why an allowed request failed: turns the HTTP library's errors into faults.

use std::error::Error;

use super::connector::ConnectFailure;
use super::denial::DenyReason;
use super::fault::Fault;
use super::payload::UnreadableBody;

/// How hyper 1 says that headers outgrew its buffer or its count. The predicate for it exists only in its server half; a
/// test of the client notices should the text change.
const HEAD_TOO_LARGE: &str = "message head is too large";

/// Why an allowed request has no response.
#[derive(Debug)]
pub(super) enum Failure {
    /// An ordinary fault.
    Fault(Fault),
    /// Its addresses turned out to be refused.
    Denied(DenyReason),
}

impl Failure {
    /// The server or the request broke the protocol.
    pub(super) fn protocol(how: impl Into<String>) -> Self {
        Self::Fault(Fault::Protocol(how.into()))
    }

    /// Finds out what lies under an error of the HTTP library.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        if let Some(failure) = find::<ConnectFailure>(error) {
            return Self::of_connecting(failure);
        }
        if let Some(unreadable) = find::<UnreadableBody>(error) {
            return Self::protocol(unreadable.to_string());
        }
        // A server that wants a client certificate says so only after the client's half of a TLS 1.3 handshake.
        if let Some(error) = tls_error(error) {
            return Self::Fault(Fault::Tls(error.to_string()));
        }
        if find::<h2::Error>(error).is_some_and(|error| error.is_library() && error.is_reset() || error.is_go_away()) {
            return Self::protocol("the server's answer is not HTTP/2, or its headers are too large");
        }
        let Some(error) = find::<hyper::Error>(error) else {
            return Self::Fault(Fault::Connect);
        };
        if error.is_parse() && error.to_string() == HEAD_TOO_LARGE {
            Self::Fault(Fault::TooLarge)
        } else if error.is_parse() {
            Self::protocol("the server's answer is not HTTP")
        } else {
            Self::protocol(
                "the connection broke before the response was complete; the server may have acted on the request",
            )
        }
    }

    fn of_connecting(failure: &ConnectFailure) -> Self {
        Self::Fault(match failure {
            ConnectFailure::Refused { origin, refused } => {
                return Self::Denied(DenyReason::Address {
                    origin: origin.clone(),
                    refused: refused.clone(),
                });
            }
            ConnectFailure::Dns => Fault::Dns,
            ConnectFailure::Connect | ConnectFailure::Proxy(_) => Fault::Connect,
            ConnectFailure::Tls(how) => Fault::Tls(how.clone()),
        })
    }
}

/// An error of TLS, which the I/O error around it does not give as its cause.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    find::<std::io::Error>(error)?.get_ref()?.downcast_ref()
}

/// The first error of a type in a chain of causes.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
