//! Opens the connections of one endpoint: resolve, check every address, dial a checked one, shake hands. Where the grant
//! names a proxy, that is dialled, and asked for a checked address.
//!
//! The connector knows its origin and ignores the URL that the HTTP client passes, so there is no second reading of a
//! host name. Literal addresses pass the same check as resolved ones.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::{self, RefusedAddress};
use super::dial;
use super::origin::{Host, Origin};
use super::proxy::{Proxy, Refusal};
use super::resolver::Resolver;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectFailure {
    /// Every address is refused.
    #[error("every address of `{origin}` is refused")]
    Refused {
        /// Whose addresses: the origin's or its proxy's.
        origin: Origin,
        /// All of them.
        refused: Vec<RefusedAddress>,
    },
    /// The name does not resolve.
    #[error("the name does not resolve")]
    Dns,
    /// No address answered in time.
    #[error("no address answers")]
    Connect,
    /// The proxy does not lead on.
    #[error("{0}")]
    Proxy(Refusal),
    /// The handshake failed.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
}

/// How the connections are encrypted.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) connector: TlsConnector,
    /// What the server must prove to be.
    pub(super) name: ServerName<'static>,
}

/// Opens connections to one origin.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) origin: Origin,
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) allow_addresses: Arc<[IpNet]>,
    /// None for plain text.
    pub(super) tls: Option<Tls>,
    /// None for straight connections.
    pub(super) proxy: Option<Arc<Proxy>>,
    /// For the whole of it: resolving, dialling and the handshakes.
    pub(super) timeout: Duration,
}

impl Connector {
    async fn connect(self) -> Result<TokioIo<Stream>, ConnectFailure> {
        timeout(self.timeout, self.open())
            .await
            .unwrap_or(Err(ConnectFailure::Connect))
    }

    async fn open(&self) -> Result<TokioIo<Stream>, ConnectFailure> {
        let tcp = match &self.proxy {
            None => reach(&self.checked_addresses(&self.origin).await?, self.origin.port).await?,
            Some(proxy) => self.through(proxy).await?,
        };
        // Requests are written whole; waiting to fill a segment would only delay them. Failing to say so is harmless.
        let _ = tcp.set_nodelay(true);
        let stream = match &self.tls {
            None => Stream::Plain(tcp),
            Some(tls) => {
                let stream = tls
                    .connector
                    .connect(tls.name.clone(), tcp)
                    .await
                    .map_err(|error| ConnectFailure::Tls(error.to_string()))?;
                Stream::Tls(Box::new(stream))
            }
        };
        Ok(TokioIo::new(stream))
    }

    /// A connection that a proxy leads on to the origin.
    async fn through(&self, proxy: &Proxy) -> Result<TcpStream, ConnectFailure> {
        let Origin { host, port, .. } = &self.origin;
        let targets = match host {
            Host::Name(name) if proxy.resolves_names => vec![format!("{name}:{port}")],
            _ => {
                let addresses = self.checked_addresses(&self.origin).await?;
                let authority = |address: IpAddr| SocketAddr::new(address, *port).to_string();
                dial::alternated(&addresses).into_iter().map(authority).collect()
            }
        };
        let addresses = self.checked_addresses(&proxy.origin).await?;
        let mut failure = ConnectFailure::Connect;
        for target in targets.iter().take(dial::MOST_ADDRESSES) {
            let stream = reach(&addresses, proxy.origin.port).await?;
            match proxy.lead(stream, target).await {
                Ok(stream) => return Ok(stream),
                Err(refusal) => {
                    tracing::warn!(proxy = %proxy.origin, target, %refusal, "the proxy does not lead on");
                    let is_final = !refusal.is_about_the_address();
                    failure = ConnectFailure::Proxy(refusal);
                    if is_final {
                        break;
                    }
                }
            }
        }
        Err(failure)
    }

    /// The addresses of an origin that may be dialled; at least one.
    async fn checked_addresses(&self, origin: &Origin) -> Result<Vec<IpAddr>, ConnectFailure> {
        let addresses = match &origin.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.resolver.resolve(name).await.map_err(|_| ConnectFailure::Dns)?,
        };
        let mut passed = Vec::new();
        let mut refused = Vec::new();
        for address in addresses {
            match address::check_port(address, origin.port, &self.allow_addresses) {
                Ok(()) => passed.push(address),
                Err(refusal) if refused.contains(&refusal) => {}
                Err(refusal) => refused.push(refusal),
            }
        }
        match (passed.is_empty(), refused.is_empty()) {
            (false, _) => Ok(passed),
            (true, false) => Err(ConnectFailure::Refused {
                origin: origin.clone(),
                refused,
            }),
            (true, true) => Err(ConnectFailure::Dns),
        }
    }
}

/// A connection to one of these addresses.
async fn reach(addresses: &[IpAddr], port: u16) -> Result<TcpStream, ConnectFailure> {
    let connect = |address| TcpStream::connect((address, port));
    dial::dial(addresses, connect).await.ok_or(ConnectFailure::Connect)
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectFailure;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, ConnectFailure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

/// A connection, encrypted or not.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => Connected::new().negotiated_h2(),
            _ => Connected::new(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
