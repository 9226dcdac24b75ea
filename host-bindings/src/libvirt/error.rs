//! From libvirt's errors to the contract's: one table, and one sentence for the person who must act.
//!
//! Error numbers: <https://libvirt.org/html/libvirt-virterror.html>. Every libvirt call is followed by [`Doing::doing`],
//! which says what was being done and to what; `connection` turns the resulting [`Fault`] into the caller's error.

use virt::error::{ErrorDomain, ErrorNumber};

use crate::contract::{Error, ErrorKind, Subject, UpstreamFault};

use super::names::printable;

/// A failed step: the error for the caller, and what the connection must know.
#[derive(Debug)]
pub(super) struct Fault {
    /// What the caller gets; boxed, because every step's result carries it.
    pub(super) error: Box<Error>,
    /// The daemon is gone; the connection never heals and must be opened again.
    pub(super) disconnected: bool,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self {
            error: Box::new(error),
            disconnected: false,
        }
    }
}

impl Fault {
    /// Whether libvirt said that the thing does not exist.
    pub(super) const fn is_not_found(&self) -> bool {
        matches!(self.error.kind, ErrorKind::NotFound(_))
    }

    /// The fault with another sentence at its end, for the person.
    pub(super) fn and(mut self, addition: &str) -> Self {
        self.error.message.push_str("; ");
        self.error.message.push_str(addition);
        self
    }
}

/// Says what a libvirt call was for.
pub(super) trait Doing<T> {
    /// Turns libvirt's error into ours: `action` in the infinitive ("start"), the thing's noun and name.
    ///
    /// # Errors
    /// When the call failed.
    fn doing(self, action: &str, noun: &str, name: &str) -> Result<T, Fault>;
}

impl<T> Doing<T> for Result<T, virt::error::Error> {
    fn doing(self, action: &str, noun: &str, name: &str) -> Result<T, Fault> {
        self.map_err(|error| fault(&error, action, noun, name))
    }
}

fn fault(error: &virt::error::Error, action: &str, noun: &str, name: &str) -> Fault {
    let disconnected = is_disconnected(error);
    let lack = lack_of(error.code(), error.message());
    let kind = match (&lack, disconnected) {
        (_, true) => ErrorKind::Unavailable,
        (Some(lack), _) => lack.kind.clone(),
        (None, _) => kind(error, action, noun, name),
    };
    let message = match (&kind, disconnected) {
        (ErrorKind::NotFound(subject), _) => {
            format!("there is no {} `{}` on this connection", subject.noun, printable(name))
        }
        (ErrorKind::AlreadyExists(subject), _) => format!("{} `{}` exists already", subject.noun, printable(name)),
        (_, true) => format!(
            "cannot {action} {noun} `{}`: libvirt closed the connection ({}); repeat the call once libvirt runs again",
            printable(name),
            one_line(error.message())
        ),
        _ => format!(
            "cannot {action} {noun} `{}`: {}{}",
            printable(name),
            one_line(error.message()),
            lack.map_or_else(|| hint(&kind), |lack| lack.hint)
        ),
    };
    Fault {
        error: Box::new(Error::new(kind, message)),
        disconnected,
    }
}

/// A connection whose daemon ended says so as an internal or system error of the RPC layer.
fn is_disconnected(error: &virt::error::Error) -> bool {
    matches!(error.domain(), ErrorDomain::Rpc | ErrorDomain::Remote)
        && matches!(
            error.code(),
            ErrorNumber::InternalError | ErrorNumber::SystemError | ErrorNumber::NoClient
        )
}

/// Something that a VM was promised and its host does not have.
struct Lack {
    kind: ErrorKind,
    hint: &'static str,
}

/// What a VM cannot start without. libvirt has a code of its own only for the CPU; its words are those of `qemu_process.c`,
/// `qemu_command.c` and `cpu_x86.c`, QEMU's those of `hostmem.c` and `physmem.c`.
fn lack_of(code: ErrorNumber, message: &str) -> Option<Lack> {
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if says(&[
        "hugetlbfs",
        "Insufficient free host memory pages",
        "unable to map backing store for guest RAM",
    ]) {
        return Some(Lack {
            kind: ErrorKind::Conflict,
            hint: "; reserve huge pages of that size on the host (`sysctl vm.nr_hugepages=NUMBER` for 2 MiB), mount hugetlbfs, \
                   restart libvirtd, and repeat; or leave the option `hugepages` out",
        });
    }
    if says(&["Unknown CPU model"]) {
        return Some(Lack {
            kind: ErrorKind::InvalidArgument("cpu_model".to_owned()),
            hint: "; `virsh cpu-models x86_64` lists the models, for another architecture with its name",
        });
    }
    if code == ErrorNumber::CpuIncompatible
        || says(&["incompatible with host CPU", "guest CPU doesn't match specification"])
    {
        return Some(Lack {
            kind: ErrorKind::Conflict,
            hint: "; the host's CPU lacks what the vm is promised: choose another `cpu_model`, or take the features that are \
                   named out of `cpu_features`",
        });
    }
    None
}

/// The table. What is not in it is the vendor's own failure.
fn kind(error: &virt::error::Error, action: &str, noun: &str, name: &str) -> ErrorKind {
    let subject = |noun: &str| Subject {
        noun: noun.to_owned(),
        name: name.to_owned(),
    };
    let message = error.message();
    match error.code() {
        ErrorNumber::NoDomain => ErrorKind::NotFound(subject("vm")),
        ErrorNumber::NoNetwork => ErrorKind::NotFound(subject("network")),
        ErrorNumber::NoStoragePool => ErrorKind::NotFound(subject("pool")),
        ErrorNumber::NoStorageVolume => ErrorKind::NotFound(subject(noun)),
        ErrorNumber::NoDomainSnapshot => ErrorKind::NotFound(subject("snapshot")),
        ErrorNumber::DomExist | ErrorNumber::NetworkExist | ErrorNumber::StorageVolExist => {
            ErrorKind::AlreadyExists(subject(noun))
        }
        // virStorageVolCreateXMLFrom has no code of its own for it (storage_driver.c).
        ErrorNumber::InternalError if message.contains("storage volume name") && message.contains("already in use") => {
            ErrorKind::AlreadyExists(subject(noun))
        }
        ErrorNumber::OperationFailed if message.contains("already exists") => ErrorKind::AlreadyExists(subject(noun)),
        ErrorNumber::OperationInvalid | ErrorNumber::ResourceBusy => ErrorKind::Conflict,
        // Another pool has the same place; a network's range or bridge is the host's already (virstorageobj.c, bridge_driver).
        ErrorNumber::OperationFailed | ErrorNumber::InternalError
            if ["source conflict with pool", "already in use by"]
                .iter()
                .any(|words| message.contains(words)) =>
        {
            ErrorKind::Conflict
        }
        ErrorNumber::NoSupport
        | ErrorNumber::ConfigUnsupported
        | ErrorNumber::ArgumentUnsupported
        | ErrorNumber::OperationUnsupported => ErrorKind::Unsupported(format!("{action}-{noun}")),
        ErrorNumber::AgentUnresponsive | ErrorNumber::AgentUnsynced => ErrorKind::Unavailable,
        ErrorNumber::OperationTimeout | ErrorNumber::AgentCommandTimeout => ErrorKind::TimedOut,
        ErrorNumber::OperationDenied | ErrorNumber::AccessDenied => ErrorKind::Denied,
        ErrorNumber::AuthFailed | ErrorNumber::AuthCancelled | ErrorNumber::AuthUnavailable => {
            ErrorKind::Unauthenticated
        }
        _ if message.contains("No space left on device") => ErrorKind::QuotaExceeded(Some("disk space".to_owned())),
        code => {
            let code = Some(code.to_raw().to_string());
            ErrorKind::Upstream(UpstreamFault { status: None, code })
        }
    }
}

const fn hint(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::QuotaExceeded(_) => "; free space in the pool or choose another one",
        ErrorKind::Denied | ErrorKind::Unauthenticated => "; ask the host's administrator for access to libvirt",
        ErrorKind::Unsupported(_) => "; this host's libvirt or hypervisor cannot do it",
        _ => "",
    }
}

/// Why a connection could not be opened, and what to do about it.
pub(super) fn open_error(uri: &str, error: &virt::error::Error) -> Error {
    let message = one_line(error.message());
    let (kind, advice) = match error.code() {
        ErrorNumber::AuthFailed | ErrorNumber::AuthCancelled | ErrorNumber::AuthUnavailable => (
            ErrorKind::Unauthenticated,
            "join the group `libvirt` and log in again, or ask the host's administrator",
        ),
        ErrorNumber::SystemError if message.contains("Permission denied") => (
            ErrorKind::Denied,
            "join the group `libvirt` and log in again, or ask the host's administrator",
        ),
        ErrorNumber::NoConnect | ErrorNumber::NoSupport => (
            ErrorKind::Unavailable,
            "install the driver, on Debian `libvirt-daemon-driver-qemu`, or correct the option `uri`",
        ),
        _ if uri.starts_with("test:") => (ErrorKind::Unavailable, "correct the file that the option `uri` names"),
        _ => (
            ErrorKind::Unavailable,
            "start it (`systemctl start libvirtd`), install it (on Debian `libvirt-daemon-system`), or correct the option `uri`",
        ),
    };
    Error::new(kind, format!("libvirt does not answer at `{uri}`: {message}; {advice}"))
}

/// Why libvirt's client library could not be loaded.
pub(super) fn library_error(reason: &str) -> Error {
    let message = format!(
        "libvirt's client library cannot be loaded: {reason}; install it (on Debian `libvirt0`, with a daemon `libvirt-daemon-system`)"
    );
    Error::new(ErrorKind::Unavailable, message)
}

/// libvirt's text as a part of a sentence.
fn one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    words
        .join(" ")
        .chars()
        .filter(|character| !character.is_control())
        .collect()
}

/// An answer of libvirt that cannot be read.
pub(super) fn unreadable(noun: &str, name: &str) -> Fault {
    let message = format!(
        "libvirt's description of {noun} `{}` is not readable XML",
        printable(name)
    );
    Error::new(
        ErrorKind::Upstream(UpstreamFault {
            status: None,
            code: None,
        }),
        message,
    )
    .into()
}

/// The thing is in a state that does not allow it.
pub(super) fn conflict(message: impl Into<String>) -> Fault {
    Error::new(ErrorKind::Conflict, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_lacks_is_said_with_what_to_do() {
        let invalid = ErrorKind::InvalidArgument("cpu_model".into());
        for (code, message, kind, hint) in [
            (
                ErrorNumber::InternalError,
                "hugetlbfs filesystem is not mounted or disabled by administrator config",
                ErrorKind::Conflict,
                "vm.nr_hugepages",
            ),
            (
                ErrorNumber::InternalError,
                "qemu-system-x86_64: unable to map backing store for guest RAM: Cannot allocate memory",
                ErrorKind::Conflict,
                "`hugepages`",
            ),
            (
                ErrorNumber::InternalError,
                "Unknown CPU model Nothing",
                invalid,
                "cpu-models",
            ),
            (
                ErrorNumber::CpuIncompatible,
                "the CPU is incompatible with host CPU: Host CPU does not provide required features: avx512f",
                ErrorKind::Conflict,
                "`cpu_features`",
            ),
            (
                ErrorNumber::OperationFailed,
                "operation failed: guest CPU doesn't match specification: missing features: avx512f",
                ErrorKind::Conflict,
                "`cpu_features`",
            ),
        ] {
            let lack = lack_of(code, message).unwrap();
            assert_eq!(lack.kind, kind, "{message}");
            assert!(lack.hint.contains(hint), "{}", lack.hint);
        }
        assert!(lack_of(ErrorNumber::InternalError, "something else").is_none());
    }
}
