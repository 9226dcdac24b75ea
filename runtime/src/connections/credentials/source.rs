//! From where a secret is to the secret.
//!
//! A source is read when a connection is opened, and again when a server refuses what it gave (`reload`). Files that others
//! can read are refused, as OpenSSH refuses a private key. Errors say where a secret should have been and never what was
//! there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use stockade_host::contract::ErrorKind;
use stockade_host::http::Secret;
use zeroize::Zeroizing;

use super::command;
use crate::connections::config::SecretSource;
use crate::error::{Error, Result};
use crate::home::Home;

/// The largest secret in bytes, and the largest file with secrets.
pub(super) const MAX_SECRET_BYTES: u64 = 64 << 10;
/// The file with named secrets, in the configuration's directory.
const SECRETS_FILE: &str = "secrets.toml";

/// Reads the sources of one credential, and remembers what it read.
pub(super) struct Sources<'a> {
    home: &'a Home,
    /// The credential's name, for errors.
    name: &'a str,
    read: RefCell<Vec<Secret>>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(home: &'a Home, name: &'a str) -> Self {
        Self {
            home,
            name,
            read: RefCell::default(),
        }
    }

    /// Everything that was read, in order: another list means that something changed.
    pub(super) fn into_read(self) -> Vec<Secret> {
        self.read.into_inner()
    }

    /// Reads a secret.
    ///
    /// # Errors
    /// When it is missing, empty, too large, or others could have read it.
    pub(super) fn read(&self, source: &SecretSource) -> Result<Secret> {
        let secret = match source {
            SecretSource::Env(variable) => std::env::var(variable).map(Secret::new).map_err(|_| {
                self.missing(format_args!("the environment variable `{variable}` is not set"))
                    .hint(format!("set `{variable}`"))
            })?,
            SecretSource::File(path) => self.file(Path::new(path))?,
            SecretSource::Keyring(entry) => self.keyring(entry)?,
            SecretSource::Command(words) => {
                let printed = command::run(words, &[]).map_err(|why| self.missing(why))?;
                Secret::new(printed.trim_end_matches(['\n', '\r']))
            }
            SecretSource::Secret(name) => self.named(name)?,
        };
        if secret.expose().is_empty() {
            return Err(self.missing("it is empty"));
        }
        self.read.borrow_mut().push(secret.clone());
        Ok(secret)
    }

    /// Reads a file that only its owner may read, without its final line break.
    pub(super) fn file(&self, path: &Path) -> Result<Secret> {
        let text = self.private_text(path)?;
        Ok(Secret::new(text.trim_end_matches(['\n', '\r'])))
    }

    fn private_text(&self, path: &Path) -> Result<Zeroizing<String>> {
        let failed = |error: &std::io::Error| {
            self.missing(format_args!("the file `{}` cannot be read: {error}", path.display()))
        };
        let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
        let metadata = file.metadata().map_err(|error| failed(&error))?;
        if !metadata.is_file() {
            return Err(self.missing(format_args!("`{}` is no file", path.display())));
        }
        if metadata.mode() & 0o077 != 0 {
            let error = self.missing(format_args!("others can read the file `{}`", path.display()));
            return Err(error.hint(format!("chmod 600 {}", path.display())));
        }
        let owner = metadata.uid();
        if owner != 0 && owner != rustix::process::geteuid().as_raw() {
            let error = self.missing(format_args!("the file `{}` belongs to user {owner}", path.display()));
            return Err(error.hint("a file with a secret must be yours or root's"));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_SECRET_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(|error| failed(&error))?;
        if text.len() as u64 > MAX_SECRET_BYTES {
            return Err(self.missing(format_args!("the file `{}` is larger than 64 KiB", path.display())));
        }
        Ok(text)
    }

    /// A secret of the secrets file: one line `NAME = "VALUE"` for each.
    fn named(&self, name: &str) -> Result<Secret> {
        let path = self.home.config.join(SECRETS_FILE);
        let text = self.private_text(&path)?;
        // The parser's own message would show the line.
        let mut secrets: BTreeMap<String, Secret> = toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .map_or(0, |span| text[..span.start.min(text.len())].lines().count());
            self.missing(format_args!("`{}` is broken near line {line}", path.display()))
                .hint("each line is `NAME = \"VALUE\"`")
        })?;
        secrets.remove(name).ok_or_else(|| {
            self.missing(format_args!("`{}` has no secret `{name}`", path.display()))
                .hint(format!("add the line `{name} = \"…\"` there"))
        })
    }

    fn keyring(&self, entry: &str) -> Result<Secret> {
        let (service, user) = entry.split_once('/').ok_or_else(|| {
            let message = format!(
                "the keyring entry `{entry}` of credential `{}` is not `SERVICE/USER`",
                self.name
            );
            Error::invalid("credentials", message)
        })?;
        let look_up = || -> keyring_core::Result<String> {
            let store = linux_keyutils_keyring_store::Store::new()?;
            keyring_core::set_default_store(store);
            keyring_core::Entry::new(service, user)?.get_password()
        };
        look_up()
            .map(Secret::new)
            .map_err(|error| self.missing(format_args!("the keyring entry `{entry}` cannot be read: {error}")))
    }

    /// The credential cannot be used.
    pub(super) fn missing(&self, why: impl std::fmt::Display) -> Error {
        Error::new(
            ErrorKind::Unauthenticated,
            format!("credential `{}` cannot be used: {why}", self.name),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn read(home: &Home, source: &SecretSource) -> Result<Secret> {
        Sources::new(home, "api").read(source)
    }

    fn private(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn every_source_gives_its_secret_without_the_line_break() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::below(directory.path());
        std::fs::create_dir(&home.config).unwrap();
        let file = directory.path().join("token");
        private(&file, "s3cret\n");
        private(&home.config.join(SECRETS_FILE), "lab = \"s3cret\"\nother = \"x\"\n");
        let sources = [
            SecretSource::File(file.display().to_string()),
            SecretSource::Secret("lab".to_owned()),
            SecretSource::Command(vec!["/bin/cat".to_owned(), file.display().to_string()]),
        ];
        for source in sources {
            assert_eq!(read(&home, &source).unwrap().expose(), "s3cret", "{source:?}");
        }
    }

    #[test]
    fn what_others_could_have_read_is_refused_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::below(directory.path());
        std::fs::create_dir(&home.config).unwrap();
        let (file, secrets) = (directory.path().join("token"), home.config.join(SECRETS_FILE));
        private(&file, "s3cret");
        private(&secrets, "lab = \"s3cret\"");
        let sources = [
            SecretSource::File(file.display().to_string()),
            SecretSource::Secret("lab".to_owned()),
        ];
        for (path, source) in [&file, &secrets].into_iter().zip(&sources) {
            for mode in [0o640, 0o604, 0o666] {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
                let error = read(&home, source).unwrap_err();
                assert_eq!(error.kind(), &ErrorKind::Unauthenticated);
                assert_eq!(error.hints(), [format!("chmod 600 {}", path.display())]);
            }
        }
    }

    #[test]
    fn what_is_missing_empty_broken_or_too_large_is_said_and_not_repeated() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::below(directory.path());
        std::fs::create_dir(&home.config).unwrap();
        private(&home.config.join(SECRETS_FILE), "ok = \"1\"\nbad = canary\n");
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            private(&path, text);
            SecretSource::File(path.display().to_string())
        };
        let command = |words: &[&str]| SecretSource::Command(words.iter().map(ToString::to_string).collect());
        let cases = [
            (
                SecretSource::Env("STOCKADE_TEST_ABSENT".into()),
                "`STOCKADE_TEST_ABSENT` is not set",
            ),
            (file("empty", "\n"), "it is empty"),
            (file("large", &"canary".repeat(20_000)), "larger than 64 KiB"),
            (SecretSource::File(directory.path().display().to_string()), "is no file"),
            (SecretSource::File("/nowhere".into()), "`/nowhere` cannot be read"),
            (SecretSource::Secret("bad".into()), "is broken near line 2"),
            (SecretSource::Keyring("no-slash".into()), "is not `SERVICE/USER`"),
            (command(&["cat"]), "`cat` is no absolute path"),
            (command(&["/bin/true"]), "it is empty"),
        ];
        for (source, expected) in cases {
            let error = read(&home, &source).unwrap_err().to_string();
            assert!(
                error.contains(expected) && !error.contains("canary"),
                "{source:?}: {error}"
            );
        }
        private(&home.config.join(SECRETS_FILE), "ok = \"1\"\n");
        let error = read(&home, &SecretSource::Secret("absent".into()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("has no secret `absent`"), "{error}");
    }

    #[test]
    fn the_keyring_gives_back_what_was_put_there() {
        let entry = format!("stockade-test/{}", std::process::id());
        let (service, user) = entry.split_once('/').unwrap();
        let put = || -> keyring_core::Result<keyring_core::Entry> {
            keyring_core::set_default_store(linux_keyutils_keyring_store::Store::new()?);
            let stored = keyring_core::Entry::new(service, user)?;
            stored.set_password("canary-ring")?;
            Ok(stored)
        };
        let directory = tempfile::tempdir().unwrap();
        let home = Home::below(directory.path());
        let get = |entry: String| read(&home, &SecretSource::Keyring(entry));
        match put() {
            Ok(stored) => {
                assert_eq!(get(entry.clone()).unwrap().expose(), "canary-ring");
                stored.delete_credential().unwrap();
            }
            // Containers often forbid the kernel's keyring: then the operator has to be told.
            Err(_) => {
                let error = get(entry).unwrap_err();
                assert!(error.to_string().contains("keyring entry"), "{error}");
            }
        }
    }
}
