//! May an installed component be used, now? Asked at every use, of what is on disk at that moment.
//!
//! Three things must agree: what is installed, what the lock file pins, and what the policy accepts. Whoever wants an
//! installed component to become another one has to change the lock file too, which version control shows; and where
//! signatures are asked for, also to have a key that may sign it. The cheap part (no component is read) is done for every
//! call of every connection; the bytes are read and verified before they are loaded.

use std::sync::Arc;

use stockade_host::artifact::ComponentBytes;
use stockade_host::contract::ErrorKind;

use super::files::{KeptDescription, RegistryFiles};
use super::installed::{InstalledProvider, Signer};
use super::lock::{DIGEST_PREFIX, LockFile, Pin};
use crate::error::{Error, Result};
use crate::trust::{Signature, Trust, TrustedKey};

/// The permission to use a provider, and what it rests on.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    pub(crate) provider: Arc<InstalledProvider>,
    pub(crate) identity: Identity,
    /// The signature, and the key that must have made it; none when nobody asks for one.
    pub(super) proof: Option<(TrustedKey, Signature)>,
}

/// What a permission rests on: while it stays the same, what was verified stays verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    digest: String,
    description: String,
    signature: Option<String>,
    key: Option<String>,
}

impl Admission {
    /// Of a provider that is compiled in.
    pub(super) fn native(provider: Arc<InstalledProvider>) -> Self {
        Self {
            provider,
            identity: Identity::default(),
            proof: None,
        }
    }
}

/// Checks that what is kept of a provider is what the lock file pins.
pub(super) fn check_pin<'a>(name: &str, kept: &KeptDescription, lock: &'a LockFile) -> Result<&'a Pin> {
    let file = lock.path().display();
    let Some(pin) = lock.get(name) else {
        return Err(changed(name, format!("`{file}` has no entry for it"))
            .hint("restore the lock file, or install the component again: `stockade provider add FILE`"));
    };
    let (digest, info) = (&kept.description.digest, &kept.description.info);
    if pin.digest != *digest {
        return Err(changed(
            name,
            format!(
                "`{file}` pins version {} ({DIGEST_PREFIX}{}), and version {} ({DIGEST_PREFIX}{digest}) is installed",
                pin.version, pin.digest, info.version
            ),
        )
        .hint(format!(
            "install what is pinned: `stockade provider add --replace {}`; or restore the lock file",
            pin.source
        )));
    }
    if pin.description != kept.digest || info.name != name || info.version != pin.version {
        return Err(changed(
            name,
            "its description, which says what it asks for, was changed on disk or is not the one that the lock file pins",
        )
        .hint(again(pin)));
    }
    Ok(pin)
}

/// Checks a provider against the lock file and the policy, without its bytes.
pub(super) fn admit(
    name: &str,
    kept: KeptDescription,
    files: &RegistryFiles,
    lock: &LockFile,
    trust: &Trust,
) -> Result<Admission> {
    let pin = check_pin(name, &kept, lock)?;
    let signature = files.signature(&pin.digest)?;
    let signed_by = signature.as_ref().map(Signature::key_id);
    if let Some(pinned) = pin.signer {
        if signed_by != Some(pinned) {
            return Err(changed(
                name,
                format!("it was installed with a signature of key {pinned}, which is gone"),
            )
            .hint(again(pin)));
        }
        if !trust.exists() {
            let file = trust.path().display();
            return Err(changed(
                name,
                format!("it is pinned as signed by key {pinned}, and there is no `{file}` to check that by"),
            )
            .hint("restore the file, or add the key: `stockade provider trust add NAME KEY --providers PATTERN`"));
        }
    }
    let key = trust
        .judge(signature.as_ref())
        .and_then(|key| key.map(|key| key.check_name(name).map(|()| key)).transpose())
        .map_err(|error| error.while_doing(format!("use provider `{name}`")))?;
    let identity = Identity {
        digest: pin.digest.clone(),
        description: kept.digest,
        signature: signature.as_ref().map(|signature| signature.text().to_owned()),
        key: key.as_ref().map(|key| key.public_key().text().to_owned()),
    };
    let signer = signed_by.map(|id| Signer::new(id, trust));
    Ok(Admission {
        provider: Arc::new(InstalledProvider::component(
            kept.description,
            pin.source.clone(),
            signer,
        )),
        identity,
        proof: key.zip(signature),
    })
}

/// Reads an admitted component, and verifies its bytes.
pub(super) fn read_verified(files: &RegistryFiles, admission: &Admission) -> Result<ComponentBytes> {
    let (provider, name) = (&admission.provider, &admission.provider.info.name);
    let hint = || {
        format!(
            "install it again: `stockade provider add --replace {}`",
            provider.source
        )
    };
    let Some(bytes) = files.component(&provider.digest)? else {
        return Err(changed(name, "its component is missing on disk").hint(hint()));
    };
    if bytes.digest() != provider.digest {
        let message = format!(
            "its installed component was changed on disk: it is {DIGEST_PREFIX}{}, and {DIGEST_PREFIX}{} is pinned",
            bytes.digest(),
            provider.digest
        );
        return Err(changed(name, message).hint(hint()));
    }
    if let Some((key, signature)) = &admission.proof {
        key.verify(bytes.bytes(), signature)
            .and_then(|()| key.check_comment(&provider.info, signature))
            .map_err(|error| error.while_doing(format!("use provider `{name}`")))?;
    }
    Ok(bytes)
}

fn changed(name: &str, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Conflict, what.to_string()).while_doing(format!("use provider `{name}`"))
}

fn again(pin: &Pin) -> String {
    format!("install it again: `stockade provider add --replace {}`", pin.source)
}
