//! `providers.lock`: which component each provider's name stands for.
//!
//! The file is small, sorted and meant for version control: with it, another computer installs the same bytes or nothing.
//! Every use of a provider is checked against it. It is written by installing and removing, and never guessed anew: an
//! entry that is missing stops its provider.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stockade_host::contract::ErrorKind;

use crate::error::{Error, Result};
use crate::home::{Home, check_name, read_private_text, write_private};
use crate::trust::KeyId;

/// The longest lock file in bytes: an entry takes about three hundred.
const MAX_LOCK_BYTES: u64 = 4 << 20;
/// The version of the file's form.
const FORM: u32 = 1;
/// What the file begins with.
const HEADING: &str = "\
# Which component each provider is. Written by `stockade provider add`; keep it in version control.

";

/// What a provider's name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pin {
    /// The provider's name.
    pub(crate) name: String,
    /// Its version, as it says.
    pub(crate) version: String,
    /// The SHA-256 of its component in lower-case hex.
    #[serde(with = "prefixed")]
    pub(crate) digest: String,
    /// The SHA-256 of what it said about itself when it was approved: of the description that is kept.
    #[serde(with = "prefixed")]
    pub(crate) description: String,
    /// Where it was installed from.
    pub(crate) source: String,
    /// The key whose signature was verified; none when it was not signed, or nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signer: Option<KeyId>,
}

/// The lock file as it was read.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    pins: BTreeMap<String, Pin>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockText {
    version: u32,
    #[serde(default, rename = "provider")]
    providers: Vec<Pin>,
}

impl LockFile {
    /// Reads it; a missing one pins nothing.
    pub(crate) fn read(home: &Home) -> Result<Self> {
        let path = home.config.join("providers.lock");
        let pins = match read_private_text(&path, MAX_LOCK_BYTES)? {
            Some(text) => parse(&text).map_err(|why| {
                Error::invalid("lock", format!("`{}` is broken: {why}", path.display()))
                    .hint("restore it, or remove it and add the providers again")
            })?,
            None => BTreeMap::new(),
        };
        Ok(Self { path, pins })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What a name stands for.
    pub(crate) fn get(&self, name: &str) -> Option<&Pin> {
        self.pins.get(name)
    }

    /// Pins a provider, in the place of what its name stood for.
    pub(crate) fn put(mut self, pin: Pin) -> Result<()> {
        self.pins.insert(pin.name.clone(), pin);
        self.write()
    }

    /// Forgets a provider.
    pub(crate) fn remove(mut self, name: &str) -> Result<()> {
        match self.pins.remove(name) {
            Some(_) => self.write(),
            None => Ok(()),
        }
    }

    fn write(self) -> Result<()> {
        let text = LockText {
            version: FORM,
            providers: self.pins.into_values().collect(),
        };
        let text = toml::to_string_pretty(&text)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("cannot write the lock file: {error}")))?;
        write_private(&self.path, format!("{HEADING}{text}").as_bytes())
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, Pin>, String> {
    let lock: LockText = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    if lock.version != FORM {
        return Err(format!(
            "it is of form {}, and this program knows form {FORM}: a newer one wrote it",
            lock.version
        ));
    }
    let mut pins = BTreeMap::new();
    for pin in lock.providers {
        check_name("provider", &pin.name).map_err(|error| error.to_string())?;
        if let Some(twice) = pins.insert(pin.name.clone(), pin) {
            return Err(format!("provider `{}` is in it twice", twice.name));
        }
    }
    Ok(pins)
}

/// What digests begin with where people see them.
pub(crate) const DIGEST_PREFIX: &str = "sha256:";

/// The hex digits of `sha256:…`; none when it is not that.
pub(crate) fn digest_digits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(DIGEST_PREFIX)?;
    let is_digest = digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_digest.then_some(digits)
}

mod prefixed {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{DIGEST_PREFIX, digest_digits};

    pub(super) fn serialize<S: Serializer>(digest: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{DIGEST_PREFIX}{digest}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = digest_digits(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is not `{DIGEST_PREFIX}` and 64 hexadecimal digits in lower case"
            ))
        })?;
        Ok(digits.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(name: &str) -> Pin {
        Pin {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            digest: "a".repeat(64),
            description: "b".repeat(64),
            source: format!("{name}.wasm"),
            signer: None,
        }
    }

    #[test]
    fn the_file_is_sorted_and_reads_back() {
        let home = tempfile::tempdir().unwrap();
        let home = Home::below(home.path());
        let signed = Pin {
            signer: Some(KeyId::try_from("00C0FFEE00C0FFEE".to_owned()).unwrap()),
            ..pin("web")
        };
        for pin in [signed.clone(), pin("fake"), pin("db")] {
            LockFile::read(&home).unwrap().put(pin).unwrap();
        }
        LockFile::read(&home).unwrap().remove("db").unwrap();
        let lock = LockFile::read(&home).unwrap();
        assert_eq!(lock.get("web"), Some(&signed));
        assert_eq!((lock.get("db"), lock.get("fake")), (None, Some(&pin("fake"))));
        let text = std::fs::read_to_string(lock.path()).unwrap();
        assert!(text.starts_with("# Which component"), "{text}");
        assert!(text.find("\"fake\"").unwrap() < text.find("\"web\"").unwrap(), "{text}");
    }

    #[test]
    fn what_a_lock_cannot_mean_is_an_error() {
        let entry = "[[provider]]\nname = \"a\"\nversion = \"1\"\nsource = \"a\"\n";
        let digests = format!(
            "digest = \"sha256:{0}\"\ndescription = \"sha256:{0}\"\n",
            "a".repeat(64)
        );
        let good = format!("version = 1\n{entry}{digests}");
        parse(&good).unwrap();
        for (from, to, expected) in [
            ("version = 1", "version = 2", "of form 2"),
            ("version = 1", "", "version"),
            ("source", "sauce", "line 5, column 1"),
            ("sha256:", "sha1:", "line 6"),
            ("sha256:a", "sha256:A", "line 6"),
            ("sha256:a", "sha256:", "line 6"),
            ("\"a\"", "\"../a\"", "cannot be the name"),
            ("source", "signer = \"1\"\nsource", "line 5"),
        ] {
            let told = parse(&good.replacen(from, to, 1)).unwrap_err();
            assert!(told.contains(expected), "{from} -> {to}: {told}");
        }
        assert!(parse(&format!("{good}{entry}{digests}")).unwrap_err().contains("twice"));
    }
}
