//! One `ssh` for each connection to a remote host, which carries everything.
//!
//! ssh forwards a socket of ours to the remote daemon's unix socket (`-L`, ssh(1)), so nothing is needed on that host but
//! sshd and libvirt, and each of our libvirt connections costs no login of its own. It is the user's own `ssh`: it reads
//! their configuration, uses their agent, and takes a host only if its key is known. It is the only program that the
//! provider ever starts. It asks no questions, ends with this process, and is started anew when it has ended.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::contract::Error;

use super::ffi;
use super::ssh_failure;
use super::uri::{Remote, Scope};

/// Where libvirt listens on today's distributions: the single daemon and, where there are several, the one that hands
/// on to them (libvirtd(8), virtproxyd(8)).
pub(super) const DEFAULT_SOCKET: &str = "/run/libvirt/libvirt-sock";
/// How long ssh may take to connect, authenticate and forward.
const START_LIMIT: Duration = Duration::from_secs(25);
/// How often we look whether it does.
const START_PAUSE: Duration = Duration::from_millis(5);
/// How long after a failure we wait for what ssh says about it: it closes our end first.
const WORDS_LIMIT: Duration = Duration::from_millis(200);
/// Bytes of what ssh says that are kept, the last ones.
const WORDS_KEPT: usize = 4_096;

/// How to reach a remote daemon by ssh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SshSettings {
    /// The host, the user, the port.
    pub(super) remote: Remote,
    /// The daemon's socket there.
    pub(super) socket: String,
    /// The private key; the agent's and the user's own otherwise.
    pub(super) key: Option<String>,
    /// The file of known host keys; the user's and the system's otherwise.
    pub(super) known_hosts: Option<String>,
}

/// The way to one remote daemon.
#[derive(Debug)]
pub(super) struct Tunnel {
    settings: SshSettings,
    running: Mutex<Option<Arc<Ssh>>>,
}

impl Tunnel {
    /// A tunnel that is not dug yet.
    pub(super) const fn new(settings: SshSettings) -> Self {
        Self {
            settings,
            running: Mutex::new(None),
        }
    }

    /// Whose VMs are at its end.
    pub(super) const fn scope(&self) -> Scope {
        self.settings.remote.scope
    }

    /// Our end: a unix socket that leads to the daemon. Starts ssh when it does not run. Blocks.
    ///
    /// # Errors
    /// When ssh cannot be started, does not trust the host, is not let in, or does not get through: why and what to do.
    pub(super) fn socket(&self) -> Result<PathBuf, Error> {
        // Held while ssh starts, so that two first calls start one.
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ssh) = running.as_ref().filter(|ssh| ssh.runs()) {
            ssh.forget_words();
            return Ok(ssh.socket());
        }
        *running = None;
        let ssh = Ssh::start(&self.settings)?;
        let socket = ssh.socket();
        *running = Some(ssh);
        Ok(socket)
    }

    /// Why libvirt got no answer through the tunnel, when ssh knows it. Blocks for a moment.
    pub(super) fn explain(&self) -> Option<Error> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let ssh = running.as_ref()?;
        let deadline = Instant::now() + WORDS_LIMIT;
        loop {
            let error = ssh_failure::of_channel(&self.settings, &ssh.words());
            if error.is_some() || Instant::now() >= deadline {
                return error;
            }
            std::thread::sleep(START_PAUSE);
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(ssh) = running.take() {
            ssh.end();
        }
    }
}

/// A running ssh.
#[derive(Debug)]
struct Ssh {
    child: Mutex<Child>,
    /// Holds our end of the tunnel; nobody else can enter it.
    directory: TempDir,
    words: Mutex<String>,
    /// Whether it will say nothing more.
    silent: AtomicBool,
}

impl Ssh {
    fn start(settings: &SshSettings) -> Result<Arc<Self>, Error> {
        let directory = TempDir::with_prefix("stockade-ssh-")
            .map_err(|error| ssh_failure::not_started(&settings.remote.host, &error))?;
        let command = command(settings, &directory.path().join(SOCKET_NAME));
        let (sender, started) = mpsc::channel();
        // The kernel ends the child with the thread that started it, so that thread stays as long as the child does.
        let keep = move || keep(command, directory, &sender);
        let thread = std::thread::Builder::new().name("ssh-tunnel".to_owned()).spawn(keep);
        let answer = thread.and_then(|_| started.recv().map_err(std::io::Error::other)?);
        let ssh = answer.map_err(|error| ssh_failure::not_started(&settings.remote.host, &error))?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            // ssh listens when it is logged in. It makes the socket's file a moment before, so that is not what counts.
            if UnixStream::connect(ssh.socket()).is_ok() {
                return Ok(ssh);
            }
            if !ssh.runs() {
                return Err(ssh_failure::of_login(settings, &ssh.last_words()));
            }
            if Instant::now() >= deadline {
                ssh.end();
                return Err(ssh_failure::too_slow(settings, START_LIMIT));
            }
            std::thread::sleep(START_PAUSE);
        }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join(SOCKET_NAME)
    }

    fn runs(&self) -> bool {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(child.try_wait(), Ok(None))
    }

    fn words(&self) -> String {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything that it said, once it has ended: that may still be on its way. A helper of ssh's that holds the other end
    /// open is not waited for.
    fn last_words(&self) -> String {
        let deadline = Instant::now() + WORDS_LIMIT;
        while !self.silent.load(Ordering::Acquire) && Instant::now() < deadline {
            std::thread::sleep(START_PAUSE);
        }
        self.words()
    }

    /// So that a complaint of before is not taken for one of now.
    fn forget_words(&self) {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn end(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = child.kill().and_then(|()| child.wait()) {
            tracing::debug!(%error, "ssh could not be ended");
        }
        // Here and not when the last owner goes: the process may end before its thread does.
        if let Err(error) = std::fs::remove_dir_all(self.directory.path()) {
            tracing::debug!(%error, "the directory of ssh's socket could not be removed");
        }
    }
}

/// The socket's name in its directory.
const SOCKET_NAME: &str = "libvirt";

/// Starts ssh and stays with it until it ends.
fn keep(mut command: Command, directory: TempDir, started: &mpsc::Sender<std::io::Result<Arc<Ssh>>>) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            // Nobody listens any more when the caller was dropped.
            let _ = started.send(Err(error));
            return;
        }
    };
    let stderr = child.stderr.take();
    let ssh = Arc::new(Ssh {
        child: Mutex::new(child),
        directory,
        words: Mutex::default(),
        silent: AtomicBool::new(false),
    });
    let _ = started.send(Ok(Arc::clone(&ssh)));
    if let Some(stderr) = stderr {
        read_words(stderr, &ssh.words);
    }
    ssh.silent.store(true, Ordering::Release);
    let mut child = ssh.child.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = child.wait() {
        tracing::debug!(%error, "the end of ssh could not be waited for");
    }
}

fn read_words(stderr: impl std::io::Read, words: &Mutex<String>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    // What ssh says is for a person of any language; it need not be UTF-8.
    while matches!(reader.read_until(b'\n', &mut line), Ok(read) if read > 0) {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.push_str(&String::from_utf8_lossy(&line));
        let mut start = words.len().saturating_sub(WORDS_KEPT);
        while !words.is_char_boundary(start) {
            start += 1;
        }
        words.drain(..start);
        line.clear();
    }
}

/// The call of ssh (ssh(1), ssh_config(5)). Nothing in it is read by a shell.
fn command(settings: &SshSettings, socket: &Path) -> Command {
    let mut command = Command::new("ssh");
    command.args(arguments(settings, &socket.to_string_lossy()));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    ffi::end_with_starter(&mut command);
    command
}

fn arguments(settings: &SshSettings, socket: &str) -> Vec<String> {
    let Remote { user, host, port, .. } = &settings.remote;
    // No command, no terminal, no agent and no display over there.
    let mut arguments: Vec<String> = ["-N", "-T", "-a", "-x"].map(str::to_owned).to_vec();
    let mut option = |text: String| arguments.extend(["-o".to_owned(), text]);
    for text in [
        // Whoever should answer a question is not there.
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
        "ExitOnForwardFailure=yes",
        "ConnectTimeout=10",
        // A host that stops answering is given up after fifteen seconds.
        "ServerAliveInterval=5",
        "ServerAliveCountMax=3",
        "StreamLocalBindMask=0177",
        // A session of our own, that ends with us.
        "ControlMaster=no",
        "ControlPath=none",
        "PermitLocalCommand=no",
        "LogLevel=INFO",
    ] {
        option(text.to_owned());
    }
    if let Some(file) = &settings.known_hosts {
        option(format!("UserKnownHostsFile={file}"));
        option("GlobalKnownHostsFile=/dev/null".to_owned());
    }
    if let Some(key) = &settings.key {
        option("IdentitiesOnly=yes".to_owned());
        option(format!("IdentityFile={key}"));
    }
    if let Some(user) = user {
        arguments.extend(["-l".to_owned(), user.clone()]);
    }
    if let Some(port) = port {
        arguments.extend(["-p".to_owned(), port.to_string()]);
    }
    arguments.extend(["-L".to_owned(), format!("{socket}:{}", settings.socket)]);
    arguments.extend(["--".to_owned(), host.clone()]);
    arguments
}

#[cfg(test)]
impl SshSettings {
    /// Those of tests: a host with a user and a port of its own, and no files.
    pub(super) fn sample() -> Self {
        Self {
            remote: Remote {
                transport: super::uri::Transport::Ssh,
                user: Some("ops".into()),
                host: "kvm".into(),
                port: Some(2222),
                scope: Scope::System,
            },
            socket: DEFAULT_SOCKET.into(),
            key: None,
            known_hosts: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> SshSettings {
        SshSettings {
            key: Some("/keys/id".into()),
            known_hosts: Some("/keys/known".into()),
            ..SshSettings::sample()
        }
    }

    #[test]
    fn ssh_asks_nothing_trusts_only_known_hosts_and_gets_the_host_last() {
        let arguments = arguments(&settings(), "/tmp/s/libvirt");
        for expected in [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "UserKnownHostsFile=/keys/known",
            "GlobalKnownHostsFile=/dev/null",
            "IdentityFile=/keys/id",
            "IdentitiesOnly=yes",
        ] {
            assert!(arguments.iter().any(|argument| argument == expected), "{expected}");
        }
        let tail = &arguments[arguments.len() - 8..];
        let forward = "/tmp/s/libvirt:/run/libvirt/libvirt-sock";
        assert_eq!(tail, ["-l", "ops", "-p", "2222", "-L", forward, "--", "kvm"]);
    }

    #[test]
    fn without_options_the_users_own_keys_and_known_hosts_count() {
        let plain = SshSettings {
            key: None,
            known_hosts: None,
            ..settings()
        };
        let arguments = arguments(&plain, "/s").join(" ");
        assert!(
            !arguments.contains("Identit") && !arguments.contains("KnownHosts"),
            "{arguments}"
        );
    }

    #[test]
    fn only_the_last_words_are_kept_whatever_their_bytes_are() {
        let words = Mutex::default();
        let mut said = vec![0xff; 3 * WORDS_KEPT];
        said.extend("\nend: ü\n".as_bytes());
        read_words(said.as_slice(), &words);
        let words = words.into_inner().unwrap();
        assert!(
            words.ends_with("\nend: ü\n") && words.len() <= WORDS_KEPT,
            "{}",
            words.len()
        );
    }
}
