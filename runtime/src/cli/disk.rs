//! `disk`.

use clap::Args;
use stockade::contract::{Disk, DiskSpec};

use crate::cli::arguments::{Metadata, ProviderOptions, disk_gib};
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
