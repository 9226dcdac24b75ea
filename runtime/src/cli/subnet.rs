//! `subnet`.

use clap::Args;
use stockade::contract::{Subnet, SubnetSpec};
use stockade::{Error, Service};

use crate::cli::arguments::{Metadata, ProviderOptions, Switch};
use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::noun::{self, Noun};
use crate::cli::output::{Column, Record, column, optional, tags, wide, yes_no};

impl Record for Subnet {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |subnet: &Self| subnet.name.clone()),
        column("NETWORK", |subnet| subnet.network.clone()),
        column("CIDR", |subnet| subnet.cidr.clone()),
        column("GATEWAY", |subnet| optional(subnet.gateway.as_ref())),
        column("DHCP", |subnet| yes_no(subnet.dhcp)),
        wide("ID", |subnet| subnet.id.clone()),
        wide("LOCATION", |subnet| optional(subnet.location.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![("METADATA", tags(&self.metadata))]
    }
}

impl Noun for Subnet {
    async fn list(service: &Service) -> Result<Vec<Self>, Error> {
        service.list_subnets(None).await
    }

    async fn get(service: &Service, name: &str) -> Result<Self, Error> {
        service.get_subnet(name).await
    }
}

/// Which subnets to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of this network
    #[arg(short, long)]
    network: Option<String>,
}

/// A subnet to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new subnet's name
    name: String,
    /// The network that it belongs to
    #[arg(short, long)]
    network: String,
    /// Its address range: `192.0.2.0/25`
    #[arg(long)]
    cidr: String,
    /// Its gateway; the vendor's default otherwise
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<String>,
    /// It does not hand out addresses
    #[arg(long)]
    no_dhcp: bool,
    /// Where it is
    #[arg(long)]
    location: Option<String>,
    #[command(flatten)]
    metadata: Metadata,
    #[command(flatten)]
    options: ProviderOptions,
}

/// A change of a subnet.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The subnet's name or id
    name: String,
    /// Whether it hands out addresses
    #[arg(long, value_enum, value_name = "ON|OFF")]
    dhcp: Option<Switch>,
    /// Its gateway
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<String>,
}

/// Lists subnets.
pub(crate) async fn list(context: &Context, arguments: &List) -> Outcome {
    let network = arguments.network.as_deref();
    let answers = context
        .on_each(async |service| service.list_subnets(network).await)
        .await?;
    noun::print_lists(context, answers)
}

/// Creates a subnet.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let inputs = arguments.options.inputs()?;
    let spec = SubnetSpec {
        name: arguments.name,
        network: arguments.network,
        cidr: arguments.cidr,
        gateway: arguments.gateway,
        dhcp: !arguments.no_dhcp,
        location: arguments.location,
        metadata: arguments.metadata.tags()?,
        options: Vec::new(),
    };
    let service = context.service().await?;
    let id = service.create_subnet(spec, &inputs).await?;
    noun::show::<Subnet>(context, &service, &id).await
}

/// Changes a subnet.
pub(crate) async fn update(context: &Context, arguments: &Update) -> Outcome {
    let (dhcp, gateway) = (arguments.dhcp.map(bool::from), arguments.gateway.as_deref());
    if dhcp.is_none() && gateway.is_none() {
        return Err(Failure::nothing_to_change("`--dhcp` or `--gateway`"));
    }
    let service = context.service().await?;
    let names = std::slice::from_ref(&arguments.name);
    change_each(
        context,
        &service,
        Change::new("subnet", "updated"),
        names,
        async |service, name| service.update_subnet(name, dhcp, gateway).await,
    )
    .await
}

/// Deletes subnets.
pub(crate) async fn delete(context: &Context, arguments: &noun::Deletion) -> Outcome {
    noun::delete(context, "subnet", arguments, async |service, name| {
        service.delete_subnet(name).await
    })
    .await
}
