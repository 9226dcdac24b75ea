//! Sends a connection's requests.
//!
//! One HTTP client with its own pool and TLS configuration for each endpoint of each connection: two connections never
//! share a socket, a session ticket or a credential. It follows no redirect, decompresses nothing, keeps no cookie and
//! retries only what the pool found closed before a byte was written. The WIT adapter calls [`HttpClient::send`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};

use super::assemble::{assemble, presigned};
use super::channels::Channels;
use super::credential::{CredentialError, OutgoingBody, OwnRequest, OwnRequests};
use super::decide::{Allowed, EndpointGrant, decide, refuse_logins};
use super::denial::{Denial, DenyReason};
use super::failure::Failure;
use super::fault::Fault;
use super::header_rule::HeaderRule;
use super::limits::{CallBudget, HttpLimits};
use super::observer::{Observer, Outcome};
use super::patience;
use super::payload::Payload;
use super::proxy::ProxyError;
use super::receive::Receiver;
use super::redactor::Redactor;
use super::request::{Request, RequestBody, Response, ResponseSink};
use super::resolver::{Resolver, SystemResolver};
use super::scrub::Scrubber;
use super::tls::TlsError;
use super::watch::Watch;
use crate::rate::Rate;

/// What [`Fault::RateLimited`] suggests: about one request's time.
const RETRY_DELAY: Duration = Duration::from_secs(1);

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
    /// The proxy is not usable.
    #[error("endpoint `{endpoint}` has no usable proxy")]
    Proxy {
        /// The endpoint's name.
        endpoint: String,
        /// Why.
        source: ProxyError,
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
    channels: Channels,
    redactor: Redactor,
    limits: HttpLimits,
    in_flight: Semaphore,
    rate: Rate,
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
            channels: Channels::none(),
            redactor: Redactor::new(Vec::new()),
            rate: Rate::new(limits.requests_per_second),
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
        let channels = Channels::new(&grants, &limits, resolver)?;
        for grant in &grants {
            if let Some(credential) = &grant.credential {
                credential.check().map_err(|source| HttpConfigError::Credential {
                    endpoint: grant.name.clone(),
                    source,
                })?;
            }
        }
        let in_flight = Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS));
        let credentials = grants.iter().filter_map(|grant| grant.credential.clone());
        let redactor = Redactor::new(credentials.collect());
        Ok(Self {
            grants,
            channels,
            redactor,
            rate: Rate::new(limits.requests_per_second),
            limits,
            in_flight,
        })
    }

    /// The grants, for display.
    #[must_use]
    pub fn grants(&self) -> &[EndpointGrant] {
        &self.grants
    }

    /// How many ways to discovered origins are open.
    #[cfg(test)]
    pub(super) fn discovered_channels(&self) -> usize {
        self.channels.discovered()
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
        let answer = match self.admit(&allowed, deadline).await {
            Err(failure) => Err(failure),
            Ok(_permits) => {
                let own = HostsOwn {
                    client: self,
                    call,
                    deadline,
                };
                timeout_at(deadline, self.exchange(&allowed, body, sink, &mut watch, &own))
                    .await
                    .unwrap_or(Err(Failure::Fault(Fault::Timeout)))
            }
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

    /// A URL by which whoever holds it can send this request until it expires: after `valid`, or earlier where the grant
    /// or the signature's kind allows less. Nothing is sent. What is decided is the request; who sends it, how often and
    /// from where is not the host's to see any more.
    ///
    /// # Errors
    /// As [`HttpClient::send`]; [`Fault::Protocol`] when the request has headers, or the endpoint's credential cannot sign
    /// its URL.
    pub async fn presign(&self, request: &Request, valid: Duration, call: CallScope<'_>) -> Result<String, Fault> {
        if !request.headers.is_empty() || valid.is_zero() {
            let how = "a request that is presigned has no headers and is valid for a second at least";
            return Err(Fault::Protocol(how.to_owned()));
        }
        let denied = |denial| call.refuse(&denial);
        let allowed = self
            .permit(request, &RequestBody::none(), call.budget)
            .map_err(denied)?;
        let Some(longest) = allowed.grant.presign_seconds else {
            return Err(call.refuse(&Denial::new(request, DenyReason::PresignNotGranted)));
        };
        let watch = Watch::begin(call.observer, &allowed);
        let longest = Duration::from_secs(longest.into());
        match presigned(&allowed, valid.min(longest)) {
            Ok((url, valid)) => {
                watch.end(Outcome::Presigned(valid));
                Ok(url)
            }
            Err(error) => {
                let fault = Fault::Protocol(error.to_string());
                watch.end(Outcome::Fault(fault.clone()));
                Err(fault)
            }
        }
    }

    fn permit(&self, request: &Request, body: &RequestBody, budget: &CallBudget) -> Result<Allowed<'_>, Denial> {
        if !budget.spend() {
            return Err(Denial::new(request, DenyReason::BudgetSpent { total: budget.total() }));
        }
        let allowed = self.decide(request, body, body.view(), budget)?;
        refuse_logins(&self.grants, &allowed).map_err(|reason| Denial::new(request, reason))?;
        Ok(allowed)
    }

    /// What is allowed, and is not a change where none is made. `shown` is what a dry run may tell of the body.
    fn decide(
        &self,
        request: &Request,
        body: &RequestBody,
        shown: OutgoingBody<'_>,
        budget: &CallBudget,
    ) -> Result<Allowed<'_>, Denial> {
        let allowed = decide(&self.grants, &self.limits, request, body.view())?;
        match budget.changes().check(&allowed, request, shown) {
            Ok(()) => Ok(allowed),
            Err(reason) => Err(Denial::new(request, reason)),
        }
    }

    /// Waits until the connection and the endpoint have room for one more request.
    async fn admit(&self, allowed: &Allowed<'_>, deadline: Instant) -> Result<impl Sized, Failure> {
        let endpoint = &allowed.grant.name;
        self.channels.turn(endpoint, deadline).await?;
        let place = self.channels.place(endpoint, deadline, RETRY_DELAY).await?;
        let permit = self.turn(deadline).await.map_err(Failure::Fault)?;
        Ok((place, permit))
    }

    /// Waits until the connection's rate and what it has in flight let one more request go.
    async fn turn(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Fault> {
        self.pace(deadline).await?;
        match timeout_at(deadline, self.in_flight.acquire()).await {
            Err(_) => Err(Fault::RateLimited(RETRY_DELAY)),
            // The semaphore is never closed; were it, nothing more should be sent.
            Ok(permit) => permit.map_err(|_| Fault::Connect),
        }
    }

    /// Waits until the connection's rate lets one more request go.
    async fn pace(&self, deadline: Instant) -> Result<(), Fault> {
        let patience = deadline.saturating_duration_since(Instant::now());
        let wait = self.rate.reserve(patience).map_err(Fault::RateLimited)?;
        sleep(wait).await;
        Ok(())
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
        allowed: &Allowed<'_>,
        body: RequestBody,
        sink: ResponseSink<'_>,
        watch: &mut Watch<'_>,
        own: &HostsOwn<'_>,
    ) -> Result<Response, Failure> {
        let again = body.repeatable();
        let (mut response, stamp) = self.attempt(allowed, body, Some(own), watch).await?;
        if let Some(credential) = &allowed.grant.credential
            && credential.refuses_with(response.status())
            && credential.refused(stamp, response.headers()).await
            && let Some(body) = again
        {
            self.channels.turn(&allowed.grant.name, own.deadline).await?;
            (response, _) = self.attempt(allowed, body, Some(own), watch).await?;
        }
        let authenticated = allowed.grant.credential.is_some();
        let scrubber = self.redactor.scrubber();
        let bounds = &allowed.grant.bounds;
        let receiver = Receiver {
            limits: &bounds.receiving(&self.limits),
            visible: &bounds.response_headers,
            scrubber: &scrubber,
            authenticated,
            is_hosts_own: false,
        };
        receiver.receive(response, sink, &mut watch.received).await
    }

    /// Sends an assembled request; with `host`, an authenticated one. Answers the credential's stamp, too.
    async fn attempt(
        &self,
        allowed: &Allowed<'_>,
        body: RequestBody,
        host: Option<&dyn OwnRequests>,
        watch: &Watch<'_>,
    ) -> Result<(http::Response<Incoming>, u64), Failure> {
        let channel = self.channels.of(allowed);
        let channel = channel
            .map_err(|error| Failure::Fault(Fault::Tls(error.to_string())))?
            .ok_or(Failure::Denied(DenyReason::UnknownEndpoint))?;
        let bytes = match &body {
            RequestBody::Bytes(bytes) => Some(bytes.clone()),
            RequestBody::Stream { .. } => None,
        };
        let view = match (&bytes, &body) {
            (Some(bytes), _) => OutgoingBody::Bytes(bytes),
            (None, RequestBody::Stream { length, .. }) => OutgoingBody::Spliced(*length),
            (None, RequestBody::Bytes(_)) => OutgoingBody::Bytes(&[]),
        };
        let limits = allowed.grant.bounds.sending(&self.limits);
        let payload = Payload::new(body, limits.spliced_bytes, Arc::clone(&watch.sent));
        let (request, stamp) = assemble(allowed, view, host, payload).await?;
        let response = patience::head(channel.client.request(request), &self.limits, &watch.sent).await?;
        Ok((response.map_err(|error| Failure::of(&error))?, stamp))
    }
}

/// The host's own requests of a call: decided and observed like the provider's, without a credential of another.
struct HostsOwn<'a> {
    client: &'a HttpClient,
    call: CallScope<'a>,
    /// The provider's request's, for which they are made.
    deadline: Instant,
}

#[async_trait]
impl OwnRequests for HostsOwn<'_> {
    async fn send(&self, own: OwnRequest) -> Result<Response, Fault> {
        let OwnRequest { request, headers, body } = own;
        // The body of a login holds the secret, which no dry run may tell.
        let shown = OutgoingBody::Spliced(Some(body.len() as u64));
        let body = RequestBody::Bytes(body);
        let client = self.client;
        let mut allowed = client
            .decide(&request, &body, shown, self.call.budget)
            .map_err(|denial| self.call.refuse(&denial))?;
        allowed.headers.extend(headers);
        let mut watch = Watch::begin(self.call.observer, &allowed);
        let deadline = client.deadline(&request, &body, &ResponseSink::Buffer);
        let work = async {
            client
                .channels
                .turn(&allowed.grant.name, self.deadline.min(deadline))
                .await?;
            client.pace(self.deadline.min(deadline)).await.map_err(Failure::Fault)?;
            let (response, _) = client.attempt(&allowed, body, None, &watch).await?;
            let receiver = Receiver {
                limits: &allowed.grant.bounds.receiving(&client.limits),
                visible: &HeaderRule::All,
                // What comes back is the secret.
                scrubber: &Scrubber::default(),
                authenticated: false,
                is_hosts_own: true,
            };
            receiver
                .receive(response, ResponseSink::Buffer, &mut watch.received)
                .await
        };
        let answer = timeout_at(deadline, work)
            .await
            .unwrap_or(Err(Failure::Fault(Fault::Timeout)));
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
                Err(self.call.refuse(&Denial::new(&request, reason)))
            }
        }
    }
}
