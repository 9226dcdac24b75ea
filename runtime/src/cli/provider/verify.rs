//! `provider verify`: everything installed, checked against the lock file and the policy.

use clap::Args;
use stockade::Verification;

use super::{SHORT_DIGEST, describe_signer};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Column, Located, Record, column, optional, wide};
use crate::cli::terminal;

/// What to verify.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// An installed provider. Default: all of them
    name: Option<String>,
}

impl Record for Verification {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |verified: &Self| verified.provider.info.name.clone()),
        column("VERSION", |verified| verified.provider.info.version.clone()),
        column("DIGEST", |verified| {
            optional(verified.provider.digest.get(..SHORT_DIGEST).as_ref())
        }),
        column("SIGNED BY", |verified| {
            describe_signer(verified.provider.signer.as_ref())
        }),
        column("FINDING", |verified| optional(verified.finding.as_ref())),
        wide("SOURCE", |verified| verified.provider.source.clone()),
    ];
    const HAS_CONNECTION: bool = false;

    fn name(&self) -> &str {
        &self.provider.info.name
    }
}

/// Verifies, and fails when anything was found.
pub(super) async fn run(context: &Context, arguments: Verify) -> Outcome {
    let verified = context.runtime.verify_providers(arguments.name.as_deref()).await?;
    let found: Vec<_> = verified
        .iter()
        .filter_map(|one| Some((one.finding.clone()?, one.hints.clone())))
        .collect();
    let verified: Vec<_> = verified.into_iter().map(Located::nowhere).collect();
    context.output.print_list(&verified)?;
    for (finding, hints) in &found {
        terminal::error(finding, hints);
    }
    match found.is_empty() {
        true => Ok(()),
        false => Err(Failure::Told),
    }
}
