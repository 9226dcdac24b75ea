//! `security-group`.

use clap::Args;
use stockade::contract::{SecurityGroup, SecurityGroupSpec, SecurityRule, TrafficDirection};

use crate::cli::arguments::Fields;
use crate::cli::change::{Change, change_each};
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::noun;
use crate::cli::output::{Column, Record, column, optional, wide, word};

/// How a rule is written.
const KNOWN: &str = "`traffic`, `cidr`, `direction`, `description`";

impl Record for SecurityGroup {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |group: &Self| group.name.clone()),
        column("NETWORK", |group| optional(group.network.as_ref())),
        column("RULES", |group| group.rules.len().to_string()),
        column("DESCRIPTION", |group| optional(group.description.as_ref())),
        wide("ID", |group| group.id.clone()),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let rules: Vec<_> = self.rules.iter().map(describe).collect();
        vec![("LETS THROUGH", rules.join("\n"))]
    }
}

fn describe(rule: &SecurityRule) -> String {
    let ports = match (rule.from_port, rule.to_port) {
        (None, _) => String::new(),
        (Some(first), Some(last)) if last != first => format!(":{first}-{last}"),
        (Some(port), _) => format!(":{port}"),
    };
    let mut text = format!(
        "{} {}{ports} {}",
        word(&rule.direction),
        rule.protocol.as_deref().unwrap_or("any"),
        rule.cidr.as_deref().unwrap_or("anywhere")
    );
    if let Some(description) = &rule.description {
        text += &format!(" ({description})");
    }
    text
}

/// What a group lets through.
#[derive(Debug, Args)]
struct Rules {
    /// What it lets through: `TRAFFIC[,cidr=…][,direction=egress][,description=…]`. Traffic is a port or a range of TCP
    /// (`22`, `80-90`), a protocol (`icmp`), or both (`udp:53`)
    #[arg(short, long = "rule", value_name = "RULE", value_parser = parse_rule)]
    rules: Vec<SecurityRule>,
}

/// A security group to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new group's name
    name: String,
    /// The network that it belongs to
    #[arg(short, long)]
    network: Option<String>,
    /// Free text
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    rules: Rules,
}

/// New rules for a security group.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The group's name or id
    name: String,
    #[command(flatten)]
    rules: Rules,
    /// Let nothing through
    #[arg(long, conflicts_with = "rules", required_unless_present = "rules")]
    no_rules: bool,
}

fn parse_rule(text: &str) -> Result<SecurityRule, String> {
    let mut fields = Fields::parse(text, Some("traffic"))?;
    let traffic = fields.take("traffic")?.unwrap_or_default();
    let (protocol, ports) = parse_traffic(&traffic)?;
    let direction = match fields.take("direction")?.as_deref() {
        None | Some("ingress") => TrafficDirection::Ingress,
        Some("egress") => TrafficDirection::Egress,
        Some(other) => return Err(format!("`direction` is `ingress` or `egress`, not `{other}`")),
    };
    let rule = SecurityRule {
        direction,
        protocol,
        from_port: ports.map(|(first, _)| first),
        to_port: ports.map(|(_, last)| last),
        cidr: fields.take("cidr")?,
        description: fields.take("description")?,
    };
    fields.finish(KNOWN)?;
    Ok(rule)
}

/// A protocol, none for any, and the ports.
type Traffic = (Option<String>, Option<(u16, u16)>);

/// `22` and `80-90` are TCP; `udp:53` is both; `icmp` has no ports; `any` is everything.
fn parse_traffic(text: &str) -> Result<Traffic, String> {
    let (protocol, ports) = match text.split_once(':') {
        Some((protocol, ports)) => (protocol, Some(ports)),
        None if text.starts_with(|c: char| c.is_ascii_digit()) => ("tcp", Some(text)),
        None => (text, None),
    };
    let number = |text: &str| text.parse::<u16>().map_err(|_| format!("`{text}` is no port"));
    let ports = match ports.map(|ports| ports.split_once('-').unwrap_or((ports, ports))) {
        None => None,
        Some((first, last)) => Some((number(first)?, number(last)?)),
    };
    match protocol {
        "" => Err("a rule begins with a port, a range of ports or a protocol".to_owned()),
        "any" => Ok((None, ports)),
        protocol => Ok((Some(protocol.to_owned()), ports)),
    }
}

/// Creates a security group.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let spec = SecurityGroupSpec {
        name: arguments.name,
        network: arguments.network,
        description: arguments.description,
        rules: arguments.rules.rules,
    };
    let service = context.service().await?;
    let id = service.create_security_group(spec).await?;
    noun::show::<SecurityGroup>(context, &service, &id).await
}

/// Replaces a security group's rules.
pub(crate) async fn update(context: &Context, arguments: &Update) -> Outcome {
    let service = context.service().await?;
    let names = std::slice::from_ref(&arguments.name);
    let change = Change::new("security-group", "updated");
    change_each(context, &service, change, names, async |service, name| {
        service.update_security_group(name, arguments.rules.rules.clone()).await
    })
    .await
}

/// Deletes security groups.
pub(crate) async fn delete(context: &Context, arguments: &noun::Deletion) -> Outcome {
    noun::delete(context, "security-group", arguments, async |service, name| {
        service.delete_security_group(name).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_shortly_or_in_full() {
        let traffic = |text: &str| {
            let rule = parse_rule(text).unwrap();
            (rule.protocol, rule.from_port, rule.to_port)
        };
        let tcp = || Some("tcp".to_owned());
        assert_eq!(traffic("22"), (tcp(), Some(22), Some(22)));
        assert_eq!(traffic("80-90,cidr=192.0.2.0/24"), (tcp(), Some(80), Some(90)));
        assert_eq!(traffic("udp:53"), (Some("udp".to_owned()), Some(53), Some(53)));
        assert_eq!(traffic("icmp"), (Some("icmp".to_owned()), None, None));
        assert_eq!(traffic("any,direction=egress"), (None, None, None));
        let rule = parse_rule("22,cidr=192.0.2.0/24,direction=egress,description=for a test").unwrap();
        assert_eq!(describe(&rule), "egress tcp:22 192.0.2.0/24 (for a test)");
        for wrong in ["", "x:y", "99999", "1-2-3", "22,direction=up", "22,colour=red"] {
            assert!(parse_rule(wrong).is_err(), "{wrong}");
        }
    }
}
