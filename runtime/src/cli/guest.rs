//! `guest`: what the agent inside a VM can do.

use std::io::{Read as _, Write as _};

use clap::{Args, Subcommand};
use stockade::contract::{GuestCommand, GuestCommandResult, GuestFilesystem, GuestInfo};
use stockade::{Error, Service};

use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::noun::Names;
use crate::cli::output::{Column, Located, Record, column, join, optional, size_mib, wide};
use crate::cli::terminal;
use crate::cli::vm::read_ssh_keys;

impl Record for GuestInfo {
    const COLUMNS: &'static [Column<Self>] = &[
        column("HOSTNAME", |guest: &Self| optional(guest.hostname.as_ref())),
        column("OS", |guest| optional(guest.os_name.as_ref())),
        column("USERS", |guest| join(&guest.users)),
        wide("KERNEL", |guest| optional(guest.kernel.as_ref())),
        wide("AGENT", |guest| optional(guest.agent_version.as_ref())),
    ];

    fn name(&self) -> &str {
        self.hostname.as_deref().unwrap_or_default()
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let filesystems: Vec<_> = self.filesystems.iter().map(describe).collect();
        vec![("FILE SYSTEMS", filesystems.join("\n"))]
    }
}

fn describe(filesystem: &GuestFilesystem) -> String {
    format!(
        "{} {} {} of {} used",
        filesystem.mount_point,
        filesystem.r#type,
        size_mib(filesystem.used_mib),
        size_mib(filesystem.total_mib)
    )
}

/// What to do inside a guest.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Show what guests say about themselves
    Info(Names),
    /// Run a program inside a guest
    Exec(Exec),
    /// Set a user's password
    SetPassword(SetPassword),
    /// Replace a user's authorized SSH keys
    SetSshKeys(SetSshKeys),
    /// Hold all writes of guests. They hang until they are thawed
    Freeze(Names),
    /// Let writes of guests continue
    Thaw(Names),
}

/// A user of a guest.
#[derive(Debug, Args)]
struct User {
    /// The VM
    name: String,
    /// The user inside it
    user: String,
}

/// A program to run.
#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// The VM
    name: String,
    /// How long it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u32,
    /// Give it what comes on standard input
    #[arg(long)]
    stdin: bool,
    /// The program's absolute path and its arguments. There is no shell
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// A password to set.
#[derive(Debug, Args)]
pub(crate) struct SetPassword {
    #[command(flatten)]
    user: User,
    /// A file with the password; `-` for standard input. It is never an argument: others can read those
    #[arg(long, value_name = "FILE")]
    password_file: String,
}

/// Keys to set.
#[derive(Debug, Args)]
pub(crate) struct SetSshKeys {
    #[command(flatten)]
    user: User,
    /// An SSH public key, or a file of them
    #[arg(
        long = "ssh-key",
        value_name = "KEY|FILE",
        required_unless_present = "no_keys",
        conflicts_with = "no_keys"
    )]
    keys: Vec<String>,
    /// Remove every key
    #[arg(long)]
    no_keys: bool,
}

/// Does what was asked for inside guests.
pub(crate) async fn run(context: &Context, action: Action) -> Outcome {
    let service = context.service().await?;
    match action {
        Action::Info(names) => info(context, &service, &names).await,
        Action::Exec(arguments) => exec(context, &service, arguments).await,
        Action::SetPassword(arguments) => set_password(context, &service, &arguments).await,
        Action::SetSshKeys(arguments) => set_ssh_keys(context, &service, &arguments).await,
        Action::Freeze(names) => {
            let change = Change::new("guest", "frozen");
            change_each(context, &service, change, &names.names, async |service, name| {
                service.freeze_guest(name).await.map(|_| name.to_owned())
            })
            .await
        }
        Action::Thaw(names) => {
            let change = Change::new("guest", "thawed");
            change_each(context, &service, change, &names.names, async |service, name| {
                service.thaw_guest(name).await.map(|_| name.to_owned())
            })
            .await
        }
    }
}

async fn info(context: &Context, service: &Service, names: &Names) -> Outcome {
    let mut found = Vec::new();
    for name in &names.names {
        found.push(Located::on(service.connection(), service.get_guest_info(name).await?));
    }
    Ok(context.output.print_named(&found, names.names.len() > 1)?)
}

async fn exec(context: &Context, service: &Service, arguments: Exec) -> Outcome {
    let mut words = arguments.command.into_iter();
    let mut stdin = Vec::new();
    if arguments.stdin {
        let read = std::io::stdin().lock().read_to_end(&mut stdin);
        read.map_err(|error| Error::io("reading standard input", &error))?;
    }
    let command = GuestCommand {
        path: words.next().unwrap_or_default(),
        arguments: words.collect(),
        stdin,
        timeout_seconds: arguments.timeout,
    };
    let result = service.run_guest_command(&arguments.name, command).await?;
    if context.output.is_for_people() {
        pass_on(&result)?;
    } else {
        let answer = serde_json::json!({
            "connection": service.connection(), "vm": arguments.name, "exit_code": result.exit_code,
            "stdout": String::from_utf8_lossy(&result.stdout), "stderr": String::from_utf8_lossy(&result.stderr)
        });
        let printed = String::from_utf8_lossy(&result.stdout);
        context.output.print_value(&answer, printed.trim_end())?;
    }
    match result.exit_code {
        Some(0) => Ok(()),
        Some(code) => {
            terminal::error(&format!("the command ended with exit code {code}"), &[]);
            Err(Failure::Told)
        }
        None => {
            terminal::error("the command was ended by a signal", &[]);
            Err(Failure::Told)
        }
    }
}

/// The guest's words as they are where a program reads them, and cleaned where a person does.
fn pass_on(result: &GuestCommandResult) -> std::io::Result<()> {
    for (bytes, is_terminal, mut to) in [
        (
            &result.stdout,
            terminal::shows_stdout(),
            Box::new(std::io::stdout()) as Box<dyn std::io::Write>,
        ),
        (&result.stderr, terminal::shows_stderr(), Box::new(std::io::stderr())),
    ] {
        if is_terminal {
            let text = terminal::clean_lines(&String::from_utf8_lossy(bytes));
            if !text.is_empty() {
                writeln!(to, "{text}")?;
            }
        } else {
            to.write_all(bytes)?;
        }
        to.flush()?;
    }
    Ok(())
}

async fn set_password(context: &Context, service: &Service, arguments: &SetPassword) -> Outcome {
    let file = &arguments.password_file;
    let mut text = String::new();
    let read = match file.as_str() {
        "-" => std::io::stdin().lock().read_to_string(&mut text).map(drop),
        file => std::fs::read_to_string(file).map(|read| text = read),
    };
    read.map_err(|error| Error::io(format_args!("reading a password from `{file}`"), &error))?;
    // Editors and `echo` end the line.
    let password = text.strip_suffix('\n').unwrap_or(&text);
    if password.is_empty() || password.contains('\n') {
        return Err(Failure::usage(
            format!("`{file}` does not hold one password"),
            "write the password into it, on one line",
        ));
    }
    let user = &arguments.user;
    let names = std::slice::from_ref(&user.name);
    change_each(
        context,
        service,
        Change::new("guest", "updated"),
        names,
        async |service, name| {
            let set = service.set_guest_password(name, &user.user, password).await;
            set.map(|()| name.to_owned())
        },
    )
    .await
}

async fn set_ssh_keys(context: &Context, service: &Service, arguments: &SetSshKeys) -> Outcome {
    let keys: Result<Vec<_>, Error> = arguments.keys.iter().map(|key| read_ssh_keys(key)).collect();
    let keys = keys?.concat();
    let user = &arguments.user;
    let names = std::slice::from_ref(&user.name);
    change_each(
        context,
        service,
        Change::new("guest", "updated"),
        names,
        async |service, name| {
            let set = service.set_guest_ssh_keys(name, &user.user, keys.clone()).await;
            set.map(|()| name.to_owned())
        },
    )
    .await
}
