//! `load-balancer`.

use clap::Args;
use stockade::contract::{Listener, LoadBalancer, LoadBalancerSpec};

use crate::cli::arguments::{Fields, ProviderOptions};
use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun;
use crate::cli::output::{Column, Record, column, join, optional, wide};

const KNOWN: &str = "`port`, `member-port`, `check`";

impl Record for LoadBalancer {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |balancer: &Self| balancer.name.clone()),
        column("ADDRESS", |balancer| optional(balancer.address.as_ref())),
        column("PORTS", |balancer| {
            join(&balancer.listeners.iter().map(describe).collect::<Vec<_>>())
        }),
        column("MEMBERS", |balancer| join(&balancer.members)),
        wide("ID", |balancer| balancer.id.clone()),
        wide("VENDOR STATUS", |balancer| balancer.vendor_status.clone()),
    ];

    fn name(&self) -> &str {
        &self.name
    }
}

fn describe(listener: &Listener) -> String {
    let mut text = format!("{}:{}", listener.protocol, listener.port);
    if let Some(port) = listener.member_port.filter(|port| *port != listener.port) {
        text += &format!(" to {port}");
    }
    if let Some(path) = &listener.check_path {
        text += &format!(" check {path}");
    }
    text
}

/// A load balancer to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new load balancer's name
    name: String,
    /// A port: `[PROTOCOL:]PORT[,member-port=…][,check=/PATH]`; the protocol is `tcp` unless it is `udp`, `http` or `https`
    #[arg(short, long = "port", value_name = "PORT", value_parser = parse_listener, required = true)]
    listeners: Vec<Listener>,
    /// A VM behind it
    #[arg(long = "vm", value_name = "NAME")]
    members: Vec<String>,
    /// The network or subnet for it
    #[arg(short, long)]
    network: Option<String>,
    /// Only its network may reach it
    #[arg(long)]
    internal: bool,
    /// The name to create in the vendor's DNS, fully qualified
    #[arg(long, value_name = "NAME")]
    dns_name: Option<String>,
    #[command(flatten)]
    options: ProviderOptions,
}

/// The VMs behind a load balancer.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The load balancer's name or id
    name: String,
    /// A VM behind it; those that are not named are removed
    #[arg(long = "vm", value_name = "NAME")]
    members: Vec<String>,
    /// Nothing is behind it
    #[arg(long, conflicts_with = "members", required_unless_present = "members")]
    no_vms: bool,
}

fn parse_listener(text: &str) -> Result<Listener, String> {
    let mut fields = Fields::parse(text, Some("port"))?;
    let number = |text: &str| text.parse::<u16>().map_err(|_| format!("`{text}` is no port"));
    let port = fields.take("port")?.unwrap_or_default();
    let (protocol, port) = port.split_once(':').unwrap_or(("tcp", &port));
    let listener = Listener {
        protocol: protocol.to_owned(),
        port: number(port)?,
        member_port: fields.take("member-port")?.as_deref().map(number).transpose()?,
        check_path: fields.take("check")?,
    };
    fields.finish(KNOWN)?;
    Ok(listener)
}

/// Creates a load balancer.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let inputs = arguments.options.inputs()?;
    let spec = LoadBalancerSpec {
        name: arguments.name,
        network: arguments.network,
        internal: arguments.internal,
        listeners: arguments.listeners,
        members: arguments.members,
        dns_name: arguments.dns_name,
        options: Vec::new(),
    };
    let service = context.service().await?;
    let id = service.create_load_balancer(spec, &inputs).await?;
    noun::show::<LoadBalancer>(context, &service, &id).await
}

/// Sets what is behind a load balancer.
pub(crate) async fn update(context: &Context, arguments: &Update) -> Outcome {
    let service = context.service().await?;
    let names = std::slice::from_ref(&arguments.name);
    let change = Change::new("load-balancer", "updated");
    change_each(context, &service, change, names, async |service, name| {
        service.set_load_balancer_members(name, arguments.members.clone()).await
    })
    .await
}

/// Deletes load balancers.
pub(crate) async fn delete(context: &Context, arguments: &noun::Deletion) -> Outcome {
    noun::delete(context, "load-balancer", arguments, async |service, name| {
        service.delete_load_balancer(name).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_what_is_said_of_it() {
        let listener = parse_listener("http:80,member-port=8080,check=/well").unwrap();
        assert_eq!(describe(&listener), "http:80 to 8080 check /well");
        assert_eq!(parse_listener("443").unwrap().protocol, "tcp");
        for wrong in ["", "http", "80,member-port=x", "80,colour=red", "99999"] {
            assert!(parse_listener(wrong).is_err(), "{wrong}");
        }
    }
}
