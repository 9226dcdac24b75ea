//! Fetches an image: a file of this machine, or one of a server, from the places that the operator named.

use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use percent_encoding::percent_decode_str;
use tokio::io::AsyncWriteExt as _;

use crate::blobs::Blob;
use crate::call::Call;
use crate::component::Function;
use crate::contract::{Ability, Error, ErrorKind, UpstreamFault};
use crate::http::limits::SPLICED_BYTES;
use crate::http::{
    CallBudget, CallScope, Denial, Exchange, Fault, Observer, Origin, Request, RequestBody, Response, ResponseSink,
};
use crate::limits::Room;

use super::image_sources::ImageSources;
use super::names::printable;

/// Redirects that are followed, each only to a place that the operator named (RFC 9110, section 15.4, wants a limit).
const REDIRECTS_MAX: usize = 5;

/// Whose requests they are, for the log.
const IMPORT_IMAGE: Function = Function {
    ability: Ability::Images,
    name: "import-image",
};

/// Fetches what a URL names.
///
/// # Errors
/// `invalid-argument` for what is no URL; `denied` for a place that the operator did not name; `not-found`, `unavailable`,
/// `timed-out` or `upstream` when it cannot be had.
pub(super) async fn fetch(sources: &ImageSources, call: &Call, url: &str) -> Result<Blob, Error> {
    if let Some(path) = url.strip_prefix("file://") {
        return open_file(sources, path).await;
    }
    let mut location = Location::parse(url)?;
    for _ in 0..=REDIRECTS_MAX {
        match get(sources, call, &location).await? {
            Answer::Content(blob) => return Ok(blob),
            Answer::Elsewhere(next) => location = location.follow(&next)?,
        }
    }
    let message = format!("`{}` leads from redirect to redirect", printable(url));
    Err(upstream(None, message))
}

async fn open_file(sources: &ImageSources, path: &str) -> Result<Blob, Error> {
    // A host in a `file:` URL is this one (RFC 8089, section 2).
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let path = super::names::check_path("url", &decode(path)?)?;
    let (directory, rest) = sources.directory_of(Path::new(&path))?;
    let (directory, rest) = (directory.to_owned(), rest.to_owned());
    let opened = tokio::task::spawn_blocking(move || {
        // A symbolic link cannot lead out of the directory, and opening a pipe does not wait for its other end.
        let directory = Dir::open_ambient_dir(directory, ambient_authority())?;
        let mut options = OpenOptions::new();
        cap_std::fs::OpenOptionsExt::custom_flags(options.read(true), libc::O_NONBLOCK);
        let file = directory.open_with(rest, &options)?;
        let is_file = file.metadata()?.is_file();
        Ok::<_, std::io::Error>(is_file.then(|| file.into_std()))
    });
    match opened.await {
        Ok(Ok(Some(file))) => Ok(Blob::from_file(file)),
        Ok(Ok(None)) => Err(Error::invalid_argument("url", format!("`{path}` is not a file"))),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::not_found("file", &path)),
        Ok(Err(error)) => Err(Error::invalid_argument(
            "url",
            format!("`{path}` cannot be read: {error}"),
        )),
        Err(panic) => Err(Error::internal(format!("opening a file ended abnormally: {panic}"))),
    }
}

/// Where a file is on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Location {
    origin: Origin,
    /// Path and query as they are written.
    target: String,
}

impl Location {
    fn parse(url: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| {
            let message = format!(
                "`{}` {reason}: write `https://host/path` or `file:///path`",
                printable(url)
            );
            Error::invalid_argument("url", message)
        };
        let after_scheme = url.find("://").map(|at| at + 3).ok_or_else(|| refuse("is no URL"))?;
        let rest = url.get(after_scheme..).unwrap_or_default();
        let end = rest.find(['/', '?', '#']).map_or(url.len(), |at| after_scheme + at);
        let (origin, target) = url.split_at(end);
        if origin.contains('@') {
            return Err(refuse("carries a password, which would be logged"));
        }
        let origin = origin.parse().map_err(|_| refuse("names no server"))?;
        let target = target.split('#').next().unwrap_or_default().to_owned();
        Ok(Self { origin, target })
    }

    /// Where a redirect leads (RFC 9110, section 10.2.2).
    fn follow(&self, location: &str) -> Result<Self, Error> {
        if location.contains("://") {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.origin.scheme));
        }
        let target = if location.starts_with('/') {
            location.to_owned()
        } else {
            let path = self.target.split('?').next().unwrap_or_default();
            let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
            format!("{directory}/{location}")
        };
        Ok(Self {
            origin: self.origin.clone(),
            target,
        })
    }

    fn request(&self, endpoint: String) -> Result<Request, Error> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let path = path.strip_prefix('/').unwrap_or(path);
        let segments = path.split('/').filter(|_| !path.is_empty());
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        Ok(Request {
            endpoint,
            origin: Some(self.origin.to_string()),
            method: "GET".to_owned(),
            path: segments.map(decode).collect::<Result<_, _>>()?,
            query: pairs.collect::<Result<_, Error>>()?,
            headers: Vec::new(),
            timeout: None,
        })
    }
}

fn decode(text: &str) -> Result<String, Error> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Error::invalid_argument("url", format!("`{}` is not UTF-8", printable(text))))
}

enum Answer {
    Content(Blob),
    Elsewhere(String),
}

async fn get(sources: &ImageSources, call: &Call, location: &Location) -> Result<Answer, Error> {
    let (endpoint, client) = sources.endpoint(&location.origin)?;
    let request = location.request(endpoint)?;
    let blob = Blob::scratch(Room::new(SPLICED_BYTES)).map_err(|error| {
        let message = format!("the image cannot be kept while it is fetched: {error}; set TMPDIR to a place with room");
        Error::new(ErrorKind::QuotaExceeded(Some("temporary space".to_owned())), message)
    })?;
    let budget = CallBudget::new(client.limits());
    let observer = Auditing(call);
    let scope = CallScope {
        budget: &budget,
        observer: &observer,
    };
    call.reporter
        .progress(None, &format!("fetching from {}", location.origin));
    let mut writer = blob.writer();
    let body = RequestBody::Bytes(bytes::Bytes::new());
    let response = client
        .send(&request, body, ResponseSink::Splice(&mut writer), scope)
        .await;
    let response = response.map_err(|fault| failed(&fault, location))?;
    if let Err(error) = writer.flush().await {
        return Err(Error::internal(format!("the fetched image cannot be kept: {error}")));
    }
    judge(&response, blob, location)
}

fn judge(response: &Response, blob: Blob, location: &Location) -> Result<Answer, Error> {
    let server = &location.origin;
    let code = response.status;
    match code {
        200 => Ok(Answer::Content(blob)),
        301 | 302 | 303 | 307 | 308 => {
            let next = response.headers.iter().find(|(name, _)| name == "location");
            let next =
                next.ok_or_else(|| upstream(Some(code), format!("`{server}` redirects without saying where")))?;
            Ok(Answer::Elsewhere(next.1.clone()))
        }
        404 | 410 => Err(Error::not_found("file", &format!("{server}{}", location.target))),
        401 | 403 => {
            let message = format!(
                "`{server}` does not give the image to everybody (HTTP {code}): fetch it yourself and upload it"
            );
            Err(Error::new(ErrorKind::Denied, message))
        }
        429 | 502..=504 => Err(Error::new(
            ErrorKind::Unavailable,
            format!("`{server}` cannot give the image now (HTTP {code}): try again later"),
        )),
        code => Err(upstream(
            Some(code),
            format!("`{server}` answered HTTP {code} instead of the image"),
        )),
    }
}

fn upstream(status: Option<u16>, message: String) -> Error {
    Error::new(ErrorKind::Upstream(UpstreamFault { status, code: None }), message)
}

fn failed(fault: &Fault, location: &Location) -> Error {
    let kind = match fault {
        Fault::Denied => ErrorKind::Denied,
        Fault::Timeout => ErrorKind::TimedOut,
        Fault::Dns | Fault::Connect | Fault::RateLimited(_) => ErrorKind::Unavailable,
        Fault::TooLarge => ErrorKind::QuotaExceeded(Some("size of an image".to_owned())),
        Fault::Credential(_) | Fault::Tls(_) | Fault::Protocol(_) => ErrorKind::Upstream(UpstreamFault {
            status: None,
            code: None,
        }),
    };
    let hint = match fault {
        Fault::Denied => {
            "; its address may not be dialled unless the connection's option `image_addresses` names its network"
        }
        Fault::TooLarge => "; bring it into the pool by hand",
        _ => "",
    };
    Error::new(
        kind,
        format!("the image cannot be fetched from `{}`: {fault}{hint}", location.origin),
    )
}

/// Passes a call's requests on to whoever keeps its log.
struct Auditing<'a>(&'a Call);

impl Observer for Auditing<'_> {
    fn exchange(&self, exchange: &Exchange) {
        self.0.auditor.exchange(IMPORT_IMAGE, exchange);
    }

    fn denied(&self, denial: &Denial) {
        self.0.auditor.denied(IMPORT_IMAGE, denial);
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
