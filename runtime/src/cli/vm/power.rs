//! `start vm`, `stop vm`, `restart vm`, and the states between running and stopped.

use clap::Args;
use stockade::contract::{ErrorKind, StopMode};
use stockade::{Error, Result};

use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun::Names;

/// VMs to stop or restart.
#[derive(Debug, Args)]
pub(crate) struct Stop {
    #[command(flatten)]
    names: Names,
    /// How long the guest may take to stop; it keeps running when it does not
    #[arg(long, value_name = "SECONDS", default_value_t = 60, conflicts_with = "force")]
    timeout: u32,
    /// Cut the power instead of asking the guest
    #[arg(short, long)]
    force: bool,
}

impl Stop {
    fn mode(&self) -> StopMode {
        match self.force {
            true => StopMode::Forced,
            false => StopMode::Graceful(self.timeout),
        }
    }

    /// Says what else can be done when the guest does not stop by itself.
    fn explain(&self, answer: Result<String>) -> Result<String> {
        answer.map_err(|error: Error| match error.kind() {
            ErrorKind::Unsupported(_) | ErrorKind::TimedOut if !self.force => {
                error.hint("`--force` cuts the power; what the guest has not written is lost")
            }
            _ => error,
        })
    }
}

/// Starts VMs.
pub(crate) async fn start(context: &Context, names: &Names) -> Outcome {
    let service = context.service().await?;
    let change = Change::new("vm", "started");
    change_each(context, &service, change, &names.names, async |service, name| {
        service.start_vm(name).await
    })
    .await
}

/// Stops VMs.
pub(crate) async fn stop(context: &Context, arguments: &Stop) -> Outcome {
    let service = context.service().await?;
    let change = Change::new("vm", "stopped");
    change_each(
        context,
        &service,
        change,
        &arguments.names.names,
        async |service, name| arguments.explain(service.stop_vm(name, arguments.mode()).await),
    )
    .await
}

/// Restarts VMs.
pub(crate) async fn restart(context: &Context, arguments: &Stop) -> Outcome {
    let service = context.service().await?;
    let change = Change::new("vm", "restarted");
    change_each(
        context,
        &service,
        change,
        &arguments.names.names,
        async |service, name| arguments.explain(service.restart_vm(name, arguments.mode()).await),
    )
    .await
}

/// Stops the execution of VMs and keeps their memory.
pub(crate) async fn pause(context: &Context, names: &Names) -> Outcome {
    let service = context.service().await?;
    let change = Change::new("vm", "paused");
    change_each(context, &service, change, &names.names, async |service, name| {
        service.pause_vm(name).await
    })
    .await
}

/// Lets paused or suspended VMs continue.
pub(crate) async fn resume(context: &Context, names: &Names) -> Outcome {
    let service = context.service().await?;
    let change = Change::new("vm", "resumed");
    change_each(context, &service, change, &names.names, async |service, name| {
        service.resume_vm(name).await
    })
    .await
}

/// Presses the reset button of VMs.
pub(crate) async fn reset(context: &Context, names: &Names) -> Outcome {
    let service = context.service().await?;
    let change = Change::new("vm", "reset");
    change_each(context, &service, change, &names.names, async |service, name| {
        service.reset_vm(name).await
    })
    .await
}

/// Saves the memory of VMs to disk and stops them.
pub(crate) async fn suspend(context: &Context, names: &Names) -> Outcome {
    let service = context.service().await?;
    let change = Change::new("vm", "suspended");
    change_each(context, &service, change, &names.names, async |service, name| {
        service.suspend_vm(name).await
    })
    .await
}
