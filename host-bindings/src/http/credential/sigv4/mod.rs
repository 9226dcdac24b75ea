//! AWS Signature Version 4, which many vendors of object storage speak, too.
//!
//! The secret key is never sent: each request carries a signature of itself, valid for some minutes around its date.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>. What is signed is what is
//! sent: the method, the path, the whole query, every header but those that proxies change, and the body:
//!
//! | body | object storage (`s3`) | other services |
//! |---|---|---|
//! | bytes | their hash | their hash |
//! | spliced, over TLS | `UNSIGNED-PAYLOAD`: TLS covers it | refused: its hash is not known before it is sent |
//! | spliced, in plain text | signed chunk by chunk (`chunks`) | refused |
//!
//! Paths need no normalisation: `decide` refuses dot segments and empty ones. A signature is not scrubbed from responses:
//! it lets nobody do more than repeat, for those minutes, the request that the provider was allowed to make.
//!
//! Written on `hmac` and `sha2` and not taken from the vendor's own crate, which brings twenty others for these pages.

mod canonical;
mod chunks;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use time::macros::format_description;
use zeroize::Zeroizing;

use self::canonical::{UNSIGNED_PAYLOAD, canonical_request, signed_path, string_to_sign};
use self::chunks::{ChunkSigner, SignedChunks, framed_length};
use super::clock::ServerClock;
use super::fixed::set_secret_header;
use super::hash::{Tag, hex, hmac_sha256, sha256_hex};
use super::query::{push_parameter, spellings_in_query};
use super::{Authenticate, CredentialError, Framing, Outgoing, OutgoingBody, OwnRequests, Spelling, spellings};
use crate::http::origin::Scheme;
use crate::http::secret::Secret;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Instead of a hash, for a body that is signed chunk by chunk.
const SIGNED_CHUNKS: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
/// The longest that a presigned URL is valid, seven days:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.
const LONGEST_PRESIGNED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The longest name of a region or a service; real ones have twenty characters.
const NAME_BYTES: usize = 64;

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");
/// What a presigned query holds; the host's alone also in requests that are signed by headers.
const PARAMETERS: [&str; 8] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// An access key. Temporary ones have a session token.
#[derive(Debug)]
pub struct AccessKey {
    /// The key's id; not secret, it is sent.
    pub id: String,
    /// The secret key; never sent.
    pub secret: Secret,
    /// The session token; sent with each request.
    pub session_token: Option<Secret>,
}

/// Signs requests for one service in one region.
#[derive(Debug)]
pub struct Sigv4 {
    key: AccessKey,
    service: String,
    region: String,
    clock: ServerClock,
}

/// A moment as signatures write it: `20130524T000000Z`.
struct Moment(String);

impl Moment {
    fn date(&self) -> &str {
        self.0.get(..8).unwrap_or_default()
    }
}

impl Sigv4 {
    /// Signs by `key` for `service` in `region`, by their signing names.
    #[must_use]
    pub fn new(key: AccessKey, service: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            key,
            service: service.into(),
            region: region.into(),
            clock: ServerClock::default(),
        }
    }

    /// Whether the service is object storage, which takes other forms of paths and bodies:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
    fn is_object_storage(&self) -> bool {
        self.service == "s3" || self.service == "s3express" || self.service.starts_with("s3-")
    }

    fn moment(&self, host: SystemTime) -> (Moment, u64) {
        let (now, generation) = self.clock.now(host);
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        // Years beyond 9999 have no such form; a host with such a clock gets refusals.
        (Moment(now.format(&format).unwrap_or_default()), generation)
    }

    fn scope(&self, moment: &Moment) -> String {
        format!("{}/{}/{}/aws4_request", moment.date(), self.region, self.service)
    }

    /// The key that signs for one day, region and service.
    fn signing_key(&self, moment: &Moment) -> Tag {
        let first = Zeroizing::new(format!("AWS4{}", self.key.secret.expose()));
        let mut key = hmac_sha256(first.as_bytes(), moment.date().as_bytes());
        for part in [&*self.region, &*self.service, "aws4_request"] {
            key = hmac_sha256(&*key, part.as_bytes());
        }
        key
    }

    /// Sets what tells the server how the body is signed. Answers it.
    fn sign_body(&self, outgoing: &mut Outgoing<'_>) -> Result<String, CredentialError> {
        let hash = match outgoing.body {
            OutgoingBody::Bytes(bytes) => sha256_hex(bytes),
            OutgoingBody::Spliced(Some(0)) => sha256_hex(&[]),
            OutgoingBody::Spliced(_) if !self.is_object_storage() => {
                return Err(CredentialError::Body(
                    "its signature covers the body, which is spliced and not known yet; send it as bytes",
                ));
            }
            OutgoingBody::Spliced(None) => {
                return Err(CredentialError::Body(
                    "the length of its body must be known before it is sent",
                ));
            }
            OutgoingBody::Spliced(Some(_)) if outgoing.origin.scheme == Scheme::Https => UNSIGNED_PAYLOAD.to_owned(),
            OutgoingBody::Spliced(Some(length)) => {
                announce_chunks(outgoing.headers, length)?;
                SIGNED_CHUNKS.to_owned()
            }
        };
        if self.is_object_storage() {
            outgoing.headers.insert(CONTENT_SHA256, plain(&hash)?);
        }
        Ok(hash)
    }

    /// Signs a request by its headers. Answers the signature.
    fn sign(&self, outgoing: &mut Outgoing<'_>, moment: &Moment) -> Result<String, CredentialError> {
        *outgoing.path = signed_path(outgoing.path);
        outgoing.headers.insert(DATE, plain(&moment.0)?);
        if let Some(token) = &self.key.session_token {
            set_secret_header(outgoing.headers, SECURITY_TOKEN, token.expose())?;
        }
        let hash = self.sign_body(outgoing)?;
        let key = self.signing_key(moment);
        let (request, names) = canonical_request(outgoing, outgoing.headers, !self.is_object_storage(), &hash);
        let scope = self.scope(moment);
        let text = string_to_sign(&moment.0, &scope, &request);
        let signature = hex(&*hmac_sha256(&*key, text.as_bytes()));
        let id = &self.key.id;
        let value = format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        set_secret_header(outgoing.headers, AUTHORIZATION, &value)?;
        if let (SIGNED_CHUNKS, OutgoingBody::Spliced(Some(length))) = (&*hash, outgoing.body) {
            let seed = signature.clone();
            let signer = ChunkSigner::new(key, moment.0.clone(), scope, seed);
            outgoing.framing = Some(Framing {
                length: framed_length(length),
                frame: Box::new(move |reader| Box::pin(SignedChunks::new(reader, length, signer))),
            });
        }
        Ok(signature)
    }

    fn presign_at(&self, outgoing: &mut Outgoing<'_>, moment: &Moment, valid: Duration) -> Duration {
        let valid = valid.min(LONGEST_PRESIGNED);
        *outgoing.path = signed_path(outgoing.path);
        let scope = self.scope(moment);
        let query = &mut *outgoing.query;
        push_parameter(query, "X-Amz-Algorithm", ALGORITHM);
        push_parameter(query, "X-Amz-Credential", &format!("{}/{scope}", self.key.id));
        push_parameter(query, "X-Amz-Date", &moment.0);
        push_parameter(query, "X-Amz-Expires", &valid.as_secs().to_string());
        if let Some(token) = &self.key.session_token {
            push_parameter(query, "X-Amz-Security-Token", token.expose());
        }
        push_parameter(query, "X-Amz-SignedHeaders", "host");
        let hash = match self.is_object_storage() {
            true => UNSIGNED_PAYLOAD.to_owned(),
            false => sha256_hex(&[]),
        };
        let (request, _) = canonical_request(outgoing, &HeaderMap::new(), !self.is_object_storage(), &hash);
        let text = string_to_sign(&moment.0, &scope, &request);
        let signature = hex(&*hmac_sha256(&*self.signing_key(moment), text.as_bytes()));
        push_parameter(outgoing.query, "X-Amz-Signature", &signature);
        valid
    }
}

#[async_trait]
impl Authenticate for Sigv4 {
    fn headers(&self) -> Vec<HeaderName> {
        vec![
            AUTHORIZATION,
            DATE,
            SECURITY_TOKEN,
            CONTENT_SHA256,
            DECODED_LENGTH,
            TRAILER,
        ]
    }

    fn query_parameters(&self) -> Vec<String> {
        PARAMETERS.map(str::to_owned).into()
    }

    fn check(&self) -> Result<(), CredentialError> {
        for (part, text) in [("region", &self.region), ("service", &self.service)] {
            check_name(part, text)?;
        }
        let id = &self.key.id;
        if id.is_empty() || id.contains(['/', ',', '=']) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialError::Part {
                part: "access key id",
                text: id.escape_debug().to_string(),
                expected: "printable ASCII without `/`, `,` and `=`",
            });
        }
        if self.key.secret.expose().is_empty() {
            return Err(CredentialError::Value);
        }
        match &self.key.session_token {
            Some(token) if token.expose().is_empty() => Err(CredentialError::Value),
            Some(token) => set_secret_header(&mut HeaderMap::new(), SECURITY_TOKEN, token.expose()),
            None => Ok(()),
        }
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, _host: &dyn OwnRequests) -> Result<(), CredentialError> {
        let (moment, generation) = self.moment(outgoing.now);
        outgoing.stamp = generation;
        self.sign(outgoing, &moment).map(drop)
    }

    /// A wrong date is answered by 403, as everything that is not allowed.
    fn refuses_with(&self, status: StatusCode) -> bool {
        matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    async fn refused(&self, stamp: u64, response_headers: &HeaderMap) -> bool {
        self.clock.learn(SystemTime::now(), stamp, response_headers)
    }

    fn secrets(&self) -> Vec<Spelling> {
        // The secret key is not sent, but the server has it, too.
        let mut all = spellings(self.key.secret.expose());
        if let Some(token) = &self.key.session_token {
            all.extend(spellings_in_query(token.expose()));
        }
        all
    }

    fn presign(&self, outgoing: &mut Outgoing<'_>, valid: Duration) -> Result<Duration, CredentialError> {
        let (moment, _) = self.moment(outgoing.now);
        Ok(self.presign_at(outgoing, &moment, valid))
    }
}

/// Announces a body that is sent in signed chunks.
fn announce_chunks(headers: &mut HeaderMap, length: u64) -> Result<(), CredentialError> {
    let coding = match headers.get(CONTENT_ENCODING) {
        None => HeaderValue::from_static("aws-chunked"),
        Some(own) => {
            HeaderValue::from_bytes(&[b"aws-chunked,", own.as_bytes()].concat()).map_err(|_| CredentialError::Value)?
        }
    };
    headers.insert(CONTENT_ENCODING, coding);
    headers.insert(DECODED_LENGTH, HeaderValue::from(length));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(framed_length(length)));
    Ok(())
}

/// A region's or a service's name becomes part of what is signed, between slashes, and comes from a connection's option.
fn check_name(part: &'static str, text: &str) -> Result<(), CredentialError> {
    let sound = (1..=NAME_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-');
    match sound {
        true => Ok(()),
        false => Err(CredentialError::Part {
            part,
            text: text.escape_debug().to_string(),
            expected: "made of lower-case letters, digits and inner hyphens",
        }),
    }
}

fn plain(text: &str) -> Result<HeaderValue, CredentialError> {
    HeaderValue::from_str(text).map_err(|_| CredentialError::Value)
}
