//! Opens the connections of one endpoint: resolve, check every address, dial a checked one, shake hands.
//!
//! The connector knows its origin and ignores the URL that the HTTP client passes, so there is no second reading of a
//! host name. Literal addresses pass the same check as resolved ones.

use std::future::Future;
use std::io;
use std::net::IpAddr;
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
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::{self, RefusedAddress};
use super::origin::{Host, Origin};
use super::resolver::Resolver;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectFailure {
    /// Every address is refused.
    #[error("every address is refused")]
    Refused(Vec<RefusedAddress>),
    /// The name does not resolve.
    #[error("the name does not resolve")]
    Dns,
    /// No address answered in time.
    #[error("no address answers")]
    Connect,
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
    /// For the whole of it: resolving, dialling and the handshake.
    pub(super) timeout: Duration,
}

impl Connector {
    async fn connect(self) -> Result<TokioIo<Stream>, ConnectFailure> {
        let deadline = Instant::now() + self.timeout;
        timeout_at(deadline, self.open(deadline))
            .await
            .unwrap_or(Err(ConnectFailure::Connect))
    }

    async fn open(&self, deadline: Instant) -> Result<TokioIo<Stream>, ConnectFailure> {
        let addresses = self.checked_addresses().await?;
        let tcp = self.dial(&addresses, deadline).await?;
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

    /// The addresses that may be dialled; at least one.
    async fn checked_addresses(&self) -> Result<Vec<IpAddr>, ConnectFailure> {
        let addresses = match &self.origin.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.resolver.resolve(name).await.map_err(|_| ConnectFailure::Dns)?,
        };
        let mut passed = Vec::new();
        let mut refused = Vec::new();
        for address in addresses {
            match address::check(address, &self.allow_addresses) {
                Ok(()) => passed.push(address),
                Err(refusal) if refused.contains(&refusal) => {}
                Err(refusal) => refused.push(refusal),
            }
        }
        match (passed.is_empty(), refused.is_empty()) {
            (false, _) => Ok(passed),
            (true, false) => Err(ConnectFailure::Refused(refused)),
            (true, true) => Err(ConnectFailure::Dns),
        }
    }

    /// Tries one address after the other, each with its share of the time that is left.
    async fn dial(&self, addresses: &[IpAddr], deadline: Instant) -> Result<TcpStream, ConnectFailure> {
        for (tried, &address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let candidates = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            let share = Instant::now() + left / candidates;
            if let Ok(Ok(stream)) = timeout_at(share, TcpStream::connect((address, self.origin.port))).await {
                // Requests are written whole; waiting to fill a segment would only delay them. Failing to say so is harmless.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
        }
        Err(ConnectFailure::Connect)
    }
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
        Connected::new()
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
