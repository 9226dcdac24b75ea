//! The kinds that obtain tokens: what the provider says about the login, and what the operator gives for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use stockade_host::contract::{self, CredentialKind};
use stockade_host::http::{
    Credential, Keystone, KeystoneIdentity, KeystoneNamed, KeystoneScope, Oauth2, Oauth2Grant, Oauth2Request, Origin,
    Secret, Session, SessionBody, SessionHeader, SessionLogin, SessionPlace, SigningKey, Template, TokenService,
};

use super::Recipe;
use super::config::{KeystoneConfig, KeystoneScopeConfig, Oauth2Config};
use super::source::Sources;
use crate::connections::config::SecretSource;
use crate::error::Result;

/// The domain that an installation begins with.
const DEFAULT_DOMAIN: &str = "Default";

/// A client of an OAuth 2.0 server.
pub(super) fn oauth2(recipe: &Recipe, sources: &Sources<'_>, config: &Oauth2Config) -> Result<Credential> {
    let asked = recipe.accepted("oauth2", |kind| match kind {
        CredentialKind::Oauth2(asked) => Some(asked),
        _ => None,
    })?;
    let service = service(recipe, &asked.service)?;
    let Some(origin) = recipe.origins.get(&service.endpoint) else {
        return Err(recipe.invalid(format_args!(
            "obtains tokens at `{}`, which is no endpoint with an origin",
            service.endpoint
        )));
    };
    let mut request = Oauth2Request {
        url: service.url(origin),
        scope: asked
            .scope
            .as_ref()
            .map(|scope| fill(recipe, &recipe.options, scope))
            .transpose()?,
        parameters: asked
            .parameters
            .iter()
            .map(|(name, value)| Ok((name.clone(), fill(recipe, &recipe.options, value)?)))
            .collect::<Result<_>>()?,
        service,
    };
    if let Oauth2Config::ServiceAccount { key_file, subject } = config {
        accept(recipe, asked, &[&contract::Oauth2Grant::JwtBearer])?;
        let file = KeyFile::read(recipe, sources, key_file, origin)?;
        let grant = file.grant(recipe, subject.clone())?;
        request.url = file.token_uri;
        return Ok(Arc::new(Oauth2::new(request, grant)));
    }
    let grant = grant(recipe, sources, asked, config)?;
    Ok(Arc::new(Oauth2::new(request, grant)))
}

fn grant(
    recipe: &Recipe,
    sources: &Sources<'_>,
    asked: &contract::Oauth2,
    config: &Oauth2Config,
) -> Result<Oauth2Grant> {
    use contract::Oauth2Grant as Asked;
    let key = |source: &SecretSource, key_id: &Option<String>| {
        let pem = sources.read(source)?;
        SigningKey::from_pem(pem.expose(), key_id.clone()).map_err(|error| recipe.unusable(&error))
    };
    Ok(match config {
        Oauth2Config::ClientSecret {
            client_id,
            client_secret,
        } => {
            let how = accept(recipe, asked, &[&Asked::ClientSecretBasic, &Asked::ClientSecretPost])?;
            let (client_id, client_secret) = (client_id.clone(), sources.read(client_secret)?);
            match how {
                Asked::ClientSecretPost => Oauth2Grant::ClientSecretPost {
                    client_id,
                    client_secret,
                },
                _ => Oauth2Grant::ClientSecretBasic {
                    client_id,
                    client_secret,
                },
            }
        }
        Oauth2Config::ClientAssertion {
            client_id,
            private_key,
            key_id,
        } => {
            accept(recipe, asked, &[&Asked::ClientAssertion])?;
            Oauth2Grant::ClientAssertion {
                client_id: client_id.clone(),
                key: key(private_key, key_id)?,
            }
        }
        Oauth2Config::JwtBearer {
            issuer,
            subject,
            private_key,
            key_id,
        } => {
            accept(recipe, asked, &[&Asked::JwtBearer])?;
            Oauth2Grant::JwtBearer {
                issuer: issuer.clone(),
                subject: Some(subject.as_ref().unwrap_or(issuer).clone()),
                key: key(private_key, key_id)?,
            }
        }
        Oauth2Config::Password {
            user,
            password,
            client_id,
            client_secret,
        } => {
            accept(recipe, asked, &[&Asked::Password])?;
            let secret = client_secret.as_ref().map(|source| sources.read(source)).transpose()?;
            if client_id.is_none() && secret.is_some() {
                return Err(recipe.invalid("has a `client_secret` without a `client_id`"));
            }
            Oauth2Grant::Password {
                user: user.clone(),
                password: sources.read(password)?,
                client: client_id.clone().map(|id| (id, secret)),
            }
        }
        Oauth2Config::ApiKey { key } => {
            let api_key = asked.grants.iter().find_map(|grant| match grant {
                Asked::ApiKey(api_key) => Some(api_key),
                _ => None,
            });
            let api_key = api_key.ok_or_else(|| refused_grant(recipe, asked))?;
            Oauth2Grant::ApiKey {
                grant_type: api_key.grant_type.clone(),
                parameter: api_key.parameter.clone(),
                key: sources.read(key)?,
            }
        }
        Oauth2Config::ServiceAccount { .. } => return Err(refused_grant(recipe, asked)),
    })
}

/// The first of the provider's grants that is one of these.
fn accept<'a>(
    recipe: &Recipe,
    asked: &'a contract::Oauth2,
    fits: &[&contract::Oauth2Grant],
) -> Result<&'a contract::Oauth2Grant> {
    let fitting = asked.grants.iter().find(|grant| fits.contains(grant));
    fitting.ok_or_else(|| refused_grant(recipe, asked))
}

fn refused_grant(recipe: &Recipe, asked: &contract::Oauth2) -> crate::error::Error {
    let names: Vec<_> = asked.grants.iter().map(grant_name).collect();
    recipe
        .invalid("cannot use that grant")
        .hint(format!("the provider accepts: {}", names.join(", ")))
}

/// How a grant is written in a connection's file.
fn grant_name(grant: &contract::Oauth2Grant) -> &'static str {
    match grant {
        contract::Oauth2Grant::ClientSecretBasic | contract::Oauth2Grant::ClientSecretPost => "client-secret",
        contract::Oauth2Grant::ClientAssertion => "client-assertion",
        contract::Oauth2Grant::JwtBearer => "jwt-bearer or service-account",
        contract::Oauth2Grant::Password => "password",
        contract::Oauth2Grant::ApiKey(_) => "api-key",
    }
}

/// A service account's key file: <https://google.aip.dev/auth/4112>.
#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key: Secret,
    private_key_id: Option<String>,
    token_uri: String,
}

impl KeyFile {
    /// Reads one for the token endpoint of this origin.
    fn read(recipe: &Recipe, sources: &Sources<'_>, source: &SecretSource, origin: &Origin) -> Result<Self> {
        let text = sources.read(source)?;
        // The parser's own message could show a part of the key.
        let file: Self = serde_json::from_str(text.expose()).map_err(|_| {
            recipe.invalid("has a key file that is no JSON with `client_email`, `private_key` and `token_uri`")
        })?;
        let named = file
            .token_uri
            .split('/')
            .take(3)
            .collect::<Vec<_>>()
            .join("/")
            .parse::<Origin>();
        if named.as_ref() != Ok(origin) {
            let why = format_args!(
                "has a key file for the token endpoint `{}`, not for one at `{origin}`",
                file.token_uri
            );
            return Err(recipe
                .invalid(why)
                .hint("use the key file of an account of that vendor"));
        }
        Ok(file)
    }

    fn grant(&self, recipe: &Recipe, subject: Option<String>) -> Result<Oauth2Grant> {
        let key = SigningKey::from_pem(self.private_key.expose(), self.private_key_id.clone());
        Ok(Oauth2Grant::JwtBearer {
            issuer: self.client_email.clone(),
            subject,
            key: key.map_err(|error| recipe.unusable(&error))?,
        })
    }
}

/// A client of an identity service.
pub(super) fn keystone(recipe: &Recipe, sources: &Sources<'_>, config: &KeystoneConfig) -> Result<Credential> {
    let asked = recipe.accepted("keystone", |kind| match kind {
        CredentialKind::Keystone(asked) => Some(asked),
        _ => None,
    })?;
    let identity = match config {
        KeystoneConfig::Password {
            user,
            user_domain,
            password,
            scope,
        } => KeystoneIdentity::Password {
            user: named(user, user_domain.as_ref()),
            password: sources.read(password)?,
            scope: scope.as_ref().map_or(KeystoneScope::Default, keystone_scope),
        },
        KeystoneConfig::ApplicationCredential {
            id,
            name,
            user,
            user_domain,
            secret,
        } => {
            let (credential, user) = match (id, name, user) {
                (Some(id), None, None) => (KeystoneNamed::Id(id.clone()), None),
                (None, Some(name), Some(user)) => {
                    let name = KeystoneNamed::Name {
                        name: name.clone(),
                        domain: None,
                    };
                    (name, Some(named(user, user_domain.as_ref())))
                }
                _ => return Err(recipe.invalid("needs either `id`, or `name` and `user`")),
            };
            let secret = sources.read(secret)?;
            KeystoneIdentity::ApplicationCredential {
                credential,
                user,
                secret,
            }
        }
    };
    Ok(Arc::new(Keystone::new(service(recipe, asked)?, identity)))
}

fn named(name: &str, domain: Option<&String>) -> KeystoneNamed {
    KeystoneNamed::Name {
        name: name.to_owned(),
        domain: Some(domain.map_or(DEFAULT_DOMAIN, String::as_str).to_owned()),
    }
}

fn keystone_scope(scope: &KeystoneScopeConfig) -> KeystoneScope {
    match scope {
        KeystoneScopeConfig::Project { name, domain } => KeystoneScope::Project(named(name, domain.as_ref())),
        KeystoneScopeConfig::ProjectId(id) => KeystoneScope::Project(KeystoneNamed::Id(id.clone())),
        KeystoneScopeConfig::Domain(name) => KeystoneScope::Domain(KeystoneNamed::Name {
            name: name.clone(),
            domain: None,
        }),
        KeystoneScopeConfig::DomainId(id) => KeystoneScope::Domain(KeystoneNamed::Id(id.clone())),
        KeystoneScopeConfig::System(_) => KeystoneScope::System,
        KeystoneScopeConfig::Unscoped => KeystoneScope::Unscoped,
    }
}

/// A login that the provider describes.
pub(super) fn session(
    recipe: &Recipe,
    sources: &Sources<'_>,
    user: &str,
    password: &SecretSource,
) -> Result<Credential> {
    let asked = recipe.accepted("session", |kind| match kind {
        CredentialKind::Session(asked) => Some(asked),
        _ => None,
    })?;
    let wrong_name = |name: &str| recipe.invalid(format_args!("wants `{name}`, which is not a header name"));
    let headers = asked.headers.iter().map(|(name, value)| {
        let parsed = name.parse().map_err(|_| wrong_name(name))?;
        Ok((parsed, Template::parse(value)))
    });
    let gives = asked.gives.iter().map(|give| {
        Ok(SessionHeader {
            name: give.name.parse().map_err(|_| wrong_name(&give.name))?,
            value: Template::parse(&give.value),
            changes_only: give.changes_only,
        })
    });
    let body = match &asked.body {
        contract::SessionBody::Empty => Ok(SessionBody::Empty),
        contract::SessionBody::Form(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), Template::parse(value)));
            Ok(SessionBody::Form(fields.collect()))
        }
        contract::SessionBody::Json(text) => SessionBody::json(text),
        contract::SessionBody::Xml(text) => SessionBody::xml(text),
    };
    let takes = asked.takes.iter().map(|take| {
        let place = match &take.place {
            contract::SessionPlace::Header(name) => SessionPlace::Header(name.clone()),
            contract::SessionPlace::Cookie(name) => SessionPlace::Cookie(name.clone()),
            contract::SessionPlace::Json(pointer) => SessionPlace::Json(pointer.clone()),
        };
        (take.name.clone(), place)
    });
    let login = SessionLogin {
        endpoint: asked.endpoint.clone(),
        method: asked.method.clone(),
        path: segments(recipe, &asked.path)?,
        headers: headers.collect::<Result<_>>()?,
        basic: asked.basic,
        body: body.map_err(|error| recipe.unusable(&error))?,
        takes: takes.collect(),
        gives: gives.collect::<Result<_>>()?,
        lifetime: asked
            .lifetime_seconds
            .map(|seconds| Duration::from_secs(seconds.into())),
        options: recipe.options.clone(),
    };
    Ok(Arc::new(Session::new(login, user.to_owned(), sources.read(password)?)))
}

fn service(recipe: &Recipe, asked: &contract::TokenService) -> Result<TokenService> {
    Ok(TokenService {
        endpoint: asked.endpoint.clone(),
        path: segments(recipe, &asked.path)?,
    })
}

/// A path's segments. A value fills its segment and cannot begin another; secret options have no place, since paths are logged.
/// A segment that is only a place, and whose value is empty, is left out: some servers are below a segment of the operator's,
/// others at the root.
fn segments(recipe: &Recipe, path: &str) -> Result<Vec<String>> {
    let rest = path
        .strip_prefix('/')
        .ok_or_else(|| recipe.invalid(format_args!("logs in at `{path}`, which is no path")))?;
    let filled = rest
        .split('/')
        .map(|segment| Ok((segment, fill(recipe, &recipe.open_options, segment)?)));
    filled
        .filter(|filled| !matches!(filled, Ok((asked, value)) if value.is_empty() && !asked.is_empty()))
        .map(|filled| filled.map(|(_, value)| value))
        .collect()
}

fn fill(recipe: &Recipe, options: &BTreeMap<String, String>, text: &str) -> Result<String> {
    let value = |name: &str| options.get(name).map(String::as_str);
    let filled = Template::parse(text)
        .fill(value)
        .map_err(|error| recipe.unusable(&error))?;
    Ok(filled.to_string())
}
