//! Signed statements (JWT, RFC 7519) by which a client or a service account proves that it has a private key.
//!
//! RS256 and ES256 (RFC 7518, section 3.1), signed by `ring`, which also makes the signatures of TLS. Nothing here verifies
//! a statement: tokens of servers are passed on unread.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::CredentialError;

/// A private key that signs statements. Never printed; the signing library wipes no copies.
pub struct SigningKey {
    pair: Pair,
    key_id: Option<String>,
    thumbprint: Option<String>,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = self.algorithm();
        formatter
            .debug_struct("SigningKey")
            .field("algorithm", &algorithm)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A key in PEM: `PRIVATE KEY` (PKCS#8), or `RSA PRIVATE KEY` (PKCS#1). A certificate beside it is named in the
    /// statements by its thumbprint (`x5t`, RFC 7515, section 4.1.7), as Entra ID wants it; `key_id` by `kid`.
    ///
    /// # Errors
    /// What is wrong with the key, without a part of it.
    pub fn from_pem(pem: &str, key_id: Option<String>) -> Result<Self, CredentialError> {
        let refused = |why: &str| CredentialError::Key(why.to_owned());
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| refused("it has no `PRIVATE KEY` block in PEM, or a broken one; is it encrypted?"))?;
        let pair = match &der {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()).map(Pair::Rsa),
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der())
                .map(Pair::Rsa)
                .or_else(|_| {
                    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
                    EcdsaKeyPair::from_pkcs8(algorithm, key.secret_pkcs8_der(), &random).map(Pair::P256)
                }),
            _ => {
                return Err(refused(
                    "`EC PRIVATE KEY` must be PKCS#8: `openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW`",
                ));
            }
        };
        let pair = pair.map_err(|_| refused("it is no RSA key of 2048 to 8192 bits and no P-256 key"))?;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok();
        let thumbprint = certificate
            .map(|certificate| URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate)));
        Ok(Self {
            pair,
            key_id,
            thumbprint,
        })
    }

    fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
        }
    }

    /// A signed statement of these claims.
    pub(super) fn sign(&self, claims: &Value) -> Result<Zeroizing<String>, CredentialError> {
        let mut head = json!({ "alg": self.algorithm(), "typ": "JWT" });
        for (name, value) in [("kid", &self.key_id), ("x5t", &self.thumbprint)] {
            if let Some(value) = value {
                head[name] = Value::from(value.as_str());
            }
        }
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let mut statement = Zeroizing::new(format!("{}.{}", encode(&head), encode(claims)));
        let signature = self.signature(statement.as_bytes());
        let signature = signature.map_err(|_| CredentialError::Key("signing failed".to_owned()))?;
        statement.push('.');
        statement.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(statement)
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            Pair::P256(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, KeyPair as _, UnparsedPublicKey};

    use super::*;

    /// A new P-256 key in PEM, and its public half.
    pub(in crate::http::credential) fn p256() -> (String, Vec<u8>) {
        let key = rcgen::KeyPair::generate().unwrap();
        (key.serialize_pem(), key.public_key_raw().to_vec())
    }

    #[test]
    fn a_statement_says_its_claims_and_verifies_with_the_public_key_alone() {
        let (pem, public) = p256();
        let key = SigningKey::from_pem(&pem, Some("k-1".into())).unwrap();
        let claims = json!({ "iss": "me", "exp": 1 });
        let statement = key.sign(&claims).unwrap();
        let (message, signature) = statement.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let verify = |message: &str| {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public).verify(message.as_bytes(), &signature)
        };
        assert!(verify(message).is_ok());
        assert!(verify(&message.replace('.', "..")).is_err());
        let parts: Vec<Value> = message
            .split('.')
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        assert_eq!(parts, [json!({ "alg": "ES256", "typ": "JWT", "kid": "k-1" }), claims]);
        let Pair::P256(pair) = &key.pair else { panic!("{key:?}") };
        assert_eq!(pair.public_key().as_ref(), public);
    }

    #[test]
    fn what_is_no_usable_key_is_refused_without_being_repeated() {
        let (pem, _) = p256();
        let broken = pem
            .replace("BEGIN PRIVATE", "BEGIN EC PRIVATE")
            .replace("END PRIVATE", "END EC PRIVATE");
        for text in [
            "",
            "canary-key",
            "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LWtleQ==\n-----END PRIVATE KEY-----\n",
            &broken,
        ] {
            let error = SigningKey::from_pem(text, None).unwrap_err().to_string();
            assert!(!error.contains("canary") && !error.contains("Y2Fu"), "{error}");
        }
        assert!(!format!("{:?}", SigningKey::from_pem(&pem, None)).contains("key_id"));
    }
}
