//! `network`.

use clap::Args;
use stockade::contract::{Network, NetworkSpec, NetworkUpdate};

use crate::cli::arguments::{Metadata, ProviderOptions, Switch};
use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::noun;
use crate::cli::output::{Column, Record, column, join, optional, tags, wide, yes_no};

impl Record for Network {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |network: &Self| network.name.clone()),
        column("ACTIVE", |network| yes_no(Some(network.active))),
        column("MODE", |network| network.mode.clone()),
        column("CIDRS", |network| join(&network.cidrs)),
        column("DHCP", |network| yes_no(network.dhcp)),
        wide("ID", |network| network.id.clone()),
        wide("DOMAIN", |network| optional(network.domain.as_ref())),
        wide("BRIDGE", |network| optional(network.bridge.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![("METADATA", tags(&self.metadata))]
    }
}

/// A network to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new network's name
    name: String,
    /// An address range: `192.0.2.0/24`; at most one for IPv4 and one for IPv6
    #[arg(long = "cidr", value_name = "CIDR")]
    cidrs: Vec<String>,
    /// How it reaches the outside: `nat`, `route`, `open`, `bridge`, `isolated`
    #[arg(long)]
    mode: Option<String>,
    /// It does not hand out addresses
    #[arg(long)]
    no_dhcp: bool,
    /// Its DNS domain
    #[arg(long)]
    domain: Option<String>,
    #[command(flatten)]
    metadata: Metadata,
    #[command(flatten)]
    options: ProviderOptions,
}

/// A change of a network.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The network's name or id
    name: String,
    /// Whether it hands out addresses
    #[arg(long, value_enum, value_name = "ON|OFF")]
    dhcp: Option<Switch>,
    /// How it reaches the outside: `nat`, `route`, `open`, `bridge`, `isolated`
    #[arg(long)]
    mode: Option<String>,
    /// Its DNS domain
    #[arg(long)]
    domain: Option<String>,
    #[command(flatten)]
    options: ProviderOptions,
}

/// Changes a network.
pub(crate) async fn update(context: &Context, arguments: &Update) -> Outcome {
    let inputs = arguments.options.inputs()?;
    if arguments.dhcp.is_none() && arguments.mode.is_none() && arguments.domain.is_none() && inputs.is_empty() {
        return Err(Failure::nothing_to_change("`--dhcp`, `--mode`, `--domain` or `-P`"));
    }
    let service = context.service().await?;
    let names = std::slice::from_ref(&arguments.name);
    let change = Change::new("network", "updated");
    change_each(context, &service, change, names, async |service, name| {
        let update = NetworkUpdate {
            dhcp: arguments.dhcp.map(bool::from),
            mode: arguments.mode.clone(),
            domain: arguments.domain.clone(),
            options: Vec::new(),
        };
        service.update_network(name, update, &inputs).await
    })
    .await
}

/// Creates a network.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let inputs = arguments.options.inputs()?;
    let spec = NetworkSpec {
        name: arguments.name,
        cidrs: arguments.cidrs,
        mode: arguments.mode,
        dhcp: !arguments.no_dhcp,
        domain: arguments.domain,
        metadata: arguments.metadata.tags()?,
        options: Vec::new(),
    };
    let service = context.service().await?;
    let id = service.create_network(spec, &inputs).await?;
    noun::show::<Network>(context, &service, &id).await
}

/// Deletes networks.
pub(crate) async fn delete(context: &Context, arguments: &noun::Deletion) -> Outcome {
    noun::delete(context, "network", arguments, async |service, name| {
        service.delete_network(name).await
    })
    .await
}
