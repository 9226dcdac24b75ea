//! Azure Storage's shared key, for blobs, queues and files.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>. The account's key is never sent: each
//! request carries a signature of its method, path, query, some headers and the length of its body, but not of the body.
//! Tables take another form, which is not made here.
//!
//! From the key the host also signs URLs for others, as a service SAS of one blob:
//! <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>. Such a signature covers a blob and what may
//! be done to it, not a request. So only those requests have one that mean nothing beside their path: to read, write or
//! delete a blob.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, DATE, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use time::OffsetDateTime;
use time::macros::format_description;
use zeroize::Zeroizing;

use super::azure_sas::PARAMETERS;
use super::clock::ServerClock;
use super::fixed::set_secret_header;
use super::hash::hmac_sha256;
use super::query::push_parameter;
use super::{Authenticate, CredentialError, Outgoing, OutgoingBody, OwnRequests, Spelling, spellings};
use crate::http::origin::{Host, Origin, Scheme};
use crate::http::secret::Secret;

/// The service version where the provider names none. Signatures of URLs have this form from 2020-12-06 on:
/// <https://learn.microsoft.com/rest/api/storageservices/create-service-sas#version-2020-12-06-and-later>.
const VERSION: &str = "2022-11-02";
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-ms-version");
const DATE_HEADER: HeaderName = HeaderName::from_static("x-ms-date");
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
/// An account's name: <https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-name>.
const ACCOUNT_BYTES: std::ops::RangeInclusive<usize> = 3..=24;

/// Signs requests by an account's key.
#[derive(Debug)]
pub struct AzureSharedKey {
    account: String,
    key: Secret,
    clock: ServerClock,
}

impl AzureSharedKey {
    /// Signs for `account` by its key, in base64 as the vendor shows it.
    #[must_use]
    pub fn new(account: impl Into<String>, key: Secret) -> Self {
        Self {
            account: account.into(),
            key,
            clock: ServerClock::default(),
        }
    }

    /// HMAC-SHA-256 of a text under the key, in base64.
    fn signature(&self, text: &str) -> Result<String, CredentialError> {
        let form = CredentialError::Form("an account key in base64");
        let key = STANDARD.decode(self.key.expose()).map_err(|_| form.clone())?;
        let key = Zeroizing::new(key);
        match key.is_empty() {
            true => Err(form),
            false => Ok(STANDARD.encode(*hmac_sha256(&key, text.as_bytes()))),
        }
    }

    fn sign(&self, outgoing: &mut Outgoing<'_>, now: OffsetDateTime) -> Result<(), CredentialError> {
        let format =
            format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
        let date = now.format(&format).map_err(|_| CredentialError::Value)?;
        let date = HeaderValue::from_str(&date).map_err(|_| CredentialError::Value)?;
        outgoing.headers.insert(DATE_HEADER, date);
        outgoing
            .headers
            .entry(VERSION_HEADER)
            .or_insert(HeaderValue::from_static(VERSION));
        let signature = self.signature(&self.string_to_sign(outgoing)?)?;
        let value = format!("SharedKey {}:{signature}", self.account);
        set_secret_header(outgoing.headers, AUTHORIZATION, &value)
    }

    fn string_to_sign(&self, outgoing: &Outgoing<'_>) -> Result<String, CredentialError> {
        let length = match outgoing.body {
            OutgoingBody::Bytes(bytes) => bytes.len() as u64,
            OutgoingBody::Spliced(Some(length)) => length,
            OutgoingBody::Spliced(None) => {
                return Err(CredentialError::Body(
                    "the length of its body must be known before it is sent",
                ));
            }
        };
        let header = |name: HeaderName| joined(outgoing.headers, &name);
        let lines = [
            outgoing.method.to_string(),
            header(CONTENT_ENCODING)?,
            header(CONTENT_LANGUAGE)?,
            // Empty for none since version 2015-02-21.
            if length == 0 { String::new() } else { length.to_string() },
            header(CONTENT_MD5)?,
            header(CONTENT_TYPE)?,
            // The date is in `x-ms-date`, which comes before `date`; the provider's own `date` is signed all the same.
            header(DATE)?,
            header(IF_MODIFIED_SINCE)?,
            header(IF_MATCH)?,
            header(IF_NONE_MATCH)?,
            header(IF_UNMODIFIED_SINCE)?,
            header(RANGE)?,
        ];
        let mut text = lines.join("\n");
        text.push('\n');
        text.push_str(&vendors_headers(outgoing.headers)?);
        text.push_str(&self.resource(outgoing.path, outgoing.query)?);
        Ok(text)
    }

    /// The canonicalised resource: the account, the encoded path, and the decoded query by sorted lower-case names.
    fn resource(&self, path: &str, query: &str) -> Result<String, CredentialError> {
        let mut text = format!("/{}{path}", self.account);
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.push((decoded(name)?.to_lowercase(), decoded(value)?));
        }
        parameters.sort();
        for (index, (name, value)) in parameters.iter().enumerate() {
            match index.checked_sub(1).map(|before| &parameters[before].0) {
                Some(before) if before == name => text.push(','),
                _ => text.push_str(&format!("\n{name}:")),
            }
            text.push_str(value);
        }
        Ok(text)
    }

    /// The container and the blob that a request is about, and no more than that.
    fn blob(&self, origin: &Origin, path: &str, query: &str) -> Result<String, CredentialError> {
        let path = match &origin.host {
            Host::Name(name) if name.starts_with(&format!("{}.blob.", self.account)) => Some(path),
            // Where the account has no name of its own it is the first segment: emulators, appliances.
            Host::Address(_) => path
                .strip_prefix(&format!("/{}", self.account))
                .filter(|rest| rest.starts_with('/')),
            Host::Name(_) => None,
        };
        let path = path.ok_or(CredentialError::Presign("the origin is not the account's for blobs"))?;
        let is_blob = path[1..].split_once('/').is_some_and(|(_, blob)| !blob.is_empty());
        match is_blob && query.is_empty() {
            true => decoded(path),
            false => Err(CredentialError::Presign(
                "only one blob can be handed out, without a query",
            )),
        }
    }

    fn presign_at(
        &self,
        outgoing: &mut Outgoing<'_>,
        now: OffsetDateTime,
        valid: Duration,
    ) -> Result<(), CredentialError> {
        let permission = match *outgoing.method {
            Method::GET | Method::HEAD => "r",
            Method::PUT => "cw",
            Method::DELETE => "d",
            _ => {
                return Err(CredentialError::Presign(
                    "only GET, HEAD, PUT and DELETE can be handed out",
                ));
            }
        };
        let blob = self.blob(outgoing.origin, outgoing.path, outgoing.query)?;
        let resource = format!("/blob/{}{blob}", self.account);
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        let end = now.checked_add(time::Duration::try_from(valid).unwrap_or(time::Duration::MAX));
        let end = end.and_then(|end| end.format(&format).ok());
        let end = end.ok_or(CredentialError::Presign("it would be valid for too long"))?;
        let protocol = match outgoing.origin.scheme {
            Scheme::Https => "https",
            Scheme::Http => "https,http",
        };
        // Permission, start, end, resource, policy, addresses, protocol, version, kind, snapshot, encryption scope, and
        // five response headers.
        let text = [
            permission, "", &end, &resource, "", "", protocol, VERSION, "b", "", "", "", "", "", "", "",
        ];
        let signature = self.signature(&text.join("\n"))?;
        for (name, value) in [
            ("sv", VERSION),
            ("spr", protocol),
            ("se", &end),
            ("sr", "b"),
            ("sp", permission),
            ("sig", &signature),
        ] {
            push_parameter(outgoing.query, name, value);
        }
        Ok(())
    }
}

#[async_trait]
impl Authenticate for AzureSharedKey {
    fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION, DATE_HEADER]
    }

    /// Those of a shared access signature, which the server would take instead.
    fn query_parameters(&self) -> Vec<String> {
        PARAMETERS.map(str::to_owned).into()
    }

    fn check(&self) -> Result<(), CredentialError> {
        let account = &self.account;
        let sound = ACCOUNT_BYTES.contains(&account.len())
            && account.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        if !sound {
            return Err(CredentialError::Part {
                part: "account",
                text: account.escape_debug().to_string(),
                expected: "made of 3 to 24 lower-case letters and digits",
            });
        }
        self.signature("").map(drop)
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, _host: &dyn OwnRequests) -> Result<(), CredentialError> {
        let (now, generation) = self.clock.now(outgoing.now);
        outgoing.stamp = generation;
        self.sign(outgoing, now)
    }

    /// A wrong date is answered by 403, as everything that is not allowed.
    fn refuses_with(&self, status: StatusCode) -> bool {
        matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    async fn refused(&self, stamp: u64, response_headers: &HeaderMap) -> bool {
        self.clock.learn(SystemTime::now(), stamp, response_headers)
    }

    /// The key is not sent, but the vendor's other services tell it to whoever manages the account.
    fn secrets(&self) -> Vec<Spelling> {
        spellings(self.key.expose())
    }

    fn presign(&self, outgoing: &mut Outgoing<'_>, valid: Duration) -> Result<Duration, CredentialError> {
        let (now, _) = self.clock.now(outgoing.now);
        self.presign_at(outgoing, now, valid)?;
        Ok(valid)
    }
}

/// The canonicalised headers: those that begin with `x-ms-`, sorted.
fn vendors_headers(headers: &HeaderMap) -> Result<String, CredentialError> {
    let mut names: Vec<&HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-ms-"))
        .collect();
    names.sort_unstable_by_key(|name| name.as_str());
    let line = |name: &HeaderName| Ok(format!("{name}:{}\n", joined(headers, name)?));
    names.into_iter().map(line).collect()
}

/// A header's values, joined by commas; empty for none.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Result<String, CredentialError> {
    let values: Result<Vec<&str>, _> = headers
        .get_all(name)
        .iter()
        .map(|value| std::str::from_utf8(value.as_bytes()).map(str::trim))
        .collect();
    values
        .map(|values| values.join(","))
        .map_err(|_| CredentialError::Body("a header that is signed is not UTF-8"))
}

fn decoded(text: &str) -> Result<String, CredentialError> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(String::from)
        .map_err(|_| CredentialError::Body("its path or query is not UTF-8"))
}

#[cfg(test)]
#[path = "azure_shared_key_tests.rs"]
mod tests;
