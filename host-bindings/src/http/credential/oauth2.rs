//! Access tokens of an OAuth 2.0 server (RFC 6749), attached as `Authorization: Bearer` (RFC 6750).
//!
//! One request obtains a token, whatever the grant; a refresh token is used where the server gave one, and where it no
//! longer works the grant is used again. What the operator holds (client secret, key, password) goes to the token
//! endpoint alone. Authorization codes need a person with a browser: there is none here.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::fixed::{set_secret_header, spellings};
use super::jwt::SigningKey;
use super::login::{self, TokenService};
use super::session_body::form;
use super::token::{Login, Token, TokenCache};
use super::{Authenticate, CredentialError, LoginTarget, Outgoing, OwnRequests, Spelling};
use crate::http::request::Response;
use crate::http::secret::Secret;

/// How long a signed statement holds. Servers accept up to an hour, some only minutes.
const STATEMENT_LIFETIME: Duration = Duration::from_secs(300);
/// The host's clock is believed if it is this near to the server's.
const TOLERATED_SKEW_SECONDS: i64 = 30;
/// Where a refresh token is kept among a token's values.
const REFRESH: &str = "refresh_token";
/// RFC 7523, section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// RFC 7523, section 2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// What only the host sets in a token request.
const RESERVED: [&str; 11] = [
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "assertion",
    "username",
    "password",
    "refresh_token",
    "scope",
    "code",
];

/// What is asked of the token endpoint, with the connection's options filled in.
#[derive(Debug, Clone)]
pub struct Oauth2Request {
    /// Where.
    pub service: TokenService,
    /// The token endpoint's URL: the audience of signed statements.
    pub url: String,
    /// The scope; none when the server needs none.
    pub scope: Option<String>,
    /// Further parameters.
    pub parameters: Vec<(String, String)>,
}

/// What is exchanged for a token.
#[derive(Debug)]
pub enum Oauth2Grant {
    /// A client's secret, as HTTP Basic authentication.
    ClientSecretBasic {
        /// The client's id.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
    },
    /// A client's secret in the body.
    ClientSecretPost {
        /// The client's id.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
    },
    /// A statement signed by a client's key.
    ClientAssertion {
        /// The client's id.
        client_id: String,
        /// Its key.
        key: SigningKey,
    },
    /// A statement signed by a service account's key.
    JwtBearer {
        /// The account.
        issuer: String,
        /// For whom it acts; none to leave it out, as some servers want for the account itself.
        subject: Option<String>,
        /// The account's key.
        key: SigningKey,
    },
    /// A user's password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
        /// The client's id and, if it has one, its secret; none for servers that know no clients.
        client: Option<(String, Option<Secret>)>,
    },
    /// An API key under a grant of the vendor's own.
    ApiKey {
        /// The value of `grant_type`.
        grant_type: String,
        /// The parameter that carries the key.
        parameter: String,
        /// The key.
        key: Secret,
    },
}

/// A client of an OAuth 2.0 server.
#[derive(Debug)]
pub struct Oauth2 {
    exchange: Exchange,
    tokens: TokenCache,
}

#[derive(Debug)]
struct Exchange {
    request: Oauth2Request,
    grant: Oauth2Grant,
    /// What to add to the host's clock to get the server's, in seconds; 0 while they agree.
    skew: AtomicI64,
}

impl Oauth2 {
    /// A client that asks for tokens when they are needed.
    #[must_use]
    pub fn new(request: Oauth2Request, grant: Oauth2Grant) -> Self {
        let exchange = Exchange {
            request,
            grant,
            skew: AtomicI64::new(0),
        };
        Self {
            exchange,
            tokens: TokenCache::default(),
        }
    }
}

#[async_trait]
impl Authenticate for Oauth2 {
    fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION]
    }

    fn check(&self) -> Result<(), CredentialError> {
        let parameters = &self.exchange.request.parameters;
        match parameters.iter().find(|(name, _)| RESERVED.contains(&name.as_str())) {
            Some((name, _)) => Err(CredentialError::Description(format!(
                "the parameter `{name}` is the host's to set"
            ))),
            None => self.exchange.form(SystemTime::now(), None).map(drop),
        }
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, host: &dyn OwnRequests) -> Result<(), CredentialError> {
        let (token, stamp) = self.tokens.current(&self.exchange, host).await?;
        outgoing.stamp = stamp;
        let text = Zeroizing::new(format!("Bearer {}", token.value()));
        set_secret_header(outgoing.headers, AUTHORIZATION, &text)
    }

    async fn refused(&self, stamp: u64, _response_headers: &HeaderMap) -> bool {
        self.tokens.refused(stamp).await
    }

    fn login(&self) -> Option<LoginTarget> {
        Some(self.exchange.request.service.target())
    }

    fn secrets(&self) -> Vec<Spelling> {
        let mut all = self.exchange.secrets();
        all.extend(self.tokens.secrets());
        all
    }

    fn generation(&self) -> u64 {
        self.tokens.generation()
    }
}

#[async_trait]
impl Login for Exchange {
    async fn log_in(&self, previous: Option<&Token>, host: &dyn OwnRequests) -> Result<Token, CredentialError> {
        if let Some(refresh) = previous.and_then(|token| token.get(REFRESH)) {
            let response = self.ask(host, Some(refresh)).await?;
            if response.status == 200 {
                return self.read(&response, Some(refresh));
            }
        }
        let mut response = self.ask(host, None).await?;
        if response.status != 200 && self.learn_skew(&response) {
            response = self.ask(host, None).await?;
        }
        self.read(&response, None)
    }
}

impl Exchange {
    async fn ask(&self, host: &dyn OwnRequests, refresh: Option<&Secret>) -> Result<Response, CredentialError> {
        let body = self.form(self.server_now(), refresh)?;
        let service = &self.request.service;
        let headers = self.basic()?;
        service
            .post(host, "application/x-www-form-urlencoded", headers, body.as_bytes())
            .await
    }

    /// The token request's body.
    fn form(&self, now: SystemTime, refresh: Option<&Secret>) -> Result<Zeroizing<String>, CredentialError> {
        let mut fields = Fields::default();
        match refresh {
            Some(refresh) => {
                fields.add("grant_type", REFRESH);
                fields.add(REFRESH, refresh.expose());
            }
            None => self.grant_fields(&mut fields, now)?,
        }
        self.client_fields(&mut fields, now)?;
        if let Some(scope) = &self.request.scope {
            fields.add("scope", scope);
        }
        for (name, value) in &self.request.parameters {
            fields.add(name, value);
        }
        Ok(fields.form())
    }

    fn grant_fields(&self, fields: &mut Fields, now: SystemTime) -> Result<(), CredentialError> {
        match &self.grant {
            Oauth2Grant::ClientSecretBasic { .. }
            | Oauth2Grant::ClientSecretPost { .. }
            | Oauth2Grant::ClientAssertion { .. } => fields.add("grant_type", "client_credentials"),
            Oauth2Grant::JwtBearer { issuer, subject, key } => {
                fields.add("grant_type", JWT_BEARER);
                fields.add("assertion", &self.statement(key, issuer, subject.as_deref(), now)?);
            }
            Oauth2Grant::Password { user, password, .. } => {
                fields.add("grant_type", "password");
                fields.add("username", user);
                fields.add("password", password.expose());
            }
            Oauth2Grant::ApiKey {
                grant_type,
                parameter,
                key,
            } => {
                fields.add("grant_type", grant_type);
                fields.add(parameter, key.expose());
            }
        }
        Ok(())
    }

    /// What proves who the client is, where it is not a header.
    fn client_fields(&self, fields: &mut Fields, now: SystemTime) -> Result<(), CredentialError> {
        match &self.grant {
            Oauth2Grant::ClientSecretPost {
                client_id,
                client_secret,
            } => {
                fields.add("client_id", client_id);
                fields.add("client_secret", client_secret.expose());
            }
            Oauth2Grant::ClientAssertion { client_id, key } => {
                fields.add("client_id", client_id);
                fields.add("client_assertion_type", ASSERTION_TYPE);
                fields.add(
                    "client_assertion",
                    &self.statement(key, client_id, Some(client_id), now)?,
                );
            }
            Oauth2Grant::Password {
                client: Some((id, secret)),
                ..
            } => {
                fields.add("client_id", id);
                if let Some(secret) = secret {
                    fields.add("client_secret", secret.expose());
                }
            }
            Oauth2Grant::ClientSecretBasic { .. }
            | Oauth2Grant::JwtBearer { .. }
            | Oauth2Grant::Password { client: None, .. }
            | Oauth2Grant::ApiKey { .. } => {}
        }
        Ok(())
    }

    /// Claims as RFC 7523, section 3, has them; the scope is there too because some servers read it nowhere else
    /// (<https://developers.google.com/identity/protocols/oauth2/service-account#httprest>).
    fn statement(
        &self,
        key: &SigningKey,
        issuer: &str,
        subject: Option<&str>,
        now: SystemTime,
    ) -> Result<Zeroizing<String>, CredentialError> {
        let seconds = |time: SystemTime| {
            let since = time.duration_since(SystemTime::UNIX_EPOCH);
            since.map_or(0, |since| since.as_secs())
        };
        let mut claims = json!({
            "iss": issuer,
            "aud": self.request.url,
            "iat": seconds(now),
            "exp": seconds(now + STATEMENT_LIFETIME),
            "jti": URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>()),
        });
        if let Some(subject) = subject {
            claims["sub"] = Value::from(subject);
        }
        if let (Oauth2Grant::JwtBearer { .. }, Some(scope)) = (&self.grant, &self.request.scope) {
            claims["scope"] = Value::from(scope.as_str());
        }
        key.sign(&claims)
    }

    /// RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    fn basic(&self) -> Result<HeaderMap, CredentialError> {
        let mut headers = HeaderMap::new();
        if let Oauth2Grant::ClientSecretBasic {
            client_id,
            client_secret,
        } = &self.grant
        {
            let encode = |text: &str| Zeroizing::new(utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
            let pair = Zeroizing::new(format!("{}:{}", *encode(client_id), *encode(client_secret.expose())));
            let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
            set_secret_header(&mut headers, AUTHORIZATION, &text)?;
        }
        Ok(headers)
    }

    fn server_now(&self) -> SystemTime {
        let skew = self.skew.load(Ordering::Relaxed);
        let magnitude = Duration::from_secs(skew.unsigned_abs());
        let now = SystemTime::now();
        let corrected = if skew < 0 {
            now.checked_sub(magnitude)
        } else {
            now.checked_add(magnitude)
        };
        corrected.unwrap_or(now)
    }

    /// Whether a statement was refused under a clock that is not the server's. The clock is then the server's.
    fn learn_skew(&self, response: &Response) -> bool {
        let is_signed = matches!(
            self.grant,
            Oauth2Grant::ClientAssertion { .. } | Oauth2Grant::JwtBearer { .. }
        );
        let Some(server) = login::server_time(response).filter(|_| is_signed) else {
            return false;
        };
        let now = SystemTime::now();
        let skew = match server.duration_since(now) {
            Ok(ahead) => ahead.as_secs().cast_signed(),
            Err(behind) => -behind.duration().as_secs().cast_signed(),
        };
        let known = self.skew.swap(skew, Ordering::Relaxed);
        (skew - known).abs() > TOLERATED_SKEW_SECONDS
    }

    /// RFC 6749, section 5.1.
    fn read(&self, response: &Response, refresh: Option<&Secret>) -> Result<Token, CredentialError> {
        let endpoint = &self.request.service.endpoint;
        if response.status != 200 {
            let hint = "check the credential's parts, and what the server lets this client ask for";
            return Err(login::refusal(endpoint, response, hint, self.secrets()));
        }
        let unusable = |why: &str| {
            login::failed(
                endpoint,
                why,
                "check that the endpoint is an OAuth 2.0 token endpoint",
                true,
            )
        };
        let answer: TokenAnswer =
            serde_json::from_slice(&response.body).map_err(|_| unusable("the answer is no access token in JSON"))?;
        if !answer
            .token_type
            .as_deref()
            .unwrap_or("bearer")
            .eq_ignore_ascii_case("bearer")
        {
            return Err(unusable("the server gives tokens of another type than `Bearer`"));
        }
        let lifetime = answer.lifetime();
        let refused = |why| unusable(&format!("of the token in the answer: {why}"));
        let token = Token::of(lifetime)
            .with("token", answer.access_token.expose())
            .map_err(refused)?;
        // RFC 6749, section 6: without a new one the old one stays.
        match answer.refresh_token.as_ref().or(refresh) {
            Some(refresh) => token.with(REFRESH, refresh.expose()).map_err(refused),
            None => Ok(token),
        }
    }

    fn secrets(&self) -> Vec<Spelling> {
        match &self.grant {
            Oauth2Grant::ClientSecretBasic {
                client_secret: secret, ..
            }
            | Oauth2Grant::ClientSecretPost {
                client_secret: secret, ..
            }
            | Oauth2Grant::ApiKey { key: secret, .. } => spellings(secret.expose()),
            Oauth2Grant::Password { password, client, .. } => {
                let secret = client.as_ref().and_then(|(_, secret)| secret.as_ref());
                let mut all = spellings(password.expose());
                all.extend(secret.into_iter().flat_map(|secret| spellings(secret.expose())));
                all
            }
            // Keys go nowhere, only what they sign.
            Oauth2Grant::ClientAssertion { .. } | Oauth2Grant::JwtBearer { .. } => Vec::new(),
        }
    }
}

/// A token endpoint's answer.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Secret,
    token_type: Option<String>,
    /// Seconds from the answer on; a text with some servers.
    expires_in: Option<Value>,
    refresh_token: Option<Secret>,
}

impl TokenAnswer {
    fn lifetime(&self) -> Option<Duration> {
        let seconds = match self.expires_in.as_ref()? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.parse().ok()?,
            _ => return None,
        };
        Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
    }
}

/// A form's fields, wiped when they are dropped.
#[derive(Default)]
struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), Zeroizing::new(value.to_owned())));
    }

    fn form(&self) -> Zeroizing<String> {
        form(self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}
