//! Second opinions about what is there.
//!
//! For setups that end at a libvirt, virsh and the file system: only for a process inside the private libvirt's namespaces,
//! where `qemu:///system` and the pool's directory are that libvirt's own. For a cloud of OpenStack, openstacksdk.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;

use stockade_test_support::openstack::Openstack;

use crate::outcome::Outcome;

/// The directory of the pool `default`.
const POOL_DIRECTORY: &str = "/var/lib/libvirt/images";

/// The least that libvirt takes for a VM.
const DOMAIN: &str = "<domain type='qemu'><name>NAME</name><memory unit='MiB'>64</memory>\
    <os><type arch='x86_64'>hvm</type></os></domain>";

/// A second opinion.
#[derive(Clone)]
pub(crate) enum Evidence {
    /// virsh's and the file system's.
    Libvirt,
    /// openstacksdk's.
    Openstack(Arc<Openstack>),
}

impl Evidence {
    /// Everything that can be seen, one line each.
    pub(crate) fn observe(&self) -> Outcome<BTreeSet<String>> {
        match self {
            Self::Libvirt => Libvirt.observe(),
            Self::Openstack(cloud) => Ok(cloud.observe()?),
        }
    }

    /// Removes what was not there before.
    pub(crate) fn force_back(&self, before: &BTreeSet<String>) -> Outcome {
        match self {
            Self::Libvirt => Libvirt.force_back(before),
            Self::Openstack(cloud) => {
                let now = cloud.observe()?;
                let left: Vec<_> = now.difference(before).collect();
                if !left.is_empty() {
                    cloud.remove(left)?;
                }
                Ok(())
            }
        }
    }

    /// Makes a VM; answers its id.
    pub(crate) fn make_vm(&self, name: &str) -> Outcome<String> {
        match self {
            Self::Libvirt => {
                let mut file = tempfile::NamedTempFile::new()?;
                write!(file, "{}", DOMAIN.replace("NAME", name))?;
                virsh(&["define", &file.path().display().to_string()])?;
                Ok(virsh(&["domuuid", name])?.trim().to_owned())
            }
            Self::Openstack(cloud) => Ok(cloud.create_vm(name)?),
        }
    }

    /// The cloud whose disks have snapshots of their own; none where they have none.
    pub(crate) fn disk_snapshots(&self) -> Option<&Openstack> {
        match self {
            Self::Libvirt => None,
            Self::Openstack(cloud) => Some(cloud),
        }
    }

    /// Whether there are guests behind it, which boot and answer.
    pub(crate) fn has_guests(&self) -> bool {
        matches!(self, Self::Libvirt)
    }
}

/// What virsh and the file system say.
struct Libvirt;

impl Libvirt {
    /// VMs, files, networks and pools, one line each.
    fn observe(&self) -> Outcome<BTreeSet<String>> {
        let mut lines = BTreeSet::new();
        for (noun, command) in [("vm", "list"), ("network", "net-list"), ("pool", "pool-list")] {
            let names = virsh(&[command, "--all", "--name"])?;
            lines.extend(
                names
                    .lines()
                    .filter(|name| !name.is_empty())
                    .map(|name| format!("{noun} {name}")),
            );
        }
        for entry in std::fs::read_dir(POOL_DIRECTORY)? {
            lines.insert(format!("file {}", entry?.file_name().to_string_lossy()));
        }
        Ok(lines)
    }

    /// Removes what was not there before. Errors are no news: the trial that left it has failed already.
    fn force_back(&self, before: &BTreeSet<String>) -> Outcome {
        for line in self.observe()?.difference(before) {
            let Some((noun, name)) = line.split_once(' ') else {
                continue;
            };
            let commands: &[&[&str]] = match noun {
                "vm" => &[
                    &["destroy", name],
                    &["undefine", name, "--snapshots-metadata", "--managed-save"],
                ],
                "network" => &[&["net-destroy", name], &["net-undefine", name]],
                "pool" => &[&["pool-destroy", name], &["pool-undefine", name]],
                _ => &[&["vol-delete", name, "--pool", "default"]],
            };
            for command in commands {
                let _ = virsh(command);
            }
        }
        virsh(&["pool-refresh", "default"]).map(drop)
    }
}

fn virsh(arguments: &[&str]) -> Outcome<String> {
    let output = Command::new("virsh")
        .args(["--quiet", "--connect", "qemu:///system"])
        .args(arguments)
        .output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(format!(
        "`virsh {}`: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    )
    .into())
}
