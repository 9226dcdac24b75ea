//! What ssh says when it does not get through, as errors with advice.
//!
//! ssh has one exit code for everything (255, ssh(1)) and tells the reason in words. They are OpenSSH's own and not
//! translated; what is not recognised is passed on as it is.

use std::time::Duration;

use crate::contract::{Error, ErrorKind};

use super::names::printable;
use super::tunnel::SshSettings;

/// ssh could not be started at all.
pub(super) fn not_started(host: &str, error: &std::io::Error) -> Error {
    let advice = match error.kind() {
        std::io::ErrorKind::NotFound => "; install it (on Debian `openssh-client`)",
        _ => "",
    };
    let message = format!("cannot reach `{host}`: the program `ssh` cannot be started: {error}{advice}");
    Error::new(ErrorKind::Unavailable, message)
}

/// ssh neither came through nor gave up.
pub(super) fn too_slow(settings: &SshSettings, limit: Duration) -> Error {
    let message = format!(
        "cannot reach `{}`: ssh was not logged in after {} s; try `{}` by hand",
        settings.remote.host,
        limit.as_secs(),
        by_hand(settings)
    );
    Error::new(ErrorKind::Unavailable, message)
}

/// ssh ended before the tunnel was there.
pub(super) fn of_login(settings: &SshSettings, words: &str) -> Error {
    let host = &settings.remote.host;
    let known = settings.known_hosts.as_deref().unwrap_or("~/.ssh/known_hosts");
    let has = |text: &str| words.contains(text);
    let (kind, advice) = if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        (
            ErrorKind::Denied,
            format!(
                "its host key is another one than `{known}` says: somebody may be in between, or the host was installed anew; \
                 compare the fingerprint at the host before you correct that file"
            ),
        )
    } else if has("Host key verification failed") {
        (
            ErrorKind::Denied,
            format!(
                "its host key is not in `{known}`: log in once with `{}`, compare the fingerprint that it shows, and accept it",
                by_hand(settings)
            ),
        )
    } else if has("Permission denied") || has("Too many authentication failures") {
        (
            ErrorKind::Unauthenticated,
            "it does not accept the key or the user: load the key into the agent (`ssh-add`), name it by the option `ssh_key`, \
             or correct the user in `uri`"
                .to_owned(),
        )
    } else if has("cannot listen to") || has("Could not request local forwarding") {
        (
            ErrorKind::Unavailable,
            "ssh could not make its socket; is the directory for temporary files writable?".to_owned(),
        )
    } else {
        (
            ErrorKind::Unavailable,
            format!("is the host up and sshd running there? try `{}`", by_hand(settings)),
        )
    };
    Error::new(
        kind,
        format!("cannot log in to `{host}` by ssh: {}; {advice}", last_line(words)),
    )
}

/// ssh is logged in, and what we asked for at the other end was refused; none when ssh complained of nothing.
pub(super) fn of_channel(settings: &SshSettings, words: &str) -> Option<Error> {
    let (host, socket) = (&settings.remote.host, &settings.socket);
    // `channel N: open failed: REASON: TEXT`. OpenSSH's server gives one reason for a socket that nobody listens at, that
    // this user may not use, and that it may not forward.
    let complaint = words.lines().rev().find(|line| line.contains("open failed:"))?;
    let advice = "start libvirt there (`systemctl start libvirtd`), let the user use it (the group `libvirt`), correct the option \
                  `remote_socket`, or have sshd forward sockets (`AllowStreamLocalForwarding`, sshd_config(5))";
    let message = format!(
        "ssh is logged in to `{host}`, but libvirt does not answer there at `{}`: {}; {advice}",
        printable(socket),
        printable(complaint.trim())
    );
    Some(Error::new(ErrorKind::Unavailable, message))
}

/// What a person types to see for themselves.
fn by_hand(settings: &SshSettings) -> String {
    let remote = &settings.remote;
    let port = remote.port.map(|port| format!("-p {port} ")).unwrap_or_default();
    let user = remote.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    format!("ssh {port}{user}{}", remote.host)
}

fn last_line(words: &str) -> String {
    let line = words.lines().rev().map(str::trim).find(|line| !line.is_empty());
    printable(line.unwrap_or("it ended without a word"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_kind_and_says_what_to_do() {
        for (words, kind, advice) in [
            (
                "No ED25519 host key is known for [kvm]:2222 and you have requested strict checking.\r\nHost key verification failed.\r\n",
                ErrorKind::Denied,
                "`ssh -p 2222 ops@kvm`",
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n",
                ErrorKind::Denied,
                "compare the fingerprint at the host",
            ),
            (
                "ops@kvm: Permission denied (publickey).\r\n",
                ErrorKind::Unauthenticated,
                "ssh-add",
            ),
            (
                "ssh: connect to host kvm port 2222: Connection refused\r\n",
                ErrorKind::Unavailable,
                "is the host up",
            ),
            ("", ErrorKind::Unavailable, "without a word"),
        ] {
            let error = of_login(&SshSettings::sample(), words);
            assert_eq!(error.kind, kind, "{words}");
            assert!(
                error.message.contains(advice) && error.message.contains("`kvm`"),
                "{}",
                error.message
            );
        }
    }

    #[test]
    fn a_socket_that_does_not_answer_is_told_from_a_silent_ssh() {
        let error = of_channel(
            &SshSettings::sample(),
            "channel 1: open failed: connect failed: open failed\r\n",
        )
        .unwrap();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.contains("`remote_socket`"), "{}", error.message);
        assert_eq!(of_channel(&SshSettings::sample(), "Warning: something\r\n"), None);
    }
}
