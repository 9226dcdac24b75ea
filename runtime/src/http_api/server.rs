//! Listening and stopping.
//!
//! The server prints nothing: it tells where it listens through [`Server::address`] and the log. It speaks plain HTTP; put
//! a TLS proxy before it when others than this host shall reach it.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use stockade_host::http::OwnListener;

use super::access::Access;
use super::exchange::{Gate, MAX_CONCURRENT_REQUESTS};
use super::router::{RouterOptions, gated_router};
use super::upload::DEFAULT_MAX_UPLOAD_BYTES;
use crate::error::{Error, Result};
use crate::runtime::Runtime;

/// Where the server listens unless it is told otherwise.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8735);

/// How long requests may go on after the server was told to stop. Below the 90 seconds after which systemd kills
/// (`DefaultTimeoutStopSec`, systemd-system.conf(5)).
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where to listen; port 0 for any free one.
    pub listen: SocketAddr,
    /// The file with the token; none for `api-token` in the data directory, which is created on first use.
    pub token_file: Option<PathBuf>,
    /// Whether requests need no token. Only possible on a loopback address.
    pub without_token: bool,
    /// The largest upload in bytes.
    pub max_upload_bytes: u64,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            token_file: None,
            without_token: false,
            max_upload_bytes: DEFAULT_MAX_UPLOAD_BYTES,
        }
    }
}

impl ServeOptions {
    /// Who may call.
    fn access(&self, runtime: &Runtime) -> Result<Access> {
        if !self.without_token {
            return Access::from_token_file(self.token_file.as_deref(), runtime.home());
        }
        check_without_token(self.listen)?;
        if self.token_file.is_some() {
            return Err(Error::invalid(
                "token-file",
                "a token file does not go with serving without a token",
            ));
        }
        Ok(Access::without_token())
    }
}

fn check_without_token(listen: SocketAddr) -> Result<()> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    let message = format!("serving without a token on `{listen}` would give everybody on the network every connection");
    Err(Error::invalid("listen", message).hint("listen on `127.0.0.1`, or serve with a token"))
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    gate: Gate,
    /// Keeps providers from calling the API.
    own: OwnListener,
}

impl Server {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the token cannot be read, the options contradict each other, or the address cannot be used.
    pub async fn bind(runtime: Runtime, options: &ServeOptions) -> Result<Self> {
        let access = options.access(&runtime)?;
        let failed = |error: &std::io::Error| {
            Error::io(format_args!("listening on `{}`", options.listen), error)
                .hint("choose another address: `--listen`")
        };
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "listening on {address} without TLS: whoever is on the way can read the token");
        }
        let gate = Gate::new(MAX_CONCURRENT_REQUESTS);
        let options = RouterOptions {
            access,
            max_upload_bytes: options.max_upload_bytes,
        };
        let router = gated_router(runtime, options, gate.clone());
        Ok(Self {
            listener,
            address,
            router,
            gate,
            own: OwnListener::register(address),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until SIGINT or SIGTERM. Then accepts no more, and lets what is being worked on end, for at most
    /// a minute; a second signal ends it at once.
    ///
    /// # Errors
    /// When signals cannot be received or the listener fails.
    pub async fn run(self) -> Result<()> {
        let failed = |error: std::io::Error| Error::io("receiving signals", &error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let (first, told) = tokio::sync::oneshot::channel();
        let signals = async move {
            let mut first = Some(first);
            loop {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
                match first.take().map(|first| first.send(())) {
                    Some(Ok(())) => tracing::info!("stopping when the present requests have ended"),
                    _ => break,
                }
            }
        };
        tokio::select! {
            ended = self.run_until(async { told.await.unwrap_or(()) }) => ended,
            () = signals => {
                tracing::warn!("stopped at once: requests were cut off");
                Ok(())
            }
        }
    }

    /// Answers requests until `stop` is ready. Then accepts no more, and lets what is being worked on end, for at most a
    /// minute.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run_until(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let Self {
            listener,
            address,
            router,
            gate,
            own: _own,
        } = self;
        tracing::info!(%address, "listening on {address}");
        let (stopping, stopped) = tokio::sync::oneshot::channel();
        let stop = async move {
            stop.await;
            // Nobody waits any more when the server ended by itself.
            let _ = stopping.send(());
        };
        let serve = axum::serve(listener, router).with_graceful_shutdown(stop);
        let patience = async {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(STOP_PATIENCE).await;
        };
        tokio::select! {
            ended = serve => ended.map_err(|error| Error::io("serving", &error))?,
            () = patience => {}
        }
        // What a caller that went away had begun goes on without a connection.
        if !gate.idle_within(STOP_PATIENCE).await {
            tracing::warn!("stopped after {STOP_PATIENCE:?}: requests were cut off");
        }
        Ok(())
    }
}

/// Serves the API until SIGINT or SIGTERM.
///
/// # Errors
/// As [`Server::bind`] and [`Server::run`].
pub async fn serve(runtime: Runtime, options: ServeOptions) -> Result<()> {
    Server::bind(runtime, &options).await?.run().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_served_without_a_token() {
        for address in ["127.0.0.1:0", "127.9.9.9:80", "[::1]:0"] {
            check_without_token(address.parse().unwrap()).unwrap();
        }
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "[::ffff:127.0.0.1]:80"] {
            let error = check_without_token(address.parse().unwrap()).unwrap_err();
            assert_eq!(error.kind().name(), "invalid-argument", "{address}");
        }
    }
}
