//! Names to addresses. The connector asks before every connection and dials only what it has checked, so a name that
//! changes its answer between a check and a connection gains nothing. No answer is cached here.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Resolves host names. Called once for each new connection to a name, never for literal addresses.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Every address of a name; an error or none at all when it does not resolve.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // The port is only there because the function wants one.
        Ok(tokio::net::lookup_host((name, 0))
            .await?
            .map(|address| address.ip())
            .collect())
    }
}
