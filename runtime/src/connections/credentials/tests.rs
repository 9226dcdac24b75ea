//! From configuration to credentials: what is accepted, what is refused and how, and rotation.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use stockade_host::contract::{self, OptionValue, TokenService};
use stockade_host::http::{Authenticate, TlsProfile};

use super::*;

/// Makes a credential as a connection does.
pub(super) fn resolve(
    request: &CredentialRequest,
    config: &CredentialConfig,
    options: &[OptionEntry],
) -> Result<Credential> {
    let texts: BTreeMap<String, String> = options
        .iter()
        .filter_map(|option| Some((option.name.clone(), option_text(options, &option.name)?)))
        .collect();
    let recipe = Recipe {
        home: Home::below(Path::new("/nonexistent")),
        endpoint: "api".into(),
        request: request.clone(),
        config: config.clone(),
        options: texts.clone(),
        open_options: texts,
        origins: [("identity".to_owned(), "https://identity.example".parse().unwrap())].into(),
    };
    recipe.make().map(|(credential, _)| credential)
}

pub(super) fn request(kinds: Vec<CredentialKind>) -> CredentialRequest {
    CredentialRequest {
        name: "api".into(),
        kinds,
        required: true,
        reason: "to be let in".into(),
    }
}

/// A private file with this content.
pub(super) fn kept(content: &str) -> (tempfile::NamedTempFile, SecretSource) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let source = SecretSource::File(file.path().display().to_string());
    (file, source)
}

fn service() -> TokenService {
    TokenService {
        endpoint: "identity".into(),
        path: "/{tenant}/token".into(),
    }
}

fn oauth2(grants: Vec<contract::Oauth2Grant>) -> CredentialKind {
    CredentialKind::Oauth2(contract::Oauth2 {
        service: service(),
        scope: Some("{tenant}/.default".into()),
        parameters: Vec::new(),
        grants,
    })
}

fn session(body: contract::SessionBody, path: &str) -> CredentialKind {
    CredentialKind::Session(contract::Session {
        endpoint: "identity".into(),
        method: "POST".into(),
        path: path.into(),
        headers: Vec::new(),
        basic: false,
        body,
        takes: Vec::new(),
        gives: Vec::new(),
        lifetime_seconds: None,
    })
}

fn tenant() -> Vec<OptionEntry> {
    vec![OptionEntry {
        name: "tenant".into(),
        value: OptionValue::Text("lab".into()),
    }]
}

#[test]
fn each_kind_is_made_of_its_file_and_never_shows_its_secret() {
    let (_file, source) = kept("canary-secret");
    let SecretSource::File(path) = &source else { panic!() };
    let json = contract::SessionBody::Json(r#"{"u": "{user}", "p": "{password}"}"#.into());
    let api_key = contract::Oauth2Grant::ApiKey(contract::ApiKeyGrant {
        grant_type: "urn:x".into(),
        parameter: "apikey".into(),
    });
    let secret_post = contract::Oauth2Grant::ClientSecretPost;
    for (kind, text, login) in [
        (CredentialKind::Bearer, "kind = 'bearer'\ntoken = SOURCE", None),
        (
            oauth2(vec![secret_post]),
            "kind = 'oauth2'\ngrant = 'client-secret'\nclient_id = 'c'\nclient_secret = SOURCE",
            Some("/lab/token"),
        ),
        (
            oauth2(vec![api_key]),
            "kind = 'oauth2'\ngrant = 'api-key'\nkey = SOURCE",
            Some("/lab/token"),
        ),
        (
            oauth2(vec![contract::Oauth2Grant::Password]),
            "kind = 'oauth2'\ngrant = 'password'\nuser = 'u'\npassword = SOURCE",
            Some("/lab/token"),
        ),
        (
            CredentialKind::Keystone(service()),
            "kind = 'keystone'\nmethod = 'password'\nuser = 'u'\npassword = SOURCE\nscope = { project = { name = 'p' } }",
            Some("/lab/token"),
        ),
        (
            CredentialKind::Keystone(service()),
            "kind = 'keystone'\nmethod = 'application-credential'\nid = 'i'\nsecret = SOURCE",
            Some("/lab/token"),
        ),
        (
            session(json, "/login"),
            "kind = 'session'\nuser = 'u'\npassword = SOURCE",
            Some("/login"),
        ),
    ] {
        let text = text.replace("SOURCE", &format!("{{ file = '{path}' }}"));
        let config: CredentialConfig = toml::from_str(&text).unwrap();
        assert_eq!(
            toml::from_str::<CredentialConfig>(&toml::to_string(&config).unwrap()).unwrap(),
            config
        );
        let credential = resolve(&request(vec![kind]), &config, &tenant()).unwrap();
        assert_eq!(credential.check(), Ok(()), "{text}");
        assert_eq!(credential.login().map(|login| login.path).as_deref(), login, "{text}");
        let knows = credential
            .secrets()
            .iter()
            .any(|spelling| spelling.as_slice() == b"canary-secret");
        assert!(knows, "{text}");
        assert!(!format!("{credential:?}").contains("canary"), "{credential:?}");
        let unwanted = resolve(&request(vec![CredentialKind::Header("x".into())]), &config, &tenant());
        assert_eq!(
            unwanted.unwrap_err().hints(),
            ["the provider accepts: header"],
            "{text}"
        );
        assert!(
            toml::from_str::<CredentialConfig>(&format!("{text}\nunknown = 1")).is_err(),
            "{text}"
        );
    }
}

#[test]
fn a_segment_of_the_login_whose_option_is_empty_is_left_out_and_no_other() {
    let (_file, password) = kept("canary-secret");
    let config = CredentialConfig::Session {
        user: "u".into(),
        password,
    };
    let login = |path: &str, tenant: &str| {
        let options = [OptionEntry {
            name: "tenant".into(),
            value: OptionValue::Text(tenant.into()),
        }];
        let kind = session(contract::SessionBody::Empty, path);
        let credential = resolve(&request(vec![kind]), &config, &options).unwrap();
        credential.login().unwrap().path
    };
    assert_eq!(login("/{tenant}/v3/auth", "identity"), "/identity/v3/auth");
    assert_eq!(login("/{tenant}/v3/auth", ""), "/v3/auth");
    assert_eq!(login("/v3/{tenant}/auth", ""), "/v3/auth");
    assert_eq!(login("/v3/auth/{tenant}", ""), "/v3/auth");
    // What the provider itself wrote stays: a final slash, and a segment that is more than the option.
    assert_eq!(login("/v3/auth/", ""), "/v3/auth/");
    assert_eq!(login("/t-{tenant}/auth", ""), "/t-/auth");
    // A value fills its segment and begins no other.
    assert_eq!(login("/{tenant}/auth", "a/b"), "/a%2Fb/auth");
}

#[test]
fn what_a_provider_describes_wrongly_makes_no_credential() {
    let (_file, password) = kept("canary-secret");
    let config = CredentialConfig::Session {
        user: "u".into(),
        password,
    };
    let empty = || contract::SessionBody::Empty;
    for (kind, expected) in [
        (session(empty(), "/vm/{password}"), "`{password}` stands for nothing"),
        (session(empty(), "/vm/{absent}"), "`{absent}` stands for nothing"),
        (session(empty(), "login"), "which is no path"),
        (session(contract::SessionBody::Json("{".into()), "/login"), "no JSON"),
        (
            session(contract::SessionBody::Xml("<a><!--{password}--></a>".into()), "/login"),
            "comments",
        ),
    ] {
        let error = resolve(&request(vec![kind]), &config, &tenant())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected) && !error.contains("canary"), "{error}");
    }
}

#[test]
fn a_key_file_for_another_vendor_is_refused() {
    let key = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n";
    let kind = || oauth2(vec![contract::Oauth2Grant::JwtBearer]);
    for (token_uri, expected) in [
        (
            "https://evil.example/token",
            "not for one at `https://identity.example`",
        ),
        ("https://identity.example:8443/token", "not for one at"),
        ("https://identity.example@evil.example/token", "not for one at"),
        // The right server: it is the key that is none.
        ("https://identity.example/token", "the private key cannot be used"),
    ] {
        let file = serde_json::json!({ "client_email": "a", "private_key": key, "private_key_id": "k", "token_uri": token_uri });
        let (_file, key_file) = kept(&file.to_string());
        let config = CredentialConfig::Oauth2(config::Oauth2Config::ServiceAccount {
            key_file,
            subject: None,
        });
        let error = resolve(&request(vec![kind()]), &config, &tenant())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(expected) && !error.contains("Y2Fu"),
            "{token_uri}: {error}"
        );
    }
}

#[tokio::test]
async fn a_secret_that_was_replaced_is_read_again_after_a_refusal_and_only_then() {
    let (file, token) = kept("canary-old-secret");
    let recipe = Recipe {
        home: Home::below(Path::new("/nonexistent")),
        endpoint: "api".into(),
        request: request(vec![CredentialKind::Bearer]),
        config: CredentialConfig::Bearer { token },
        options: BTreeMap::new(),
        open_options: BTreeMap::new(),
        origins: BTreeMap::new(),
    };
    let (first, read) = recipe.make().unwrap();
    let credential = Reloading::new(recipe, first, read);
    let holds = |secret: &str| {
        credential
            .secrets()
            .iter()
            .any(|spelling| spelling.as_slice() == secret.as_bytes())
    };
    let generation = credential.generation();
    std::fs::write(file.path(), "canary-new-secret").unwrap();
    assert!(!holds("canary-new-secret"));
    assert!(credential.refused(0, &http::HeaderMap::new()).await);
    assert!(
        holds("canary-new-secret") && holds("canary-old-secret"),
        "both are blotted out"
    );
    assert_ne!(credential.generation(), generation);
    // A late refusal of the old one, and one of the new one too soon to look again.
    assert!(credential.refused(0, &http::HeaderMap::new()).await);
    std::fs::write(file.path(), "canary-third-secret").unwrap();
    assert!(!credential.refused(1 << 40, &http::HeaderMap::new()).await);
    assert!(!format!("{credential:?}").contains("canary"));
}

#[test]
fn one_credential_serves_all_its_endpoints() {
    let (_file, token) = kept("canary-secret");
    let mut config: ConnectionConfig = toml::from_str("provider = 'x'").unwrap();
    config
        .credentials
        .insert("api".to_owned(), CredentialConfig::Bearer { token });
    let endpoint = |name: &str, credential: Option<&str>| Endpoint {
        name: name.into(),
        origin: format!("https://{name}.example"),
        reason: String::new(),
        rules: Vec::new(),
        credential: credential.map(Into::into),
    };
    let info = ProviderInfo {
        name: "x".into(),
        version: String::new(),
        description: String::new(),
        connection_options: Vec::new(),
        spec_options: Vec::new(),
        endpoints: vec![
            endpoint("one", Some("api")),
            endpoint("two", Some("api")),
            endpoint("three", None),
        ],
        credentials: vec![request(vec![CredentialKind::Bearer])],
        state_kib: None,
    };
    let home = Home::below(Path::new("/nonexistent"));
    let mut credentials = Credentials::new(&home, &config, &info, &[]);
    let mut at = |index: usize| {
        let endpoint = &info.endpoints[index];
        credentials
            .at(
                endpoint,
                &Destination::Fixed(endpoint.origin.parse().unwrap()),
                &mut TlsProfile::default(),
            )
            .unwrap()
    };
    let (one, two) = (at(0).unwrap(), at(1).unwrap());
    assert!(Arc::ptr_eq(&one, &two), "one token cache for both");
    assert!(at(2).is_none());
    let nothing: ConnectionConfig = toml::from_str("provider = 'x'").unwrap();
    let mut credentials = Credentials::new(&home, &nothing, &info, &[]);
    let missing = credentials.at(
        &info.endpoints[0],
        &Destination::Fixed("https://one.example".parse().unwrap()),
        &mut TlsProfile::default(),
    );
    assert!(missing.unwrap_err().to_string().contains("needs credential `api`"));
}
