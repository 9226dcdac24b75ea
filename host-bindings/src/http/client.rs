//! Sends a connection's requests.
//!
//! One HTTP client with its own pool and TLS configuration for each endpoint of each connection: two connections never
//! share a socket, a session ticket or a credential. It follows no redirect, decompresses nothing, keeps no cookie and
//! retries only what the pool found closed before a byte was written. The WIT adapter calls [`HttpClient::send`].

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderValue, USER_AGENT};
use http::{Method, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::connector::Connector;
use super::credential::CredentialError;
use super::decide::{Allowed, EndpointGrant, decide};
use super::denial::{Denial, DenyReason};
use super::failure::Failure;
use super::fault::Fault;
use super::limits::{CallBudget, HttpLimits, RESPONSE_HEADER_COUNT};
use super::observer::{Observer, Outcome};
use super::origin::Scheme;
use super::payload::Payload;
use super::receive::Receiver;
use super::request::{Request, RequestBody, Response, ResponseSink};
use super::resolver::{Resolver, SystemResolver};
use super::scrub::Scrubber;
use super::tls::TlsError;
use super::watch::Watch;

/// How long an unused connection is kept. Shorter than the 60 s or more after which common servers and load balancers
/// close theirs, so that requests rarely meet a closing one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// What [`Fault::RateLimited`] suggests: about one request's time.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The least buffer that the HTTP library takes: `hyper::client::conn::http1::Builder::max_buf_size`.
const LEAST_BUFFER_BYTES: usize = 8 << 10;
/// Sent unless the guest names itself; some services refuse requests without any.
const AGENT: &str = concat!("stockade/", env!("CARGO_PKG_VERSION"));

/// Why a client cannot be made of some grants.
#[derive(Debug, thiserror::Error)]
pub enum HttpConfigError {
    /// Two grants name the same endpoint, so that one would hide the other.
    #[error("the endpoint `{0}` is granted twice")]
    Duplicate(String),
    /// The TLS profile is not usable.
    #[error("endpoint `{endpoint}` has no usable TLS profile")]
    Tls {
        /// The endpoint's name.
        endpoint: String,
        /// Why.
        source: TlsError,
    },
    /// The credential cannot be attached.
    #[error("endpoint `{endpoint}` has no usable credential")]
    Credential {
        /// The endpoint's name.
        endpoint: String,
        /// Why.
        source: CredentialError,
    },
}

/// The HTTP of one connection. Cheap to share behind an `Arc`; needs a tokio runtime with I/O and time.
pub struct HttpClient {
    grants: Vec<EndpointGrant>,
    channels: HashMap<String, Channel>,
    limits: HttpLimits,
    in_flight: Semaphore,
}

/// One endpoint's way out.
struct Channel {
    client: Client<Connector, Payload>,
    scrubber: Scrubber,
}

/// The call that a request belongs to.
#[derive(Clone, Copy)]
pub struct CallScope<'a> {
    /// What it may still use.
    pub budget: &'a CallBudget,
    /// Sees its exchanges and denials.
    pub observer: &'a dyn Observer,
}

impl CallScope<'_> {
    fn refuse(&self, denial: &Denial) -> Fault {
        self.observer.denied(denial);
        denial.fault()
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HttpClient")
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

impl HttpClient {
    /// A client that denies every request.
    #[must_use]
    pub fn without_grants() -> Self {
        let limits = HttpLimits::default();
        let in_flight = Semaphore::new(limits.in_flight);
        Self {
            grants: Vec::new(),
            channels: HashMap::new(),
            limits,
            in_flight,
        }
    }

    /// A client for a connection's grants.
    ///
    /// # Errors
    /// When an endpoint is granted twice, or its TLS profile or credential is not usable.
    pub fn new(grants: Vec<EndpointGrant>, limits: HttpLimits) -> Result<Self, HttpConfigError> {
        Self::with_resolver(grants, limits, &(Arc::new(SystemResolver) as Arc<dyn Resolver>))
    }

    /// The same with another resolver than the operating system's.
    ///
    /// # Errors
    /// As [`HttpClient::new`].
    pub fn with_resolver(
        grants: Vec<EndpointGrant>,
        limits: HttpLimits,
        resolver: &Arc<dyn Resolver>,
    ) -> Result<Self, HttpConfigError> {
        let mut channels = HashMap::new();
        for grant in &grants {
            let channel = Channel::open(grant, &limits, resolver)?;
            if channels.insert(grant.name.clone(), channel).is_some() {
                return Err(HttpConfigError::Duplicate(grant.name.clone()));
            }
        }
        let in_flight = Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS));
        Ok(Self {
            grants,
            channels,
            limits,
            in_flight,
        })
    }

    /// The grants, for display.
    #[must_use]
    pub fn grants(&self) -> &[EndpointGrant] {
        &self.grants
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &HttpLimits {
        &self.limits
    }

    /// Sends one request of a call and receives the whole response. Dropping the future ends the exchange.
    ///
    /// # Errors
    /// What the guest may learn. Denials and exchanges were reported to the observer.
    pub async fn send(
        &self,
        request: &Request,
        body: RequestBody,
        sink: ResponseSink<'_>,
        call: CallScope<'_>,
    ) -> Result<Response, Fault> {
        let allowed = self
            .permit(request, &body, call.budget)
            .map_err(|denial| call.refuse(&denial))?;
        let mut watch = Watch::begin(call.observer, &allowed);
        let deadline = self.deadline(request, &body, &sink);
        let answer = match timeout_at(deadline, self.in_flight.acquire()).await {
            Err(_) => Err(Failure::Fault(Fault::RateLimited(RETRY_DELAY))),
            // The semaphore is never closed; were it, nothing more should be sent.
            Ok(Err(_)) => Err(Failure::Fault(Fault::Connect)),
            Ok(Ok(_permit)) => timeout_at(deadline, self.exchange(allowed, body, sink, &mut watch))
                .await
                .unwrap_or(Err(Failure::Fault(Fault::Timeout))),
        };
        match answer {
            Ok(response) => {
                watch.end(Outcome::Status(response.status));
                Ok(response)
            }
            Err(Failure::Fault(fault)) => {
                watch.end(Outcome::Fault(fault.clone()));
                Err(fault)
            }
            Err(Failure::Denied(reason)) => {
                watch.forget();
                Err(call.refuse(&Denial::new(request, reason)))
            }
        }
    }

    fn permit(&self, request: &Request, body: &RequestBody, budget: &CallBudget) -> Result<Allowed<'_>, Denial> {
        if !budget.spend() {
            return Err(Denial::new(request, DenyReason::BudgetSpent { total: budget.total() }));
        }
        decide(&self.grants, &self.limits, request, body.size())
    }

    fn deadline(&self, request: &Request, body: &RequestBody, sink: &ResponseSink<'_>) -> Instant {
        let splices = matches!(body, RequestBody::Stream { .. }) || matches!(sink, ResponseSink::Splice(_));
        let limit = if splices {
            self.limits.transfer_timeout
        } else {
            self.limits.request_timeout
        };
        Instant::now() + request.timeout.map_or(limit, |asked| asked.min(limit))
    }

    async fn exchange(
        &self,
        allowed: Allowed<'_>,
        body: RequestBody,
        sink: ResponseSink<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Response, Failure> {
        let grant = allowed.grant;
        let channel = self
            .channels
            .get(&grant.name)
            .ok_or(Failure::Denied(DenyReason::UnknownEndpoint))?;
        let payload = Payload::new(body, self.limits.spliced_bytes, Arc::clone(&watch.sent));
        let request = assemble(allowed, payload)?;
        let response = channel
            .client
            .request(request)
            .await
            .map_err(|error| Failure::of(&error, &grant.origin))?;
        let receiver = Receiver {
            origin: &grant.origin,
            limits: &self.limits,
            scrubber: &channel.scrubber,
            authenticated: grant.credential.is_some(),
        };
        receiver.receive(response, sink, &mut watch.received).await
    }
}

impl Channel {
    fn open(grant: &EndpointGrant, limits: &HttpLimits, resolver: &Arc<dyn Resolver>) -> Result<Self, HttpConfigError> {
        let endpoint = || grant.name.clone();
        if let Some(credential) = &grant.credential {
            let attached = credential.attach(&mut http::HeaderMap::new());
            attached.map_err(|source| HttpConfigError::Credential {
                endpoint: endpoint(),
                source,
            })?;
        }
        // Also made for plain text, so that a broken profile is found whatever the scheme.
        let config = grant.tls.client_config().map_err(|source| HttpConfigError::Tls {
            endpoint: endpoint(),
            source,
        })?;
        let tls = (grant.origin.scheme == Scheme::Https).then(|| TlsConnector::from(Arc::new(config)));
        let connector = Connector {
            origin: grant.origin.clone(),
            resolver: Arc::clone(resolver),
            allow_addresses: grant.allow_addresses.clone().into(),
            tls,
            timeout: limits.connect_timeout,
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(limits.in_flight)
            .http1_max_headers(RESPONSE_HEADER_COUNT)
            .http1_max_buf_size(limits.response_header_bytes.max(LEAST_BUFFER_BYTES))
            .build(connector);
        Ok(Self {
            client,
            scrubber: Scrubber::new(grant.credential.as_ref()),
        })
    }
}

/// Puts the request together: what the guest gave and was checked, then what is the host's.
fn assemble(allowed: Allowed<'_>, payload: Payload) -> Result<http::Request<Payload>, Failure> {
    let Allowed {
        grant,
        method,
        path,
        query,
        headers,
        ..
    } = allowed;
    let mark = if query.is_empty() { "" } else { "?" };
    let uri = format!("{}{path}{mark}{query}", grant.origin);
    let uri: Uri = uri
        .parse()
        .map_err(|_| Failure::protocol("the path and query make no URL"))?;
    let bodiless = hyper::body::Body::is_end_stream(&payload);
    let mut request = http::Request::new(payload);
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    let headers = request.headers_mut();
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    // RFC 9110, section 8.6: methods that take a body announce an empty one. Some servers insist (411).
    if bodiless && !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS | Method::DELETE) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    if let Some(credential) = &grant.credential {
        credential
            .attach(headers)
            .map_err(|_| Failure::protocol("the host could not attach the credential"))?;
    }
    *request.method_mut() = method;
    Ok(request)
}
