//! Where setups stand: a runtime with a home of its own, and the private libvirt for those that need one.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitStatus;

use stockade::{Home, Runtime};
use stockade_test_support::artifacts::workspace_root;
use stockade_test_support::kweb::Kweb;
use stockade_test_support::private_libvirt::PrivateLibvirt;
use stockade_test_support::tiny_guest;
use tempfile::TempDir;

use crate::outcome::Outcome;

/// A runtime with nothing in it. Its files are gone with it.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    home: TempDir,
}

impl Stage {
    /// Makes a runtime. Compiled components are kept between runs: they are found by their digest.
    pub(crate) fn new() -> Outcome<Self> {
        let directory = TempDir::with_prefix("stockade-conformance-")?;
        let mut home = Home::below(directory.path());
        home.cache = workspace_root().join("target/conformance-cache");
        let runtime = Runtime::builder().home(home).build()?;
        Ok(Self {
            runtime,
            home: directory,
        })
    }
}

impl Stage {
    /// A private file with a secret; answers its path.
    pub(crate) fn secret(&self, name: &str, secret: &str) -> Outcome<String> {
        let path = self.home.path().join(name);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(secret.as_bytes())?;
        Ok(path.display().to_string())
    }
}

/// A private libvirt with images and a kweb, for a process of this suite that runs inside.
pub(crate) struct Inside {
    // In the order in which they must end.
    kweb: Option<Kweb>,
    libvirt: PrivateLibvirt,
}

/// The image that boots.
pub(crate) const BOOTING_IMAGE: &str = "tiny.qcow2";
/// An image larger than 1 GiB. Nothing boots from it.
pub(crate) const LARGE_IMAGE: &str = "large.qcow2";

impl Inside {
    /// Starts what the wanted setups need.
    pub(crate) fn start(with_kweb: bool) -> Outcome<Self> {
        let image = tiny_guest::image()?;
        let libvirt = PrivateLibvirt::start()?;
        libvirt.add_image(&image, BOOTING_IMAGE)?;
        libvirt.virsh(&["vol-create-as", "default", LARGE_IMAGE, "2G", "--format", "qcow2"])?;
        let kweb = if with_kweb { Some(Kweb::start(&libvirt)?) } else { None };
        Ok(Self { kweb, libvirt })
    }

    /// Runs this program again, inside.
    pub(crate) fn run(&self, program: &Path, arguments: &[String]) -> Outcome<ExitStatus> {
        let port = match &self.kweb {
            Some(kweb) => kweb.base_url().rsplit(':').next().unwrap_or_default().to_owned(),
            None => "0".to_owned(),
        };
        let mut command = self.libvirt.command(program);
        Ok(command.args(["--inside", &port]).args(arguments).status()?)
    }

    /// What kweb said, for whoever looks into a failure.
    pub(crate) fn kweb_log(&self) -> String {
        self.kweb.as_ref().map(Kweb::log).unwrap_or_default()
    }
}
