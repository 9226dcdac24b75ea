//! Entries of every kind, and what is refused of them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use stockade_host::contract::{CredentialRequest, Endpoint, OptionSchema, OptionType, TokenService};

use super::super::credentials::config::{KeystoneConfig, KeystoneScopeConfig, SystemScope};
use super::*;

const SECRET: &str = "canary-of-clouds";

/// A provider that logs in at an identity service, perhaps below one segment.
fn provider() -> ProviderInfo {
    let option = |name: &str| OptionSchema {
        name: name.to_owned(),
        r#type: OptionType::Text,
        required: false,
        default: None,
        choices: Vec::new(),
        secret: false,
        doc: String::new(),
    };
    ProviderInfo {
        name: "example".to_owned(),
        version: "1.0.0".to_owned(),
        connection_options: ["scheme", "host", "port", "prefix", "region", "interface"]
            .map(option)
            .into(),
        endpoints: vec![Endpoint {
            name: "identity".to_owned(),
            origin: "{scheme}://{host}:{port}".to_owned(),
            reason: String::new(),
            rules: Vec::new(),
            credential: Some("login".to_owned()),
        }],
        credentials: vec![CredentialRequest {
            name: "login".to_owned(),
            kinds: vec![
                CredentialKind::Keystone(TokenService {
                    endpoint: "identity".to_owned(),
                    path: "/{prefix}/v3/auth/tokens".to_owned(),
                }),
                CredentialKind::Header("x-token".to_owned()),
            ],
            required: true,
            reason: String::new(),
        }],
        description: String::new(),
        spec_options: Vec::new(),
        state_kib: None,
    }
}

/// A directory with these files, private ones.
fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    directory
}

fn entry(content: &str) -> Result<CloudConnection> {
    let directory = files(&[("clouds.yaml", content)]);
    Cloud::read(&directory.path().join("clouds.yaml"), Some("lab"))?.connection(&provider())
}

fn options(connection: &CloudConnection) -> BTreeMap<&str, &str> {
    connection
        .options
        .iter()
        .map(|(name, value)| match value {
            OptionInput::Text(text) => (name.as_str(), text.as_str()),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn source() -> SecretSource {
    SecretSource::File("/kept".to_owned())
}

#[test]
fn an_entry_and_its_secure_file_become_a_connection() {
    let directory = files(&[
        (
            "clouds.yaml",
            "clouds:\n  lab:\n    region_name: one\n    interface: internalURL\n    cacert: /ca.pem\n    auth:\n      \
             auth-url: https://cloud.example:5000/identity/v3\n      username: ann\n      user_domain_id: default\n      \
             project_name: lab\n      project_domain_name: Labs\n  other: {}\n",
        ),
        (
            "secure.yaml",
            "clouds:\n  lab:\n    auth:\n      password: canary-of-clouds\n",
        ),
    ]);
    // Without a secret anybody may read it.
    let open = directory.path().join("clouds.yaml");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let connection = Cloud::read(&open, Some("lab"))
        .unwrap()
        .connection(&provider())
        .unwrap();
    let expected = [
        ("scheme", "https"),
        ("host", "cloud.example"),
        ("port", "5000"),
        ("prefix", "identity"),
        ("region", "one"),
        ("interface", "internal"),
    ];
    assert_eq!(options(&connection), BTreeMap::from(expected));
    assert_eq!(connection.credential, "login");
    assert_eq!(connection.origin, "https://cloud.example:*".parse().unwrap());
    assert_eq!(connection.tls.as_ref().unwrap().ca.as_deref(), Some("/ca.pem"));
    assert_eq!(
        connection.credential_from(source()),
        CredentialConfig::Keystone(KeystoneConfig::Password {
            user: "ann".to_owned(),
            user_domain: None,
            password: source(),
            scope: Some(KeystoneScopeConfig::Project {
                name: "lab".to_owned(),
                domain: Some("Labs".to_owned()),
            }),
        })
    );
    assert!(!format!("{connection:?}").contains(SECRET));
    assert_eq!(connection.into_secret().expose(), SECRET);
}

#[test]
fn the_environments_variables_say_the_same() {
    let variables = [
        ("OS_AUTH_URL", "http://127.0.0.1/v3/"),
        ("OS_APPLICATION_CREDENTIAL_ID", "i"),
        ("OS_APPLICATION_CREDENTIAL_SECRET", SECRET),
        ("OS_AUTH_TYPE", "v3applicationcredential"),
        ("OS_CACERT", "/ca.pem"),
        ("OS_REGION_NAME", ""),
    ];
    let read = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let connection = Cloud::from_environment(read).connection(&provider()).unwrap();
    let expected = [
        ("scheme", "http"),
        ("host", "127.0.0.1"),
        ("port", "80"),
        ("prefix", ""),
    ];
    assert_eq!(options(&connection), BTreeMap::from(expected));
    assert_eq!(connection.tls, None);
    let expected = KeystoneConfig::ApplicationCredential {
        id: Some("i".to_owned()),
        name: None,
        user: None,
        user_domain: None,
        secret: source(),
    };
    assert_eq!(
        connection.credential_from(source()),
        CredentialConfig::Keystone(expected)
    );
}

#[test]
fn each_scope_and_each_proof_has_its_words() {
    let of = |auth: &str| {
        let text = format!("clouds: {{lab: {{auth: {{auth_url: 'https://c:5000', {auth}}}}}}}");
        entry(&text).unwrap().credential_from(source())
    };
    let scope = |auth: &str| match of(&format!("username: ann, password: {SECRET}, {auth}")) {
        CredentialConfig::Keystone(KeystoneConfig::Password { scope, .. }) => scope,
        other => panic!("{other:?}"),
    };
    assert_eq!(scope("x: y"), None);
    assert_eq!(
        scope("tenant_id: p"),
        Some(KeystoneScopeConfig::ProjectId("p".to_owned()))
    );
    assert_eq!(
        scope("domain_name: d"),
        Some(KeystoneScopeConfig::Domain("d".to_owned()))
    );
    assert_eq!(
        scope("system_scope: all"),
        Some(KeystoneScopeConfig::System(SystemScope::All))
    );
    assert_eq!(of("token: t"), CredentialConfig::Header { value: source() });
    let named = of("application_credential_name: robot, username: ann, application_credential_secret: s");
    assert!(matches!(
        named,
        CredentialConfig::Keystone(KeystoneConfig::ApplicationCredential {
            id: None,
            name: Some(_),
            user: Some(_),
            ..
        })
    ));
}

#[test]
fn what_cannot_be_honoured_is_refused_by_its_name_and_without_the_secret() {
    let auth = format!("auth: {{auth_url: 'https://c:5000/v3', username: ann, password: {SECRET}}}");
    for (text, expected) in [
        (format!("clouds: {{other: {{{auth}}}}}"), "no cloud `lab`"),
        (format!("{SECRET}: [\n"), "no YAML"),
        (format!("{SECRET}: 1\n"), "has no `clouds:`"),
        (
            format!("clouds: {{lab: {{profile: big, {auth}}}}}"),
            "`profile` cannot be honoured",
        ),
        (
            format!("clouds: {{lab: {{auth_type: v3oidcpassword, {auth}}}}}"),
            "`auth_type` oidcpassword",
        ),
        (
            format!("clouds: {{lab: {{identity_api_version: 2, {auth}}}}}"),
            "`identity_api_version` is 2",
        ),
        (
            format!("clouds: {{lab: {{regions: [a, b], {auth}}}}}"),
            "several `regions`",
        ),
        (
            format!("clouds: {{lab: {{compute_endpoint_override: x, {auth}}}}}"),
            "`compute_endpoint_override`",
        ),
        (
            auth_with(&format!("username: ann, password: {SECRET}")),
            "no `auth_url`",
        ),
        (
            auth_with(&format!("auth_url: 'https://c', password: {SECRET}")),
            "no `username`",
        ),
        (auth_with("auth_url: 'https://c', username: ann"), "no `password`"),
        (
            auth_with("auth_url: 'https://c', username: ann, password: 0123"),
            "put it in quotes",
        ),
        (
            auth_with(&format!(
                "auth_url: 'https://c', username: ann, password: {SECRET}, user_domain_id: 4711"
            )),
            "`user_domain_id` is `4711`",
        ),
        (
            auth_with(&format!(
                "auth_url: 'https://c/v2.0', username: ann, password: {SECRET}"
            )),
            "version 2 of the identity service",
        ),
        (
            auth_with(&format!(
                "auth_url: 'https://c/a/b/v3', username: ann, password: {SECRET}"
            )),
            "logs in at `/{prefix}/v3/auth/tokens` only",
        ),
        (
            auth_with(&format!("auth_url: 'ftp://c', username: ann, password: {SECRET}")),
            "neither `https` nor `http`",
        ),
    ] {
        let error = entry(&text).unwrap_err();
        let told = format!("{error} {:?}", error.hints());
        assert!(told.contains(expected) && !told.contains(SECRET), "{told}");
    }
    let mut without = provider();
    without.credentials.clear();
    let directory = files(&[("clouds.yaml", &format!("clouds: {{lab: {{{auth}}}}}"))]);
    let path = directory.path().join("clouds.yaml");
    let cloud = Cloud::read(&path, None).unwrap();
    assert!(
        cloud
            .connection(&without)
            .unwrap_err()
            .to_string()
            .contains("no credential")
    );
    // A secret that others can read is no secret.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = Cloud::read(&path, None).unwrap().connection(&provider()).unwrap_err();
    assert_eq!(error.hints(), [format!("chmod 600 {}", path.display())]);
    assert!(Cloud::read(Path::new("/nonexistent/clouds.yaml"), None).is_err());
}

fn auth_with(auth: &str) -> String {
    format!("clouds: {{lab: {{auth: {{{auth}}}}}}}")
}

#[test]
fn a_file_without_the_one_entry_that_is_meant_says_what_it_has() {
    let refusal = |content: &str, name: Option<&str>| {
        let directory = files(&[("clouds.yaml", content)]);
        let error = Cloud::read(&directory.path().join("clouds.yaml"), name).unwrap_err();
        (error.to_string(), error.hints().join(" "))
    };
    for name in [None, Some("lab")] {
        let (words, hints) = refusal("clouds: {}", name);
        assert!(words.ends_with("has no clouds") && hints.is_empty(), "{words}; {hints}");
    }
    let two = "clouds: {one: {}, two: {}}";
    let (words, hints) = refusal(two, None);
    assert!(words.ends_with("has several clouds"), "{words}");
    assert_eq!(hints, "it has: one, two");
    assert!(refusal(two, Some("lab")).0.ends_with("has no cloud `lab`"));
}

#[test]
fn the_file_is_looked_for_where_other_clients_do() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().display().to_string();
    let missing = find_clouds_file("example", |name| (name == "HOME").then(|| home.clone())).unwrap_err();
    assert!(missing.to_string().contains(".config/example/clouds.yaml"), "{missing}");
    let place = directory.path().join(".config/example");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("clouds.yaml"), "clouds: {}").unwrap();
    let found = find_clouds_file("example", |name| (name == "HOME").then(|| home.clone())).unwrap();
    assert_eq!(found, place.join("clouds.yaml"));
    let named = find_clouds_file("example", |name| {
        (name == "OS_CLIENT_CONFIG_FILE").then(|| "/f".to_owned())
    });
    assert_eq!(named.unwrap(), Path::new("/f"));
}
