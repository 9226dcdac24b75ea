//! A bearer token that is kept or made outside: a file that something replaces, a program that prints one.
//!
//! Reading is the [`TokenSource`]'s; here is only when: at first, when the token expired, and once after it was refused.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use zeroize::Zeroizing;

use super::fixed::set_secret_header;
use super::token::{Login, Token, TokenCache};
use super::{Authenticate, CredentialError, Outgoing, OwnRequests, Spelling};

/// Where a token is read. An implementation's `Debug` shows none.
#[async_trait]
pub trait TokenSource: Send + Sync + fmt::Debug {
    /// Reads it. Must end by itself: requests wait for it.
    ///
    /// # Errors
    /// Why there is none.
    async fn read(&self) -> Result<Token, CredentialError>;
}

/// `Authorization: Bearer …` with a token that is read again when need be.
#[derive(Debug)]
pub struct Renewed {
    reader: Reader,
    tokens: TokenCache,
}

#[derive(Debug)]
struct Reader(Arc<dyn TokenSource>);

impl Renewed {
    /// A credential that reads its token when it is needed.
    #[must_use]
    pub fn new(source: Arc<dyn TokenSource>) -> Self {
        Self {
            reader: Reader(source),
            tokens: TokenCache::default(),
        }
    }
}

#[async_trait]
impl Login for Reader {
    async fn log_in(&self, _previous: Option<&Token>, _host: &dyn OwnRequests) -> Result<Token, CredentialError> {
        self.0.read().await
    }
}

#[async_trait]
impl Authenticate for Renewed {
    fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION]
    }

    fn check(&self) -> Result<(), CredentialError> {
        Ok(())
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, host: &dyn OwnRequests) -> Result<(), CredentialError> {
        let (token, stamp) = self.tokens.current(&self.reader, host).await?;
        outgoing.stamp = stamp;
        let text = Zeroizing::new(format!("Bearer {}", token.value()));
        set_secret_header(outgoing.headers, AUTHORIZATION, &text)
    }

    async fn refused(&self, stamp: u64, _response_headers: &HeaderMap) -> bool {
        self.tokens.refused(stamp).await
    }

    fn secrets(&self) -> Vec<Spelling> {
        self.tokens.secrets()
    }

    fn generation(&self) -> u64 {
        self.tokens.generation()
    }
}
