//! Which libvirt connections may be opened.
//!
//! libvirt's connection strings can name programs to run (`command=`, `netcat=`, `+ext`), files and hosts to reach, so
//! this is a list of what is allowed, not of what is not: the hypervisor's own unix sockets and libvirt's test driver.
//! Format: <https://libvirt.org/uri.html>.

use crate::contract::{Error, ErrorKind};

use super::names::printable;

/// The connection that is opened unless the option `uri` says otherwise.
pub(super) const DEFAULT_URI: &str = "qemu:///system";

/// Checks the option `uri`.
///
/// # Errors
/// `unsupported` for remote hosts, `invalid-argument` for everything else that is not on the list.
pub(super) fn check_uri(uri: &str) -> Result<(), Error> {
    if uri.contains(['?', '#', '\\', '%'])
        || uri
            .chars()
            .any(|character| character.is_control() || character.is_whitespace())
    {
        return Err(refused(
            uri,
            "parameters are not allowed, because some of them run programs",
        ));
    }
    match uri {
        "qemu:///system" | "qemu:///session" | "test:///default" => return Ok(()),
        _ => {}
    }
    if uri
        .strip_prefix("test://")
        .is_some_and(|path| path.starts_with('/') && path.ends_with(".xml"))
    {
        return Ok(());
    }
    let scheme = uri.split_once("://").map_or(uri, |(scheme, _)| scheme);
    let host = uri
        .split_once("://")
        .map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    if scheme.contains('+') || !host.is_empty() {
        let message = format!(
            "`{}` names a remote host, which this provider cannot reach yet: run stockade on that host and use `{DEFAULT_URI}`",
            printable(uri)
        );
        return Err(Error::new(ErrorKind::Unsupported("uri".to_owned()), message));
    }
    Err(refused(uri, "it is not one of the known connections"))
}

fn refused(uri: &str, reason: &str) -> Error {
    let message = format!(
        "`{}` is refused: {reason}; use `qemu:///system`, `qemu:///session`, `test:///default` or `test:///PATH.xml`",
        printable(uri)
    );
    Error::invalid_argument("uri", message)
}

/// Whether every connection to this URI sees a world of its own.
pub(super) fn is_private(uri: &str) -> bool {
    uri.starts_with("test:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_sockets_and_the_test_driver_are_allowed() {
        for uri in [
            "qemu:///system",
            "qemu:///session",
            "test:///default",
            "test:///tmp/a-b/host.xml",
        ] {
            assert_eq!(check_uri(uri), Ok(()), "{uri}");
        }
    }

    #[test]
    fn remote_hosts_are_unsupported() {
        for uri in [
            "qemu+ssh://root@host/system",
            "qemu+tcp://host/system",
            "qemu+ext:///system",
            "qemu://host/system",
            "qemu+unix:///system",
        ] {
            assert_eq!(
                check_uri(uri).unwrap_err().kind,
                ErrorKind::Unsupported("uri".into()),
                "{uri}"
            );
        }
    }

    #[test]
    fn whatever_could_run_a_program_or_is_unknown_is_refused() {
        for uri in [
            "qemu:///system?command=/bin/sh",
            "qemu+ssh://h/system?netcat=x",
            "qemu+ssh://h/system?command=touch%20x",
            "qemu:///system?socket=/tmp/x",
            "qemu:///embed?root=/",
            "qemu:///embed",
            "test:///default#x",
            "test:///etc/passwd",
            "alias",
            "",
            "qemu:///system\n",
            "esx:///",
        ] {
            assert_eq!(
                check_uri(uri).unwrap_err().kind,
                ErrorKind::InvalidArgument("uri".into()),
                "{uri}"
            );
        }
    }
}
