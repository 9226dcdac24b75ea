//! Minisign's two formats: signatures and public keys.
//!
//! A signature file has a comment that nobody vouches for, the signature with the id of its key, and a comment that is
//! signed as well; a key file has a comment and the key (<https://jedisct1.github.io/minisign/>). Only signatures over the
//! BLAKE2b hash of the content are accepted: the older form signs the content itself, and no tool has made it since 2021.
//! The cryptography is `minisign-verify`'s.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

/// The longest signature file in bytes. Its parts have fixed sizes but for two comments of one line.
pub(crate) const MAX_SIGNATURE_BYTES: u64 = 8 << 10;
/// Where the key's id stands in a key and in a signature, after two bytes that name the algorithm.
const KEY_ID: std::ops::Range<usize> = 2..10;

/// The number by which a signature names its key. Anybody can choose it: it finds a key, and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(u64);

impl KeyId {
    fn of(line: &str) -> Option<Self> {
        let bytes = BASE64.decode(line.trim()).ok()?;
        let id: [u8; 8] = bytes.get(KEY_ID)?.try_into().ok()?;
        Some(Self(u64::from_le_bytes(id)))
    }
}

/// As minisign prints it.
impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016X}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for KeyId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_id = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        let id = u64::from_str_radix(&text, 16).ok().filter(|_| is_id);
        id.map(Self)
            .ok_or_else(|| format!("`{text}` is not a key's id: 16 hexadecimal digits in upper case"))
    }
}

/// A signature, decoded but not verified.
#[derive(Clone)]
pub(crate) struct Signature {
    text: String,
    decoded: minisign_verify::Signature,
    key_id: KeyId,
}

impl Signature {
    /// Decodes a signature file.
    pub(crate) fn parse(text: String) -> Result<Self, String> {
        let decoded = minisign_verify::Signature::decode(&text).map_err(|error| error.to_string())?;
        let key_id = text.lines().nth(1).and_then(KeyId::of).ok_or("it names no key")?;
        Ok(Self { text, decoded, key_id })
    }

    /// The whole file.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The key that made it, as it says.
    pub(crate) fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The value of `word:VALUE` in the signed comment. To be believed after the signature was verified.
    pub(crate) fn trusted_word(&self, word: &str) -> Option<&str> {
        let mut words = self.decoded.trusted_comment().split_whitespace();
        words.find_map(|candidate| candidate.strip_prefix(word)?.strip_prefix(':'))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signature by {}", self.key_id)
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    text: String,
    key: minisign_verify::PublicKey,
    id: KeyId,
}

impl PublicKey {
    /// The key's id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Base64, as in the second line of minisign's file.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn verify(&self, bytes: &[u8], signature: &Signature) -> Result<(), String> {
        const WITHOUT_HASH: bool = false;
        self.key
            .verify(bytes, &signature.decoded, WITHOUT_HASH)
            .map_err(|error| match error {
                minisign_verify::Error::UnexpectedAlgorithm => {
                    "it is of the old form, over the content instead of its hash; sign again with a current minisign"
                        .to_owned()
                }
                error => error.to_string(),
            })
    }
}

/// A key alone, or minisign's file with its comment.
impl std::str::FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let line = match text.trim().lines().collect::<Vec<_>>().as_slice() {
            [comment, line] if comment.starts_with("untrusted comment:") => line.trim().to_owned(),
            [line] => line.trim().to_owned(),
            _ => return Err("a public key is one line of base64, or minisign's file of two lines".to_owned()),
        };
        let key = minisign_verify::PublicKey::from_base64(&line).map_err(|_| {
            "this is not a minisign public key: 56 characters of base64 that begin with `RW`".to_owned()
        })?;
        let id = KeyId::of(&line).ok_or("the key has no id")?;
        Ok(Self { text: line, key, id })
    }
}

impl TryFrom<String> for PublicKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.text
    }
}
