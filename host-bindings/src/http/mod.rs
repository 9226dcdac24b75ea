//! Outbound HTTP on behalf of a provider, under its connection's grants.
//!
//! A provider names an endpoint, a method and path segments; it never gives a URL. The way of a request:
//!
//! ```text
//! Request ─► decide (asked ∧ granted, well-formed, within limits) ─► credential attached ─► pool of this endpoint
//!        ─► connector: resolve, check every address, dial a checked one, TLS ─► server
//! Response ◄─ headers and body counted, limited, scrubbed ◄──────────────────────────────────┘
//! ```
//!
//! Everything is denied that is not granted. A denial tells the operator the line that would allow it ([`Denial::hint`])
//! and the provider nothing. This module knows neither WIT nor configuration files: the WIT adapter converts to
//! [`Request`] and from [`Fault`], and the runtime builds [`EndpointGrant`]s and implements [`Observer`].

mod address;
mod assemble;
mod channel;
mod client;
mod connector;
mod credential;
mod decide;
mod denial;
mod failure;
mod fault;
mod headers;
pub mod limits;
mod observer;
mod origin;
mod origin_template;
mod path_pattern;
mod payload;
mod receive;
mod redactor;
mod request;
mod resolver;
mod rule;
mod scrub;
mod secret;
mod segment;
mod tls;
mod watch;

#[cfg(test)]
mod tests;

pub use address::{AddressClass, RefusedAddress};
pub use client::{CallScope, HttpClient, HttpConfigError};
pub use credential::{
    AccessKey, Authenticate, AzureSas, AzureSharedKey, Basic, Bearer, BodyReader, Credential, CredentialError, Framing,
    Header, Outgoing, OutgoingBody, OwnRequests, Query, Sigv4, Spelling, spellings,
};
pub use decide::{Allowed, BodySize, EndpointGrant, decide};
pub use denial::{Denial, DenyReason};
pub use fault::Fault;
pub use limits::{CallBudget, HttpLimits};
pub use observer::{Exchange, Observer, Outcome};
pub use origin::{Host, Origin, OriginError, OriginProblem, Scheme};
pub use origin_template::OriginTemplate;
pub use path_pattern::PathPattern;
pub use request::{Request, RequestBody, Response, ResponseSink};
pub use resolver::{Resolver, SystemResolver};
pub use rule::{RequestRule, RuleError, effective};
pub use scrub::{SHORTEST_SCRUBBED_BYTES, ScrubStream, Scrubber};
pub use secret::{REDACTED, Secret};
pub use segment::SegmentProblem;
pub use tls::{ClientIdentity, TlsError, TlsProfile, TlsVersion, Trust};
