//! A session that the host logs into as the provider describes: for vendors with a login of their own.
//!
//! The description is the provider's, so it is hostile until the operator agreed: it says where the password is written.
//! The host keeps the password out of what is logged (paths, queries), lets no value leave its place (`session_body`),
//! needs the login's request to be asked for and granted, and blots out the password and the session in every response.
//! It cannot know what a server does with a field: a provider could have the password stored as some name and read it
//! back encoded. Whoever reviews a provider sees the login in full.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use zeroize::Zeroizing;

use super::fixed::set_secret_header;
use super::session_body::SessionBody;
use super::template::Template;
use super::token::{Login, Token, TokenCache};
use super::{Authenticate, Basic, CredentialError, LoginTarget, Outgoing, OwnRequests, Spelling, login};
use crate::http::headers::is_hosts_own;
use crate::http::request::{Request, Response};
use crate::http::secret::Secret;
use crate::http::segment;

/// The places of the user and the password, which are no options.
const USER: &str = "user";
const PASSWORD: &str = "password";

/// A login as the provider describes it, with the connection's options at hand.
#[derive(Clone)]
pub struct SessionLogin {
    /// The endpoint that it goes to.
    pub endpoint: String,
    /// The method.
    pub method: String,
    /// The path's segments, unencoded, with the options filled in.
    pub path: Vec<String>,
    /// Headers: names and values.
    pub headers: Vec<(HeaderName, Template)>,
    /// Whether it carries user and password as HTTP Basic authentication.
    pub basic: bool,
    /// The body.
    pub body: SessionBody,
    /// What is taken from the answer, by name.
    pub takes: Vec<(String, SessionPlace)>,
    /// What requests carry.
    pub gives: Vec<SessionHeader>,
    /// How long a session lasts; none when only a refusal tells.
    pub lifetime: Option<Duration>,
    /// The connection's options, for templates.
    pub options: BTreeMap<String, String>,
}

impl fmt::Debug for SessionLogin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Options may be secret, and a path may have one.
        formatter
            .debug_struct("SessionLogin")
            .field("endpoint", &self.endpoint)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// Where a value stands in a login's answer.
#[derive(Debug, Clone)]
pub enum SessionPlace {
    /// In the header of this name.
    Header(String),
    /// In the cookie of this name.
    Cookie(String),
    /// In the body's JSON at this pointer (RFC 6901).
    Json(String),
}

/// A header that requests carry.
#[derive(Debug, Clone)]
pub struct SessionHeader {
    /// Its name. Several of the name `cookie` become one header.
    pub name: HeaderName,
    /// Its value, with places for what was taken and for options.
    pub value: Template,
    /// Whether only requests that change something carry it.
    pub changes_only: bool,
}

/// A session of one user.
#[derive(Debug)]
pub struct Session {
    attempt: Attempt,
    tokens: TokenCache,
}

/// What a login is made of.
#[derive(Debug)]
struct Attempt {
    login: SessionLogin,
    user: String,
    password: Secret,
}

impl Session {
    /// A session that is opened when it is needed.
    #[must_use]
    pub fn new(login: SessionLogin, user: String, password: Secret) -> Self {
        Self {
            attempt: Attempt { login, user, password },
            tokens: TokenCache::default(),
        }
    }
}

#[async_trait]
impl Authenticate for Session {
    fn headers(&self) -> Vec<HeaderName> {
        self.attempt.login.gives.iter().map(|give| give.name.clone()).collect()
    }

    fn check(&self) -> Result<(), CredentialError> {
        let attempt = &self.attempt;
        attempt.body()?;
        attempt.login_headers()?;
        // Any value of what will be taken shows whether what is given can be.
        let mut sample = Token::of(None);
        for (name, _) in &attempt.login.takes {
            sample = sample
                .with(name, "x")
                .map_err(|why| CredentialError::Description(why.to_owned()))?;
        }
        attempt.login.give(&sample, true, &mut HeaderMap::new())
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, host: &dyn OwnRequests) -> Result<(), CredentialError> {
        let (token, stamp) = self.tokens.current(&self.attempt, host).await?;
        outgoing.stamp = stamp;
        self.attempt.login.give(&token, outgoing.changes, outgoing.headers)
    }

    async fn refused(&self, stamp: u64, _response_headers: &HeaderMap) -> bool {
        self.tokens.refused(stamp).await
    }

    fn login(&self) -> Option<LoginTarget> {
        // SOAP has one path for everything.
        let is_own_path = !matches!(self.attempt.login.body, SessionBody::Xml(_));
        is_own_path.then(|| LoginTarget {
            endpoint: self.attempt.login.endpoint.clone(),
            method: self.attempt.login.method.clone(),
            path: segment::encode_path(&self.attempt.login.path),
        })
    }

    fn secrets(&self) -> Vec<Spelling> {
        let mut all = self.attempt.secrets();
        all.extend(self.tokens.secrets());
        all
    }

    fn generation(&self) -> u64 {
        self.tokens.generation()
    }
}

impl SessionLogin {
    /// Sets what requests carry.
    fn give(&self, token: &Token, changes: bool, headers: &mut HeaderMap) -> Result<(), CredentialError> {
        let value = |name: &str| {
            let taken = token.get(name).map(Secret::expose);
            taken.or_else(|| self.options.get(name).map(String::as_str))
        };
        let mut cookies = Zeroizing::new(String::new());
        for give in self.gives.iter().filter(|give| changes || !give.changes_only) {
            let text = give.value.fill(value)?;
            if give.name == COOKIE {
                let separator = if cookies.is_empty() { "" } else { "; " };
                cookies.push_str(separator);
                cookies.push_str(&text);
            } else {
                set_secret_header(headers, give.name.clone(), &text)?;
            }
        }
        if cookies.is_empty() {
            return Ok(());
        }
        set_secret_header(headers, COOKIE, &cookies)
    }
}

impl Attempt {
    fn value(&self, name: &str) -> Option<&str> {
        match name {
            USER => Some(&self.user),
            PASSWORD => Some(self.password.expose()),
            option => self.login.options.get(option).map(String::as_str),
        }
    }

    fn body(&self) -> Result<Zeroizing<String>, CredentialError> {
        self.login.body.fill(&|name: &str| self.value(name))
    }

    /// The login's headers: those that can be decided about, and those that hold a secret.
    fn login_headers(&self) -> Result<(Vec<(String, String)>, HeaderMap), CredentialError> {
        let (mut open, mut secret) = (Vec::new(), HeaderMap::new());
        if let Some(content_type) = self.login.body.content_type()
            && !self.login.headers.iter().any(|(name, _)| name == CONTENT_TYPE)
        {
            open.push((CONTENT_TYPE.to_string(), content_type.to_owned()));
        }
        for (name, template) in &self.login.headers {
            if is_hosts_own(name) {
                return Err(CredentialError::Header(name.clone()));
            }
            let text = template.fill(|name| self.value(name))?;
            HeaderValue::from_str(&text).map_err(|_| CredentialError::Value)?;
            if template.places().any(|place| place == PASSWORD) {
                set_secret_header(&mut secret, name.clone(), &text)?;
            } else {
                open.push((name.to_string(), text.to_string()));
            }
        }
        if self.login.basic {
            if self.user.contains(':') {
                return Err(CredentialError::User(self.user.clone()));
            }
            let pair = Zeroizing::new(format!("{}:{}", self.user, self.password.expose()));
            let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
            set_secret_header(&mut secret, AUTHORIZATION, &text)?;
        }
        Ok((open, secret))
    }

    fn secrets(&self) -> Vec<Spelling> {
        let basic = Basic {
            user: self.user.clone(),
            password: self.password.clone(),
        };
        basic.secrets()
    }

    fn take(&self, response: &Response) -> Result<Token, CredentialError> {
        let login = &self.login;
        let mut token = Token::of(login.lifetime);
        let unexpected = |name: &str, why: &str| {
            let hint = "check that the endpoint is of the kind and version that the provider expects";
            login::failed(&login.endpoint, format!("of `{name}` in the answer: {why}"), hint, true)
        };
        for (name, place) in &login.takes {
            let value = take(response, place).ok_or_else(|| unexpected(name, "it is missing"))?;
            token = token.with(name, &value).map_err(|why| unexpected(name, why))?;
            if value.contains(';') {
                return Err(unexpected(name, "it has a semicolon, which would end a cookie"));
            }
        }
        Ok(token)
    }
}

#[async_trait]
impl Login for Attempt {
    async fn log_in(&self, _previous: Option<&Token>, host: &dyn OwnRequests) -> Result<Token, CredentialError> {
        let (headers, secret) = self.login_headers()?;
        let request = Request {
            endpoint: self.login.endpoint.clone(),
            method: self.login.method.clone(),
            path: self.login.path.clone(),
            headers,
            ..Request::default()
        };
        let body = Bytes::copy_from_slice(self.body()?.as_bytes());
        let response = login::send(host, request, secret, body).await?;
        if !(200..300).contains(&response.status) {
            let hint = "check the user and the password, and whether the account is locked";
            return Err(login::refusal(&self.login.endpoint, &response, hint, self.secrets()));
        }
        self.take(&response)
    }
}

/// A value of an answer.
fn take(response: &Response, place: &SessionPlace) -> Option<Zeroizing<String>> {
    match place {
        SessionPlace::Header(name) => login::header(response, name).map(|value| Zeroizing::new(value.to_owned())),
        SessionPlace::Cookie(name) => cookie(response, name),
        SessionPlace::Json(pointer) => {
            let body: Value = serde_json::from_slice(&response.body).ok()?;
            let text = body.pointer(pointer)?.as_str()?;
            Some(Zeroizing::new(text.to_owned()))
        }
    }
}

/// A cookie's value as it has to be sent back: RFC 6265, section 5.2. Its attributes do not matter: it goes to the origins that
/// are granted this credential, and nowhere else.
fn cookie(response: &Response, name: &str) -> Option<Zeroizing<String>> {
    let set = response
        .headers
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case("set-cookie"));
    // Of several the last holds: browsers replace the earlier ones.
    set.rev()
        .filter_map(|(_, value)| value.split(';').next()?.split_once('='))
        .find(|(known, _)| known.trim() == name)
        .map(|(_, value)| Zeroizing::new(value.trim().to_owned()))
}
