//! `events`: what changes on a connection, as it happens: one line for each event.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use stockade::contract::{Event, EventBatch};
use tokio::time::Instant;

use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::output::{self, Format, optional, word};
use crate::cli::terminal;

/// Which events to show.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Where to go on; with none, what happens from now on
    #[arg(long)]
    cursor: Option<String>,
    /// How long to wait for events; without end otherwise
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u32>,
    /// The pause between two questions
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000)]
    interval: u32,
}

/// An event as programs read it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    connection: &'a str,
    #[serde(flatten)]
    event: &'a Event,
    /// Whether events before it were lost.
    gap: bool,
    /// Where to go on after its batch.
    cursor: &'a str,
}

/// Shows events until the time is up or somebody has seen enough.
pub(crate) async fn run(context: &Context, arguments: &Events) -> Outcome {
    let service = context.service().await?;
    let started = Instant::now();
    let end = arguments
        .seconds
        .map(|seconds| started + Duration::from_secs(seconds.into()));
    let mut cursor = arguments.cursor.clone();
    loop {
        let batch = service.poll_events(cursor.as_deref()).await?;
        show(context.output, service.connection(), &batch)?;
        let is_new = cursor.as_ref() != Some(&batch.next);
        cursor = Some(batch.next);
        // What is waiting is read before the time counts.
        if is_new && !batch.items.is_empty() {
            continue;
        }
        let next = Instant::now() + Duration::from_millis(arguments.interval.into());
        if end.is_some_and(|end| next > end) {
            break;
        }
        tokio::time::sleep_until(next).await;
    }
    if let (true, Some(cursor)) = (context.output.is_for_people(), &cursor) {
        terminal::note(&terminal::clean(&format!("go on with `--cursor {cursor}`")));
    }
    Ok(())
}

fn show(output: Format, connection: &str, batch: &EventBatch) -> std::io::Result<()> {
    if batch.gap {
        terminal::note("warning: events were lost before this one: what you know may be out of date");
    }
    for (index, event) in batch.items.iter().enumerate() {
        let told = Told {
            connection,
            event,
            gap: batch.gap && index == 0,
            cursor: &batch.next,
        };
        let line = match output {
            Format::Json => serde_json::to_string(&told)? + "\n",
            Format::Yaml => {
                output::print("---\n")?;
                output::print_yaml(&told)?;
                continue;
            }
            Format::Name => terminal::clean(&event.subject.name) + "\n",
            Format::Table | Format::Wide => {
                terminal::clean(&format!(
                    "{}  {} {} `{}`  {}",
                    optional(event.at.as_ref()),
                    event.subject.noun,
                    word(&event.kind),
                    event.subject.name,
                    event.detail
                )) + "\n"
            }
        };
        output::print(&line)?;
    }
    Ok(())
}
