//! What an entry says. The file is another program's: what a connection does not need is passed over, and what it would have
//! to honour and cannot is refused by its name.

use std::path::Path;

use serde_json::{Map, Value};
use stockade_host::http::Secret;

use super::Cloud;
use crate::connections::config::{CredentialConfig, SecretSource, TlsConfig};
use crate::connections::credentials::config::{KeystoneConfig, KeystoneScopeConfig, SystemScope};
use crate::error::Result;

/// The id of the domain that an installation begins with.
const DEFAULT_DOMAIN_ID: &str = "default";

/// An entry, read.
pub(super) struct Entry {
    pub(super) auth_url: String,
    pub(super) region: Option<String>,
    pub(super) interface: Option<String>,
    pub(super) tls: Option<TlsConfig>,
    pub(super) proof: Proof,
}

/// What proves who the user is.
#[derive(Debug)]
pub(super) enum Proof {
    Password {
        user: String,
        domain: Option<String>,
        password: Secret,
        scope: Option<KeystoneScopeConfig>,
    },
    ApplicationCredential {
        id: Option<String>,
        name: Option<String>,
        user: Option<String>,
        domain: Option<String>,
        secret: Secret,
    },
    Token(Secret),
}

impl Proof {
    pub(super) fn into_secret(self) -> Secret {
        match self {
            Self::Password { password, .. } => password,
            Self::ApplicationCredential { secret, .. } | Self::Token(secret) => secret,
        }
    }

    pub(super) fn credential(&self, source: SecretSource) -> CredentialConfig {
        match self {
            Self::Password {
                user, domain, scope, ..
            } => CredentialConfig::Keystone(KeystoneConfig::Password {
                user: user.clone(),
                user_domain: domain.clone(),
                password: source,
                scope: scope.clone(),
            }),
            Self::ApplicationCredential {
                id, name, user, domain, ..
            } => CredentialConfig::Keystone(KeystoneConfig::ApplicationCredential {
                id: id.clone(),
                name: name.clone(),
                user: user.clone(),
                user_domain: domain.clone(),
                secret: source,
            }),
            Self::Token(_) => CredentialConfig::Header { value: source },
        }
    }
}

impl Cloud {
    /// Reads the entry.
    pub(super) fn entry(&self) -> Result<Entry> {
        let empty = Map::new();
        let auth = self.values.get("auth").and_then(Value::as_object).unwrap_or(&empty);
        let outer = |name: &str| self.text(&self.values, name);
        let inner = |name: &str| self.text(auth, name);
        for (name, why) in [
            (
                "profile",
                "it stands for settings that come with other clients: write them out",
            ),
            ("user_id", "write `username` and `user_domain_name`"),
            ("passcode", "one-time codes are nothing that a connection can keep"),
        ] {
            if outer(name)?.is_some() || inner(name)?.is_some() {
                return Err(self.invalid(&format!("its `{name}` cannot be honoured: {why}")));
            }
        }
        if let Some(name) = self.values.keys().find(|name| name.ends_with("_endpoint_override")) {
            let why = format!("its `{name}` cannot be honoured: services are where the catalogue says");
            return Err(self.invalid(&why));
        }
        if let Some(version) = outer("identity_api_version")?.filter(|version| version != "3" && version != "3.0") {
            let why = format!("its `identity_api_version` is {version}, and only 3 is spoken");
            return Err(self.invalid(&why));
        }
        let auth_url = inner("auth_url")?.ok_or_else(|| self.invalid("it has no `auth_url`"))?;
        let interface = match outer("interface")? {
            Some(interface) => Some(interface),
            None => outer("endpoint_type")?,
        };
        Ok(Entry {
            auth_url,
            region: self.region()?,
            // The format's older words: `publicURL`.
            interface: interface.map(|word| word.trim_end_matches("URL").to_owned()),
            tls: self.tls()?,
            proof: self.proof(auth)?,
        })
    }

    fn region(&self) -> Result<Option<String>> {
        if let Some(region) = self.text(&self.values, "region_name")? {
            return Ok(Some(region));
        }
        match self.values.get("regions").and_then(Value::as_array).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([Value::String(only)]) => Ok(Some(only.clone())),
            Some(_) => {
                let error = self.invalid("it has several `regions`");
                Err(error.hint("a connection is to one region: write its `region_name`, or give `-P region=REGION`"))
            }
        }
    }

    fn tls(&self) -> Result<Option<TlsConfig>> {
        let is = |name: &str, word: &str| -> Result<bool> {
            let value = self.text(&self.values, name)?;
            Ok(value.is_some_and(|value| value.eq_ignore_ascii_case(word)))
        };
        let insecure = is("verify", "false")? || is("insecure", "true")? || is("insecure", "1")?;
        let path = |name: &str| -> Result<Option<String>> {
            let Some(text) = self.text(&self.values, name)? else {
                return Ok(None);
            };
            let home = std::env::var("HOME").unwrap_or_default();
            let path = match text.strip_prefix("~/") {
                Some(rest) => Path::new(&home).join(rest),
                None => std::path::absolute(&text).unwrap_or_else(|_| text.clone().into()),
            };
            Ok(Some(path.display().to_string()))
        };
        let tls = TlsConfig {
            ca: path("cacert")?.filter(|_| !insecure),
            insecure,
            client_certificate: path("cert")?,
            client_key: path("key")?.map(SecretSource::File),
            ..TlsConfig::default()
        };
        Ok(Some(tls).filter(|tls| *tls != TlsConfig::default()))
    }

    fn proof(&self, auth: &Map<String, Value>) -> Result<Proof> {
        let text = |name: &str| self.text(auth, name);
        let kind = self.text(&self.values, "auth_type")?;
        let kind = kind.as_deref().map(|kind| kind.trim_start_matches("v3"));
        let has = |name: &str| auth.contains_key(name);
        match kind {
            Some("applicationcredential") => self.application_credential(auth),
            Some("token") => Ok(Proof::Token(self.secret(auth, "token")?)),
            None if has("application_credential_secret") => self.application_credential(auth),
            None if has("token") && !has("password") => Ok(Proof::Token(self.secret(auth, "token")?)),
            None | Some("password") => Ok(Proof::Password {
                user: text("username")?.ok_or_else(|| self.invalid("it has no `username`"))?,
                domain: self.domain(auth, "user_domain")?,
                password: self.secret(auth, "password")?,
                scope: self.scope(auth)?,
            }),
            Some(other) => {
                let error = self.invalid(&format!("its `auth_type` {other} cannot be honoured"));
                Err(error.hint("`password`, `v3applicationcredential` and `token` can"))
            }
        }
    }

    fn application_credential(&self, auth: &Map<String, Value>) -> Result<Proof> {
        let text = |name: &str| self.text(auth, name);
        let id = text("application_credential_id")?;
        // With an id, a name and a user would say the same again.
        let by_name = id.is_none();
        let given = (
            text("application_credential_name")?.filter(|_| by_name),
            text("username")?.filter(|_| by_name),
        );
        if by_name && (given.0.is_none() || given.1.is_none()) {
            let why = "it has neither `application_credential_id`, nor `application_credential_name` with `username`";
            return Err(self.invalid(why));
        }
        Ok(Proof::ApplicationCredential {
            id,
            name: given.0,
            user: given.1,
            domain: self.domain(auth, "user_domain")?.filter(|_| by_name),
            secret: self.secret(auth, "application_credential_secret")?,
        })
    }

    fn scope(&self, auth: &Map<String, Value>) -> Result<Option<KeystoneScopeConfig>> {
        let text = |name: &str| self.text(auth, name);
        if text("system_scope")?.is_some() {
            return Ok(Some(KeystoneScopeConfig::System(SystemScope::All)));
        }
        // Projects were called tenants once.
        let either = |one: &str, other: &str| -> Result<Option<String>> {
            Ok(match text(one)? {
                Some(value) => Some(value),
                None => text(other)?,
            })
        };
        if let Some(id) = either("project_id", "tenant_id")? {
            return Ok(Some(KeystoneScopeConfig::ProjectId(id)));
        }
        if let Some(name) = either("project_name", "tenant_name")? {
            let domain = self.domain(auth, "project_domain")?;
            return Ok(Some(KeystoneScopeConfig::Project { name, domain }));
        }
        if let Some(id) = text("domain_id")? {
            return Ok(Some(KeystoneScopeConfig::DomainId(id)));
        }
        Ok(text("domain_name")?.map(KeystoneScopeConfig::Domain))
    }

    /// A domain's name; none for the one that an installation begins with.
    fn domain(&self, auth: &Map<String, Value>, of: &str) -> Result<Option<String>> {
        if let Some(name) = self.text(auth, &format!("{of}_name"))? {
            return Ok(Some(name));
        }
        for key in [format!("{of}_id"), "default_domain".to_owned()] {
            match self.text(auth, &key)? {
                None => {}
                Some(id) if id == DEFAULT_DOMAIN_ID => return Ok(None),
                Some(id) => {
                    let error = self.invalid(&format!("its `{key}` is `{id}`, and domains go by their names here"));
                    return Err(error.hint(format!("write `{of}_name`")));
                }
            }
        }
        Ok(None)
    }

    /// A text that is no secret; numbers and booleans are texts too.
    fn text(&self, values: &Map<String, Value>, name: &str) -> Result<Option<String>> {
        match values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(value)) => Ok(Some(value.to_string())),
            Some(_) => Err(self.invalid(&format!("its `{name}` is no text"))),
        }
    }

    fn secret(&self, auth: &Map<String, Value>, name: &str) -> Result<Secret> {
        match auth.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(Secret::new(text.clone())),
            None | Some(Value::Null | Value::String(_)) => {
                let error = self.invalid(&format!("it has no `{name}`"));
                Err(error.hint("put it into the `secure.yaml` beside it"))
            }
            // `0123` is another number in YAML than it looks.
            Some(_) => Err(self.invalid(&format!("its `{name}` is no text: put it in quotes"))),
        }
    }
}
