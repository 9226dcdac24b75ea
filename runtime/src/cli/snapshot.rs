//! `snapshot`: saved states of one VM.

use clap::Args;
use stockade::Error;
use stockade::contract::{Snapshot, SnapshotSpec};

use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::noun::{self, Confirmation, quoted};
use crate::cli::output::{Column, Located, Record, column, optional, wide, yes_no};
use crate::cli::terminal;

impl Record for Snapshot {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |snapshot: &Self| snapshot.name.clone()),
        column("PARENT", |snapshot| optional(snapshot.parent.as_ref())),
        column("CURRENT", |snapshot| yes_no(Some(snapshot.current))),
        column("CREATED", |snapshot| optional(snapshot.created_at.as_ref())),
        wide("ID", |snapshot| snapshot.id.clone()),
        wide("MEMORY", |snapshot| yes_no(Some(snapshot.with_memory))),
        wide("DESCRIPTION", |snapshot| optional(snapshot.description.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.name
    }
}

/// The VM that snapshots belong to.
#[derive(Debug, Args)]
pub(crate) struct OfVm {
    /// The VM
    #[arg(long, value_name = "NAME")]
    vm: String,
}

/// A snapshot to take.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new snapshot's name
    name: String,
    #[command(flatten)]
    of: OfVm,
    /// Free text
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Save the memory too; the VM must be running
    #[arg(long)]
    memory: bool,
    /// Have the guest's agent hold writes meanwhile
    #[arg(long)]
    quiesce: bool,
}

/// Snapshots to delete.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    common: noun::Deletion,
    #[command(flatten)]
    of: OfVm,
    /// Delete those that descend from it too
    #[arg(long)]
    children: bool,
}

/// A snapshot to go back to.
#[derive(Debug, Args)]
pub(crate) struct Revert {
    /// The snapshot's name or id
    name: String,
    #[command(flatten)]
    of: OfVm,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// Lists a VM's snapshots.
pub(crate) async fn list(context: &Context, of: &OfVm) -> Outcome {
    let answers = context
        .on_each(async |service| service.list_snapshots(&of.vm).await)
        .await?;
    noun::print_lists(context, answers)
}

/// Takes a snapshot.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let service = context.service().await?;
    let (vm, name) = (arguments.of.vm, arguments.name);
    let spec = SnapshotSpec {
        name: name.clone(),
        description: arguments.description,
        with_memory: arguments.memory,
        quiesce: arguments.quiesce,
    };
    let id = service.create_snapshot(&vm, spec).await?;
    let snapshots = service.list_snapshots(&vm).await?;
    let snapshot = snapshots
        .into_iter()
        .find(|snapshot| snapshot.id == id || snapshot.name == name);
    let Some(snapshot) = snapshot else {
        let error = Error::not_found("snapshot", &name).while_doing(format!("show the new snapshot of vm `{vm}`"));
        return Err(Failure::from(error.on(service.connection())));
    };
    Ok(context
        .output
        .print_named(&[Located::on(service.connection(), snapshot)], false)?)
}

/// Deletes snapshots.
pub(crate) async fn delete(context: &Context, arguments: &Delete) -> Outcome {
    noun::delete(context, "snapshot", &arguments.common, async |service, name| {
        service
            .delete_snapshot(&arguments.of.vm, name, arguments.children)
            .await
    })
    .await
}

/// Puts a VM back into a snapshot's state.
pub(crate) async fn revert(context: &Context, arguments: &Revert) -> Outcome {
    let service = context.service().await?;
    let names = std::slice::from_ref(&arguments.name);
    let action = format!(
        "revert vm `{}` to snapshot {}, losing what happened since",
        arguments.of.vm,
        quoted(names)
    );
    terminal::confirm(arguments.confirmation.yes, &action)?;
    let change = Change::new("snapshot", "reverted to");
    change_each(context, &service, change, names, async |service, name| {
        service.revert_snapshot(&arguments.of.vm, name).await
    })
    .await
}
