//! Whose components are installed and used: approval, digests, signatures, the trust file, verifying.

use std::io::Cursor;
use std::path::PathBuf;

use minisign::KeyPair;
use serde_json::Value;

use crate::session::{Session, component};

/// A home with a copy of the simulated provider, and a key whose public half is `author.pub`.
struct Supply {
    session: Session,
    file: PathBuf,
    key: KeyPair,
}

impl Supply {
    fn new() -> Self {
        let session = Session::empty();
        let file = session.path().join("fake.wasm");
        std::fs::copy(component("fake"), &file).unwrap();
        let key = KeyPair::generate_unencrypted_keypair().unwrap();
        std::fs::write(
            session.path().join("author.pub"),
            key.pk.to_box().unwrap().into_string(),
        )
        .unwrap();
        Self { session, file, key }
    }

    fn sign(&self, comment: &str) {
        let bytes = Cursor::new(std::fs::read(&self.file).unwrap());
        let signed = minisign::sign(None, &self.key.sk, bytes, Some(comment), None).unwrap();
        std::fs::write(self.file.with_extension("wasm.minisig"), signed.into_string()).unwrap();
    }
}

#[test]
fn what_is_asked_for_is_shown_and_must_be_approved() {
    let session = Session::empty();
    let file = component("fake");
    let refused = session.run(&format!("provider add {}", file.display()));
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    for expected in [
        "keep up to 16384 KiB",
        "signed by nobody",
        "imports ",
        "hint: add `--yes`",
    ] {
        assert!(refused.stderr.contains(expected), "{expected}: {}", refused.stderr);
    }
    assert!(
        session
            .fails(1, "provider inspect fake")
            .contains("there is no provider `fake`")
    );

    let review = session.json(&format!("provider review {}", file.display()));
    assert_eq!(
        (&review["needs_approval"], &review["installed"]),
        (&true.into(), &Value::Null)
    );
    let changes = review["changes"].as_array().unwrap();
    assert!(
        changes
            .iter()
            .any(|change| change["subject"] == "state kib" && change["text"] == "16384"),
        "{changes:?}"
    );

    let added = session.run(&format!("provider add {} --yes", file.display()));
    assert_eq!(added.code, Some(0), "{added:?}");
    assert!(added.stderr.contains("nobody vouches for"), "{}", added.stderr);
    // The same again asks for nothing new.
    session.done(&format!("provider add {}", file.display()));
    let review = session.json(&format!("provider review {}", file.display()));
    assert_eq!(
        (&review["needs_approval"], &review["changes"]),
        (&false.into(), &serde_json::json!([]))
    );
}

#[test]
fn a_digest_that_was_asked_for_is_insisted_on() {
    let session = Session::empty();
    let file = component("fake");
    let digest = session.json(&format!("provider inspect {}", file.display()))["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = "0".repeat(64);
    let refused = session.fails(
        1,
        &format!("provider add {} --yes --digest sha256:{other}", file.display()),
    );
    assert!(
        refused.contains(&format!("sha256:{digest}")) && refused.contains(&other),
        "{refused}"
    );
    session.fails(1, &format!("provider add {} --yes --digest {digest}", file.display()));
    session.done(&format!(
        "provider add {} --yes --digest sha256:{digest}",
        file.display()
    ));
    let lock = std::fs::read_to_string(session.path().join("config/providers.lock")).unwrap();
    for expected in ["name = \"fake\"", &format!("digest = \"sha256:{digest}\""), "source = "] {
        assert!(lock.contains(expected), "{lock}");
    }
    session.done("provider remove fake --yes");
    let lock = std::fs::read_to_string(session.path().join("config/providers.lock")).unwrap();
    assert!(!lock.contains("fake"), "{lock}");
}

#[test]
fn keys_are_trusted_and_revoked() {
    let supply = Supply::new();
    let session = &supply.session;
    supply.sign("provider:fake");
    let inspected = session.json("provider inspect ./fake.wasm");
    assert_eq!(inspected["signer"]["key"], Value::Null, "nobody trusts the key yet");

    let added = session.run("provider trust add author author.pub --providers fake,acme-*");
    assert_eq!(added.code, Some(0), "{added:?}");
    let keys = session.json("provider trust list");
    assert_eq!(
        (&keys[0]["name"], &keys[0]["providers"][1]),
        (&"author".into(), &"acme-*".into())
    );
    assert_eq!(keys[0]["key_id"], inspected["signer"]["key_id"]);
    let again = format!(
        "provider trust add other {} --providers *",
        keys[0]["public_key"].as_str().unwrap()
    );
    assert!(session.fails(1, &again).contains("key `author` exists already"));
    session.fails(2, "provider trust add other nonsense --providers *");
    session.fails(2, "provider trust add other author.pub");

    let installed = session.json("provider add fake.wasm --yes");
    assert_eq!(installed["signer"]["key"], "author");
    assert!(session.done("provider list -o wide").contains("`author`"));
    session.done("create connection lab --provider fake --grant-all");
    session.done("list vm");
    assert_eq!(session.json("provider verify")[0]["finding"], Value::Null);

    let revoked = session.run("provider trust revoke author --reason stolen");
    assert_eq!(revoked.code, Some(0));
    assert!(
        revoked.stderr.contains("cannot use provider `fake`"),
        "{}",
        revoked.stderr
    );
    assert!(session.fails(1, "list vm").contains("which was revoked: stolen"));
    let verified = session.run("provider verify -o json");
    assert_eq!(verified.code, Some(1), "{verified:?}");
    let findings: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert!(findings[0]["finding"].as_str().unwrap().contains("stolen"));
    assert!(session.done("provider inspect fake").contains("stolen"));

    session.fails(2, "provider trust remove author");
    session.done("provider trust remove author --yes");
    assert!(session.fails(1, "list vm").contains("not trusted"));
}

#[test]
fn a_first_key_tells_whom_it_stops_and_a_broken_policy_stops_all() {
    let supply = Supply::new();
    let session = &supply.session;
    session.done("provider add fake.wasm --yes");
    session.done("create connection lab --provider fake --grant-all");
    let added = session.run("provider trust add author author.pub --providers fake");
    assert!(
        added.stderr.contains("cannot use provider `fake`: it is not signed"),
        "{}",
        added.stderr
    );
    assert!(session.fails(1, "list vm").contains("it is not signed"));
    // Its signature arrives later: the bytes are the same, so it only has to be added.
    supply.sign("");
    session.done("provider add fake.wasm");
    session.done("list vm");

    let policy = session.path().join("config/trust.toml");
    std::fs::write(&policy, "unsigned = \"allow\"\n[keys.author]\npublik_key = \"\"\n").unwrap();
    let told = session.fails(1, "list vm");
    for expected in ["trust.toml", "line 3, column 1", "publik_key"] {
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn an_installed_component_that_was_changed_is_found() {
    let session = Session::with_lab();
    let digest = session.json("provider inspect fake")["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    std::fs::write(session.path().join(format!("data/components/{digest}.wasm")), "another").unwrap();
    let verified = session.run("provider verify fake");
    assert_eq!(verified.code, Some(1));
    assert!(verified.stderr.contains("was changed on disk"), "{}", verified.stderr);
    assert!(session.fails(1, "list vm").contains("was changed on disk"));
    session.done(&format!("provider add {}", component("fake").display()));
    session.done("list vm");
}
