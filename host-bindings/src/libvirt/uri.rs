//! Which libvirt connections may be opened.
//!
//! libvirt's connection strings can name programs to run (`command=`, `netcat=`, `+ext`) and switch checks off
//! (`no_verify=`), so this is a list of what is allowed, not of what is not: the hypervisor's own unix sockets, libvirt's
//! test driver, and remote hosts by ssh, TLS or plain TCP. What else a remote connection needs are options of their own.
//! Format: <https://libvirt.org/uri.html>.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::contract::{Error, ErrorKind};

use super::names::printable;

/// The connection that is opened unless the option `uri` says otherwise.
pub(super) const DEFAULT_URI: &str = "qemu:///system";

/// A checked connection string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// This host: the string as libvirt takes it.
    Local(String),
    /// Another host.
    Remote(Remote),
}

/// A libvirt on another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    /// How to get there.
    pub(super) transport: Transport,
    /// Whom to be there; only for ssh.
    pub(super) user: Option<String>,
    /// The name or the address, an IPv6 address without brackets.
    pub(super) host: String,
    /// The port; the transport's own otherwise.
    pub(super) port: Option<u16>,
    /// Whose VMs.
    pub(super) scope: Scope,
}

/// How to get to another host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// Through ssh to the daemon's unix socket.
    Ssh,
    /// TLS with certificates on both sides.
    Tls,
    /// Plain TCP: neither secret nor authentic.
    Tcp,
}

/// Which of a host's libvirt daemons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The host's.
    System,
    /// A user's own.
    Session,
}

impl Scope {
    /// The path of the connection string.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::System => "/system",
            Self::Session => "/session",
        }
    }
}

impl Target {
    /// Checks the option `uri`.
    ///
    /// # Errors
    /// `invalid-argument` for everything that is not on the list.
    pub(super) fn parse(uri: &str) -> Result<Self, Error> {
        if uri.contains(['?', '#', '\\', '%'])
            || uri
                .chars()
                .any(|character| character.is_control() || character.is_whitespace())
        {
            return Err(refused(
                uri,
                "parameters are not allowed, because some of them run programs; keys, certificates and sockets have options of their own",
            ));
        }
        match uri {
            "qemu:///system" | "qemu:///session" | "test:///default" => return Ok(Self::Local(uri.to_owned())),
            _ => {}
        }
        if uri
            .strip_prefix("test://")
            .is_some_and(|path| path.starts_with('/') && path.ends_with(".xml"))
        {
            return Ok(Self::Local(uri.to_owned()));
        }
        let transports = [
            ("qemu+ssh://", Transport::Ssh),
            ("qemu+tls://", Transport::Tls),
            ("qemu+tcp://", Transport::Tcp),
        ];
        for (prefix, transport) in transports {
            if let Some(rest) = uri.strip_prefix(prefix) {
                return Remote::parse(transport, rest)
                    .map(Self::Remote)
                    .map_err(|reason| refused(uri, reason));
            }
        }
        Err(match uri.split_once("://") {
            Some(("qemu", _)) => refused(uri, "say how to get to that host: `qemu+ssh`, `qemu+tls` or `qemu+tcp`"),
            Some((scheme, _)) if scheme.contains('+') => refused(uri, "this way to a host is not supported"),
            _ => refused(uri, "it is not one of the known connections"),
        })
    }

    /// Whether every connection to it sees a world of its own.
    pub(super) fn is_private(&self) -> bool {
        matches!(self, Self::Local(uri) if uri.starts_with("test:"))
    }
}

impl Remote {
    /// The part after `://`: `[user@]host[:port]/system`.
    fn parse(transport: Transport, rest: &str) -> Result<Self, &'static str> {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let scope = match path {
            "system" => Scope::System,
            "session" => Scope::Session,
            _ => return Err("after the host comes `/system` or `/session`"),
        };
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, authority),
        };
        if user.is_some() && transport != Transport::Ssh {
            return Err("only `qemu+ssh` takes a user");
        }
        if user.is_some_and(|user| !is_plain_word(user)) {
            return Err("the user is not a user's name");
        }
        let (host, port) = split_port(address)?;
        Ok(Self {
            transport,
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
            scope,
        })
    }

    /// `host[:port]` as it stands in a connection string.
    pub(super) fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

fn split_port(address: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = if let Some(rest) = address.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("the address has no `]`")?;
        host.parse::<Ipv6Addr>()
            .map_err(|_| "between the brackets is no IPv6 address")?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':').ok_or("after `]` comes `:` and a port")?),
        };
        (host, port)
    } else {
        let (host, port) = match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        };
        if host.parse::<Ipv4Addr>().is_err() && !is_plain_word(host) {
            return Err("the host is not a name or an address (an IPv6 address stands in brackets)");
        }
        (host, port)
    };
    match port.map(str::parse::<u16>) {
        None => Ok((host, None)),
        Some(Ok(port)) if port != 0 => Ok((host, Some(port))),
        Some(_) => Err("the port is not a number from 1 to 65535"),
    }
}

/// Whether a text is a host's name or address, an IPv6 address without brackets, and nothing else.
pub(super) fn is_host(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok() || text.parse::<Ipv4Addr>().is_ok() || is_plain_word(text)
}

/// What can stand among a program's arguments and in a connection string and mean nothing but itself.
fn is_plain_word(text: &str) -> bool {
    text.len() <= 255
        && text
            .chars()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric() || first == '_')
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-'))
}

fn refused(uri: &str, reason: &str) -> Error {
    let message = format!(
        "`{}` is refused: {reason}; use `qemu:///system`, `qemu:///session`, `qemu+ssh://[USER@]HOST/system`, \
         `qemu+tls://HOST/system`, `qemu+tcp://HOST/system`, `test:///default` or `test:///PATH.xml`",
        printable(uri)
    );
    Error::new(ErrorKind::InvalidArgument("uri".to_owned()), message)
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
            assert_eq!(Target::parse(uri), Ok(Target::Local(uri.to_owned())), "{uri}");
        }
    }

    #[test]
    fn remote_hosts_are_taken_apart() {
        let remote = |uri: &str| match Target::parse(uri).unwrap() {
            Target::Remote(remote) => remote,
            Target::Local(_) => panic!("{uri} is not local"),
        };
        let expected = Remote {
            transport: Transport::Ssh,
            user: Some("ops".into()),
            host: "kvm-1.example.org".into(),
            port: Some(2222),
            scope: Scope::System,
        };
        assert_eq!(remote("qemu+ssh://ops@kvm-1.example.org:2222/system"), expected);
        let expected = Remote {
            transport: Transport::Tls,
            user: None,
            host: "2001:db8::1".into(),
            port: None,
            scope: Scope::Session,
        };
        let tls = remote("qemu+tls://[2001:db8::1]/session");
        assert_eq!((tls.authority().as_str(), &tls), ("[2001:db8::1]", &expected));
        assert_eq!(
            remote("qemu+tcp://192.0.2.1:16509/system").authority(),
            "192.0.2.1:16509"
        );
    }

    #[test]
    fn whatever_could_run_a_program_or_is_unknown_is_refused() {
        for uri in [
            "qemu:///system?command=/bin/sh",
            "qemu+ssh://h/system?netcat=x",
            "qemu+ssh://h/system?command=touch%20x",
            "qemu+ssh://-oProxyCommand=sh/system",
            "qemu+ssh://-l@h/system",
            "qemu+ssh://a b@h/system",
            "qemu+ssh://$(id)/system",
            "qemu+ssh://u@@h/system",
            "qemu+ssh:///system",
            "qemu+ssh://h",
            "qemu+ssh://h/embed",
            "qemu+ssh://h:0/system",
            "qemu+ssh://h:99999/system",
            "qemu+ssh://[::1/system",
            "qemu+ssh://[x]/system",
            "qemu+ssh://::1/system",
            "qemu+tls://u@h/system",
            "qemu+tcp://u@h/system",
            "qemu+ext:///system",
            "qemu+unix:///system",
            "qemu+libssh2://h/system",
            "qemu://host/system",
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
                Target::parse(uri).unwrap_err().kind,
                ErrorKind::InvalidArgument("uri".into()),
                "{uri}"
            );
        }
    }
}
