//! One way out: the pool of HTTP connections to one origin of one endpoint.
//!
//! Two connections never share one: no socket, session ticket or credential passes between them.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_rustls::TlsConnector;

use super::client::HttpConfigError;
use super::connector::{Connector, Tls};
use super::decide::EndpointGrant;
use super::limits::{HttpLimits, RESPONSE_HEADER_COUNT};
use super::origin::{Origin, Scheme};
use super::payload::Payload;
use super::resolver::Resolver;

/// How long an unused connection is kept. Shorter than the 60 s or more after which common servers and load balancers
/// close theirs, so that requests rarely meet a closing one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The least buffer that the HTTP library takes: `hyper::client::conn::http1::Builder::max_buf_size`.
const LEAST_BUFFER_BYTES: usize = 8 << 10;

/// An HTTP client for one origin.
pub(super) struct Channel {
    pub(super) client: Client<Connector, Payload>,
}

impl Channel {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// When the grant's TLS profile is not usable.
    pub(super) fn new(
        grant: &EndpointGrant,
        origin: &Origin,
        limits: &HttpLimits,
        resolver: &Arc<dyn Resolver>,
    ) -> Result<Self, HttpConfigError> {
        // Also made for plain text, so that a broken profile is found whatever the scheme.
        let unusable = |source| HttpConfigError::Tls {
            endpoint: grant.name.clone(),
            source,
        };
        let config = grant.tls.client_config().map_err(unusable)?;
        let name = grant.tls.server_name(&origin.host).map_err(unusable)?;
        let tls = (origin.scheme == Scheme::Https).then(|| Tls {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        });
        let connector = Connector {
            origin: origin.clone(),
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
        Ok(Self { client })
    }
}
