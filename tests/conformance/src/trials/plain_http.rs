//! The least of HTTP: what a stranger with a URL would do.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::outcome::{Outcome, ensure};

/// The body that a plain `http` URL answers with status 200. The servers of setups listen on loopback without TLS.
pub(super) async fn get(url: &str) -> Outcome<Vec<u8>> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| format!("`{url}` is no plain http URL"))?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut stream = tokio::net::TcpStream::connect(authority).await?;
    // HTTP/1.0: the body ends with the connection (RFC 1945, section 7.2.2), and there are no chunks.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or("the answer has no head")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).unwrap_or_default();
    ensure!(status == "200", "the answer is `{head}`");
    Ok(answer.split_off(end + 4))
}
