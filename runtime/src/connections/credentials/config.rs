//! How the credentials that log in are written in a connection's file. Unknown keys are errors.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::connections::config::SecretSource;

/// An OAuth 2.0 client, by what it exchanges for a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "grant", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Oauth2Config {
    /// A client's secret.
    ClientSecret {
        /// The client's id.
        client_id: String,
        /// Where its secret is.
        client_secret: SecretSource,
    },
    /// A statement signed by a client's key.
    ClientAssertion {
        /// The client's id.
        client_id: String,
        /// Where its private key is, in PEM; a certificate beside it is named by its thumbprint.
        private_key: SecretSource,
        /// The key's name at the server; none when the server needs none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_id: Option<String>,
    },
    /// A statement signed by a service account's key.
    JwtBearer {
        /// The account.
        issuer: String,
        /// For whom it acts; none for itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// Where its private key is, in PEM.
        private_key: SecretSource,
        /// The key's name at the server; none when the server needs none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_id: Option<String>,
    },
    /// The same, from a key file in JSON as clouds hand them out.
    ServiceAccount {
        /// Where the key file is.
        key_file: SecretSource,
        /// For whom it acts; none for itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
    },
    /// A user's password.
    Password {
        /// The user.
        user: String,
        /// Where the password is.
        password: SecretSource,
        /// The client's id; none where the server knows no clients.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
        /// Where the client's secret is; none when it has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_secret: Option<SecretSource>,
    },
    /// An API key.
    ApiKey {
        /// Where the key is.
        key: SecretSource,
    },
}

/// A user or an application credential of an OpenStack identity service. Names of users and projects are looked up in
/// the domain `Default` unless another is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "method", rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeystoneConfig {
    /// A user with a password.
    Password {
        /// The user's name.
        user: String,
        /// The domain of that name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_domain: Option<String>,
        /// Where the password is.
        password: SecretSource,
        /// What tokens are for; none for the user's default project.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<KeystoneScopeConfig>,
    },
    /// An application credential, by id, or by name and user.
    ApplicationCredential {
        /// Its id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Whose it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// The domain of that user's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_domain: Option<String>,
        /// Where its secret is.
        secret: SecretSource,
    },
}

/// What tokens are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeystoneScopeConfig {
    /// A project, by name.
    Project {
        /// Its name.
        name: String,
        /// The domain of that name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<String>,
    },
    /// A project, by id.
    ProjectId(String),
    /// A domain, by name.
    Domain(String),
    /// A domain, by id.
    DomainId(String),
    /// The whole system: `system = "all"`.
    System(SystemScope),
    /// Nothing but asking for other tokens: `"unscoped"`.
    Unscoped,
}

/// How much of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SystemScope {
    /// All of it.
    All,
}

/// A Kubernetes user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum KubernetesConfig {
    /// The user of a kubeconfig file.
    Kubeconfig {
        /// The file. Others must not be able to read it.
        path: String,
        /// The context; none for the file's current one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<String>,
        /// Absolute paths of the plugins that the file may have run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exec_allow: Vec<String>,
    },
    /// The service account of the pod that this runs in.
    InCluster(InCluster),
}

/// Where the pod's service account is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InCluster {
    /// The directory that holds `token` and `ca.crt`.
    #[serde(default = "service_account_directory")]
    pub directory: String,
}

/// <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>.
fn service_account_directory() -> String {
    "/var/run/secrets/kubernetes.io/serviceaccount".to_owned()
}
