//! Tokens of the OpenStack identity service, version 3, attached as `X-Auth-Token`.
//!
//! <https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management>: a JSON document names who asks and
//! for what scope; the answer's header `X-Subject-Token` is the token, its body says when it expires. The provider finds
//! the service catalogue with requests of its own.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;
use zeroize::Zeroizing;

use super::fixed::{set_secret_header, spellings};
use super::login::{self, TokenService};
use super::token::{Login, Token, TokenCache};
use super::{Authenticate, CredentialError, LoginTarget, Outgoing, OwnRequests, Spelling};
use crate::http::request::Response;
use crate::http::secret::Secret;

/// Carries the token in requests.
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-auth-token");

/// Something that has an id, or a name within a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeystoneNamed {
    /// By id.
    Id(String),
    /// By name, in the domain of this name; none where there is no domain around it.
    Name {
        /// The name.
        name: String,
        /// The domain's name.
        domain: Option<String>,
    },
}

/// Who asks for tokens.
#[derive(Debug)]
pub enum KeystoneIdentity {
    /// A user with a password.
    Password {
        /// The user.
        user: KeystoneNamed,
        /// The password.
        password: Secret,
        /// What the token is for.
        scope: KeystoneScope,
    },
    /// An application credential, which has its scope.
    ApplicationCredential {
        /// Its id, or its name.
        credential: KeystoneNamed,
        /// Whose it is, if it is given by name.
        user: Option<KeystoneNamed>,
        /// Its secret.
        secret: Secret,
    },
}

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeystoneScope {
    /// The user's default project, if there is one.
    Default,
    /// Nothing but asking for other tokens.
    Unscoped,
    /// A project.
    Project(KeystoneNamed),
    /// A domain.
    Domain(KeystoneNamed),
    /// The whole system.
    System,
}

/// A client of the identity service.
#[derive(Debug)]
pub struct Keystone {
    request: TokenRequest,
    tokens: TokenCache,
}

#[derive(Debug)]
struct TokenRequest {
    service: TokenService,
    identity: KeystoneIdentity,
}

impl Keystone {
    /// A client that asks for tokens when they are needed.
    #[must_use]
    pub fn new(service: TokenService, identity: KeystoneIdentity) -> Self {
        Self {
            request: TokenRequest { service, identity },
            tokens: TokenCache::default(),
        }
    }
}

#[async_trait]
impl Authenticate for Keystone {
    fn headers(&self) -> Vec<HeaderName> {
        vec![TOKEN_HEADER]
    }

    fn check(&self) -> Result<(), CredentialError> {
        match self.request.identity.secret().expose() {
            "" => Err(CredentialError::Value),
            _ => Ok(()),
        }
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, host: &dyn OwnRequests) -> Result<(), CredentialError> {
        let (token, stamp) = self.tokens.current(&self.request, host).await?;
        outgoing.stamp = stamp;
        set_secret_header(outgoing.headers, TOKEN_HEADER, token.value())
    }

    async fn refused(&self, stamp: u64, _response_headers: &HeaderMap) -> bool {
        self.tokens.refused(stamp).await
    }

    fn login(&self) -> Option<LoginTarget> {
        Some(self.request.service.target())
    }

    fn secrets(&self) -> Vec<Spelling> {
        let mut all = spellings(self.request.identity.secret().expose());
        all.extend(self.tokens.secrets());
        all
    }

    fn generation(&self) -> u64 {
        self.tokens.generation()
    }
}

#[async_trait]
impl Login for TokenRequest {
    async fn log_in(&self, _previous: Option<&Token>, host: &dyn OwnRequests) -> Result<Token, CredentialError> {
        let body = Zeroizing::new(self.identity.document().to_string());
        let endpoint = &self.service.endpoint;
        let response = self
            .service
            .post(host, "application/json", HeaderMap::new(), body.as_bytes())
            .await?;
        if response.status != 201 {
            let hint = "check the user, the password or secret, the domains and the scope";
            let sent = spellings(self.identity.secret().expose());
            return Err(login::refusal(endpoint, &response, hint, sent));
        }
        let unusable = |why: &str| {
            let why = format!("of the header `X-Subject-Token` in the answer: {why}");
            login::failed(
                endpoint,
                why,
                "check that the endpoint is an identity service, version 3",
                true,
            )
        };
        let token = login::header(&response, "x-subject-token").ok_or_else(|| unusable("it is missing"))?;
        Token::new(token, lifetime(&response)).map_err(unusable)
    }
}

impl KeystoneIdentity {
    fn secret(&self) -> &Secret {
        match self {
            Self::Password { password, .. } => password,
            Self::ApplicationCredential { secret, .. } => secret,
        }
    }

    /// The document that asks for a token.
    fn document(&self) -> Value {
        match self {
            Self::Password { user, password, scope } => {
                let mut user = user.document();
                user["password"] = Value::from(password.expose());
                let mut auth = json!({ "identity": { "methods": ["password"], "password": { "user": user } } });
                if let Some(scope) = scope.document() {
                    auth["scope"] = scope;
                }
                json!({ "auth": auth })
            }
            Self::ApplicationCredential {
                credential,
                user,
                secret,
            } => {
                let mut credential = credential.document();
                credential["secret"] = Value::from(secret.expose());
                if let Some(user) = user {
                    credential["user"] = user.document();
                }
                let methods = ["application_credential"];
                json!({ "auth": { "identity": { "methods": methods, "application_credential": credential } } })
            }
        }
    }
}

impl KeystoneNamed {
    fn document(&self) -> Value {
        match self {
            Self::Id(id) => json!({ "id": id }),
            Self::Name { name, domain: None } => json!({ "name": name }),
            Self::Name {
                name,
                domain: Some(domain),
            } => json!({ "name": name, "domain": { "name": domain } }),
        }
    }
}

impl KeystoneScope {
    fn document(&self) -> Option<Value> {
        match self {
            Self::Default => None,
            Self::Unscoped => Some(Value::from("unscoped")),
            Self::Project(project) => Some(json!({ "project": project.document() })),
            Self::Domain(domain) => Some(json!({ "domain": domain.document() })),
            Self::System => Some(json!({ "system": { "all": true } })),
        }
    }
}

/// How long the token lasts: the answer says a date by the server's clock, and what that clock shows.
fn lifetime(response: &Response) -> Option<Duration> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let expires = body.pointer("/token/expires_at")?.as_str()?;
    let expires: SystemTime = OffsetDateTime::parse(expires, &Iso8601::DEFAULT).ok()?.into();
    let now = login::server_time(response).unwrap_or_else(SystemTime::now);
    Some(expires.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn each_identity_and_scope_has_its_document() {
        let named = |name: &str| KeystoneNamed::Name {
            name: name.into(),
            domain: Some("Default".into()),
        };
        let password = |scope| KeystoneIdentity::Password {
            user: named("me"),
            password: Secret::new("a\"}b"),
            scope,
        };
        let user = json!({ "name": "me", "domain": { "name": "Default" }, "password": "a\"}b" });
        let identity = json!({ "methods": ["password"], "password": { "user": user } });
        let cases = [
            (KeystoneScope::Default, json!({ "identity": identity })),
            (
                KeystoneScope::Unscoped,
                json!({ "identity": identity, "scope": "unscoped" }),
            ),
            (
                KeystoneScope::Project(named("lab")),
                json!({ "identity": identity, "scope": { "project": { "name": "lab", "domain": { "name": "Default" } } } }),
            ),
            (
                KeystoneScope::Domain(KeystoneNamed::Id("d".into())),
                json!({ "identity": identity, "scope": { "domain": { "id": "d" } } }),
            ),
            (
                KeystoneScope::System,
                json!({ "identity": identity, "scope": { "system": { "all": true } } }),
            ),
        ];
        for (scope, auth) in cases {
            assert_eq!(password(scope).document(), json!({ "auth": auth }));
        }
        let application = KeystoneIdentity::ApplicationCredential {
            credential: KeystoneNamed::Name {
                name: "robot".into(),
                domain: None,
            },
            user: Some(KeystoneNamed::Id("u".into())),
            secret: Secret::new("s"),
        };
        let credential = json!({ "name": "robot", "secret": "s", "user": { "id": "u" } });
        assert_eq!(
            application.document(),
            json!({ "auth": { "identity": { "methods": ["application_credential"], "application_credential": credential } } })
        );
    }

    #[test]
    fn an_expiry_counts_by_the_servers_clock() {
        let answer = |date: Option<&str>| Response {
            status: 201,
            headers: date
                .map(|date| ("date".to_owned(), date.to_owned()))
                .into_iter()
                .collect(),
            body: Bytes::from_static(br#"{"token": {"expires_at": "1994-11-06T09:49:37.000000Z"}}"#),
        };
        let hour = Duration::from_secs(3_600);
        assert_eq!(lifetime(&answer(Some("Sun, 06 Nov 1994 08:49:37 GMT"))), Some(hour));
        assert_eq!(lifetime(&answer(None)), Some(Duration::ZERO));
    }
}
