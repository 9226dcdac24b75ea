//! `clone vm`, `export vm`, `migrate vm`: what makes a copy of a VM, or moves it.

use std::path::PathBuf;

use clap::Args;
use stockade::contract::{Image, MigrationSpec, Vm, VmCloneSpec, VmExportSpec};
use stockade::{Error, Service};

use crate::cli::change::{Change, change_each, print_changes};
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::new_file::NewFile;
use crate::cli::noun::{self, Names};
use crate::cli::output::Located;

/// A copy of a VM.
#[derive(Debug, Args)]
pub(crate) struct Clone {
    /// The copy's name
    name: String,
    /// The VM to copy
    #[arg(short, long, value_name = "NAME")]
    base: String,
    /// Store only what differs; the copy needs the original's disks
    #[arg(long)]
    linked: bool,
    /// The snapshot to copy; the present state otherwise
    #[arg(long)]
    snapshot: Option<String>,
    /// Start the copy
    #[arg(short, long)]
    start: bool,
}

/// A VM to export.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The VM
    name: String,
    /// The new image's name; the VM's otherwise
    #[arg(short, long, conflicts_with = "file")]
    image: Option<String>,
    /// The pool for the image
    #[arg(long, conflicts_with = "file")]
    pool: Option<String>,
    /// The format
    #[arg(long)]
    format: Option<String>,
    /// The snapshot to export; the present state otherwise
    #[arg(long, conflicts_with = "file")]
    snapshot: Option<String>,
    /// Write a disk into this file instead of making an image. One that exists is not touched
    #[arg(long)]
    file: Option<PathBuf>,
    /// The disk to write, by its name within the VM; the first otherwise
    #[arg(long, requires = "file")]
    disk: Option<String>,
}

/// Where VMs should go.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    names: Names,
    /// The host or node to move to; the vendor chooses otherwise
    #[arg(long, value_name = "HOST")]
    target: Option<String>,
    /// Keep it running meanwhile
    #[arg(long)]
    live: bool,
    /// Move its disks too
    #[arg(long)]
    with_storage: bool,
}

/// Copies a VM.
pub(crate) async fn clone(context: &Context, arguments: Clone) -> Outcome {
    let spec = VmCloneSpec {
        name: arguments.name,
        linked: arguments.linked,
        snapshot: arguments.snapshot,
        start: arguments.start,
    };
    let service = context.service().await?;
    let id = service.clone_vm(&arguments.base, spec).await?;
    noun::show::<Vm>(context, &service, &id).await
}

/// Makes an image or a file of a VM.
pub(crate) async fn export(context: &Context, arguments: Export) -> Outcome {
    let service = context.service().await?;
    if let Some(path) = &arguments.file {
        let disk = match &arguments.disk {
            Some(disk) => disk.clone(),
            None => first_disk(&service, &arguments.name).await?,
        };
        let file = NewFile::create(path)?;
        let into = file.blob()?;
        service
            .download_vm_disk(&arguments.name, &disk, arguments.format.as_deref(), into)
            .await?;
        file.keep();
        let done = Change::new("vm", "exported").of(&arguments.name, None);
        return print_changes(context, &[Located::on(service.connection(), done)], false);
    }
    let spec = VmExportSpec {
        image: arguments.image.unwrap_or_else(|| arguments.name.clone()),
        pool: arguments.pool,
        format: arguments.format,
        snapshot: arguments.snapshot,
    };
    let id = service.export_vm(&arguments.name, spec).await?;
    noun::show::<Image>(context, &service, &id).await
}

async fn first_disk(service: &Service, vm: &str) -> Result<String, Error> {
    let disks = service.get_vm(vm).await?.disks.unwrap_or_default();
    let first = disks
        .into_iter()
        .find(|disk| disk.device == stockade::contract::DiskDevice::Disk);
    first.map(|disk| disk.name).ok_or_else(|| {
        Error::not_found("disk", "")
            .while_doing(format!("choose a disk of vm `{vm}` to export"))
            .on(service.connection())
            .hint(format!(
                "the vm has no hard disk; `stockade info vm {vm}` shows what it has"
            ))
    })
}

/// Moves VMs.
pub(crate) async fn migrate(context: &Context, arguments: &Migrate) -> Outcome {
    let service = context.service().await?;
    let spec = MigrationSpec {
        target: arguments.target.clone(),
        live: arguments.live,
        with_storage: arguments.with_storage,
    };
    let change = Change::new("vm", "migrated");
    change_each(
        context,
        &service,
        change,
        &arguments.names.names,
        async |service, name| service.migrate_vm(name, spec.clone()).await,
    )
    .await
}
