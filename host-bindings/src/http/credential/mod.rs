//! Credentials that the host attaches to requests.
//!
//! A credential belongs to one endpoint's grant and so to its origins: it is attached after the request was allowed and
//! cannot reach another host, because requests carry no URL and redirects are not followed. The guest never holds it; what
//! a server echoes is blotted out by `scrub`. Header values are marked sensitive, which keeps them out of `Debug` output,
//! but the HTTP library's own copies are not wiped from memory.
//!
//! One file for each kind. [`Credential`] says what a kind has to answer: what it sets, so that no guest sets it; how it
//! is attached, which may need requests of the host's own ([`OwnRequests`]); and which texts must not be seen.

mod azure_sas;
mod azure_shared_key;
mod clock;
mod fixed;
mod hash;
mod query;
mod sigv4;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use tokio::io::AsyncRead;
use zeroize::Zeroizing;

use super::fault::Fault;
use super::origin::Origin;
use super::request::{Request, Response};

pub use azure_sas::AzureSas;
pub use azure_shared_key::AzureSharedKey;
pub use fixed::{Basic, Bearer, Header, spellings};
pub use query::Query;
pub use sigv4::{AccessKey, Sigv4};

/// Why a credential cannot be attached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The value would break the header that carries it.
    #[error(
        "the credential's value is empty or has a line break or another control character; check how it was stored"
    )]
    Value,
    /// RFC 7617, section 2: the first colon ends the user.
    #[error("the user `{0}` has a colon, which basic authentication cannot carry")]
    User(String),
    /// A header that frames or routes requests: its name comes from the provider, which must not gain control of those.
    #[error("no credential can be attached in the header `{0}`: it frames or routes requests")]
    Header(HeaderName),
    /// A part of a signature that no server could read as it was meant. Never a secret.
    #[error("the {part} `{text}` is not {expected}")]
    Part {
        /// Which.
        part: &'static str,
        /// What it is.
        text: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A secret of a form that its kind does not have.
    #[error("the credential's value is not {0}; check how it was stored")]
    Form(&'static str),
    /// The signature covers the body, which is not known before it is sent.
    #[error("the request cannot be signed: {0}")]
    Body(&'static str),
    /// This kind signs no URLs, or not this one.
    #[error("no URL can be signed: {0}")]
    Presign(&'static str),
}

/// How the host authenticates to one endpoint. Belongs to one connection: whatever it learns (tokens, the server's
/// clock) is shared with no other.
#[async_trait]
pub trait Authenticate: Send + Sync + fmt::Debug {
    /// The headers that it sets, which no guest may set.
    fn headers(&self) -> Vec<HeaderName> {
        Vec::new()
    }

    /// The query parameters that it sets, which no guest may set, in any case.
    fn query_parameters(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it can be attached at all, as far as that can be known without a request.
    ///
    /// # Errors
    /// Why not.
    fn check(&self) -> Result<(), CredentialError>;

    /// Authenticates a request that is otherwise complete, replacing what it sets.
    ///
    /// # Errors
    /// Why it cannot: the request is not sent.
    async fn attach(&self, outgoing: &mut Outgoing<'_>, host: &dyn OwnRequests) -> Result<(), CredentialError>;

    /// Whether a response of this status may mean that the server did not accept what was attached.
    fn refuses_with(&self, status: StatusCode) -> bool {
        status == StatusCode::UNAUTHORIZED
    }

    /// The server did not accept what was attached under this [`Outgoing::stamp`]; `response_headers` are its answer's.
    /// Called once for each answer of a status of [`Authenticate::refuses_with`]. True when trying once more makes sense,
    /// because there is something newer to attach: a token obtained anew, a corrected clock.
    async fn refused(&self, _stamp: u64, _response_headers: &HeaderMap) -> bool {
        false
    }

    /// Every spelling of every text that must not be seen now: the secret, tokens obtained with it; see [`spellings`].
    fn secrets(&self) -> Vec<Spelling>;

    /// Another number whenever [`Authenticate::secrets`] answers something else.
    fn generation(&self) -> u64 {
        0
    }

    /// Adds to the request's query what authenticates whoever holds the URL until it expires, and answers for how long
    /// that is: `valid`, or less.
    ///
    /// # Errors
    /// Why it cannot, which the guest learns.
    fn presign(&self, _outgoing: &mut Outgoing<'_>, _valid: Duration) -> Result<Duration, CredentialError> {
        Err(CredentialError::Presign(
            "the endpoint's credential is of a kind that signs none",
        ))
    }
}

/// An endpoint's credential.
pub type Credential = Arc<dyn Authenticate>;

/// A request as it will be sent, for a credential to look at and add to.
pub struct Outgoing<'a> {
    /// Where it goes.
    pub origin: &'a Origin,
    /// The method.
    pub method: &'a Method,
    /// The encoded path. Another encoding of the same segments may take its place.
    pub path: &'a mut String,
    /// The encoded query without its question mark; empty for none.
    pub query: &'a mut String,
    /// The headers, complete except for `host` and, where the HTTP library sets it, `content-length`.
    pub headers: &'a mut HeaderMap,
    /// The body.
    pub body: OutgoingBody<'a>,
    /// Whether the request may change something.
    pub changes: bool,
    /// The host's time.
    pub now: SystemTime,
    /// For the credential to note which of several secrets it attached; [`Authenticate::refused`] gets it back.
    pub stamp: u64,
    /// What a spliced body is to become on its way; for the credential to set.
    pub framing: Option<Framing>,
}

/// Another form of a spliced body, for signatures that cover it.
pub struct Framing {
    /// Its length in that form.
    pub length: u64,
    /// Reads the body and gives it in that form.
    pub frame: Box<dyn FnOnce(BodyReader) -> BodyReader + Send>,
}

/// A body that is read while it is sent.
pub type BodyReader = Pin<Box<dyn AsyncRead + Send>>;

/// A request's body as far as it is known before it is sent.
#[derive(Debug, Clone, Copy)]
pub enum OutgoingBody<'a> {
    /// All of it.
    Bytes(&'a [u8]),
    /// A body that is read while it is sent, of this length if it is known.
    Spliced(Option<u64>),
}

/// Requests that the host makes for itself: logins, tokens. They are decided like the provider's own, observed, limited
/// and never authenticated by another credential; the answer comes back as it is, not scrubbed.
#[async_trait]
pub trait OwnRequests: Send + Sync {
    /// Sends one.
    ///
    /// # Errors
    /// As [`super::HttpClient::send`].
    async fn send(&self, request: &Request, body: Bytes) -> Result<Response, Fault>;
}

/// A text that is blotted out wherever it stands.
pub type Spelling = Zeroizing<Vec<u8>>;
