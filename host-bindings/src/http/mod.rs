//! Outbound HTTP on behalf of a provider, under its connection's grants.
//!
//! A provider names an endpoint, a method and path segments; it never gives a URL. The way of a request:
//!
//! ```text
//! Request ─► decide (asked ∧ granted, well-formed, within limits) ─► changes (made, refused or rehearsed)
//!        ─► credential attached ─► pool of this endpoint
//!        ─► connector: resolve, check every address, dial a checked one, TLS ─► server
//! Response ◄─ headers and body counted, limited, scrubbed ◄──────────────────────────────────┘
//! ```
//!
//! Everything is denied that is not granted. A denial tells the operator the line that would allow it ([`Denial::hint`])
//! and the provider nothing. This module knows neither WIT nor configuration files: the WIT adapter converts to
//! [`Request`] and from [`Fault`], and the runtime builds [`EndpointGrant`]s and implements [`Observer`].

mod address;
mod assemble;
mod bounds;
mod changes;
mod channel;
mod channels;
mod client;
mod condition;
mod connector;
mod credential;
mod decide;
mod denial;
mod destination;
mod dial;
mod failure;
mod fault;
mod form;
mod header_rule;
mod headers;
pub mod limits;
mod observer;
mod origin;
mod origin_pattern;
mod origin_template;
mod own_listener;
mod path_pattern;
mod patience;
mod payload;
mod proxy;
mod reading;
mod receive;
mod redactor;
mod request;
mod resolver;
mod rule;
mod scrub;
mod secret;
mod segment;
mod soap;
mod text_pattern;
mod tls;
mod watch;

#[cfg(test)]
mod tests;

pub use address::{AddressClass, RefusedAddress};
pub use bounds::EndpointBounds;
pub use changes::{Changes, DryRun, Plan, Planned, PlannedRequest};
pub use client::{CallScope, HttpClient, HttpConfigError};
pub use condition::{Condition, ConditionError, ConditionText, Parameter};
pub use credential::{
    AccessKey, Authenticate, AzureSas, AzureSharedKey, Basic, Bearer, BodyReader, Credential, CredentialError, Framing,
    Header, Keystone, KeystoneIdentity, KeystoneNamed, KeystoneScope, LoginTarget, Oauth2, Oauth2Grant, Oauth2Request,
    Outgoing, OutgoingBody, OwnRequest, OwnRequests, Query, Renewed, Session, SessionBody, SessionHeader, SessionLogin,
    SessionPlace, SigningKey, Sigv4, Spelling, Template, Token, TokenService, TokenSource, spellings,
};
pub use decide::{Allowed, EndpointGrant, decide};
pub use denial::{Denial, DenyReason};
pub use destination::Destination;
pub use fault::Fault;
pub use header_rule::{HeaderPatternError, HeaderRule};
pub use limits::{CallBudget, HttpLimits};
pub use observer::{Exchange, Observer, Outcome};
pub use origin::{Host, Origin, OriginError, OriginProblem, Scheme};
pub use origin_pattern::{OriginGrantError, OriginPattern};
pub use origin_template::{OriginTemplate, Resolved};
pub use own_listener::OwnListener;
pub use path_pattern::PathPattern;
pub use proxy::{Proxy, ProxyError};
pub use request::{Request, RequestBody, Response, ResponseSink};
pub use resolver::{Resolver, SystemResolver};
pub use rule::{Effect, RequestRule, RuleError, effective};
pub use scrub::{SHORTEST_SCRUBBED_BYTES, ScrubStream, Scrubber};
pub use secret::{REDACTED, Secret};
pub use segment::SegmentProblem;
pub use text_pattern::{TextPattern, TextPatternError};
pub use tls::{ClientIdentity, TlsError, TlsProfile, TlsVersion, Trust};
