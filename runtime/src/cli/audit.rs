//! `audit`: what providers did outside, what they were denied, and how calls ended.

use std::time::SystemTime;

use clap::{Args, Subcommand};
use stockade::audit::{AuditEntry, AuditEvent, AuditQuery, CallEnd, RequestEnd};

use crate::cli::arguments::moment;
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::output::{Column, Located, Record, column, wide};
use crate::cli::terminal;

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List requests, denials and calls, oldest first; `--connection` chooses whose
    #[command(visible_alias = "get")]
    List(List),
}

/// Which lines to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only denials
    #[arg(long)]
    denied: bool,
    /// Only from then on: `10m`, `2h` or `3d` ago, or a time in RFC 3339
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<SystemTime>,
    /// Only before then
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<SystemTime>,
    /// Only requests with this method
    #[arg(long)]
    method: Option<String>,
    /// Only requests at this endpoint
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    /// Only what belongs to this call
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// At most so many, the newest; 0 for all
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    limit: usize,
}

/// Does it.
pub(crate) fn run(context: &Context, action: Action) -> Outcome {
    let Action::List(list) = action;
    let query = AuditQuery {
        connections: context.named_connections(),
        denied: list.denied,
        since: list.since,
        until: list.until,
        method: list.method,
        endpoint: list.endpoint,
        call: list.call,
        limit: (list.limit > 0).then_some(list.limit),
    };
    let page = context.runtime.audit(&query)?;
    let entries: Vec<_> = page.entries.into_iter().map(Located::nowhere).collect();
    context.output.print_list(&entries)?;
    if page.left_out > 0 {
        terminal::note(&format!(
            "{} older ones are not shown; `--limit 0` shows all",
            page.left_out
        ));
    }
    if page.broken > 0 {
        terminal::note(&format!("{} lines of the log could not be read", page.broken));
    }
    Ok(())
}

impl Record for AuditEntry {
    const COLUMNS: &'static [Column<Self>] = &[
        column("TIME", |entry: &Self| entry.time.clone()),
        column("CONNECTION", |entry| entry.connection.clone()),
        column("CALL", |entry| entry.call.clone()),
        column("WHAT", |entry| what(&entry.event)),
        column("OUTCOME", |entry| outcome(&entry.event)),
        column("MS", |entry| milliseconds(&entry.event)),
        wide("PROVIDER", |entry| entry.provider.clone()),
        wide("DIGEST", |entry| entry.digest.clone()),
        wide("FUNCTION", |entry| function(&entry.event)),
        wide("ORIGIN", |entry| origin(&entry.event)),
        wide("SENT", |entry| bytes(&entry.event, true)),
        wide("RECEIVED", |entry| bytes(&entry.event, false)),
        wide("RULE", |entry| rule(&entry.event)),
    ];
    const HAS_CONNECTION: bool = false;

    fn name(&self) -> &str {
        &self.call
    }
}

fn what(event: &AuditEvent) -> String {
    match (event.request(), event) {
        (Some((endpoint, method, path)), _) => format!("{method} {endpoint}{path}"),
        (None, AuditEvent::Call { doing, .. } | AuditEvent::Begin { doing }) => doing.clone(),
        (None, _) => "lines could not be written".to_owned(),
    }
}

fn outcome(event: &AuditEvent) -> String {
    match event {
        AuditEvent::Request { end, .. } => match end {
            RequestEnd::Status { status } => status.to_string(),
            RequestEnd::Fault { fault } => fault.clone(),
            RequestEnd::Presigned { valid_seconds } => format!("presigned for {valid_seconds} s"),
            RequestEnd::Cancelled => "cancelled".to_owned(),
        },
        AuditEvent::Denied { reason, .. } => format!("DENIED: {reason}"),
        AuditEvent::Begin { .. } => "began".to_owned(),
        AuditEvent::Call {
            end, requests, denied, ..
        } => {
            let end = match end {
                CallEnd::Done => "done".to_owned(),
                CallEnd::Failed { error } => format!("failed: {error}"),
                CallEnd::Cancelled => "cancelled".to_owned(),
            };
            format!("{end} ({requests} requests, {denied} denied)")
        }
        AuditEvent::Lost { lines } => lines.to_string(),
    }
}

fn milliseconds(event: &AuditEvent) -> String {
    match event {
        AuditEvent::Request { duration_ms, .. } | AuditEvent::Call { duration_ms, .. } => duration_ms.to_string(),
        _ => String::new(),
    }
}

fn function(event: &AuditEvent) -> String {
    match event {
        AuditEvent::Request { function, .. } | AuditEvent::Denied { function, .. } => function.clone(),
        _ => String::new(),
    }
}

fn origin(event: &AuditEvent) -> String {
    match event {
        AuditEvent::Request { origin, .. } => origin.clone(),
        _ => String::new(),
    }
}

fn bytes(event: &AuditEvent, sent: bool) -> String {
    match event {
        AuditEvent::Request {
            sent_bytes,
            received_bytes,
            ..
        } => if sent { sent_bytes } else { received_bytes }.to_string(),
        _ => String::new(),
    }
}

fn rule(event: &AuditEvent) -> String {
    match event {
        AuditEvent::Request { rule, .. } | AuditEvent::Denied { rule: Some(rule), .. } => rule.to_string(),
        _ => String::new(),
    }
}
