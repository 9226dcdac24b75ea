//! Credentials for people: by what and from where, never what.

use stockade::connections::{
    CredentialConfig, KeystoneConfig, KubernetesConfig, Oauth2Config, SecretSource, TextSource,
};

/// One line about a credential.
pub(crate) fn credential(name: &str, credential: &CredentialConfig) -> String {
    let how = match credential {
        CredentialConfig::Bearer { token } => format!("bearer token from {}", source(token)),
        CredentialConfig::Basic { user, password } => format!("user `{user}`, password from {}", source(password)),
        CredentialConfig::Header { value } => format!("header from {}", source(value)),
        CredentialConfig::Oauth2(config) => format!("OAuth 2.0 token for {}", oauth2(config)),
        CredentialConfig::Keystone(config) => format!("identity token for {}", keystone(config)),
        CredentialConfig::Session { user, password } => {
            format!("session of user `{user}`, password from {}", source(password))
        }
        CredentialConfig::Kubernetes(config) => kubernetes(config),
        CredentialConfig::Query { value } => format!("query parameter from {}", source(value)),
        CredentialConfig::Sigv4 {
            access_key,
            secret_key,
            session_token,
        } => {
            let key = match access_key {
                TextSource::Text(id) => format!("`{id}`"),
                TextSource::Source(place) => format!("from {}", source(place)),
            };
            let token = session_token
                .as_ref()
                .map(|token| format!(", session token from {}", source(token)));
            let secret_key = source(secret_key);
            format!(
                "access key {key}, secret key from {secret_key}{}",
                token.unwrap_or_default()
            )
        }
        CredentialConfig::AzureSharedKey { key } => format!("account key from {}", source(key)),
        CredentialConfig::AzureSas { query } => format!("shared access signature from {}", source(query)),
    };
    format!("{name}: {how}")
}

fn source(source: &SecretSource) -> String {
    match source {
        SecretSource::Env(variable) => format!("environment variable `{variable}`"),
        SecretSource::File(path) => format!("file `{path}`"),
        SecretSource::Keyring(entry) => format!("keyring entry `{entry}`"),
        // Arguments may say more than they should.
        SecretSource::Command(words) => format!("command `{}`", words.first().map_or("", String::as_str)),
        SecretSource::Secret(name) => format!("secret `{name}` of the secrets file"),
    }
}

fn oauth2(config: &Oauth2Config) -> String {
    match config {
        Oauth2Config::ClientSecret {
            client_id,
            client_secret,
        } => {
            format!("client `{client_id}`, secret from {}", source(client_secret))
        }
        Oauth2Config::ClientAssertion {
            client_id, private_key, ..
        } => {
            format!("client `{client_id}`, key from {}", source(private_key))
        }
        Oauth2Config::JwtBearer {
            issuer, private_key, ..
        } => {
            format!("account `{issuer}`, key from {}", source(private_key))
        }
        Oauth2Config::ServiceAccount { key_file, .. } => {
            format!("the account of the key file from {}", source(key_file))
        }
        Oauth2Config::Password { user, password, .. } => format!("user `{user}`, password from {}", source(password)),
        Oauth2Config::ApiKey { key } => format!("an API key from {}", source(key)),
    }
}

fn keystone(config: &KeystoneConfig) -> String {
    match config {
        KeystoneConfig::Password { user, password, .. } => format!("user `{user}`, password from {}", source(password)),
        KeystoneConfig::ApplicationCredential { id, name, secret, .. } => {
            let which = id.as_ref().or(name.as_ref()).map_or("", String::as_str);
            format!("application credential `{which}`, secret from {}", source(secret))
        }
    }
}

fn kubernetes(config: &KubernetesConfig) -> String {
    match config {
        KubernetesConfig::Kubeconfig {
            path, context: None, ..
        } => {
            format!("Kubernetes user of the current context of `{path}`")
        }
        KubernetesConfig::Kubeconfig {
            path,
            context: Some(context),
            ..
        } => {
            format!("Kubernetes user of context `{context}` of `{path}`")
        }
        KubernetesConfig::InCluster(account) => format!("service account in `{}`", account.directory),
    }
}
