//! `connection`: configured uses of providers. Creating one is in [`create`], what is shown of one in [`report`].

mod create;
mod credential;
pub(crate) mod describe;
mod import;
pub(crate) mod report;

use clap::Args;
use stockade::Error;

pub(crate) use create::{Create, create};
use report::ConnectionReport;

use crate::cli::change::{Change, print_changes};
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun::{self, Names, quoted, tell_all};
use crate::cli::output::Located;
use crate::cli::terminal;

/// Connections to show.
#[derive(Debug, Args)]
pub(crate) struct Info {
    #[command(flatten)]
    names: Names,
    /// Check that it works: its endpoints answer, its credentials are accepted
    #[arg(long)]
    check: bool,
}

/// Lists connections; one whose file is broken is told beside the others.
pub(crate) fn list(context: &Context) -> Outcome {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in context.runtime.connection_names()? {
        match ConnectionReport::read(&context.runtime, &name) {
            Ok(report) => found.push(Located::nowhere(report)),
            Err(error) => failures.push(error),
        }
    }
    context.output.print_list(&found)?;
    tell_all(&failures)
}

/// Shows connections: what was asked for, what was granted, and on request whether they work.
pub(crate) async fn info(context: &Context, arguments: &Info) -> Outcome {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in &arguments.names.names {
        match ConnectionReport::read(&context.runtime, name) {
            Ok(report) if arguments.check => {
                let answer = check(context, name).await;
                found.push(Located::nowhere(report.checked(answer.as_ref().err())));
                failures.extend(answer.err());
            }
            Ok(report) => found.push(Located::nowhere(report)),
            Err(error) => failures.push(error),
        }
    }
    context.output.print_named(&found, arguments.names.names.len() > 1)?;
    tell_all(&failures)
}

async fn check(context: &Context, name: &str) -> Result<(), Error> {
    let service = context.runtime.connect(name).await?;
    context.reporting(&service).check().await
}

/// Deletes connections. Nothing changes at the vendor.
pub(crate) async fn delete(context: &Context, arguments: &noun::Deletion) -> Outcome {
    let names = &arguments.names.names;
    let action = format!(
        "delete connection {} and the state that its provider kept",
        quoted(names)
    );
    terminal::confirm(arguments.confirmation.yes, &action)?;
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        match context.runtime.delete_connection(name).await {
            Ok(()) => done.push(Located::nowhere(Change::deleted("connection").of(name, None))),
            Err(error) => failures.push(error),
        }
    }
    print_changes(context, &done, names.len() > 1)?;
    tell_all(&failures)
}
