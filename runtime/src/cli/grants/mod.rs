//! `grants`: what a provider may do on a connection, whether a request would be allowed, and which grants would suffice.

mod explanation;
mod report;

use std::time::SystemTime;

use clap::{Args, Subcommand};
use stockade::grants::SketchedRequest;

use crate::cli::arguments::{moment, pair};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Format, Located, print, print_json, print_yaml};
use crate::cli::terminal;
use report::GrantsReport;

/// What can be asked about grants.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Show what was asked for, what was granted, and what is effective
    #[command(visible_alias = "info")]
    Show(Show),
    /// Say whether a request would be allowed and by which rules, or the line that would allow it; exit code 1 when denied
    #[command(visible_alias = "test")]
    Explain(Explain),
    /// Print the narrowest grants that would have sufficed for what is in the audit log
    Suggest(Suggest),
}

/// Whose grants to show.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The connection
    #[arg(value_name = "CONNECTION")]
    name: String,
}

/// A request to explain. Nothing is sent, and no secret is read.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The connection
    #[arg(value_name = "CONNECTION")]
    name: String,
    /// The request: `GET api/vms/web-1?full=1`, in one argument or two
    #[arg(required = true, num_args = 1..=2, value_names = ["METHOD", "ENDPOINT/PATH"])]
    request: Vec<String>,
    /// A header of it
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    header: Vec<(String, String)>,
    /// A form field in its body
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    form: Vec<(String, String)>,
}

/// Which part of the log to suggest grants from.
#[derive(Debug, Args)]
pub(crate) struct Suggest {
    /// The connection
    #[arg(value_name = "CONNECTION")]
    name: String,
    /// Only from then on: `10m`, `2h` or `3d` ago, or a time in RFC 3339
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<SystemTime>,
    /// Also for what its provider asks for and was denied
    #[arg(long)]
    denied: bool,
}

/// Does it.
pub(crate) fn run(context: &Context, action: Action) -> Outcome {
    match action {
        Action::Show(show) => {
            let report = GrantsReport::read(&context.runtime, &show.name)?;
            Ok(context.output.print_named(&[Located::nowhere(report)], false)?)
        }
        Action::Explain(arguments) => explain(context, &arguments),
        Action::Suggest(arguments) => suggest(context, &arguments),
    }
}

fn explain(context: &Context, arguments: &Explain) -> Outcome {
    let words: Vec<&str> = arguments
        .request
        .iter()
        .flat_map(|word| word.split_whitespace())
        .collect();
    let [method, target] = words.as_slice() else {
        return Err(Failure::usage(
            "a request is a method, and an endpoint with a path",
            "write `stockade grants explain CONNECTION GET api/vms/web-1`",
        ));
    };
    let mut request = SketchedRequest::new(method, target)?;
    for (name, value) in &arguments.header {
        request = request.header(name, value);
    }
    if !arguments.form.is_empty() {
        request = request.form(&arguments.form);
    }
    let explanation = context.runtime.explain_request(&arguments.name, &request)?;
    let is_allowed = explanation.allowed;
    context
        .output
        .print_named(&[Located::on(&arguments.name, explanation)], false)?;
    match is_allowed {
        true => Ok(()),
        false => Err(Failure::Told),
    }
}

fn suggest(context: &Context, arguments: &Suggest) -> Outcome {
    let suggestion = context
        .runtime
        .suggest_grants(&arguments.name, arguments.since, arguments.denied)?;
    match context.output {
        Format::Json => print_json(&suggestion.grants)?,
        Format::Yaml => print_yaml(&suggestion.grants)?,
        Format::Table | Format::Wide | Format::Name => print(&suggestion.to_toml()?)?,
    }
    terminal::note(&match suggestion.requests {
        0 => "the audit log holds no such requests of this connection: nothing is needed, or it was not used yet"
            .to_owned(),
        requests => format!("made from {requests} requests in the audit log"),
    });
    if suggestion.not_asked > 0 {
        let count = suggestion.not_asked;
        terminal::note(&format!(
            "left out {count} requests that the provider does not ask for any more"
        ));
    }
    Ok(())
}
