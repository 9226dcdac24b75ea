//! The way through an HTTP proxy: `CONNECT`, for plain text as well as for TLS (RFC 9110, section 9.3.6).
//!
//! The proxy is asked for an address that the host has resolved and checked, so that it can lead nowhere that the grant
//! does not allow; TLS proves the name end to end all the same. Only where the operator grants `resolves_names` is it
//! asked for the name, and then where that leads is the proxy's decision. The proxy's own address is checked as an
//! origin's is. The environment's proxy variables are not looked at: they were not granted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::credential::{Authenticate as _, Basic, CredentialError};
use super::origin::{Origin, Scheme};

/// How long the proxy's answer to `CONNECT` may be. Protects the host's memory from a proxy.
const ANSWER_BYTES: usize = 8 << 10;

/// A proxy of an endpoint.
#[derive(Debug)]
pub struct Proxy {
    /// Where it is; always plain text.
    pub origin: Origin,
    /// Who the host is to it.
    pub credential: Option<Basic>,
    /// Whether it is asked for names, which it resolves itself, where the host cannot. Nothing checks the addresses.
    pub resolves_names: bool,
}

/// Why a proxy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// Proxies are spoken to in plain text.
    #[error("the proxy `{0}` is not an `http` one; others are not supported")]
    Scheme(Origin),
    /// Its credential cannot be sent.
    #[error("the proxy's credential is not usable")]
    Credential(#[from] CredentialError),
}

/// Why a proxy does not lead on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It answered with another status than 2xx.
    #[error("the proxy answered {0}")]
    Status(u16),
    /// It closed the connection, or does not speak HTTP.
    #[error("the proxy's answer is not HTTP, or is cut off or too long")]
    Broken,
}

impl Refusal {
    /// Whether another address may be reached: a gateway's statuses, RFC 9110, sections 15.6.3 to 15.6.5.
    pub(super) fn is_about_the_address(&self) -> bool {
        matches!(self, Self::Status(502..=504))
    }
}

impl Proxy {
    /// Whether it can be used.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(&self) -> Result<(), ProxyError> {
        if self.origin.scheme != Scheme::Http {
            return Err(ProxyError::Scheme(self.origin.clone()));
        }
        Ok(self.credential.as_ref().map_or(Ok(()), Basic::check)?)
    }

    /// Asks, over a connection to the proxy, to be led on to `target`, an authority with a port.
    pub(super) async fn lead(&self, mut stream: TcpStream, target: &str) -> Result<TcpStream, Refusal> {
        let mut request = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n"));
        if let Some(Basic { user, password }) = &self.credential {
            let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
            let encoded = Zeroizing::new(STANDARD.encode(&*pair));
            request.push_str("proxy-authorization: Basic ");
            request.push_str(&encoded);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream
            .write_all(request.as_bytes())
            .await
            .map_err(|_| Refusal::Broken)?;
        match status(&read_head(&mut stream).await?) {
            Some(200..=299) => Ok(stream),
            Some(other) => Err(Refusal::Status(other)),
            None => Err(Refusal::Broken),
        }
    }
}

/// The answer's head. Read byte by byte, as what follows belongs to the origin; it is short and read once a connection.
async fn read_head(stream: &mut TcpStream) -> Result<Vec<u8>, Refusal> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == ANSWER_BYTES {
            return Err(Refusal::Broken);
        }
        head.push(stream.read_u8().await.map_err(|_| Refusal::Broken)?);
    }
    Ok(head)
}

/// The status of `HTTP/1.1 200 …`.
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let ([b'0' | b'1', b' '], rest) = rest.split_first_chunk()? else {
        return None;
    };
    let (digits, rest) = rest.split_first_chunk::<3>()?;
    if !digits.iter().all(u8::is_ascii_digit) || !matches!(rest.first(), Some(b' ' | b'\r')) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_line_is_taken_for_one() {
        for (head, expected) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            ("HTTP/1.0 407 x\r\n\r\n", Some(407)),
            ("HTTP/1.1 200\r\n\r\n", Some(200)),
            ("HTTP/1.1 2000\r\n\r\n", None),
            ("HTTP/1.1 +20 x\r\n\r\n", None),
            ("HTTP/2 200\r\n\r\n", None),
            ("SSH-2.0-OpenSSH\r\n\r\n", None),
            ("\r\n\r\n", None),
        ] {
            assert_eq!(status(head.as_bytes()), expected, "{head}");
        }
    }
}
