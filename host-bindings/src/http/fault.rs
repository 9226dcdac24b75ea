//! Why a guest gets no response: the cases of `http-types.fault` in `wit/http.wit`.
//!
//! A fault says nothing about grants, addresses or credentials; what the operator needs goes to the `Observer`.

use std::time::Duration;

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not granted. A [`super::Denial`] told the operator why.
    #[error("denied")]
    Denied,
    /// The host could not authenticate. The text is for the operator; the guest learns only that it is so.
    #[error("the host could not authenticate: {0}")]
    Credential(String),
    /// The connection's requests in flight did not end in time; try again after this delay.
    #[error("too many requests of this connection are in flight")]
    RateLimited(Duration),
    /// The name did not resolve.
    #[error("the name did not resolve")]
    Dns,
    /// No connection; nothing was sent.
    #[error("no connection")]
    Connect,
    /// The TLS handshake failed; nothing was sent.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    /// No complete response in time.
    #[error("no complete response in time")]
    Timeout,
    /// The response is larger than the connection allows.
    #[error("the response is larger than the connection allows")]
    TooLarge,
    /// The request is malformed, or the server broke HTTP, or a blob could not be read or written.
    #[error("{0}")]
    Protocol(String),
}
