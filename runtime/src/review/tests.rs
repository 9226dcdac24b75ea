//! What a review says of an upgrade, for the connections that use the provider too.
//!
//! `provider` and `rule` are also what the tests of `difference` begin with.

use stockade_host::contract::{Ability, Endpoint, ProviderInfo, RequestRule};

use super::*;
use crate::connections::ConnectionConfig;
use crate::home::Home;
use crate::registry::ProviderKind;

/// A provider with one endpoint and these rules.
pub(super) fn provider(rules: &[RequestRule]) -> InstalledProvider {
    InstalledProvider {
        kind: ProviderKind::Component,
        digest: "d".repeat(64),
        source: "a.wasm".to_owned(),
        signer: None,
        refusal: None,
        abilities: vec![Ability::Vms],
        imports: vec!["stockade:provider/http".to_owned()],
        info: ProviderInfo {
            name: "acme".to_owned(),
            version: "1.10.0".to_owned(),
            description: String::new(),
            connection_options: Vec::new(),
            spec_options: Vec::new(),
            endpoints: vec![Endpoint {
                name: "api".to_owned(),
                origin: "https://{host}".to_owned(),
                reason: "it is the vendor's".to_owned(),
                rules: rules.to_vec(),
                credential: None,
            }],
            credentials: Vec::new(),
            state_kib: Some(64),
        },
    }
}

/// A rule that is asked for.
pub(super) fn rule(method: &str, path: &str) -> RequestRule {
    RequestRule {
        methods: vec![method.to_owned()],
        path: path.to_owned(),
        conditions: Vec::new(),
        effect: None,
        reason: "because".to_owned(),
    }
}

fn store(files: &[(&str, &str)]) -> (tempfile::TempDir, ConnectionStore) {
    let home = tempfile::tempdir().unwrap();
    let store = ConnectionStore::new(&Home::below(home.path()));
    for (name, text) in files {
        let config: ConnectionConfig = toml::from_str(text).unwrap();
        store.put(name, &config).unwrap();
    }
    (home, store)
}

#[test]
fn connections_that_granted_more_than_was_asked_are_named() {
    let granting = |path: &str| {
        format!(
            "provider = \"acme\"\n[grants.endpoints.api]\nrules = [{{ methods = [\"GET\", \"DELETE\"], path = \"{path}\" }}]\n"
        )
    };
    let (_home, store) = store(&[
        ("generous", &granting("/**")),
        ("narrow", &granting("/vms/web-1")),
        ("other", &granting("/**").replace("acme", "another")),
    ]);
    let old = provider(&[rule("GET", "/vms/*"), rule("GET", "/old")]);
    let new = provider(&[rule("GET", "/vms/*"), rule("DELETE", "/disks/*")]);
    let review = super::review(Some(&old), &new, &store).unwrap();
    assert!(review.needs_approval);
    assert_eq!(review.connections.len(), 1, "{review:?}");
    let impact = &review.connections[0];
    assert_eq!(impact.connection, "generous");
    assert_eq!(impact.widened, ["endpoint `api` at https://{host}: DELETE /disks/*"]);
    assert_eq!(impact.narrowed, ["endpoint `api` at https://{host}: GET /old"]);

    let mut without = new.clone();
    without.info.endpoints.clear();
    let review = super::review(Some(&new), &without, &store).unwrap();
    assert!(!review.needs_approval, "it asks for less");
    let problem = review.connections[0].problem.as_deref().unwrap();
    assert!(problem.contains("grants endpoint `api`"), "{problem}");
}

#[test]
fn an_endpoint_that_moves_takes_its_grants_along_and_is_named() {
    let config = "provider = \"acme\"\n[grants.endpoints.api]\nrules = [{ methods = [\"GET\"], path = \"/vms/*\" }]\n";
    let (_home, store) = store(&[("lab", config)]);
    let old = provider(&[rule("GET", "/vms/*")]);
    let mut new = old.clone();
    new.info.endpoints[0].origin = "https://elsewhere.example".to_owned();
    let review = super::review(Some(&old), &new, &store).unwrap();
    assert_eq!(
        review.connections[0].widened,
        ["endpoint `api` at https://elsewhere.example: GET /vms/*"]
    );
}

#[test]
fn approval_is_asked_for_what_is_new_wider_older_or_signed_otherwise() {
    let (_home, store) = store(&[]);
    let old = provider(&[rule("GET", "/vms/*")]);
    let needs = |old: Option<&InstalledProvider>, new: &InstalledProvider| {
        super::review(old, new, &store).unwrap().needs_approval
    };
    let version = |version: &str| {
        let mut provider = old.clone();
        provider.info.version = version.to_owned();
        provider
    };
    let signed = |provider: InstalledProvider, key: &str| InstalledProvider {
        signer: Some(Signer {
            key_id: key.to_owned(),
            key: None,
        }),
        ..provider
    };
    assert!(needs(None, &old), "new");
    assert!(!needs(Some(&old), &old), "the same");
    assert!(!needs(Some(&old), &version("1.11.0")), "newer, and asks for the same");
    assert!(needs(Some(&old), &version("1.9.0")), "older");
    assert!(
        super::review(Some(&old), &version("1.9.0"), &store)
            .unwrap()
            .is_downgrade
    );
    let before = signed(old.clone(), "A");
    assert!(!needs(Some(&before), &signed(version("2.0.0"), "A")));
    assert!(needs(Some(&before), &signed(version("2.0.0"), "B")), "another signer");
    assert!(needs(Some(&before), &version("2.0.0")), "no signer any more");
    assert!(!needs(Some(&old), &before), "a signer is no loss");
}
