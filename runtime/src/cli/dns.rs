//! `dns-zone` and `dns`: names at the vendor.

use std::net::IpAddr;

use clap::Args;
use stockade::contract::{DnsRecord, DnsZone};
use stockade::{Error, Service};

use crate::cli::change::{Change, change_each, print_changes};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::noun::{self, Confirmation, Noun};
use crate::cli::output::{Column, Located, Record, column, join, optional, wide, yes_no};
use crate::cli::terminal;

impl Record for DnsZone {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |zone: &Self| zone.name.clone()),
        column("PRIVATE", |zone| yes_no(Some(zone.private))),
        wide("ID", |zone| zone.id.clone()),
    ];

    fn name(&self) -> &str {
        &self.name
    }
}

impl Noun for DnsZone {
    async fn list(service: &Service) -> Result<Vec<Self>, Error> {
        service.list_dns_zones().await
    }

    async fn get(service: &Service, name: &str) -> Result<Self, Error> {
        noun::find(service, "dns-zone", name, |zone: &Self| {
            zone.name == name || zone.id == name
        })
        .await
    }
}

impl Record for DnsRecord {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |record: &Self| record.name.clone()),
        column("TYPE", |record| record.r#type.clone()),
        column("TTL", |record| optional(record.ttl_seconds.as_ref())),
        column("VALUES", |record| join(&record.values)),
    ];

    fn name(&self) -> &str {
        &self.name
    }
}

/// The zone that is meant.
#[derive(Debug, Args)]
struct InZone {
    /// The zone
    #[arg(short, long, value_name = "ZONE")]
    domain: String,
}

/// Which records to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The zone
    zone: String,
}

/// A name to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The name; the zone is added unless it ends with it
    name: String,
    #[command(flatten)]
    zone: InZone,
    #[command(flatten)]
    data: Data,
    /// Another name for it
    #[arg(short, long = "alias", value_name = "NAME")]
    aliases: Vec<String>,
    /// How long others may remember it
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
    /// Replace what is there
    #[arg(short, long)]
    force: bool,
}

/// What a name stands for.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Data {
    /// An address
    #[arg(short = 'i', long = "ip", value_name = "ADDRESS", conflicts_with = "kind")]
    addresses: Vec<IpAddr>,
    /// The type of the data: `TXT`, `MX`
    #[arg(short = 't', long = "type", value_name = "TYPE", requires = "values")]
    kind: Option<String>,
    /// The data in presentation form
    #[arg(long = "value", value_name = "DATA", requires = "kind")]
    values: Vec<String>,
}

/// Names to delete.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    common: noun::Names,
    #[command(flatten)]
    zone: InZone,
    /// Only the data of this type
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    kinds: Vec<String>,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// Lists a zone's records.
pub(crate) async fn list(context: &Context, arguments: &List) -> Outcome {
    let zone = &arguments.zone;
    noun::print_lists(
        context,
        context
            .on_each(async |service: Service| service.list_dns_records(zone).await)
            .await?,
    )
}

/// Creates a name and its aliases.
pub(crate) async fn create(context: &Context, arguments: &Create) -> Outcome {
    let service = context.service().await?;
    let mut done = Vec::new();
    let mut failed = None;
    for record in arguments.records() {
        let name = format!("{} {}", record.name, record.r#type);
        match service
            .set_dns_record(&arguments.zone.domain, record, arguments.force)
            .await
        {
            Ok(id) => {
                let change = Change::new("dns", "set").of(&name, Some(id));
                done.push(Located::on(service.connection(), change));
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    print_changes(context, &done, true)?;
    failed.map_or(Ok(()), |error| Err(Failure::from(error)))
}

impl Create {
    /// One record for each family of addresses or for the given type, and one for each alias.
    fn records(&self) -> Vec<DnsRecord> {
        let zone = &self.zone.domain;
        let name = qualified(&self.name, zone);
        let record = |name: String, kind: &str, values: Vec<String>| DnsRecord {
            name,
            r#type: kind.to_owned(),
            ttl_seconds: self.ttl,
            values,
        };
        let of = |is_wanted: fn(&&IpAddr) -> bool| {
            let addresses = self.data.addresses.iter().filter(is_wanted);
            addresses.map(ToString::to_string).collect::<Vec<_>>()
        };
        let mut records = Vec::new();
        for (kind, values) in [
            ("A", of(|address| address.is_ipv4())),
            ("AAAA", of(|address| address.is_ipv6())),
        ] {
            if !values.is_empty() {
                records.push(record(name.clone(), kind, values));
            }
        }
        if let Some(kind) = &self.data.kind {
            records.push(record(name.clone(), kind, self.data.values.clone()));
        }
        let aliases = self.aliases.iter();
        records.extend(aliases.map(|alias| record(qualified(alias, zone), "CNAME", vec![name.clone()])));
        records
    }
}

/// A name in its zone, fully qualified, without the final dot.
fn qualified(name: &str, zone: &str) -> String {
    let (name, zone) = (name.trim_end_matches('.'), zone.trim_end_matches('.'));
    let is_within = name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'));
    match is_within {
        true => name.to_owned(),
        false => format!("{name}.{zone}"),
    }
}

/// Deletes names: the data of every type, or of the given ones.
pub(crate) async fn delete(context: &Context, arguments: &Delete) -> Outcome {
    let zone = &arguments.zone.domain;
    let service = context.service().await?;
    let names: Vec<_> = arguments
        .common
        .names
        .iter()
        .map(|name| qualified(name, zone))
        .collect();
    let action = format!(
        "delete {} from zone `{zone}` of connection `{}`",
        noun::quoted(&names),
        service.connection()
    );
    terminal::confirm(arguments.confirmation.yes, &action)?;
    change_each(
        context,
        &service,
        Change::deleted("dns"),
        &names,
        async |service, name| delete_one(service, zone, name, &arguments.kinds).await,
    )
    .await
}

async fn delete_one(service: &Service, zone: &str, name: &str, kinds: &[String]) -> Result<String, Error> {
    let kinds = match kinds {
        [] => {
            let records = service.list_dns_records(zone).await?.into_iter();
            let of_name = records.filter(|record| record.name.eq_ignore_ascii_case(name));
            of_name.map(|record| record.r#type).collect()
        }
        kinds => kinds.to_vec(),
    };
    if kinds.is_empty() {
        return Err(Error::not_found("dns-record", name)
            .while_doing(format!("delete `{name}` from zone `{zone}`"))
            .on(service.connection()));
    }
    for kind in kinds {
        service.delete_dns_record(zone, name, &kind).await?;
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_qualified_once() {
        for (name, expected) in [
            ("web", "web.example.org"),
            ("web.example.org", "web.example.org"),
            ("web.example.org.", "web.example.org"),
            ("example.org", "example.org"),
            ("notexample.org", "notexample.org.example.org"),
        ] {
            assert_eq!(qualified(name, "example.org"), expected);
        }
    }
}
