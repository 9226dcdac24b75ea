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
/// How much of one response an HTTP/2 server may send ahead of its reader, and of all of a connection's. Protects the
/// host's memory from a server; 2 MiB in flight are 160 Mbit/s over 100 ms.
const STREAM_WINDOW_BYTES: u32 = 2 << 20;
/// See [`STREAM_WINDOW_BYTES`].
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
/// The least and the default of HTTP/2: RFC 9113, section 4.2.
const FRAME_BYTES: u32 = 16 << 10;
/// How much of one request's body is read ahead of an HTTP/2 server that takes its time. Protects the host's memory.
const SEND_BUFFER_BYTES: usize = 256 << 10;
/// Streams that were given up and are remembered for what still arrives for them. Protects the host's memory.
const RESET_STREAMS: usize = 16;
/// An HTTP/2 connection that is silent for so long while a request waits is asked whether it is alive. Proxies and
/// firewalls forget connections without saying so.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

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
        let unusable = |source| HttpConfigError::Tls {
            endpoint: grant.name.clone(),
            source,
        };
        if let Some(proxy) = &grant.proxy {
            proxy.check().map_err(|source| HttpConfigError::Proxy {
                endpoint: grant.name.clone(),
                source,
            })?;
        }
        // Also made for plain text, so that a broken profile is found whatever the scheme.
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
            proxy: grant.proxy.clone(),
            timeout: limits.connect_timeout,
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(limits.in_flight)
            .http1_max_headers(RESPONSE_HEADER_COUNT)
            .http1_max_buf_size(limits.response_header_bytes.max(LEAST_BUFFER_BYTES))
            .timer(TokioTimer::new())
            .http2_max_header_list_size(u32::try_from(limits.response_header_bytes).unwrap_or(u32::MAX))
            .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
            .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_max_frame_size(FRAME_BYTES)
            .http2_max_send_buf_size(SEND_BUFFER_BYTES)
            .http2_max_concurrent_reset_streams(RESET_STREAMS)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .build(connector);
        Ok(Self { client })
    }
}
