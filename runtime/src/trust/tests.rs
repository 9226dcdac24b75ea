//! What a policy accepts and refuses, with keys and signatures made here; and how its file is changed.
//!
//! The real tool is not needed: the crate `minisign` signs as it does.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minisign::{KeyPair, SignatureBox};

use super::*;
use crate::home::Home;

const BYTES: &[u8] = b"a component";

fn key_pair() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().unwrap()
}

fn sign(pair: &KeyPair, comment: &str) -> Signature {
    let signed: SignatureBox = minisign::sign(None, &pair.sk, Cursor::new(BYTES), Some(comment), None).unwrap();
    Signature::parse(signed.into_string()).unwrap()
}

fn trust(text: &str) -> Trust {
    Trust {
        path: "trust.toml".into(),
        config: Some(TrustConfig::parse(text).unwrap()),
    }
}

fn info(name: &str, version: &str) -> ProviderInfo {
    ProviderInfo {
        name: name.to_owned(),
        version: version.to_owned(),
        description: String::new(),
        connection_options: Vec::new(),
        spec_options: Vec::new(),
        endpoints: Vec::new(),
        credentials: Vec::new(),
        state_kib: None,
    }
}

/// Everything that the policy has to say; the name of the key, or why not.
fn check(trust: &Trust, bytes: &[u8], signature: Option<&Signature>) -> Result<Option<String>, String> {
    let checked = || {
        let Some((key, signature)) = trust.judge(signature)?.zip(signature) else {
            return Ok(None);
        };
        key.verify(bytes, signature)?;
        let info = info("acme-web", "1.2.0");
        key.check_name(&info.name)?;
        key.check_comment(&info, signature)?;
        Ok(Some(key.name))
    };
    checked().map_err(|error: Error| error.to_string())
}

#[test]
fn a_signature_counts_by_a_trusted_key_over_these_bytes_for_this_name() {
    let (acme, other) = (key_pair(), key_pair());
    let key = acme.pk.to_base64();
    let policy = |providers: &str, more: &str| {
        trust(&format!(
            "[keys.acme]\npublic_key = \"{key}\"\nproviders = [{providers}]\n{more}\n"
        ))
    };
    let good = policy("\"acme-*\"", "");
    let signed = sign(&acme, "timestamp:1 provider:acme-web version:1.2.0");
    assert_eq!(check(&good, BYTES, Some(&signed)), Ok(Some("acme".to_owned())));
    assert_eq!(
        check(&good, BYTES, Some(&sign(&acme, "hello"))),
        Ok(Some("acme".to_owned()))
    );

    for (trust, bytes, signature, expected) in [
        (&good, BYTES, None, "it is not signed"),
        (&good, BYTES, Some(sign(&other, "")), "which is not trusted"),
        (&good, b"another component", Some(signed.clone()), "is not good"),
        (
            &good,
            BYTES,
            Some(sign(&acme, "provider:acme-db")),
            "for provider `acme-db`",
        ),
        (&good, BYTES, Some(sign(&acme, "version:1.1.0")), "for version `1.1.0`"),
        (
            &policy("\"acme\", \"web-*\"", ""),
            BYTES,
            Some(signed.clone()),
            "may sign `acme`, `web-*`, but not",
        ),
        (
            &policy("\"*\"", "revoked = \"stolen\""),
            BYTES,
            Some(signed.clone()),
            "was revoked: stolen",
        ),
        (
            &policy("\"*\"", "revoked = true"),
            BYTES,
            Some(signed.clone()),
            "was revoked: no reason",
        ),
    ] {
        let refused = check(trust, bytes, signature.as_ref()).unwrap_err();
        assert!(refused.contains(expected), "{expected}: {refused}");
    }
    assert!(check(&policy("\"*\"", "revoked = false"), BYTES, Some(&signed)).is_ok());
}

#[test]
fn a_forged_key_id_and_a_forged_comment_are_found() {
    let (acme, other) = (key_pair(), key_pair());
    let policy = trust(&format!(
        "[keys.acme]\npublic_key = \"{}\"\nproviders = [\"*\"]\n",
        acme.pk.to_base64()
    ));
    // Another key's signature that carries this key's id.
    let forge = |text: &str, id_of: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let decode = |line: &str| BASE64.decode(line).unwrap();
        let mut forged = decode(&lines[1]);
        forged[2..10].copy_from_slice(&decode(id_of.lines().nth(1).unwrap())[2..10]);
        lines[1] = BASE64.encode(forged);
        Signature::parse(lines.join("\n")).unwrap()
    };
    let forged = forge(sign(&other, "").text(), sign(&acme, "").text());
    assert!(
        check(&policy, BYTES, Some(&forged))
            .unwrap_err()
            .contains("is not good")
    );

    let honest = sign(&acme, "version:1.1.0");
    let renamed = Signature::parse(honest.text().replace("version:1.1.0", "version:1.2.0")).unwrap();
    assert!(
        check(&policy, BYTES, Some(&renamed))
            .unwrap_err()
            .contains("is not good")
    );
}

#[test]
fn without_a_policy_nothing_is_refused_and_with_one_what_is_unsigned_is() {
    let without = Trust {
        path: "trust.toml".into(),
        config: None,
    };
    assert_eq!(check(&without, BYTES, None), Ok(None));
    assert_eq!(check(&without, BYTES, Some(&sign(&key_pair(), ""))), Ok(None));
    assert!(check(&trust(""), BYTES, None).is_err());
    assert_eq!(check(&trust("unsigned = \"allow\""), BYTES, None), Ok(None));
    // Whoever signed it, it is not nobody.
    let stranger = check(&trust("unsigned = \"allow\""), BYTES, Some(&sign(&key_pair(), "")));
    assert!(stranger.unwrap_err().contains("not trusted"));
}

#[test]
fn what_a_policy_cannot_mean_is_an_error_with_its_place() {
    let key = key_pair().pk.to_base64();
    let good = format!("unsigned = \"refuse\"\n[keys.a]\npublic_key = \"{key}\"\nproviders = [\"a-*\"]\n");
    TrustConfig::parse(&good).unwrap();
    for (from, to, expected) in [
        ("unsigned", "unsinged", "line 1, column 1"),
        ("refuse", "maybe", "line 1"),
        ("providers", "provider", "line"),
        ("\"a-*\"", "\"a-*b\"", "line 4"),
        ("\"a-*\"", "\"\"", "names no providers"),
        ("\"a-*\"", "", "may sign no provider"),
        ("\"RW", "\"RX", "line 3"),
        ("providers", "revoked = 3\nproviders", "line"),
    ] {
        let told = TrustConfig::parse(&good.replacen(from, to, 1)).unwrap_err();
        assert!(told.contains(expected), "{from} -> {to}: {told}");
    }
    let twice = format!("{good}[keys.b]\npublic_key = \"{key}\"\nproviders = [\"*\"]\n");
    assert!(TrustConfig::parse(&twice).unwrap_err().contains("keys `a` and `b`"));
}

#[test]
fn keys_are_added_revoked_and_removed_around_what_people_wrote() {
    let home = tempfile::tempdir().unwrap();
    let store = TrustStore::new(&Home::below(home.path()));
    assert_eq!(store.config().unwrap(), None);
    let (key, other) = (key_pair().pk.to_base64(), key_pair().pk.to_base64());
    let patterns: Vec<NamePattern> = vec!["acme-*".parse().unwrap()];
    store.add("acme", &key.parse().unwrap(), &patterns).unwrap();
    assert_eq!(store.config().unwrap().unwrap().unsigned, Unsigned::Refuse);

    let text = std::fs::read_to_string(store.path()).unwrap() + "# kept\n";
    std::fs::write(store.path(), text.replace("refuse\"\n", "allow\"\n")).unwrap();
    store.add("other", &other.parse().unwrap(), &patterns).unwrap();
    for name in ["other", "third"] {
        assert!(store.add(name, &key.parse().unwrap(), &patterns).is_err(), "{name}");
    }
    let revoked = store.revoke("acme", "stolen").unwrap();
    assert_eq!(revoked.revoked.unwrap().reason(), Some("stolen"));
    store.remove("other").unwrap();
    assert!(store.remove("other").is_err() && store.revoke("other", "").is_err());

    let config = store.config().unwrap().unwrap();
    assert_eq!((config.unsigned, config.keys.len()), (Unsigned::Allow, 1));
    assert!(std::fs::read_to_string(store.path()).unwrap().contains("# kept"));
}
