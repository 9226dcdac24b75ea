//! `vm`: what is shown of VMs. What is done with them is in [`create`] and [`power`].

mod console;
mod copy;
mod create;
mod disk;
mod nic;
mod power;
mod serial;
mod update;

use clap::Args;
use stockade::contract::{Vm, VmDeleteOptions, VmDisk, VmNic};

pub(crate) use console::{Console, console};
pub(crate) use copy::{Clone, Export, Migrate, clone, export, migrate};
pub(crate) use create::{Create, create, read_ssh_keys};
pub(crate) use nic::parse as parse_nic;
pub(crate) use power::{Stop, pause, reset, restart, resume, start, stop, suspend};
pub(crate) use update::{Update, update};

use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun;
use crate::cli::output::{Column, Record, column, join, optional, size_mib, tags, wide, word, yes_no};

impl Record for Vm {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |vm: &Self| vm.name.clone()),
        column("STATUS", |vm| word(&vm.status)),
        column("IPS", |vm| join(&vm.ips)),
        column("CPUS", |vm| optional(vm.cpus.as_ref())),
        column("MEMORY", |vm| size_mib(vm.memory_mib)),
        column("IMAGE", |vm| optional(vm.image.as_ref())),
        wide("ID", |vm| vm.id.clone()),
        wide("VENDOR STATUS", |vm| vm.vendor_status.clone()),
        wide("FLAVOR", |vm| optional(vm.flavor.as_ref())),
        wide("LOCATION", |vm| optional(vm.location.as_ref())),
        wide("CREATED", |vm| optional(vm.created_at.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let disks = self.disks.iter().flatten().map(describe_disk).collect::<Vec<_>>();
        let nics = self.nics.iter().flatten().map(describe_nic).collect::<Vec<_>>();
        vec![
            ("AUTOSTART", yes_no(self.autostart)),
            ("DESCRIPTION", self.description.clone().unwrap_or_default()),
            ("DISKS", disks.join("\n")),
            ("NICS", nics.join("\n")),
            ("METADATA", tags(self.metadata.as_deref().unwrap_or_default())),
        ]
    }
}

fn describe_disk(disk: &VmDisk) -> String {
    let mut text = format!("{} {}", disk.name, word(&disk.device));
    if let Some(size) = disk.size_gib {
        text += &format!(" {size} GiB");
    }
    for (title, value) in [
        ("", &disk.format),
        ("bus ", &disk.bus),
        ("pool ", &disk.pool),
        ("on ", &disk.backing),
        ("", &disk.id),
    ] {
        if let Some(value) = value {
            text += &format!(" {title}{value}");
        }
    }
    text
}

fn describe_nic(nic: &VmNic) -> String {
    let mut text = nic.name.clone();
    for (title, value) in [("", &nic.mac), ("network ", &nic.network), ("", &nic.model)] {
        if let Some(value) = value {
            text += &format!(" {title}{value}");
        }
    }
    if !nic.ips.is_empty() {
        text += &format!(" {}", join(&nic.ips));
    }
    text
}

/// VMs to delete.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    common: noun::Deletion,
    /// Keep the disks that were created for the VM
    #[arg(long)]
    keep_disks: bool,
    /// Delete its snapshots too; without it, a VM with snapshots is not deleted
    #[arg(long)]
    snapshots: bool,
}

/// Deletes VMs.
pub(crate) async fn delete(context: &Context, arguments: &Delete) -> Outcome {
    let options = VmDeleteOptions {
        keep_disks: arguments.keep_disks,
        delete_snapshots: arguments.snapshots,
    };
    noun::delete(context, "vm", &arguments.common, async |service, name| {
        service.delete_vm(name, options.clone()).await
    })
    .await
}
