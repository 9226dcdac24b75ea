//! `trust.toml`: reading it, and changing single entries without touching what people wrote around them.

use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::Trust;
use super::config::{KeyConfig, NamePattern, TrustConfig};
use super::signature::PublicKey;
use crate::error::{Error, Result};
use crate::home::{Home, check_name, read_private_text, write_private};
use crate::suggest;

/// The longest policy in bytes: a key takes about two hundred.
const MAX_POLICY_BYTES: u64 = 1 << 20;
/// What a new file begins with.
const NEW_FILE: &str = "\
# Whose components may be installed and used. Checked at installing and at every use.
# What nobody signed: \"refuse\" or \"allow\".
unsigned = \"refuse\"
";

/// The file that says whom the operator trusts.
#[derive(Clone, Debug)]
pub struct TrustStore {
    path: PathBuf,
    home: Home,
}

impl TrustStore {
    pub(crate) fn new(home: &Home) -> Self {
        Self {
            path: home.config.join("trust.toml"),
            home: home.clone(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says; none when there is no file.
    ///
    /// # Errors
    /// `invalid-argument` with line and column when it is broken, `denied` when others could have written it.
    pub fn config(&self) -> Result<Option<TrustConfig>> {
        let Some(text) = self.text()? else { return Ok(None) };
        TrustConfig::parse(&text).map(Some).map_err(|why| self.broken(&why))
    }

    /// Adds a key. The first one makes the file, and from then on components must be signed.
    ///
    /// # Errors
    /// `already-exists` when there is a key of that name or with that id; whatever is wrong with the file.
    pub fn add(&self, name: &str, key: &PublicKey, providers: &[NamePattern]) -> Result<KeyConfig> {
        check_name("key", name)?;
        let config = self.config()?.unwrap_or_default();
        let mut known = config.keys.iter();
        if let Some((known, _)) = known.find(|(other, config)| *other == name || config.public_key.id() == key.id()) {
            return Err(Error::already_exists("key", known).hint(format!(
                "change it in `{}`, or remove it first: `stockade provider trust remove {known}`",
                self.path.display()
            )));
        }
        let mut entry = Table::new();
        entry["public_key"] = value(key.text());
        entry["providers"] = value(providers.iter().map(ToString::to_string).collect::<Array>());
        self.change(name, |keys| {
            keys.insert(name, Item::Table(entry));
        })
    }

    /// Revokes a key: what it signed is refused from now on. The entry stays, so that nobody adds the key again.
    ///
    /// # Errors
    /// `not-found` when there is none of that name.
    pub fn revoke(&self, name: &str, reason: &str) -> Result<KeyConfig> {
        self.known(name)?;
        self.change(name, |keys| keys[name]["revoked"] = value(reason))
    }

    /// Removes a key: what it signed is refused from now on, as what a stranger signed.
    ///
    /// # Errors
    /// `not-found` when there is none of that name.
    pub fn remove(&self, name: &str) -> Result<KeyConfig> {
        let key = self.known(name)?;
        self.edit(|keys| {
            keys.remove(name);
        })?;
        Ok(key)
    }

    /// The policy as it is now.
    pub(crate) fn read(&self) -> Result<Trust> {
        Ok(Trust {
            path: self.path.clone(),
            config: self.config()?,
        })
    }

    fn known(&self, name: &str) -> Result<KeyConfig> {
        let config = self.config()?.unwrap_or_default();
        if let Some(key) = config.keys.get(name) {
            return Ok(key.clone());
        }
        let names: Vec<_> = config.keys.keys().map(String::as_str).collect();
        let error = Error::not_found("key", name);
        Err(match suggest::hint(name, &names) {
            Some(hint) => error.hint(hint),
            None => error.hint("add one with `stockade provider trust add NAME KEY --providers PATTERN`"),
        })
    }

    /// Changes an entry and answers it.
    fn change(&self, name: &str, work: impl FnOnce(&mut Table)) -> Result<KeyConfig> {
        self.edit(work)?;
        self.known(name)
    }

    /// Changes the keys. What comes of it is read back before it is written.
    fn edit(&self, work: impl FnOnce(&mut Table)) -> Result<()> {
        let _changing = self.home.lock()?;
        let text = self.text()?.unwrap_or_else(|| NEW_FILE.to_owned());
        let mut document: DocumentMut = text.parse().map_err(|error| self.broken(&format!("{error}")))?;
        let keys = document.entry("keys").or_insert_with(|| {
            let mut keys = Table::new();
            keys.set_implicit(true);
            Item::Table(keys)
        });
        let Some(keys) = keys.as_table_mut() else {
            return Err(self.broken("`keys` is not a table of its own: write `[keys.NAME]`"));
        };
        work(keys);
        let text = document.to_string();
        TrustConfig::parse(&text).map_err(|why| self.broken(&why))?;
        write_private(&self.path, text.as_bytes())
    }

    fn text(&self) -> Result<Option<String>> {
        read_private_text(&self.path, MAX_POLICY_BYTES)
    }

    fn broken(&self, why: &str) -> Error {
        Error::invalid("trust", format!("`{}` is broken: {why}", self.path.display()))
            .hint("no component is installed or used until it can be read")
    }
}
