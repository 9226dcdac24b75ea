//! `nic`: network interfaces of existing VMs. They are shown with their VM.

use clap::Args;
use stockade::contract::VmNicSpec;

use crate::cli::change::{Change, change_each, print_changes};
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun;
use crate::cli::output::Located;
use crate::cli::vm::parse_nic;

/// The VM that interfaces belong to.
#[derive(Debug, Args)]
struct OfVm {
    /// The VM
    #[arg(long, value_name = "NAME")]
    vm: String,
}

/// An interface to add.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    of: OfVm,
    /// What it is: `NETWORK[,mac=…][,address=…/…][,gateway=…][,dns=…][,subnet=…][,model=…][,public=true|false]`
    #[arg(value_name = "NIC", value_parser = parse_nic)]
    nic: VmNicSpec,
}

/// An interface to move.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// Its name within the VM, or its MAC address
    name: String,
    #[command(flatten)]
    of: OfVm,
    /// The network to move it to
    #[arg(short, long)]
    network: String,
}

/// Interfaces to remove.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    common: noun::Deletion,
    #[command(flatten)]
    of: OfVm,
}

/// Adds an interface to a VM.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let service = context.service().await?;
    let name = service.add_nic(&arguments.of.vm, arguments.nic).await?;
    let done = Change::new("nic", "added").of(&name, Some(name.clone()));
    print_changes(context, &[Located::on(service.connection(), done)], false)
}

/// Moves an interface to another network.
pub(crate) async fn update(context: &Context, arguments: &Update) -> Outcome {
    let service = context.service().await?;
    let names = std::slice::from_ref(&arguments.name);
    let change = Change::new("nic", "updated");
    change_each(context, &service, change, names, async |service, name| {
        service.update_nic(&arguments.of.vm, name, &arguments.network).await
    })
    .await
}

/// Removes interfaces of a VM.
pub(crate) async fn delete(context: &Context, arguments: &Delete) -> Outcome {
    noun::delete(context, "nic", &arguments.common, async |service, name| {
        service.remove_nic(&arguments.of.vm, name).await
    })
    .await
}
