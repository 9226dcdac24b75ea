//! `disk`.

use clap::Args;
use stockade::contract::{AttachSpec, Disk, DiskSpec};

use crate::cli::arguments::{Metadata, ProviderOptions, disk_gib};
use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun;
use crate::cli::output::{Column, Record, column, join, optional, tags, wide};

impl Record for Disk {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |disk: &Self| disk.name.clone()),
        column("SIZE", |disk| format!("{} GiB", disk.size_gib)),
        column("POOL", |disk| optional(disk.pool.as_ref())),
        column("ATTACHED TO", |disk| join(&disk.attached_to)),
        wide("ID", |disk| disk.id.clone()),
        wide("FORMAT", |disk| optional(disk.format.as_ref())),
        wide("CREATED", |disk| optional(disk.created_at.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![("METADATA", tags(&self.metadata))]
    }
}

/// A disk to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new disk's name; chosen by the vendor otherwise
    name: Option<String>,
    /// Its size in GiB, or with a unit: `10`, `1t`
    #[arg(short, long, value_parser = disk_gib)]
    size: u32,
    /// The pool for it
    #[arg(short, long)]
    pool: Option<String>,
    /// Its format
    #[arg(long)]
    format: Option<String>,
    /// The image under it
    #[arg(short, long)]
    image: Option<String>,
    /// The VM to attach it to
    #[arg(long)]
    vm: Option<String>,
    #[command(flatten)]
    metadata: Metadata,
    #[command(flatten)]
    options: ProviderOptions,
}

/// A new size for a disk.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The disk's name or id
    name: String,
    /// Its new size in GiB, or with a unit: `10`, `1t`. Disks only grow
    #[arg(short, long, value_parser = disk_gib)]
    size: u32,
}

/// A disk to attach.
#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// The disk's name or id
    name: String,
    /// The VM
    #[arg(long)]
    vm: String,
    /// The bus: `virtio`, `scsi`, `sata`
    #[arg(long)]
    bus: Option<String>,
    /// The guest may only read it
    #[arg(long)]
    read_only: bool,
    /// Other VMs may hold it at the same time
    #[arg(long)]
    shareable: bool,
}

/// A disk to detach. It is kept.
#[derive(Debug, Args)]
pub(crate) struct Detach {
    /// The disk's name, id or device within the VM
    name: String,
    /// The VM
    #[arg(long)]
    vm: String,
}

/// Grows a disk.
pub(crate) async fn update(context: &Context, arguments: &Update) -> Outcome {
    let service = context.service().await?;
    let names = std::slice::from_ref(&arguments.name);
    let change = Change::new("disk", "updated");
    change_each(context, &service, change, names, async |service, name| {
        service.resize_disk(name, arguments.size).await
    })
    .await
}

/// Attaches a disk to a VM.
pub(crate) async fn attach(context: &Context, arguments: &Attach) -> Outcome {
    let service = context.service().await?;
    let names = std::slice::from_ref(&arguments.name);
    let change = Change::new("disk", "attached");
    change_each(context, &service, change, names, async |service, name| {
        let spec = AttachSpec {
            disk: name.to_owned(),
            bus: arguments.bus.clone(),
            read_only: arguments.read_only,
            shareable: arguments.shareable,
        };
        service.attach_disk(&arguments.vm, spec).await
    })
    .await
}

/// Detaches a disk from a VM.
pub(crate) async fn detach(context: &Context, arguments: &Detach) -> Outcome {
    let service = context.service().await?;
    let names = std::slice::from_ref(&arguments.name);
    let change = Change::new("disk", "detached");
    change_each(context, &service, change, names, async |service, name| {
        service.detach_disk(&arguments.vm, name).await
    })
    .await
}

/// Creates a disk.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let inputs = arguments.options.inputs()?;
    let spec = DiskSpec {
        name: arguments.name,
        size_gib: arguments.size,
        pool: arguments.pool,
        format: arguments.format,
        image: arguments.image,
        vm: arguments.vm,
        metadata: arguments.metadata.tags()?,
        options: Vec::new(),
    };
    let service = context.service().await?;
    let id = service.create_disk(spec, &inputs).await?;
    noun::show::<Disk>(context, &service, &id).await
}

/// Deletes disks.
pub(crate) async fn delete(context: &Context, arguments: &noun::Deletion) -> Outcome {
    noun::delete(context, "disk", arguments, async |service, name| {
        service.delete_disk(name).await
    })
    .await
}
