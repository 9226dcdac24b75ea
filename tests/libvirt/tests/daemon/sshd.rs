//! A real sshd on loopback, inside the private libvirt's namespaces, which lets one key in.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use stockade_test_support::wait_for;

use crate::lab::run;

/// Any port will do: the network namespace is the test's own.
const PORT: u16 = 2222;

/// A running sshd; it ends with its value.
pub(crate) struct Sshd {
    process: Child,
    directory: PathBuf,
}

impl Sshd {
    /// Makes the keys in `directory` and starts; `settings` are further lines of sshd_config(5).
    pub(crate) fn start(directory: &Path, settings: &str) -> Self {
        for key in ["host", "id", "stranger"] {
            let file = directory.join(key).display().to_string();
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &file]);
        }
        let at = |name: &str| directory.join(name).display().to_string();
        let host_key = std::fs::read_to_string(at("host.pub")).unwrap();
        std::fs::write(at("known"), format!("[localhost]:{PORT} {host_key}")).unwrap();
        let other = std::fs::read_to_string(at("stranger.pub")).unwrap();
        std::fs::write(at("changed"), format!("[localhost]:{PORT} {other}")).unwrap();
        std::fs::write(at("empty"), "").unwrap();
        // The directory in which sshd shuts its unprivileged part in; `/run` is the namespace's own.
        std::fs::create_dir_all("/run/sshd").unwrap();
        let configuration = format!(
            "ListenAddress 127.0.0.1:{PORT}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPermitRootLogin yes\nPidFile none\n{settings}\n",
            at("host"),
            at("id.pub")
        );
        std::fs::write(at("sshd_config"), configuration).unwrap();
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-f", &at("sshd_config"), "-E", &at("sshd.log")]);
        let process = command.stdin(Stdio::null()).spawn().unwrap();
        let sshd = Self {
            process,
            directory: directory.to_owned(),
        };
        wait_for("sshd to listen", Duration::from_secs(30), || {
            std::net::TcpStream::connect(("127.0.0.1", PORT)).ok()
        });
        sshd
    }

    /// The option `uri` that leads to it.
    pub(crate) fn uri() -> String {
        format!("qemu+ssh://root@localhost:{PORT}/system")
    }

    /// A file of the directory: `known`, `changed` and `empty` are lists of known hosts, `id` and `stranger` keys.
    pub(crate) fn file(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
