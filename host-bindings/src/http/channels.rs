//! A connection's ways out: one for each endpoint, and for a discovered one a few, made when they are used.
//!
//! A vendor's catalogue names some ten services. The bound protects the host's memory and sockets from a provider that
//! discovers a new origin with every request: the least recently used way is dropped, with its idle connections; requests
//! on it end undisturbed.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use super::channel::Channel;
use super::client::HttpConfigError;
use super::decide::{Allowed, EndpointGrant};
use super::destination::Destination;
use super::failure::Failure;
use super::fault::Fault;
use super::limits::HttpLimits;
use super::origin::Origin;
use super::resolver::{Resolver, SystemResolver};
use crate::rate::Rate;

/// Ways to discovered origins of one connection that are kept at a time.
pub(super) const DISCOVERED_CHANNELS: usize = 32;

/// Every way out of one connection.
pub(super) struct Channels {
    endpoints: HashMap<String, Way>,
    /// The most recently used last.
    discovered: Mutex<Vec<Discovered>>,
    limits: HttpLimits,
    resolver: Arc<dyn Resolver>,
}

/// What belongs to one endpoint.
struct Way {
    /// None where each request names the origin.
    channel: Option<Arc<Channel>>,
    rate: Option<Rate>,
    in_flight: Option<Arc<Semaphore>>,
}

struct Discovered {
    endpoint: String,
    origin: Origin,
    channel: Arc<Channel>,
}

impl Channels {
    /// No way out.
    pub(super) fn none() -> Self {
        Self {
            endpoints: HashMap::new(),
            discovered: Mutex::default(),
            limits: HttpLimits::default(),
            resolver: Arc::new(SystemResolver),
        }
    }

    /// Opens nothing yet.
    ///
    /// # Errors
    /// When two grants name one endpoint, or a TLS profile is not usable.
    pub(super) fn new(
        grants: &[EndpointGrant],
        limits: &HttpLimits,
        resolver: &Arc<dyn Resolver>,
    ) -> Result<Self, HttpConfigError> {
        let mut endpoints = HashMap::new();
        for grant in grants {
            let channel = match &grant.origin {
                Destination::Fixed(origin) => Some(Arc::new(Channel::new(grant, origin, limits, resolver)?)),
                Destination::Discovered { .. } => None,
            };
            let permits = |most: NonZeroU32| Arc::new(Semaphore::new(most.get() as usize));
            let way = Way {
                channel,
                rate: grant.bounds.requests_per_second.map(|most| Rate::new(most.get())),
                in_flight: grant.bounds.requests_in_flight.map(permits),
            };
            if endpoints.insert(grant.name.clone(), way).is_some() {
                return Err(HttpConfigError::Duplicate(grant.name.clone()));
            }
        }
        Ok(Self {
            endpoints,
            discovered: Mutex::default(),
            limits: limits.clone(),
            resolver: Arc::clone(resolver),
        })
    }

    /// The way for an allowed request; none when there is none, which no allowed request meets.
    ///
    /// # Errors
    /// When the TLS profile is not usable for a discovered origin.
    pub(super) fn of(&self, allowed: &Allowed<'_>) -> Result<Option<Arc<Channel>>, HttpConfigError> {
        let grant = allowed.grant;
        match self.endpoints.get(&grant.name) {
            None => return Ok(None),
            Some(Way {
                channel: Some(channel), ..
            }) => return Ok(Some(Arc::clone(channel))),
            Some(_) => {}
        }
        let mut discovered = self.discovered.lock().unwrap_or_else(PoisonError::into_inner);
        let known = discovered
            .iter()
            .position(|way| way.endpoint == grant.name && way.origin == allowed.origin);
        let way = match known {
            Some(index) => discovered.remove(index),
            None => Discovered {
                endpoint: grant.name.clone(),
                origin: allowed.origin.clone(),
                channel: Arc::new(Channel::new(grant, &allowed.origin, &self.limits, &self.resolver)?),
            },
        };
        if discovered.len() == DISCOVERED_CHANNELS {
            discovered.remove(0);
        }
        let channel = Arc::clone(&way.channel);
        discovered.push(way);
        Ok(Some(channel))
    }

    /// Waits for an endpoint's turn, at most until the deadline.
    pub(super) async fn turn(&self, endpoint: &str, deadline: Instant) -> Result<(), Failure> {
        if let Some(rate) = self.endpoints.get(endpoint).and_then(|way| way.rate.as_ref()) {
            let patience = deadline.saturating_duration_since(Instant::now());
            sleep(rate.reserve(patience).map_err(rate_limited)?).await;
        }
        Ok(())
    }

    /// Waits for a place among an endpoint's requests in flight; none where they are not counted.
    pub(super) async fn place(
        &self,
        endpoint: &str,
        deadline: Instant,
        retry: Duration,
    ) -> Result<Option<OwnedSemaphorePermit>, Failure> {
        let Some(in_flight) = self.endpoints.get(endpoint).and_then(|way| way.in_flight.as_ref()) else {
            return Ok(None);
        };
        match timeout_at(deadline, Arc::clone(in_flight).acquire_owned()).await {
            Err(_) => Err(rate_limited(retry)),
            // The semaphore is never closed; were it, nothing more should be sent.
            Ok(Err(_)) => Err(Failure::Fault(Fault::Connect)),
            Ok(Ok(permit)) => Ok(Some(permit)),
        }
    }

    #[cfg(test)]
    pub(super) fn discovered(&self) -> usize {
        self.discovered.lock().unwrap().len()
    }
}

fn rate_limited(retry: Duration) -> Failure {
    Failure::Fault(Fault::RateLimited(retry))
}
