//! The tree of commands: verbs, and the nouns that each takes.

use clap::{CommandFactory as _, Parser, Subcommand};
use stockade::contract::{Disk, Image, Network, Pool, Vm};

use crate::cli::completions::{self, Completions};
use crate::cli::context::{CommonOptions, Context};
use crate::cli::failure::Outcome;
use crate::cli::noun::{self, Names};
use crate::cli::serve::{self, Serve};
use crate::cli::{audit, block_on, connection, disk, grants, image, network, pool, provider, snapshot, vm};

/// What everybody must know who puts the command into a script.
const FOOTER: &str = "\
Exit codes:
  0  done
  1  refused or failed
  2  the arguments are wrong
  3  a defect of this program

Environment:
  STOCKADE_CONNECTION  the connections to use when `--connection` is not given
  STOCKADE_HOME        the directory for configuration, data and cache
  STOCKADE_LOG         what `serve` logs: `warn`, `info`, `debug`";

/// Run cloud and hypervisor providers that you did not write, without trusting them
#[derive(Debug, Parser)]
#[command(name = "stockade", version, after_help = FOOTER, max_term_width = 120)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Install, list, inspect and remove providers
    #[command(subcommand, visible_alias = "providers")]
    Provider(provider::Action),
    /// Create something
    #[command(subcommand, visible_aliases = ["add", "run"])]
    Create(Create),
    /// List what there is
    #[command(subcommand, visible_alias = "get")]
    List(List),
    /// Show everything about something
    #[command(subcommand, visible_alias = "show")]
    Info(Info),
    /// Start a vm
    #[command(subcommand)]
    Start(Start),
    /// Stop a vm
    #[command(subcommand)]
    Stop(Stop),
    /// Restart a vm
    #[command(subcommand)]
    Restart(Stop),
    /// Go back to a snapshot
    #[command(subcommand)]
    Revert(Revert),
    /// Delete something
    #[command(subcommand, visible_alias = "remove")]
    Delete(Delete),
    /// See what providers did outside and what they were denied
    #[command(subcommand)]
    Audit(audit::Action),
    /// See, test and narrow what providers may do
    #[command(subcommand, visible_alias = "grant")]
    Grants(grants::Action),
    /// Serve the HTTP API
    Serve(Serve),
    /// Print completions for a shell
    Completions(Completions),
}

#[derive(Debug, Subcommand)]
enum Create {
    /// A configured use of a provider
    #[command(visible_aliases = ["client"])]
    Connection(connection::Create),
    /// A virtual machine
    Vm(Box<vm::Create>),
    /// An image, from a file or a URL
    Image(image::Create),
    /// A pool for disks and images
    Pool(pool::Create),
    /// A network
    Network(network::Create),
    /// A disk
    #[command(visible_alias = "vm-disk")]
    Disk(disk::Create),
    /// A snapshot of a vm
    #[command(visible_alias = "vm-snapshot")]
    Snapshot(snapshot::Create),
}

#[derive(Debug, Subcommand)]
enum List {
    /// Configured uses of providers
    #[command(visible_aliases = ["connections", "client", "clients"])]
    Connection,
    /// Virtual machines
    #[command(visible_alias = "vms")]
    Vm,
    /// Images
    #[command(visible_alias = "images")]
    Image,
    /// Pools for disks and images
    #[command(visible_alias = "pools")]
    Pool,
    /// Networks
    #[command(visible_alias = "networks")]
    Network,
    /// Disks
    #[command(visible_aliases = ["disks", "vm-disk"])]
    Disk,
    /// Snapshots of a vm
    #[command(visible_aliases = ["snapshots", "vm-snapshot"])]
    Snapshot(snapshot::OfVm),
}

#[derive(Debug, Subcommand)]
enum Info {
    /// A connection: its options, what was asked for, what was granted
    #[command(visible_alias = "client")]
    Connection(connection::Info),
    /// A virtual machine
    Vm(Names),
    /// An image
    Image(Names),
    /// A pool
    Pool(Names),
    /// A network
    Network(Names),
    /// A disk
    #[command(visible_alias = "vm-disk")]
    Disk(Names),
}

#[derive(Debug, Subcommand)]
enum Start {
    /// Virtual machines; a running one stays as it is
    Vm(Names),
}

#[derive(Debug, Subcommand)]
enum Stop {
    /// Virtual machines
    Vm(vm::Stop),
}

#[derive(Debug, Subcommand)]
enum Revert {
    /// A snapshot of a vm; what happened since is lost
    #[command(visible_alias = "vm-snapshot")]
    Snapshot(snapshot::Revert),
}

#[derive(Debug, Subcommand)]
enum Delete {
    /// Connections; nothing changes at the vendor
    #[command(visible_alias = "client")]
    Connection(noun::Deletion),
    /// Virtual machines and the disks that were created for them
    Vm(vm::Delete),
    /// Images
    Image(noun::Deletion),
    /// Pools
    Pool(pool::Delete),
    /// Networks
    Network(noun::Deletion),
    /// Disks
    #[command(visible_alias = "vm-disk")]
    Disk(noun::Deletion),
    /// Snapshots of a vm
    #[command(visible_alias = "vm-snapshot")]
    Snapshot(snapshot::Delete),
}

impl Verb {
    /// Whether it does something on a connection that already exists.
    fn uses_connection(&self) -> bool {
        !matches!(
            self,
            Self::Provider(_)
                | Self::Grants(_)
                | Self::Serve(_)
                | Self::Completions(_)
                | Self::Create(Create::Connection(_))
                | Self::List(List::Connection)
                | Self::Info(Info::Connection(_))
                | Self::Delete(Delete::Connection(_))
        )
    }
}

/// Does what was typed.
pub(crate) fn run(arguments: Arguments) -> Outcome {
    let Arguments { verb, common } = arguments;
    if !verb.uses_connection() {
        common.without_connection()?;
    }
    match verb {
        Verb::Serve(arguments) => serve::run(arguments),
        Verb::Completions(arguments) => completions::run(&arguments, Arguments::command()),
        verb => {
            let context = Context::new(common)?;
            block_on(dispatch(&context, verb))
        }
    }
}

async fn dispatch(context: &Context, verb: Verb) -> Outcome {
    match verb {
        Verb::Provider(action) => provider::run(context, action).await,
        Verb::Create(noun) => create(context, noun).await,
        Verb::List(noun) => list(context, noun).await,
        Verb::Info(noun) => info(context, noun).await,
        Verb::Start(Start::Vm(names)) => vm::start(context, &names).await,
        Verb::Stop(Stop::Vm(arguments)) => vm::stop(context, &arguments).await,
        Verb::Restart(Stop::Vm(arguments)) => vm::restart(context, &arguments).await,
        Verb::Revert(Revert::Snapshot(arguments)) => snapshot::revert(context, &arguments).await,
        Verb::Delete(noun) => delete(context, noun).await,
        Verb::Audit(action) => audit::run(context, action),
        Verb::Grants(action) => grants::run(context, action),
        // They need no runtime; see `run`.
        Verb::Serve(_) | Verb::Completions(_) => Ok(()),
    }
}

async fn create(context: &Context, noun: Create) -> Outcome {
    match noun {
        Create::Connection(arguments) => connection::create(context, arguments).await,
        Create::Vm(arguments) => vm::create(context, *arguments).await,
        Create::Image(arguments) => image::create(context, arguments).await,
        Create::Pool(arguments) => pool::create(context, arguments).await,
        Create::Network(arguments) => network::create(context, arguments).await,
        Create::Disk(arguments) => disk::create(context, arguments).await,
        Create::Snapshot(arguments) => snapshot::create(context, arguments).await,
    }
}

async fn list(context: &Context, noun: List) -> Outcome {
    match noun {
        List::Connection => connection::list(context),
        List::Vm => noun::list::<Vm>(context).await,
        List::Image => noun::list::<Image>(context).await,
        List::Pool => noun::list::<Pool>(context).await,
        List::Network => noun::list::<Network>(context).await,
        List::Disk => noun::list::<Disk>(context).await,
        List::Snapshot(of) => snapshot::list(context, &of).await,
    }
}

async fn info(context: &Context, noun: Info) -> Outcome {
    match noun {
        Info::Connection(arguments) => connection::info(context, &arguments).await,
        Info::Vm(names) => noun::info::<Vm>(context, &names).await,
        Info::Image(names) => noun::info::<Image>(context, &names).await,
        Info::Pool(names) => noun::info::<Pool>(context, &names).await,
        Info::Network(names) => noun::info::<Network>(context, &names).await,
        Info::Disk(names) => noun::info::<Disk>(context, &names).await,
    }
}

async fn delete(context: &Context, noun: Delete) -> Outcome {
    match noun {
        Delete::Connection(arguments) => connection::delete(context, &arguments).await,
        Delete::Vm(arguments) => vm::delete(context, &arguments).await,
        Delete::Image(arguments) => image::delete(context, &arguments).await,
        Delete::Pool(arguments) => pool::delete(context, &arguments).await,
        Delete::Network(arguments) => network::delete(context, &arguments).await,
        Delete::Disk(arguments) => disk::delete(context, &arguments).await,
        Delete::Snapshot(arguments) => snapshot::delete(context, &arguments).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_of_commands_is_sound() {
        Arguments::command().debug_assert();
    }
}
