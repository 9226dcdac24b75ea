//! `update vm`: each thing that is asked for is one change, in the order of the arguments' help.

use clap::Args;
use stockade::contract::{ApplyWhen, MetadataChange, VmResizeSpec};
use stockade::{Error, Service};

use crate::cli::arguments::{Switch, memory_mib, pair};
use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::noun::Names;

/// Changes of VMs.
#[derive(Debug, Args)]
pub(crate) struct Update {
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    size: Size,
    #[command(flatten)]
    notes: Notes,
    #[command(flatten)]
    medium: Medium,
    /// Raise the version of its hardware at the next start, to this one or to the newest
    #[arg(long, value_name = "VERSION", num_args = 0..=1)]
    hardware: Option<Option<String>>,
}

/// A new size.
#[derive(Debug, Args)]
struct Size {
    /// The vendor's size for it, instead of `--cpus` and `--memory`
    #[arg(short, long)]
    flavor: Option<String>,
    /// Virtual CPUs
    #[arg(long)]
    cpus: Option<u32>,
    /// Memory: MiB, or with a unit: `2048`, `512m`, `2g`
    #[arg(short, long, value_name = "SIZE", value_parser = memory_mib)]
    memory: Option<u32>,
    /// Change the size at the next start, not now
    #[arg(long)]
    next_start: bool,
}

/// What is noted on it.
#[derive(Debug, Args)]
struct Notes {
    /// Metadata to set
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Metadata to remove
    #[arg(long, value_name = "KEY")]
    remove_metadata: Vec<String>,
    /// Free text; an empty one removes it
    #[arg(long, visible_alias = "information", value_name = "TEXT")]
    description: Option<String>,
    /// Whether it starts with its host
    #[arg(long, value_enum, value_name = "ON|OFF")]
    autostart: Option<Switch>,
}

/// What is in its drive.
#[derive(Debug, Args)]
struct Medium {
    /// The ISO image to put into its CD-ROM drive
    #[arg(long, value_name = "IMAGE")]
    iso: Option<String>,
    /// Empty its CD-ROM drive
    #[arg(long, conflicts_with = "iso")]
    no_iso: bool,
}

/// Changes VMs.
pub(crate) async fn update(context: &Context, arguments: &Update) -> Outcome {
    if arguments.is_empty() {
        return Err(Failure::nothing_to_change(
            "`--cpus`, `--memory`, `--flavor`, `--metadata`, `--description`, `--autostart` or `--iso`",
        ));
    }
    let service = context.service().await?;
    let change = Change::new("vm", "updated");
    change_each(
        context,
        &service,
        change,
        &arguments.names.names,
        async |service, name| arguments.apply(service, name).await,
    )
    .await
}

impl Update {
    fn is_empty(&self) -> bool {
        self.size.spec().is_none()
            && self.notes.changes().is_empty()
            && self.notes.description.is_none()
            && self.notes.autostart.is_none()
            && self.medium.iso.is_none()
            && !self.medium.no_iso
            && self.hardware.is_none()
    }

    /// Makes each change; the first that fails ends it, and those before it stay.
    async fn apply(&self, service: &Service, vm: &str) -> Result<String, Error> {
        let mut id = vm.to_owned();
        if let Some(spec) = self.size.spec() {
            id = service.resize_vm(vm, spec).await.map_err(|error| self.explain(error))?;
        }
        if let Some(version) = &self.hardware {
            id = service.upgrade_vm_hardware(vm, version.as_deref()).await?;
        }
        let changes = self.notes.changes();
        if !changes.is_empty() {
            id = service.update_vm_metadata(vm, changes).await?;
        }
        if let Some(text) = &self.notes.description {
            let text = Some(text.as_str()).filter(|text| !text.is_empty());
            id = service.set_vm_description(vm, text).await?;
        }
        if let Some(autostart) = self.notes.autostart {
            id = service.set_vm_autostart(vm, autostart.into()).await?;
        }
        if let Some(image) = &self.medium.iso {
            id = service.insert_vm_media(vm, image).await?;
        }
        if self.medium.no_iso {
            id = service.eject_vm_media(vm).await?;
        }
        Ok(id)
    }

    /// Says what else can be done about a size that cannot be changed now.
    fn explain(&self, error: Error) -> Error {
        match error.kind().name() {
            "conflict" if !self.size.next_start => {
                error.hint("`--next-start` changes it when the vm starts the next time")
            }
            _ => error,
        }
    }
}

impl Size {
    /// The new size; none when none is asked for.
    fn spec(&self) -> Option<VmResizeSpec> {
        let is_asked = self.flavor.is_some() || self.cpus.is_some() || self.memory.is_some();
        is_asked.then(|| VmResizeSpec {
            cpus: self.cpus,
            memory_mib: self.memory,
            flavor: self.flavor.clone(),
            apply: match self.next_start {
                true => ApplyWhen::NextStart,
                false => ApplyWhen::Now,
            },
        })
    }
}

impl Notes {
    fn changes(&self) -> Vec<MetadataChange> {
        let set = self.metadata.iter().map(|(key, value)| MetadataChange {
            key: key.clone(),
            value: Some(value.clone()),
        });
        let removed = self.remove_metadata.iter().map(|key| MetadataChange {
            key: key.clone(),
            value: None,
        });
        set.chain(removed).collect()
    }
}
