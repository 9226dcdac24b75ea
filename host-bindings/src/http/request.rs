//! What goes in and what comes out: a provider's request, its body, and the response.
//!
//! These are the host's own types for the records of `http-types` in `wit/http.wit`; the adapter converts. Nothing here
//! has been checked yet: `decide` does that.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

/// A request as a provider made it.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The endpoint's name.
    pub endpoint: String,
    /// The origin, `scheme://host[:port]`, at an endpoint whose origin is discovered; none at all others.
    pub origin: Option<String>,
    /// The method.
    pub method: String,
    /// The path's segments, unencoded. A final empty one gives a final slash; none at all is the root.
    pub path: Vec<String>,
    /// The query's names and values, unencoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The longest that the request may take; the connection's limit holds anyway.
    pub timeout: Option<Duration>,
}

/// A request's body.
pub enum RequestBody {
    /// Bytes from the guest; empty for none.
    Bytes(Bytes),
    /// Bytes that the host reads while it sends.
    Stream {
        /// Where they come from.
        reader: Pin<Box<dyn AsyncRead + Send>>,
        /// How many there are: sent as `content-length`. None sends chunks until the reader ends.
        length: Option<u64>,
    },
}

impl RequestBody {
    /// No body.
    #[must_use]
    pub fn none() -> Self {
        Self::Bytes(Bytes::new())
    }

    /// A body that is read while it is sent.
    pub fn stream(reader: impl AsyncRead + Send + 'static, length: Option<u64>) -> Self {
        Self::Stream {
            reader: Box::pin(reader),
            length,
        }
    }
}

/// Where a response's body goes.
pub enum ResponseSink<'a> {
    /// Into [`Response::body`].
    Buffer,
    /// The body of a 2xx response is written here; other bodies go into [`Response::body`]. After a fault the sink may
    /// hold the beginning of a body.
    Splice(&'a mut (dyn AsyncWrite + Send + Unpin)),
}

/// A response, scrubbed of the connection's credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case; bytes that are not UTF-8 are replaced. `content-length` is left out where blotting
    /// out a credential changed the length.
    pub headers: Vec<(String, String)>,
    /// The body; empty when it was spliced.
    pub body: Bytes,
}
