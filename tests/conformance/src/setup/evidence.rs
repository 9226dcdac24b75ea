//! What virsh and the file system say is there: a second opinion about every setup that ends at a libvirt.
//!
//! Only for a process inside the private libvirt's namespaces, where `qemu:///system` and the pool's directory are that
//! libvirt's own.

use std::collections::BTreeSet;
use std::process::Command;

use crate::outcome::Outcome;

/// The directory of the pool `default`.
const POOL_DIRECTORY: &str = "/var/lib/libvirt/images";

/// The second opinion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence;

impl Evidence {
    /// VMs, files, networks and pools, one line each.
    pub(crate) fn observe(self) -> Outcome<BTreeSet<String>> {
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
    pub(crate) fn force_back(self, before: &BTreeSet<String>) -> Outcome {
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
