//! `console vm`: where a VM's console is, what it printed, what it shows.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use stockade::console_line::ConsoleLine;
use stockade::contract::{Console as Target, ConsoleKind, ConsoleProtocol};
use stockade::{Error, ProviderKind};

use super::serial;
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::output::{self, Column, Located, Record, column, optional, word};
use crate::cli::terminal;

impl Record for Target {
    const COLUMNS: &'static [Column<Self>] = &[
        column("PROTOCOL", |console: &Self| word(&console.protocol)),
        column("URL", |console| console.url.clone()),
        column("PASSWORD", |console| optional(console.password.as_ref())),
        column("EXPIRES", |console| optional(console.expires_at.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.url
    }
}

/// A console to open.
#[derive(Debug, Args)]
pub(crate) struct Console {
    /// The VM
    name: String,
    /// The serial line, attached to this terminal when this host serves it; Ctrl-] leaves it
    #[arg(short, long)]
    serial: bool,
    /// Print where the console is, and attach nothing
    #[arg(long)]
    print: bool,
    /// Print what the serial line printed lately
    #[arg(long, conflicts_with_all = ["serial", "print"])]
    log: bool,
    /// Write a picture of the screen into this file, as PNG. One that exists is not touched
    #[arg(long, value_name = "FILE", conflicts_with_all = ["serial", "print", "log"])]
    screenshot: Option<PathBuf>,
}

/// Opens a console.
pub(crate) async fn console(context: &Context, arguments: &Console) -> Outcome {
    let service = context.service().await?;
    let vm = &arguments.name;
    if arguments.log {
        let log = service.read_vm_console_log(vm).await?;
        if context.output.is_for_people() {
            let text = terminal::clean_lines(&log);
            return Ok(output::print(&if text.is_empty() { text } else { text + "\n" })?);
        }
        let answer = serde_json::json!({"connection": service.connection(), "vm": vm, "log": log});
        return Ok(context.output.print_value(&answer, &log)?);
    }
    if let Some(path) = &arguments.screenshot {
        return Ok(write_new(path, &service.take_vm_screenshot(vm).await?)?);
    }
    let kind = match arguments.serial {
        true => ConsoleKind::Serial,
        false => ConsoleKind::Graphical,
    };
    let target = service.open_vm_console(vm, kind).await?;
    // A component could name any socket of this host.
    let is_native = service.installed().kind == ProviderKind::Native;
    let line = ConsoleLine::of_url(&target.url).filter(|_| is_native);
    let may_attach = !arguments.print && context.output.is_for_people() && terminal::is_whole();
    if let Some(line) = line.as_ref().filter(|_| may_attach)
        && target.protocol == ConsoleProtocol::Stream
    {
        return Ok(serial::attach(line, vm).await?);
    }
    context
        .output
        .print_named(&[Located::on(service.connection(), target)], false)?;
    if line.is_some() {
        // This process is the other end of that socket.
        terminal::note("the console is there until this command ends: Ctrl-C");
        let waited = tokio::signal::ctrl_c().await;
        waited.map_err(|error| Error::io("waiting for Ctrl-C", &error))?;
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .map_err(|error| Error::io(format_args!("writing `{}`", path.display()), &error))
}
