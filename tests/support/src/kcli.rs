//! A real kcli, installed once from PyPI by `tests/support/scripts/install-kweb`.

use crate::{SupportError, artifacts, script};
use std::path::{Path, PathBuf};
use std::process::Command;

/// kcli's configuration: one client, the private libvirt. Images are then named by their files.
const CONFIGURATION: &str = "\
default:
  client: local
local:
  type: kvm
  url: qemu:///system
  pool: default
";

/// An installed kcli.
pub struct Kcli {
    environment: PathBuf,
}

impl Kcli {
    /// Installs it where it is not (10 s). Needs the network then, which a private libvirt does not have: to be called
    /// outside first.
    ///
    /// # Errors
    /// When it cannot be installed; the message carries pip's words.
    pub fn install() -> Result<Self, SupportError> {
        let environment = artifacts::cache_directory("kweb-venv");
        script::output(
            "install kcli",
            Command::new(script::path("install-kweb")).arg(&environment),
        )?;
        Ok(Self { environment })
    }

    /// One of its programs: `kcli`, `kweb`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.environment.join("bin").join(name)
    }

    /// Writes its configuration into `home`, which is to be the program's `HOME`.
    ///
    /// # Errors
    /// When that directory cannot be written.
    pub fn configure(home: &Path) -> Result<(), SupportError> {
        let written = std::fs::create_dir_all(home.join(".kcli"))
            .and_then(|()| std::fs::write(home.join(".kcli/config.yml"), CONFIGURATION));
        written.map_err(|error| SupportError::new("write kcli's configuration", error))
    }
}
