//! Installing: everything is checked before anything of the component runs, and written only after it was approved.
//!
//! First the digest and the signature of the bytes; then the component is compiled and describes itself without any
//! grant; then its name. What comes of it waits for whoever approves: see `review`.

use std::path::{Path, PathBuf};

use stockade_host::artifact::{ComponentBytes, MAX_COMPONENT_BYTES};
use stockade_host::contract::ErrorKind;
use tokio::io::AsyncReadExt as _;

use super::Registry;
use super::admission::check_pin;
use super::files::Description;
use super::installed::{InstalledProvider, Signer};
use super::lock::{DIGEST_PREFIX, LockFile, Pin, digest_digits};
use super::native::find_native;
use crate::error::{Error, Result};
use crate::trust::{KeyId, MAX_SIGNATURE_BYTES, Signature, Trust, TrustedKey};

/// How a signature's file is called: as its component's, with this at the end.
const SIGNATURE_ENDING: &str = ".minisig";

/// What to install, and on which conditions.
#[derive(Clone, Debug, Default)]
pub struct Installation {
    /// The component's file.
    pub file: PathBuf,
    /// The signature's file; none for the component's with `.minisig` at the end, if there is one.
    pub signature: Option<PathBuf>,
    /// The digest that the component must have: `sha256:` and 64 hexadecimal digits.
    pub digest: Option<String>,
    /// Whether it may take the place of another component of its name.
    pub replace: bool,
}

/// A component that was checked and can be installed.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) provider: InstalledProvider,
    /// What is installed under its name; none when nothing is that could be trusted to say what it asked for.
    pub(crate) installed: Option<InstalledProvider>,
    component: ComponentBytes,
    signature: Option<Signature>,
    /// The key whose signature was verified.
    signer: Option<KeyId>,
    /// What the lock file said when it was checked.
    pinned: Option<Pin>,
}

impl Registry {
    /// Looks at a component file: what it is, what it asks for, who signed it. Runs nothing of it but `describe`, without
    /// any grant.
    pub(crate) async fn inspect(&self, file: &Path) -> Result<InstalledProvider> {
        let component = read_component(file).await?;
        let description = self
            .describe(&component)
            .await
            .map_err(|error| error.while_doing(format!("inspect `{}`", file.display())))?;
        let trust = self.trust.read()?;
        let signature = read_signature(None, file).await;
        let judged = signature.as_ref().map_err(Clone::clone).and_then(|signature| {
            let signature = signature.as_ref();
            let key = verify(&trust, &component, signature)?;
            check_described(key.as_ref(), &description, signature)
        });
        let signer = signature
            .ok()
            .flatten()
            .map(|signature| Signer::new(signature.key_id(), &trust));
        let mut provider = InstalledProvider::component(description, file.display().to_string(), signer);
        provider.refusal = judged.err().map(|error| error.to_string());
        Ok(provider)
    }

    /// Checks a component for installing.
    pub(crate) async fn prepare(&self, wanted: &Installation) -> Result<Prepared> {
        let doing = |error: Error| error.while_doing(format!("add provider `{}`", wanted.file.display()));
        let component = read_component(&wanted.file).await?;
        check_digest(wanted.digest.as_deref(), &component).map_err(doing)?;
        let signature = read_signature(wanted.signature.as_deref(), &wanted.file)
            .await
            .map_err(doing)?;
        let trust = self.trust.read()?;
        let key = verify(&trust, &component, signature.as_ref()).map_err(doing)?;
        let description = self.describe(&component).await.map_err(doing)?;
        check_described(key.as_ref(), &description, signature.as_ref()).map_err(doing)?;

        let lock = LockFile::read(&self.home)?;
        let signer = key.as_ref().and(signature.as_ref()).map(Signature::key_id);
        let name = description.info.name.clone();
        self.check_place(&description, signer, &lock, wanted.replace)
            .map_err(doing)?;
        let shown = signature
            .as_ref()
            .map(|signature| Signer::new(signature.key_id(), &trust));
        Ok(Prepared {
            installed: self.intact(&name, &lock, &trust),
            pinned: lock.get(&name).cloned(),
            provider: InstalledProvider::component(description, wanted.file.display().to_string(), shown),
            component,
            signature,
            signer,
        })
    }

    /// Installs what was checked and approved.
    pub(crate) fn install(&self, prepared: Prepared) -> Result<InstalledProvider> {
        let provider = prepared.provider;
        let name = &provider.info.name;
        let _changing = self.home.lock()?;
        let lock = LockFile::read(&self.home)?;
        if lock.get(name) != prepared.pinned.as_ref() {
            let message = format!("provider `{name}` was changed by somebody else meanwhile");
            return Err(Error::new(ErrorKind::Conflict, message).hint("look at it again, and then add it"));
        }
        self.files
            .put_component(&prepared.component, prepared.signature.as_ref())?;
        let description = self.files.put_description(
            name,
            &Description {
                digest: provider.digest.clone(),
                abilities: provider.abilities.clone(),
                imports: provider.imports.clone(),
                info: provider.info.clone(),
            },
        )?;
        lock.put(Pin {
            name: name.clone(),
            version: provider.info.version.clone(),
            digest: provider.digest.clone(),
            description,
            source: provider.source.clone(),
            signer: prepared.signer,
        })?;
        if let Some(old) = prepared.pinned.filter(|old| old.digest != provider.digest) {
            self.files.remove_component(&old.digest)?;
        }
        Ok(provider)
    }

    /// What is installed under a name, if it is what the lock file pins.
    fn intact(&self, name: &str, lock: &LockFile, trust: &Trust) -> Option<InstalledProvider> {
        let kept = self.files.description(name).ok().flatten()?;
        let pin = check_pin(name, &kept, lock).ok()?;
        let signer = pin.signer.map(|id| Signer::new(id, trust));
        Some(InstalledProvider::component(
            kept.description,
            pin.source.clone(),
            signer,
        ))
    }

    /// Whether a component may take its name.
    fn check_place(&self, new: &Description, signer: Option<KeyId>, lock: &LockFile, replace: bool) -> Result<()> {
        let name = &new.info.name;
        if find_native(name).is_some() {
            return Err(Error::already_exists("provider", name)
                .hint("a component cannot take the name of a provider that is compiled in"));
        }
        let Some(pin) = lock.get(name).filter(|_| !replace) else {
            return Ok(());
        };
        if pin.digest != new.digest {
            return Err(Error::already_exists("provider", name).hint(format!(
                "`{}` pins version {} ({DIGEST_PREFIX}{}), and this is version {} ({DIGEST_PREFIX}{}); give `--replace` to use this one instead",
                lock.path().display(),
                pin.version,
                pin.digest,
                new.info.version,
                new.digest
            )));
        }
        match pin.signer.filter(|pinned| signer != Some(*pinned)) {
            Some(pinned) => Err(Error::new(
                ErrorKind::Conflict,
                format!("provider `{name}` is pinned as signed by key {pinned}, and this is not verified to be"),
            )
            .hint("give its signature with `--signature FILE`, or `--replace` to go on without")),
            None => Ok(()),
        }
    }
}

fn check_digest(wanted: Option<&str>, component: &ComponentBytes) -> Result<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    let Some(digits) = digest_digits(wanted) else {
        return Err(Error::invalid(
            "digest",
            format!("`{wanted}` is not `{DIGEST_PREFIX}` and 64 hexadecimal digits in lower case"),
        ));
    };
    if digits == component.digest() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!(
            "it is {DIGEST_PREFIX}{}, and {wanted} was asked for",
            component.digest()
        ),
    )
    .hint("this is another component, or a changed one: do not install it before you know why"))
}

/// What the policy says of bytes and their signature, before anything of them runs.
fn verify(trust: &Trust, component: &ComponentBytes, signature: Option<&Signature>) -> Result<Option<TrustedKey>> {
    let key = trust.judge(signature)?;
    if let Some((key, signature)) = key.as_ref().zip(signature) {
        key.verify(component.bytes(), signature)?;
    }
    Ok(key)
}

/// What the policy says of the name and version, after the signature was verified.
fn check_described(key: Option<&TrustedKey>, described: &Description, signature: Option<&Signature>) -> Result<()> {
    let Some((key, signature)) = key.zip(signature) else {
        return Ok(());
    };
    key.check_name(&described.info.name)?;
    key.check_comment(&described.info, signature)
}

async fn read_component(file: &Path) -> Result<ComponentBytes> {
    // One byte more than there may be: the loader then says that it is too large.
    let bytes = read_at_most(file, MAX_COMPONENT_BYTES as u64 + 1).await?;
    Ok(ComponentBytes::new(bytes))
}

/// The signature that was named, or the one beside the component.
async fn read_signature(named: Option<&Path>, component: &Path) -> Result<Option<Signature>> {
    let mut beside = component.as_os_str().to_owned();
    beside.push(SIGNATURE_ENDING);
    let file = named.unwrap_or(Path::new(&beside));
    let invalid = |why: &str| {
        Error::invalid(
            "signature",
            format!("`{}` is not a minisign signature: {why}", file.display()),
        )
    };
    let bytes = match read_at_most(file, MAX_SIGNATURE_BYTES).await {
        Err(error) if named.is_none() && matches!(error.kind(), ErrorKind::NotFound(_)) => return Ok(None),
        bytes => bytes?,
    };
    let text = String::from_utf8(bytes).map_err(|_| invalid("it is not text"))?;
    Signature::parse(text).map(Some).map_err(|why| invalid(&why))
}

async fn read_at_most(file: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let read = async {
        let mut bytes = Vec::new();
        tokio::fs::File::open(file)
            .await?
            .take(max_bytes)
            .read_to_end(&mut bytes)
            .await?;
        Ok(bytes)
    };
    read.await.map_err(|error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::not_found("file", &file.display().to_string()),
        _ => Error::io(format_args!("reading `{}`", file.display()), &error),
    })
}
