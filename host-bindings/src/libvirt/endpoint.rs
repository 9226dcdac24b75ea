//! What a connection is opened to: the checked options, turned into the string that libvirt's client takes.
//!
//! The client is never told to run anything. For ssh it gets our end of a [`Tunnel`]; for TLS a directory of our own with
//! the connection's certificates, under the names that it looks for (<https://libvirt.org/kbase/tlscerts.html>).

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;

use crate::contract::{Error, ErrorKind};

use super::error::open_error;
use super::tunnel::{DEFAULT_SOCKET, SshSettings, Tunnel};
use super::uri::{Remote, Target, Transport};

/// What stands for itself in a parameter of a connection string.
const PARAMETER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// The files of a TLS connection, as absolute paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TlsFiles {
    /// Who signs hosts.
    pub(super) ca: Option<String>,
    /// Our certificate.
    pub(super) certificate: Option<String>,
    /// Its key.
    pub(super) key: Option<String>,
}

/// A daemon, and how to get to it.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// The option `uri`, for messages.
    shown: String,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Local,
    Ssh(Tunnel),
    Tls { remote: Remote, files: TlsFiles },
    Tcp(Remote),
}

/// What libvirt's client opens.
pub(super) struct Opening {
    /// The connection string.
    pub(super) uri: String,
    /// The certificates, which the client reads while it opens the connection.
    _certificates: Option<TempDir>,
}

impl Endpoint {
    /// The endpoint of a connection string; nothing is opened.
    pub(super) fn new(shown: &str, target: Target, ssh: impl FnOnce(Remote) -> SshSettings, files: TlsFiles) -> Self {
        let way = match target {
            Target::Local(_) => Way::Local,
            Target::Remote(remote) => match remote.transport {
                Transport::Ssh => Way::Ssh(Tunnel::new(ssh(remote))),
                Transport::Tls => Way::Tls { remote, files },
                Transport::Tcp => Way::Tcp(remote),
            },
        };
        Self {
            shown: shown.to_owned(),
            way,
        }
    }

    /// The endpoint of a socket of this host, or of the test driver.
    #[cfg(test)]
    pub(super) fn local(uri: &str) -> Self {
        Self {
            shown: uri.to_owned(),
            way: Way::Local,
        }
    }

    /// The option `uri`, for messages.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Where this host's daemon listens; none for other hosts, the test driver, and a host where nobody listens there.
    pub(super) fn local_socket(&self) -> Option<PathBuf> {
        let socket = match (&self.way, self.shown.as_str()) {
            (Way::Local, "qemu:///system") => PathBuf::from(DEFAULT_SOCKET),
            (Way::Local, "qemu:///session") => {
                let directory = std::env::var_os("XDG_RUNTIME_DIR")?;
                Path::new(&directory).join("libvirt/libvirt-sock")
            }
            _ => return None,
        };
        socket.exists().then_some(socket)
    }

    /// Whether opening it costs time and somebody else's patience.
    pub(super) const fn is_remote(&self) -> bool {
        !matches!(self.way, Way::Local)
    }

    /// Prepares what must be there before libvirt's client opens a connection. Blocks.
    ///
    /// # Errors
    /// When ssh does not come through, or the certificates cannot be used.
    pub(super) fn prepare(&self) -> Result<Opening, Error> {
        let plain = |uri: String| Opening {
            uri,
            _certificates: None,
        };
        match &self.way {
            Way::Local => Ok(plain(self.shown.clone())),
            Way::Ssh(tunnel) => {
                let socket = tunnel.socket()?;
                let path = tunnel.scope().path();
                Ok(plain(format!("qemu+unix://{path}?socket={}", parameter(&socket))))
            }
            Way::Tcp(remote) => Ok(plain(format!(
                "qemu+tcp://{}{}",
                remote.authority(),
                remote.scope.path()
            ))),
            Way::Tls { remote, files } => {
                let uri = format!("qemu+tls://{}{}", remote.authority(), remote.scope.path());
                let Some(directory) = files.directory()? else {
                    return Ok(plain(uri));
                };
                Ok(Opening {
                    uri: format!("{uri}?pkipath={}", parameter(directory.path())),
                    _certificates: Some(directory),
                })
            }
        }
    }

    /// Why libvirt's client could not open it, and what to do.
    pub(super) fn explain(&self, error: &virt::error::Error) -> Error {
        match &self.way {
            Way::Local => open_error(&self.shown, error),
            Way::Ssh(tunnel) => tunnel
                .explain()
                .unwrap_or_else(|| remote_error(&self.shown, error, SSH_ADVICE)),
            Way::Tls { .. } => remote_error(&self.shown, error, TLS_ADVICE),
            Way::Tcp(_) => remote_error(&self.shown, error, TCP_ADVICE),
        }
    }
}

const SSH_ADVICE: &str = "is libvirt running on that host, and may this user use it?";
const TLS_ADVICE: &str = "does that host listen for TLS (`virtproxyd-tls.socket` or `libvirtd-tls.socket`), and do the options \
                          `tls_ca`, `tls_certificate` and `tls_key` name what its administrator gave you?";
const TCP_ADVICE: &str = "does that host listen for TCP (`virtproxyd-tcp.socket` or `libvirtd-tcp.socket`)?";

/// libvirt's client says "authentication failed" for a certificate, and "End of file" when the daemon hung up on ours.
fn remote_error(shown: &str, error: &virt::error::Error, advice: &str) -> Error {
    let plain = open_error(shown, error);
    let said: Vec<&str> = error.message().split_whitespace().collect();
    let said = said.join(" ");
    let refused = ["certificate", "Certificate", "authentication", "TLS"]
        .iter()
        .any(|word| said.contains(word));
    let kind = match plain.kind {
        ErrorKind::Unavailable if refused => ErrorKind::Unauthenticated,
        kind => kind,
    };
    Error::new(kind, format!("libvirt does not answer at `{shown}`: {said}; {advice}"))
}

impl TlsFiles {
    /// A directory in which libvirt's client finds the files; none when the host's own are to be used.
    fn directory(&self) -> Result<Option<TempDir>, Error> {
        let named = [
            ("tls_ca", "cacert.pem", &self.ca),
            ("tls_certificate", "clientcert.pem", &self.certificate),
            ("tls_key", "clientkey.pem", &self.key),
        ];
        if named.iter().all(|(_, _, file)| file.is_none()) {
            return Ok(None);
        }
        let failed = |error: &std::io::Error| {
            let message = format!("the certificates cannot be laid out for libvirt: {error}");
            Error::new(ErrorKind::Unavailable, message)
        };
        let directory = TempDir::with_prefix("stockade-tls-").map_err(|error| failed(&error))?;
        for (option, name, file) in named {
            let Some(file) = file else { continue };
            // Said here with the option's name; libvirt would name a path that nobody wrote.
            std::fs::File::open(file)
                .map_err(|error| Error::invalid_argument(option, format!("`{file}` cannot be read: {error}")))?;
            std::os::unix::fs::symlink(file, directory.path().join(name)).map_err(|error| failed(&error))?;
        }
        Ok(Some(directory))
    }
}

fn parameter(path: &Path) -> String {
    utf8_percent_encode(&path.to_string_lossy(), PARAMETER).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(uri: &str, files: TlsFiles) -> Endpoint {
        let ssh = |remote| SshSettings {
            remote,
            socket: "/s".into(),
            key: None,
            known_hosts: None,
        };
        Endpoint::new(uri, Target::parse(uri).unwrap(), ssh, files)
    }

    #[test]
    fn certificates_are_found_under_the_names_that_libvirt_looks_for() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_string_lossy().into_owned();
        let files = TlsFiles {
            ca: Some(path.clone()),
            certificate: Some(path.clone()),
            key: Some(path.clone()),
        };
        let opening = endpoint("qemu+tls://kvm:1/system", files).prepare().unwrap();
        let (uri, directory) = opening.uri.split_once("?pkipath=").unwrap();
        assert_eq!(uri, "qemu+tls://kvm:1/system");
        for name in ["cacert.pem", "clientcert.pem", "clientkey.pem"] {
            assert_eq!(std::fs::read_link(format!("{directory}/{name}")).unwrap(), file.path());
        }
    }

    #[test]
    fn a_certificate_that_is_not_there_is_refused_by_its_option() {
        let files = TlsFiles {
            ca: Some("/absent/ca.pem".into()),
            ..TlsFiles::default()
        };
        let error = endpoint("qemu+tls://kvm/system", files).prepare().err().unwrap();
        assert_eq!(error.kind, ErrorKind::InvalidArgument("tls_ca".into()));
    }

    #[test]
    fn without_certificates_libvirts_own_count_and_a_socket_is_taken_as_it_is() {
        let uri = |uri: &str| endpoint(uri, TlsFiles::default()).prepare().unwrap().uri;
        assert_eq!(uri("qemu+tls://[::1]/session"), "qemu+tls://[::1]/session");
        assert_eq!(uri("qemu+tcp://kvm/system"), "qemu+tcp://kvm/system");
        assert_eq!(uri("qemu:///system"), "qemu:///system");
        assert_eq!(parameter(Path::new("/a b/%?&#")), "/a%20b/%25%3F%26%23");
    }
}
