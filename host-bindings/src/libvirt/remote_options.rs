//! The options that only a connection to another host has.

use std::path::Path;

use crate::contract::{Error, OptionEntry, OptionSchema, OptionType, OptionValue};

use super::endpoint::TlsFiles;
use super::options::text;
use super::tunnel::{DEFAULT_SOCKET, SshSettings};
use super::uri::{Remote, Target, Transport};

/// The name of the option that allows plain TCP.
const ALLOW_PLAIN_TCP: &str = "allow_plain_tcp";

/// How another host is reached, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RemoteOptions {
    /// The daemon's socket on the remote host, when it is not where distributions put it.
    socket: Option<String>,
    ssh_key: Option<String>,
    ssh_known_hosts: Option<String>,
    /// The certificates.
    pub(super) tls: TlsFiles,
    allow_plain_tcp: bool,
}

impl RemoteOptions {
    /// Takes an option if it is one of these.
    ///
    /// # Errors
    /// `invalid-argument` with its name when its value cannot be used.
    pub(super) fn take(&mut self, entry: &OptionEntry) -> Result<bool, Error> {
        let name = entry.name.as_str();
        let place = match name {
            ALLOW_PLAIN_TCP => {
                let OptionValue::Boolean(allowed) = entry.value else {
                    return Err(Error::invalid_argument(
                        name,
                        format!("option `{name}` is `true` or `false`"),
                    ));
                };
                self.allow_plain_tcp = allowed;
                return Ok(true);
            }
            "remote_socket" => &mut self.socket,
            "ssh_key" => &mut self.ssh_key,
            "ssh_known_hosts" => &mut self.ssh_known_hosts,
            "tls_ca" => &mut self.tls.ca,
            "tls_certificate" => &mut self.tls.certificate,
            "tls_key" => &mut self.tls.key,
            _ => return Ok(false),
        };
        let OptionValue::Text(path) = &entry.value else {
            return Err(Error::invalid_argument(name, format!("option `{name}` is a text")));
        };
        check_path(name, path)?;
        // The default that the option declares says nothing.
        *place = Some(path.clone()).filter(|path| path != DEFAULT_SOCKET);
        Ok(true)
    }

    /// Checks that each given option means something for this connection or for a host to which its VMs may move, and that
    /// each of these has what it needs.
    ///
    /// # Errors
    /// `invalid-argument` with the option's name.
    pub(super) fn check(&self, target: &Target, others: &[&Target]) -> Result<(), Error> {
        let remotes: Vec<&Remote> = std::iter::once(&target)
            .chain(others)
            .filter_map(|target| match target {
                Target::Remote(remote) => Some(remote),
                Target::Local(_) => None,
            })
            .collect();
        let goes_by = |transport| remotes.iter().any(|remote| remote.transport == transport);
        let given = [
            ("ssh_key", self.ssh_key.is_some(), Transport::Ssh),
            ("ssh_known_hosts", self.ssh_known_hosts.is_some(), Transport::Ssh),
            ("remote_socket", self.socket.is_some(), Transport::Ssh),
            ("tls_ca", self.tls.ca.is_some(), Transport::Tls),
            ("tls_certificate", self.tls.certificate.is_some(), Transport::Tls),
            ("tls_key", self.tls.key.is_some(), Transport::Tls),
            (ALLOW_PLAIN_TCP, self.allow_plain_tcp, Transport::Tcp),
        ];
        for (name, given, wanted) in given {
            if given && !goes_by(wanted) {
                let scheme = match wanted {
                    Transport::Ssh => "qemu+ssh",
                    Transport::Tls => "qemu+tls",
                    Transport::Tcp => "qemu+tcp",
                };
                let message = format!("`{name}` goes with a `uri` that begins with `{scheme}://` only: leave it out");
                return Err(Error::invalid_argument(name, message));
            }
        }
        if goes_by(Transport::Tcp) && !self.allow_plain_tcp {
            let message = format!(
                "`qemu+tcp` sends everything, passwords of guests too, in clear text to whoever answers at that address: \
                 use `qemu+tls` or `qemu+ssh`, or set the option `{ALLOW_PLAIN_TCP}` on a network that only you can reach"
            );
            return Err(Error::invalid_argument("uri", message));
        }
        self.check_tls()?;
        // A user's own daemon listens in a directory that is named after the user's number over there.
        let needs_socket =
            |remote: &&Remote| remote.transport == Transport::Ssh && remote.scope == super::uri::Scope::Session;
        if remotes.iter().any(needs_socket) && self.socket.is_none() {
            let message = "a user's own libvirt listens at a place of its own, for example \
                           `/run/user/1000/libvirt/libvirt-sock`: say where";
            return Err(Error::invalid_argument("remote_socket", message));
        }
        Ok(())
    }

    fn check_tls(&self) -> Result<(), Error> {
        let TlsFiles { ca, certificate, key } = &self.tls;
        let (name, message) = match (ca, certificate, key) {
            (_, Some(_), None) => ("tls_key", "a certificate needs its key: name it too"),
            (_, None, Some(_)) => ("tls_certificate", "a key needs its certificate: name it too"),
            (None, Some(_), Some(_)) => (
                "tls_ca",
                "with a certificate of one's own comes the authority that signed the host's: name it too",
            ),
            _ => return Ok(()),
        };
        Err(Error::invalid_argument(name, message))
    }

    /// How ssh is called for a host.
    pub(super) fn ssh(&self, remote: Remote) -> SshSettings {
        SshSettings {
            remote,
            socket: self.socket.clone().unwrap_or_else(|| DEFAULT_SOCKET.to_owned()),
            key: self.ssh_key.clone(),
            known_hosts: self.ssh_known_hosts.clone(),
        }
    }
}

/// A path that ssh and libvirt take for nothing but a path: both split at blanks, and ssh replaces `%` and `$`.
fn check_path(name: &str, path: &str) -> Result<(), Error> {
    let strange = |character: char| {
        character.is_whitespace()
            || character.is_control()
            || matches!(character, '%' | '$' | '"' | '\'' | '\\' | ':' | ',')
    };
    if !Path::new(path).is_absolute() || path.contains(strange) {
        let message = format!("option `{name}` is an absolute path without blanks, quotes, `%`, `$`, `:` and `,`");
        return Err(Error::invalid_argument(name, message));
    }
    Ok(())
}

/// The options' descriptions.
pub(super) fn describe() -> Vec<OptionSchema> {
    vec![
        text(
            "remote_socket",
            Some(DEFAULT_SOCKET),
            &[],
            "where libvirt listens on the remote host; for `qemu+ssh`",
        ),
        text(
            "ssh_key",
            None,
            &[],
            "the file of the private key; without it the agent's keys and your own; for `qemu+ssh`",
        ),
        text(
            "ssh_known_hosts",
            None,
            &[],
            "the file with the remote host's key; without it your own and the system's; for `qemu+ssh`",
        ),
        text(
            "tls_ca",
            None,
            &[],
            "the file with the authority that signed the remote host's certificate; without it the system's for libvirt; for `qemu+tls`",
        ),
        text(
            "tls_certificate",
            None,
            &[],
            "the file with your certificate for the remote host; for `qemu+tls`",
        ),
        text(
            "tls_key",
            None,
            &[],
            "the file with your certificate's key; for `qemu+tls`",
        ),
        OptionSchema {
            name: ALLOW_PLAIN_TCP.to_owned(),
            r#type: OptionType::Boolean,
            required: false,
            default: Some(OptionValue::Boolean(false)),
            choices: Vec::new(),
            secret: false,
            doc: "whether `qemu+tcp`, which anybody on the way can read and change, may be used".to_owned(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ErrorKind;

    fn outcome(uri: &str, entries: &[(&str, &str)]) -> Result<(), ErrorKind> {
        let mut options = RemoteOptions::default();
        for (name, value) in entries {
            let value = match *value {
                "true" => OptionValue::Boolean(true),
                text => OptionValue::Text(text.to_owned()),
            };
            let entry = OptionEntry {
                name: (*name).to_owned(),
                value,
            };
            assert!(options.take(&entry).map_err(|error| error.kind)?, "{name}");
        }
        options
            .check(&Target::parse(uri).unwrap(), &[])
            .map_err(|error| error.kind)
    }

    #[test]
    fn each_way_takes_its_own_options() {
        for (uri, entries) in [
            ("qemu:///system", &[("remote_socket", DEFAULT_SOCKET)][..]),
            ("qemu+ssh://h/system", &[("ssh_key", "/k"), ("ssh_known_hosts", "/h")]),
            (
                "qemu+ssh://h/session",
                &[("remote_socket", "/run/user/7/libvirt/libvirt-sock")],
            ),
            ("qemu+tls://h/system", &[("tls_ca", "/a")]),
            (
                "qemu+tls://h/system",
                &[("tls_ca", "/a"), ("tls_certificate", "/c"), ("tls_key", "/k")],
            ),
            ("qemu+tcp://h/system", &[("allow_plain_tcp", "true")]),
        ] {
            assert_eq!(outcome(uri, entries), Ok(()), "{uri} {entries:?}");
        }
    }

    #[test]
    fn what_only_a_host_to_move_to_needs_is_taken_and_asked_for() {
        let local = Target::parse("qemu:///system").unwrap();
        let other = Target::parse("qemu+tcp://h/system").unwrap();
        let mut options = RemoteOptions::default();
        assert!(options.check(&local, &[&other]).is_err());
        options.allow_plain_tcp = true;
        assert_eq!(options.check(&local, &[&other]), Ok(()));
        assert!(options.check(&local, &[]).is_err());
    }

    #[test]
    fn what_is_missing_or_means_nothing_is_refused_by_name() {
        let ssh = "qemu+ssh://h/system";
        let tls = "qemu+tls://h/system";
        for (uri, entries, field) in [
            ("qemu+tcp://h/system", &[][..], "uri"),
            ("qemu+ssh://h/session", &[], "remote_socket"),
            ("qemu:///system", &[("ssh_key", "/k")], "ssh_key"),
            ("qemu:///system", &[("allow_plain_tcp", "true")], "allow_plain_tcp"),
            (tls, &[("ssh_known_hosts", "/k")], "ssh_known_hosts"),
            (ssh, &[("tls_ca", "/k")], "tls_ca"),
            (tls, &[("tls_certificate", "/k"), ("tls_ca", "/a")], "tls_key"),
            (tls, &[("tls_key", "/k"), ("tls_ca", "/a")], "tls_certificate"),
            (tls, &[("tls_key", "/k"), ("tls_certificate", "/a")], "tls_ca"),
            (ssh, &[("ssh_key", "relative")], "ssh_key"),
            (ssh, &[("ssh_key", "/a b")], "ssh_key"),
            (ssh, &[("ssh_known_hosts", "/%h")], "ssh_known_hosts"),
            (ssh, &[("remote_socket", "/a:/b")], "remote_socket"),
            (ssh, &[("allow_plain_tcp", "/x")], "allow_plain_tcp"),
        ] {
            let expected = Err(ErrorKind::InvalidArgument(field.into()));
            assert_eq!(outcome(uri, entries), expected, "{uri} {entries:?}");
        }
    }
}
