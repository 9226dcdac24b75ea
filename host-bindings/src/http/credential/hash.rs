//! SHA-256 and HMAC-SHA-256 as signatures use them: FIPS 180-4 and RFC 2104.
//!
//! For `sigv4` and `azure_shared_key`. Keys that are derived are wiped when they are dropped.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A signature or a derived key.
pub(super) type Tag = Zeroizing<[u8; 32]>;

/// HMAC-SHA-256 of a message under a key.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length: RFC 2104, section 2")]
pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> Tag {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digit = |value: u8| DIGITS[usize::from(value & 15)];
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte)]).collect()
}
