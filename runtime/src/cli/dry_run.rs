//! `--dry-run`: tells what was stopped, and ends the command with an exit code of its own.
//!
//! On standard error for people; as one document on standard output in the formats for programs, when the command itself
//! has no answer because of it.

use serde::Serialize;
use stockade::dry_run::{Plan, Planned, PlannedRequest};

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::output::{Format, print_json, print_yaml};
use super::terminal;

/// What is printed for programs.
#[derive(Serialize)]
struct Report<'a> {
    dry_run: &'a Plan,
}

/// Ends a command that may have been a dry run.
pub(crate) fn end(context: &Context, outcome: Outcome) -> Outcome {
    let Some(dry_run) = &context.dry_run else {
        return outcome;
    };
    let plan = dry_run.plan();
    if plan.stopped.is_empty() {
        if outcome.is_ok() {
            terminal::note("dry run: nothing that may change something was tried");
        }
        return outcome;
    }
    for planned in &plan.stopped {
        terminal::note(&terminal::clean(&format!("dry run: stopped {}", describe(planned))));
    }
    if plan.left_out > 0 {
        terminal::note(&format!("dry run: stopped {} more", plan.left_out));
    }
    if let Err(Failure::Refused(error)) = outcome {
        terminal::note(&terminal::clean_lines(&format!("dry run: it ended there: {error}")));
        let report = Report { dry_run: &plan };
        match context.output {
            Format::Json => print_json(&report)?,
            Format::Yaml => print_yaml(&report)?,
            Format::Table | Format::Wide | Format::Name => {}
        }
    }
    Err(Failure::Stopped)
}

fn describe(planned: &Planned) -> String {
    match planned {
        Planned::Call { function } => format!("the call `{function}`"),
        Planned::Request(request) => describe_request(request),
    }
}

fn describe_request(request: &PlannedRequest) -> String {
    let PlannedRequest {
        endpoint,
        origin,
        method,
        path,
        ..
    } = request;
    let mut text = format!("{method} {origin}{path} at endpoint `{endpoint}`");
    if !request.query.is_empty() {
        text.push_str(&format!(", query {}", request.query.join(" ")));
    }
    match request.body_bytes {
        Some(0) => {}
        Some(bytes) => text.push_str(&format!(", body of {bytes} bytes")),
        None => text.push_str(", body of unknown size"),
    }
    if let Some(body) = &request.body {
        text.push_str(&format!(": {body}"));
    }
    text
}
