//! Profiles that cannot work are refused when they are made, each with a twin that can.

use rcgen::{CertificateParams, KeyPair};
use time::{Duration, OffsetDateTime};

use super::*;

/// A self-signed certificate and its key, valid between these days from now.
fn certificate(from: i64, until: i64) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
    parameters.not_before = OffsetDateTime::now_utc() + Duration::days(from);
    parameters.not_after = OffsetDateTime::now_utc() + Duration::days(until);
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn authority(pem: &str) -> Result<ClientConfig, TlsError> {
    TlsProfile::trusting(Trust::Authority(pem.into())).client_config()
}

fn identity(certificates: &str, key: &str) -> Result<ClientConfig, TlsError> {
    let identity = ClientIdentity {
        certificates: certificates.into(),
        key: Secret::new(key),
    };
    TlsProfile {
        identity: Some(identity),
        ..TlsProfile::default()
    }
    .client_config()
}

#[test]
fn an_authority_without_a_usable_certificate_is_refused() {
    assert!(matches!(authority(""), Err(TlsError::NoCertificate(_))));
    assert!(matches!(authority("not PEM at all"), Err(TlsError::NoCertificate(_))));
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(authority(empty), Err(TlsError::Malformed(_))));
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    assert!(matches!(authority(cut), Err(TlsError::Pem { .. })));
    for trust in [Trust::WebRoots, Trust::Insecure] {
        assert!(TlsProfile::trusting(trust).client_config().is_ok());
    }
}

#[test]
fn an_authority_that_is_out_of_date_vouches_for_nothing() {
    let ((old, _), (new, _), (next, _)) = (certificate(-20, -10), certificate(-1, 1), certificate(10, 20));
    for out_of_date in [&old, &next] {
        assert!(matches!(authority(out_of_date), Err(TlsError::OutOfDate { .. })));
    }
    assert!(authority(&new).is_ok());
    assert!(
        authority(&format!("{old}{new}{next}")).is_ok(),
        "a bundle may hold more"
    );
    assert_eq!(
        certificates::authorities(&format!("{old}{new}{next}")).unwrap().len(),
        1
    );
}

#[test]
fn a_client_certificate_must_be_in_date_and_have_its_own_key() {
    let (sound, key) = certificate(-1, 1);
    let (expired, its_key) = certificate(-20, -10);
    assert!(identity(&sound, &key).is_ok());
    assert!(matches!(identity(&sound, &its_key), Err(TlsError::Identity(_))));
    assert!(matches!(identity(&expired, &its_key), Err(TlsError::OutOfDate { .. })));
    assert!(matches!(
        identity(&format!("{sound}{expired}"), &key),
        Err(TlsError::OutOfDate { .. })
    ));
    assert!(matches!(identity("", &key), Err(TlsError::NoCertificate(_))));
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for no_key in ["", "canary", &sound, &encrypted] {
        let error = identity(&sound, no_key).unwrap_err();
        assert!(matches!(error, TlsError::Key), "{error:?}");
    }
}

#[test]
fn a_key_is_not_shown() {
    let (certificates, key) = certificate(-1, 1);
    let secret = key.lines().nth(1).unwrap().to_owned();
    let profile = TlsProfile {
        identity: Some(ClientIdentity {
            certificates,
            key: Secret::new(key),
        }),
        ..TlsProfile::default()
    };
    assert!(!format!("{profile:?}").contains(&secret));
}
