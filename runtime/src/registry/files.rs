//! The registry's files in the data directory.
//!
//! `providers/NAME.json` is what a component said about itself, `components/DIGEST.wasm` the component, and
//! `components/DIGEST.minisig` its signature as it came. All of them are read by `home::read_private`: what others can
//! write is not read. What they say is checked against the lock file by `admission`; nothing here decides.

use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stockade_host::artifact::{ComponentBytes, MAX_COMPONENT_BYTES};
use stockade_host::contract::{Ability, ErrorKind, ProviderInfo};

use crate::error::{Error, Result};
use crate::home::{Home, read_private, read_private_text, write_private};
use crate::trust::{MAX_SIGNATURE_BYTES, Signature};

/// The longest description in bytes. What a guest returns is bounded far below by its limits.
const MAX_DESCRIPTION_BYTES: u64 = 64 << 20;

/// What a component said about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    /// The SHA-256 of the component in lower-case hex.
    pub(super) digest: String,
    pub(super) abilities: Vec<Ability>,
    pub(super) imports: Vec<String>,
    pub(super) info: ProviderInfo,
}

/// A description with the digest of its text, which the lock file pins.
#[derive(Clone, Debug)]
pub(super) struct KeptDescription {
    pub(super) description: Description,
    pub(super) digest: String,
}

/// Where they are.
#[derive(Clone, Debug)]
pub(super) struct RegistryFiles {
    providers: PathBuf,
    components: PathBuf,
}

impl RegistryFiles {
    pub(super) fn new(home: &Home) -> Self {
        Self {
            providers: home.data.join("providers"),
            components: home.data.join("components"),
        }
    }

    /// The names of what is installed, in no order.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let failed = |error: &std::io::Error| Error::io(format_args!("reading `{}`", self.providers.display()), error);
        let entries = match std::fs::read_dir(&self.providers) {
            Ok(entries) => entries,
            Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed(&error))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
        Ok(names)
    }

    /// What an installed component said about itself; none when none of that name is installed.
    pub(super) fn description(&self, name: &str) -> Result<Option<KeptDescription>> {
        let path = self.description_file(name);
        let Some(text) = read_private_text(&path, MAX_DESCRIPTION_BYTES)? else {
            return Ok(None);
        };
        let description = serde_json::from_str(&text).map_err(|error| {
            Error::invalid("provider", format!("`{}` is damaged: {error}", path.display()))
                .hint("remove the file and add the provider again")
        })?;
        Ok(Some(KeptDescription {
            description,
            digest: hex_digest(text.as_bytes()),
        }))
    }

    /// Keeps a description; answers the digest of its text.
    pub(super) fn put_description(&self, name: &str, description: &Description) -> Result<String> {
        let text = serde_json::to_string_pretty(description)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("cannot write the description: {error}")))?;
        write_private(&self.description_file(name), text.as_bytes())?;
        Ok(hex_digest(text.as_bytes()))
    }

    /// The installed component of a digest, whatever its bytes are now.
    pub(super) fn component(&self, digest: &str) -> Result<Option<ComponentBytes>> {
        let bytes = read_private(&self.component_file(digest), MAX_COMPONENT_BYTES as u64)?;
        Ok(bytes.map(ComponentBytes::new))
    }

    /// The signature of the installed component of a digest.
    pub(super) fn signature(&self, digest: &str) -> Result<Option<Signature>> {
        let path = self.signature_file(digest);
        let Some(text) = read_private_text(&path, MAX_SIGNATURE_BYTES)? else {
            return Ok(None);
        };
        let signature = Signature::parse(text).map_err(|why| {
            Error::invalid("signature", format!("`{}` is damaged: {why}", path.display()))
                .hint("add the provider again, with its signature")
        })?;
        Ok(Some(signature))
    }

    /// Keeps a component, and its signature if it has one.
    pub(super) fn put_component(&self, component: &ComponentBytes, signature: Option<&Signature>) -> Result<()> {
        write_private(&self.component_file(component.digest()), component.bytes())?;
        let file = self.signature_file(component.digest());
        match signature {
            Some(signature) => write_private(&file, signature.text().as_bytes()),
            None => remove(&file),
        }
    }

    pub(super) fn remove_description(&self, name: &str) -> Result<()> {
        remove(&self.description_file(name))
    }

    pub(super) fn remove_component(&self, digest: &str) -> Result<()> {
        remove(&self.component_file(digest))?;
        remove(&self.signature_file(digest))
    }

    fn description_file(&self, name: &str) -> PathBuf {
        self.providers.join(format!("{name}.json"))
    }

    fn component_file(&self, digest: &str) -> PathBuf {
        self.components.join(format!("{digest}.wasm"))
    }

    fn signature_file(&self, digest: &str) -> PathBuf {
        self.components.join(format!("{digest}.minisig"))
    }
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != IoErrorKind::NotFound => {
            Err(Error::io(format_args!("removing `{}`", path.display()), &error))
        }
        _ => Ok(()),
    }
}

fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
