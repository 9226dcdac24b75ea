//! A credential reaches the server it is for, and nothing else: not the guest's memory, not a log, not an error, not a file.
//!
//! Beside the secret that the host knows, the server sends one that the host does not know. The same search must find that
//! one in every place where the guest or the operator could see a secret: so a search that cannot find anything fails,
//! and so does a host that stops scrubbing, because then the known secret is where the unknown one is.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stockade::connections::{CredentialConfig, OptionInput, SecretSource, TextSource};
use stockade::{Error, Service};
use stockade_host::connection::Connection;
use stockade_host::http::{
    AccessKey, AzureSas, AzureSharedKey, Basic, Bearer, Credential, EndpointBounds, EndpointGrant, Header, HttpClient,
    HttpLimits, Keystone, KeystoneIdentity, KeystoneNamed, KeystoneScope, Oauth2, Oauth2Grant, Oauth2Request, Origin,
    Query, Secret, Session, SessionBody, SessionLogin, Sigv4, TlsProfile, TokenService,
};

use crate::lab::{Lab, Setup, Trial};
use crate::leaks::{Evidence, spellings};
use crate::server::Server;

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "a_credential_is_seen_by_its_server_and_by_nobody_else",
        attempts: &[
            "attempt search-memory",
            "attempt dump",
            "attempt complain",
            "attempt log",
            "attempt state",
            "attempt send",
        ],
        run: credentials,
    },
    Trial {
        name: "a_credential_goes_to_its_endpoint_only",
        attempts: &["attempt send"],
        run: other_endpoint,
    },
    Trial {
        name: "printing_what_holds_a_credential_does_not_show_it",
        attempts: &[],
        run: debug_output,
    },
];

/// What each byte of a text to look for is combined with: the guest's memory must not hold the text because of the search.
const MASK: u8 = 0xa5;

/// A secret that nothing else in the process holds.
fn canary(kind: &str) -> String {
    let unique = tempfile::Builder::new().prefix("").rand_bytes(16).tempfile().unwrap();
    let name = unique.path().file_name().unwrap().to_string_lossy().to_lowercase();
    format!("canary-{kind}-{name}")
}

fn credentials(lab: &Lab) {
    for kind in ["bearer", "basic", "header", "query", "sigv4"] {
        let (known, unknown) = (canary(kind), canary("unprotected"));
        let secret = secret_file(&known);
        let source = SecretSource::File(secret.path().display().to_string());
        let (credential, header) = match kind {
            "bearer" => (CredentialConfig::Bearer { token: source }, "authorization"),
            "basic" => {
                let user = "somebody".to_owned();
                (CredentialConfig::Basic { user, password: source }, "authorization")
            }
            "query" => (CredentialConfig::Query { value: source }, "target"),
            "sigv4" => {
                let credential = CredentialConfig::Sigv4 {
                    access_key: TextSource::Text("AKIA1".to_owned()),
                    secret_key: source.clone(),
                    session_token: Some(source),
                };
                (credential, "x-amz-security-token")
            }
            _ => (CredentialConfig::Header { value: source }, "x-api-key"),
        };
        let server = Server::with_secret(&unknown);
        let (evidence, memory) = gather(lab, &server, credential, [&known, &unknown]);

        let received = server.received()[0].clone();
        let sent = match header {
            "target" => received.target,
            header => received.header(header).unwrap().to_owned(),
        };
        let arrived = spellings(&known)
            .iter()
            .any(|spelling| sent.as_bytes().windows(spelling.len()).any(|part| part == spelling));
        assert!(arrived, "{kind}: the server got `{sent}`, without the secret");
        assert_eq!(
            evidence.places_with(&known),
            BTreeSet::new(),
            "{kind}: the secret got out"
        );
        assert_eq!(
            evidence.places_with(&unknown),
            evidence.places(),
            "{kind}: the search finds what is there"
        );
        assert_eq!(memory[0], 0, "{kind}: the secret is in the guest's memory");
        assert!(
            memory[1] > 0,
            "{kind}: the search of the guest's memory finds what is there"
        );
    }
}

/// Has a guest do what it can with a connection that has a credential. Answers everything that it or the operator saw, and
/// how often the guest found each secret in its memory.
fn gather(lab: &Lab, server: &Server, credential: CredentialConfig, secrets: [&str; 2]) -> (Evidence, [u64; 2]) {
    let home = tempfile::tempdir().unwrap();
    let runtime = lab.shared.installed(home.path());
    let setup = Setup::granted(server).credential(credential).state_kib(4);
    let (service, recorder) = lab.connect_on(&runtime, &setup);
    let echo = json!({ "path": ["free", "echo"] });
    let unknown = secrets[1];
    let mut evidence = Evidence::default();

    let memory = search_memory(lab, &service, &echo, secrets);
    let dump = lab
        .attempt(&service, "dump", json!({ "requests": [echo, echo] }))
        .unwrap();
    evidence.add("what the guest was told", dump.to_string());

    // What the guest knows it can say; that it says it all shows that these places are really searched.
    let seen = |secret: &str| format!("{secret} {}", &dump["answers"][0]["body"]);
    let words = json!({ "times": 1, "message": seen(unknown) });
    let error = lab.attempt(&service, "complain", words.clone()).unwrap_err();
    evidence.add("an error", format!("{error} {error:?} {:?}", error.cause()));
    lab.attempt(&service, "log", words).unwrap();
    evidence.add("the log", format!("{recorder:?}"));
    lab.attempt(&service, "state", json!({ "key": "seen", "value": seen(unknown) }))
        .unwrap();
    evidence.add_files("files", home.path());

    for request in [
        json!({ "path": ["free", unknown] }),
        json!({ "path": ["nothing", unknown] }),
        json!({ "path": ["free", "endless"] }),
    ] {
        lab.send(&service, &request);
    }
    evidence.add("denials", format!("{:?}", recorder.denials));
    evidence.add("the trace", lab.shared.trace.text());
    evidence.add("the configuration", configuration(&setup, unknown));
    (evidence, memory)
}

/// What prints as a configuration does, with one option that is the secret.
fn configuration(setup: &Setup, unknown: &str) -> String {
    let mut config = setup.config.clone();
    config
        .options
        .insert("host".to_owned(), OptionInput::Text(unknown.to_owned()));
    format!("{config:?} {}", toml::to_string(&config).unwrap())
}

fn search_memory(lab: &Lab, service: &Service, echo: &Value, secrets: [&str; 2]) -> [u64; 2] {
    let masked: Vec<Vec<u8>> = secrets
        .iter()
        .flat_map(|secret| spellings(secret))
        .map(|spelling| spelling.iter().map(|byte| byte ^ MASK).collect())
        .collect();
    let each = masked.len() / 2;
    let arguments = json!({ "requests": [echo, echo], "masked": masked });
    let seen = lab.attempt(service, "search-memory", arguments).unwrap();
    assert!(seen["searched_bytes"].as_u64().unwrap() > 1 << 20, "{seen}");
    let found: Vec<u64> = serde_json::from_value(seen["found"].clone()).unwrap();
    [found[..each].iter().sum(), found[each..].iter().sum()]
}

fn secret_file(secret: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{secret}").unwrap();
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(0o600))
        .unwrap();
    file
}

/// The credential belongs to one endpoint: a request to another one does not carry it.
fn other_endpoint(lab: &Lab) {
    let (server, other) = (Server::start(), Server::start());
    let secret = canary("elsewhere");
    let file = secret_file(&secret);
    let token = SecretSource::File(file.path().display().to_string());
    let setup = Setup::granted(&server)
        .option("other_port", OptionInput::Integer(other.port().into()))
        .rule_of("other", "GET", "/vms")
        .addresses("other", &["127.0.0.1/32"])
        .credential(CredentialConfig::Bearer { token });
    let (service, _) = lab.connect(&setup);
    for endpoint in ["other", "api"] {
        let request = json!({ "endpoint": endpoint, "path": ["vms"] });
        assert_eq!(lab.send(&service, &request)["status"], 200);
    }
    assert_eq!(
        server.received()[0].header("authorization"),
        Some(format!("Bearer {secret}").as_str())
    );
    assert!(!format!("{:?}", other.received()).contains(&secret));
}

/// One credential of each kind, all of which hold this secret.
fn credential_of_each_kind(secret: &str) -> [Credential; 10] {
    let value = || Secret::new(secret);
    let key = AccessKey {
        id: "AKIA1".to_owned(),
        secret: value(),
        session_token: Some(value()),
    };
    let service = || TokenService {
        endpoint: "identity".to_owned(),
        path: vec!["token".to_owned()],
    };
    [
        Arc::new(Sigv4::new(key, "s3", "eu-1")),
        Arc::new(Query {
            name: "key".to_owned(),
            value: value(),
        }),
        Arc::new(AzureSharedKey::new("account", Secret::new(STANDARD.encode(secret)))),
        Arc::new(AzureSas {
            query: Secret::new(format!("sv=2022-11-02&sig={secret}")),
        }),
        Arc::new(Bearer {
            token: Secret::new(secret),
        }),
        Arc::new(Basic {
            user: "somebody".to_owned(),
            password: Secret::new(secret),
        }),
        Arc::new(Header {
            name: "x-api-key".parse().unwrap(),
            value: Secret::new(secret),
        }),
        Arc::new(Oauth2::new(
            Oauth2Request {
                url: "http://127.0.0.1:1/token".to_owned(),
                service: service(),
                scope: None,
                parameters: Vec::new(),
            },
            Oauth2Grant::ClientSecretBasic {
                client_id: "somebody".to_owned(),
                client_secret: Secret::new(secret),
            },
        )),
        Arc::new(Keystone::new(
            service(),
            KeystoneIdentity::Password {
                user: KeystoneNamed::Id("somebody".to_owned()),
                password: Secret::new(secret),
                scope: KeystoneScope::Default,
            },
        )),
        Arc::new(Session::new(
            SessionLogin {
                endpoint: "identity".to_owned(),
                method: "POST".to_owned(),
                path: vec!["login".to_owned()],
                headers: Vec::new(),
                basic: true,
                body: SessionBody::Empty,
                takes: Vec::new(),
                gives: Vec::new(),
                lifetime: None,
                options: [("pin".to_owned(), secret.to_owned())].into(),
            },
            "somebody".to_owned(),
            Secret::new(secret),
        )),
    ]
}

fn debug_output(_lab: &Lab) {
    let secret = canary("debug");
    for credential in credential_of_each_kind(&secret) {
        let grant = EndpointGrant {
            // The control: a name is not a secret, and is printed.
            name: canary("name"),
            origin: "http://127.0.0.1:1".parse::<Origin>().unwrap().into(),
            asked: Vec::new(),
            granted: Vec::new(),
            credential: Some(credential),
            presign_seconds: Some(60),
            allow_addresses: Vec::new(),
            tls: TlsProfile::default(),
            proxy: None,
            bounds: EndpointBounds::default(),
        };
        let name = grant.name.clone();
        let printed_grant = format!("{grant:?} {grant:#?}");
        let client = HttpClient::new(vec![grant], HttpLimits::default()).unwrap();
        let connection = Connection {
            http: client,
            ..Connection::without_grants("debug")
        };
        let mut evidence = Evidence::default();
        evidence.add("the grant", printed_grant);
        evidence.add("the client", format!("{:?}", connection.http));
        evidence.add("the connection", format!("{connection:?}"));
        assert_eq!(evidence.places_with(&secret), BTreeSet::new());
        assert_eq!(evidence.places_with(&name), evidence.places());
    }
    let broken = Arc::new(Bearer {
        token: Secret::new(format!("{secret}\n")),
    });
    let error: Error = Error::invalid("credentials", format!("{:?}", broken.clone()));
    assert!(!error.to_string().contains(&secret));
}
