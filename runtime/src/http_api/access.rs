//! Who may call: whoever has the token, or, when the operator said so, whoever is on this host.
//!
//! There are no cookies and no cross-origin permissions, so a browser cannot be made to carry a token. Without a token a
//! page in a local browser could still send requests here (a form post, or a name that it lets resolve to 127.0.0.1);
//! therefore such requests are known by `Origin` and `Host` and refused.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind as IoErrorKind, Read as _};
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, header};
use rand::TryRngCore as _;
use sha2::{Digest as _, Sha256};

use super::problem::{Problem, ProblemKind};
use crate::error::{Error, Result};
use crate::home::{Home, write_private};

/// The token's file in the data directory.
const TOKEN_FILE: &str = "api-token";
/// A new token's entropy in bytes: 256 bits.
const TOKEN_BYTES: usize = 32;
/// The shortest token that is accepted from a file; 128 bits in hex.
const MIN_TOKEN_LENGTH: usize = 32;
/// The longest; it also bounds what is read of a file that is not a token file.
const MAX_TOKEN_LENGTH: usize = 4096;

/// What everybody may read: nothing in it depends on this installation.
const OPEN_PATHS: [&str; 2] = ["/healthz", "/openapi.json"];

/// Who may call. Cloning shares nothing secret: only the token's digest is kept.
#[derive(Clone)]
pub struct Access {
    token_digest: Option<[u8; 32]>,
}

impl Access {
    /// Whoever presents this token.
    pub fn with_token(token: &str) -> Self {
        Self {
            token_digest: Some(Sha256::digest(token).into()),
        }
    }

    /// Whoever reaches the server under a loopback name, except web pages.
    pub fn without_token() -> Self {
        Self { token_digest: None }
    }

    /// Whoever presents the token of a file: this one, or `api-token` in the data directory, which is created when it
    /// does not exist.
    ///
    /// # Errors
    /// When the file cannot be read, others can read it, or it holds no token.
    pub fn from_token_file(file: Option<&Path>, home: &Home) -> Result<Self> {
        let default = home.data.join(TOKEN_FILE);
        if file.is_none() && !default.exists() {
            write_private(&default, format!("{}\n", new_token()?).as_bytes())?;
        }
        read_token(file.unwrap_or(&default)).map(|token| Self::with_token(&token))
    }

    /// Decides about a request.
    fn check(&self, path: &str, headers: &HeaderMap) -> Result<(), Problem> {
        if OPEN_PATHS.contains(&path) {
            return Ok(());
        }
        match &self.token_digest {
            Some(digest) => check_token(digest, headers),
            None => check_loopback(headers),
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Access")
            .field("needs_token", &self.token_digest.is_some())
            .finish()
    }
}

/// Lets a request through or refuses it.
pub(super) async fn authorize(State(access): State<Access>, request: Request, next: Next) -> Response {
    match access.check(request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check_token(expected: &[u8; 32], headers: &HeaderMap) -> Result<(), Problem> {
    let required = |detail: &str| {
        Problem::new(ProblemKind::TokenRequired, detail)
            .hint("send `Authorization: Bearer TOKEN`; the token is in the file that the server was started with")
    };
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| required("the request has no `Authorization` header"))?;
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = token.ok_or_else(|| required("the `Authorization` header is not `Bearer TOKEN`"))?;
    let presented: [u8; 32] = Sha256::digest(token).into();
    // Digests are compared, and all of their bytes: time tells nothing about the token.
    let difference = presented
        .iter()
        .zip(expected)
        .fold(0, |difference, (one, other)| difference | (one ^ other));
    match std::hint::black_box(difference) {
        0 => Ok(()),
        _ => Err(required("the token is not the server's")),
    }
}

fn check_loopback(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail: &str| {
        Problem::new(ProblemKind::OriginRefused, detail)
            .hint("start the server with a token to be reachable under other names or from browser pages")
    };
    if headers.contains_key(header::ORIGIN) {
        return Err(refused("without a token, requests from browser pages are not accepted"));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match host.is_some_and(is_loopback) {
        true => Ok(()),
        false => Err(refused(
            "without a token, `Host` must be `localhost` or a loopback address",
        )),
    }
}

/// Whether a `Host` header names this host: `localhost`, `127.0.0.0/8` or `[::1]`, with or without a port.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// A new token: 256 random bits in hex.
fn new_token() -> Result<String> {
    use fmt::Write as _;
    let mut bytes = [0; TOKEN_BYTES];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| {
        Error::new(
            stockade_host::contract::ErrorKind::Unavailable,
            format!("the operating system gives no random numbers for a new token: {error}"),
        )
    })?;
    let mut token = String::with_capacity(2 * TOKEN_BYTES);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

fn read_token(path: &Path) -> Result<String> {
    let shown = path.display();
    let failed = |error: &std::io::Error| match error.kind() {
        IoErrorKind::NotFound => Error::not_found("token file", &shown.to_string()),
        _ => Error::io(format_args!("reading `{shown}`"), error),
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mode = file.metadata().map_err(|error| failed(&error))?.mode();
    if mode & 0o077 != 0 {
        let message = format!(
            "others can read or change the token file `{shown}` (mode {:03o})",
            mode & 0o777
        );
        return Err(Error::invalid("token-file", message).hint(format!("chmod 600 {shown}")));
    }
    let mut text = String::new();
    let limit = MAX_TOKEN_LENGTH as u64 + 1;
    file.take(limit)
        .read_to_string(&mut text)
        .map_err(|error| failed(&error))?;
    let token = text.trim();
    let is_valid = (MIN_TOKEN_LENGTH..=MAX_TOKEN_LENGTH).contains(&token.len());
    if !is_valid || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!(
            "`{shown}` does not hold a token: one line of {MIN_TOKEN_LENGTH} to {MAX_TOKEN_LENGTH} printable ASCII characters"
        );
        return Err(Error::invalid("token-file", message));
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn status(access: &Access, path: &str, pairs: &[(&'static str, &str)]) -> u16 {
        let headers = pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        access.check(path, &headers).err().map_or(200, |problem| problem.status)
    }

    #[test]
    fn only_the_right_token_opens_everything_but_the_open_paths() {
        let access = Access::with_token(TOKEN);
        let cases = [
            (format!("Bearer {TOKEN}"), 200),
            (format!("bearer {TOKEN}"), 200),
            (format!("Bearer {TOKEN}0"), 401),
            (format!("Bearer {}", &TOKEN[1..]), 401),
            ("Bearer ".to_owned(), 401),
            (format!("Basic {TOKEN}"), 401),
            (TOKEN.to_owned(), 401),
        ];
        for (value, expected) in cases {
            assert_eq!(
                status(&access, "/v1/vms", &[("authorization", &value)]),
                expected,
                "{value}"
            );
        }
        for path in ["/v1/vms", "/", "/healthz/", "/healthz/x", "//healthz", "/openapi.json2"] {
            assert_eq!(status(&access, path, &[]), 401, "{path}");
        }
        for path in OPEN_PATHS {
            assert_eq!(status(&access, path, &[]), 200, "{path}");
        }
    }

    #[test]
    fn without_a_token_only_loopback_names_and_no_web_pages() {
        let access = Access::without_token();
        for host in [
            "localhost",
            "LOCALHOST:8735",
            "127.0.0.1:8735",
            "127.1.2.3",
            "[::1]:1",
            "[::1]",
        ] {
            assert_eq!(status(&access, "/v1/vms", &[("host", host)]), 200, "{host}");
        }
        for host in [
            "rebound.example:8735",
            "127.0.0.1.example",
            "10.0.0.1",
            "localhost.example",
            "",
            "[::2]",
        ] {
            assert_eq!(status(&access, "/v1/vms", &[("host", host)]), 403, "{host}");
        }
        assert_eq!(status(&access, "/v1/vms", &[]), 403);
        let page = [("host", "localhost"), ("origin", "http://localhost:8735")];
        assert_eq!(status(&access, "/v1/vms", &page), 403);
    }

    #[test]
    fn the_first_use_creates_a_private_token_and_the_next_one_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::below(directory.path());
        let access = Access::from_token_file(None, &home).unwrap();
        let path = home.data.join(TOKEN_FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let token = std::fs::read_to_string(&path).unwrap();
        assert_eq!(token.trim().len(), 2 * TOKEN_BYTES);
        let again = Access::from_token_file(None, &home).unwrap();
        assert_eq!(access.token_digest, again.token_digest);
        assert_eq!(access.token_digest, Access::with_token(token.trim()).token_digest);
    }

    #[test]
    fn refuses_a_token_file_that_others_can_read_or_that_holds_no_token() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::below(directory.path());
        let path = directory.path().join("token");
        let read = |content: &str, mode: u32| {
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            Access::from_token_file(Some(&path), &home)
                .map(drop)
                .map_err(|error| error.to_string())
        };
        assert!(read(TOKEN, 0o600).is_ok());
        for mode in [0o640, 0o604, 0o620, 0o602] {
            assert!(read(TOKEN, mode).unwrap_err().contains("others can"), "{mode:o}");
        }
        for content in [
            "",
            "short",
            &format!("{TOKEN} {TOKEN}"),
            &"x".repeat(MAX_TOKEN_LENGTH + 1),
        ] {
            assert!(read(content, 0o600).unwrap_err().contains("does not hold a token"));
        }
        std::fs::remove_file(&path).unwrap();
        let error = Access::from_token_file(Some(&path), &home).unwrap_err();
        assert_eq!(error.kind().name(), "not-found");
        assert!(!path.exists(), "an explicit token file is never created");
    }
}
