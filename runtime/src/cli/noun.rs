//! What the nouns of a connection have in common: listing, showing and deleting them.

use clap::Args;
use stockade::contract::{Disk, Image, LoadBalancer, Network, Pool, SecurityGroup, Vm};
use stockade::{Error, Service};

use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome, tell};
use crate::cli::output::{Located, Record};
use crate::cli::terminal;

/// A noun that can be listed and read by name.
pub(crate) trait Noun: Record {
    /// Every one of a connection.
    async fn list(service: &Service) -> Result<Vec<Self>, Error>;

    /// The one of that name or id.
    async fn get(service: &Service, name: &str) -> Result<Self, Error>;
}

macro_rules! nouns {
    ($($noun:ty: $list:ident, $get:ident;)*) => {$(
        impl Noun for $noun {
            async fn list(service: &Service) -> Result<Vec<Self>, Error> {
                service.$list().await
            }

            async fn get(service: &Service, name: &str) -> Result<Self, Error> {
                service.$get(name).await
            }
        }
    )*};
}

nouns! {
    Vm: list_vms, get_vm;
    Image: list_images, get_image;
    Pool: list_pools, get_pool;
    Network: list_networks, get_network;
    Disk: list_disks, get_disk;
    SecurityGroup: list_security_groups, get_security_group;
    LoadBalancer: list_load_balancers, get_load_balancer;
}

/// The one of a list, for nouns that can only be listed.
pub(crate) async fn find<N: Noun>(
    service: &Service,
    noun: &str,
    name: &str,
    is_it: impl Fn(&N) -> bool,
) -> Result<N, Error> {
    let found = N::list(service).await?.into_iter().find(is_it);
    found.ok_or_else(|| {
        Error::not_found(noun, name)
            .while_doing(format!("read {noun} `{name}`"))
            .on(service.connection())
    })
}

/// Names to show.
#[derive(Debug, Args)]
pub(crate) struct Names {
    /// Names or ids
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

/// Names to delete.
#[derive(Debug, Args)]
pub(crate) struct Deletion {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) confirmation: Confirmation,
}

/// Whether a change that cannot be undone was confirmed beforehand.
#[derive(Debug, Args)]
pub(crate) struct Confirmation {
    /// Do not ask. Required when there is no terminal to ask on
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Lists a noun on every connection that is meant. What one connection fails at is told beside the others' answers.
pub(crate) async fn list<N: Noun>(context: &Context) -> Outcome {
    print_lists(context, context.on_each(async |service| N::list(&service).await).await?)
}

/// Prints the answers of several connections, and tells of their failures.
pub(crate) fn print_lists<T: Record>(context: &Context, answers: Vec<(String, Result<Vec<T>, Error>)>) -> Outcome {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    let asked = answers.len();
    for (connection, answer) in answers {
        match answer {
            Ok(items) => found.extend(items.into_iter().map(|item| Located::on(&connection, item))),
            Err(error) => failures.push(error),
        }
    }
    // An empty list would say that there is nothing; but nobody answered.
    if failures.len() < asked {
        context.output.print_list(&found)?;
    }
    tell_all(&failures)
}

/// Shows what is known of things by name.
pub(crate) async fn info<N: Noun>(context: &Context, names: &Names) -> Outcome {
    let service = context.service().await?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in &names.names {
        match N::get(&service, name).await {
            Ok(item) => found.push(Located::on(service.connection(), item)),
            Err(error) => failures.push(error),
        }
    }
    context.output.print_named(&found, names.names.len() > 1)?;
    tell_all(&failures)
}

/// Shows what was just created.
pub(crate) async fn show<N: Noun>(context: &Context, service: &Service, id: &str) -> Outcome {
    let item = N::get(service, id).await?;
    Ok(context
        .output
        .print_named(&[Located::on(service.connection(), item)], false)?)
}

/// Deletes things by name, after a person confirmed it.
pub(crate) async fn delete(
    context: &Context,
    noun: &'static str,
    arguments: &Deletion,
    work: impl AsyncFn(&Service, &str) -> Result<String, Error>,
) -> Outcome {
    let service = context.service().await?;
    let names = &arguments.names.names;
    let action = format!(
        "delete {noun} {} of connection `{}`",
        quoted(names),
        service.connection()
    );
    terminal::confirm(arguments.confirmation.yes, &action)?;
    change_each(context, &service, Change::deleted(noun), names, work).await
}

/// Names as they are written in messages.
pub(crate) fn quoted(names: &[String]) -> String {
    let quoted = names.iter().map(|name| format!("`{name}`"));
    quoted.collect::<Vec<_>>().join(", ")
}

/// Tells of every failure; any of them makes the command fail.
pub(crate) fn tell_all(failures: &[Error]) -> Outcome {
    failures.iter().for_each(tell);
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::Told),
    }
}
