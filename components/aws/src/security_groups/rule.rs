//! Rules: the contract's, and EC2's permissions, which have one protocol, one range of ports and one other side each.
//!
//! A rule whose other side is anywhere is two permissions, of IPv4 and IPv6; when both are there they are read as one rule.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html>.

use stockade_provider::types::{Error, SecurityRule, TrafficDirection};

use crate::cidr::Cidr;
use crate::xml::Element;

/// EC2's word for any protocol.
const ANY: &str = "-1";
const ANYWHERE: &str = "0.0.0.0/0";
const ANYWHERE_IPV6: &str = "::/0";
/// All ports, as EC2 writes them.
const ALL_PORTS: (i32, i32) = (0, 65_535);

/// What is let through: comparable, because equal traffic is written equally.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Permission {
    pub(super) is_egress: bool,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for any.
    pub(super) protocol: String,
    /// First and last port, or type and code of ICMP; none where there are none.
    pub(super) ports: Option<(i32, i32)>,
    /// A range, or the id of a group or prefix list.
    pub(super) other: String,
    pub(super) description: Option<String>,
}

impl Permission {
    /// Whether both let the same traffic through, whatever they say about it.
    pub(super) fn is_same_traffic(&self, other: &Self) -> bool {
        let traffic = |permission: &Self| {
            (
                permission.is_egress,
                permission.protocol.clone(),
                permission.ports,
                permission.other.clone(),
            )
        };
        traffic(self) == traffic(other)
    }
}

/// What EC2 lets out of every new group:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>.
pub(super) fn everything_out() -> Permission {
    Permission {
        is_egress: true,
        protocol: ANY.to_owned(),
        ports: None,
        other: ANYWHERE.to_owned(),
        description: None,
    }
}

/// The permissions of a group.
pub(super) fn permissions(group: Element<'_>) -> Vec<Permission> {
    let mut all = Vec::new();
    for (set, is_egress) in [("ipPermissions", false), ("ipPermissionsEgress", true)] {
        for item in group.set(set) {
            let protocol = named(item.text("ipProtocol").unwrap_or(ANY));
            let port = |name| item.text(name).and_then(|port| port.trim().parse::<i32>().ok());
            // For any protocol, AWS gives no ports; some clouds give -1 or all.
            let ports = port("fromPort").zip(port("toPort")).filter(|_| protocol != ANY);
            for (others, id) in [
                ("ipRanges", "cidrIp"),
                ("ipv6Ranges", "cidrIpv6"),
                ("groups", "groupId"),
                ("prefixListIds", "prefixListId"),
            ] {
                all.extend(item.set(others).filter_map(|other| {
                    Some(Permission {
                        is_egress,
                        protocol: protocol.clone(),
                        ports,
                        other: other.string(id)?,
                        description: other.string("description"),
                    })
                }));
            }
        }
    }
    all
}

/// Protocols that EC2 has words for, which it also answers when it was given the number.
fn named(protocol: &str) -> String {
    match protocol {
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "58" => "icmpv6",
        "all" => ANY,
        other => other,
    }
    .to_owned()
}

/// Whether a protocol has ports.
fn has_ports(protocol: &str) -> bool {
    matches!(protocol, "tcp" | "udp")
}

/// As the contract has them.
pub(super) fn rules(permissions: &[Permission]) -> Vec<SecurityRule> {
    let is_twin = |one: &Permission, other: &Permission| {
        one.other == ANYWHERE
            && other.other == ANYWHERE_IPV6
            && (one.is_egress, &one.protocol, one.ports, &one.description)
                == (other.is_egress, &other.protocol, other.ports, &other.description)
    };
    let has_twin = |one: &Permission| permissions.iter().any(|other| is_twin(one, other));
    let is_twin_of_any = |one: &Permission| permissions.iter().any(|other| is_twin(other, one));
    let rule = |permission: &Permission| {
        let port = |port: i32| u16::try_from(port).ok();
        let ports = permission
            .ports
            .filter(|ports| has_ports(&permission.protocol) && *ports != ALL_PORTS);
        SecurityRule {
            direction: match permission.is_egress {
                true => TrafficDirection::Egress,
                false => TrafficDirection::Ingress,
            },
            protocol: Some(permission.protocol.clone()).filter(|protocol| protocol != ANY),
            from_port: ports.and_then(|(from, _)| port(from)),
            to_port: ports.and_then(|(_, to)| port(to)),
            cidr: Some(permission.other.clone()).filter(|_| !has_twin(permission)),
            description: permission.description.clone(),
        }
    };
    permissions
        .iter()
        .filter(|permission| !is_twin_of_any(permission))
        .map(rule)
        .collect()
}

/// The permissions that rules ask for, each once.
///
/// # Errors
/// `invalid-argument` for a rule that EC2 cannot express.
pub(super) fn wanted(rules: &[SecurityRule]) -> Result<Vec<Permission>, Error> {
    let mut all: Vec<Permission> = Vec::new();
    for rule in rules {
        let (protocol, ports) = traffic(rule)?;
        let others = match &rule.cidr {
            None => vec![ANYWHERE.to_owned(), ANYWHERE_IPV6.to_owned()],
            Some(other) => vec![checked_other(other)?],
        };
        check_description(rule.description.as_deref())?;
        for other in others {
            let permission = Permission {
                is_egress: rule.direction == TrafficDirection::Egress,
                protocol: protocol.clone(),
                ports,
                other,
                description: rule.description.clone().filter(|description| !description.is_empty()),
            };
            match all.iter().find(|have| have.is_same_traffic(&permission)) {
                None => all.push(permission),
                Some(have) if *have == permission => {}
                Some(_) => {
                    let message = format!(
                        "two rules let the same traffic of `{}` through with other descriptions",
                        permission.other
                    );
                    return Err(Error::invalid_argument("rules.description", message));
                }
            }
        }
    }
    Ok(all)
}

/// The protocol and ports of a rule.
fn traffic(rule: &SecurityRule) -> Result<(String, Option<(i32, i32)>), Error> {
    let protocol = named(&rule.protocol.as_deref().unwrap_or(ANY).to_ascii_lowercase());
    let is_number = protocol.parse::<u8>().is_ok();
    if !(["tcp", "udp", "icmp", "icmpv6", ANY].contains(&&*protocol) || is_number) {
        let message = format!("`{protocol}` is no protocol: `tcp`, `udp`, `icmp`, `icmpv6` or a number up to 255");
        return Err(Error::invalid_argument("rules.protocol", message));
    }
    let ports = match (rule.from_port, rule.to_port) {
        (None, Some(_)) => {
            return Err(Error::invalid_argument(
                "rules.from-port",
                "a last port needs a first one",
            ));
        }
        (Some(from), Some(to)) if from > to => {
            return Err(Error::invalid_argument(
                "rules.to-port",
                format!("port {to} is before port {from}"),
            ));
        }
        (Some(_), _) if !has_ports(&protocol) => {
            let message = "only `tcp` and `udp` have ports; leave them out".to_owned();
            return Err(Error::invalid_argument("rules.from-port", message));
        }
        (Some(from), to) => Some((i32::from(from), i32::from(to.unwrap_or(from)))),
        (None, None) if has_ports(&protocol) => Some(ALL_PORTS),
        // Every type and code.
        (None, None) if protocol.starts_with("icmp") => Some((-1, -1)),
        (None, None) => None,
    };
    Ok((protocol, ports))
}

fn checked_other(other: &str) -> Result<String, Error> {
    let is_id = ["sg-", "pl-"].iter().any(|prefix| {
        other
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    });
    if is_id || Cidr::parse(other).is_some() {
        return Ok(other.to_owned());
    }
    let message = format!("`{other}` is no range like `192.0.2.0/24`, nor the id of a security group or prefix list");
    Err(Error::invalid_argument("rules.cidr", message))
}

/// What EC2 takes in a description:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html>.
fn check_description(description: Option<&str>) -> Result<(), Error> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-:/()#,@[]+=&;{}!$* ".contains(c);
    match description {
        Some(text) if text.len() > 255 || !text.chars().all(is_allowed) => {
            let message = "a rule's description has at most 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*";
            Err(Error::invalid_argument("rules.description", message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;
    use stockade_provider::types::ErrorKind;

    use super::*;

    fn rule(protocol: Option<&str>, ports: (Option<u16>, Option<u16>), cidr: Option<&str>) -> SecurityRule {
        SecurityRule {
            direction: TrafficDirection::Ingress,
            protocol: protocol.map(str::to_owned),
            from_port: ports.0,
            to_port: ports.1,
            cidr: cidr.map(str::to_owned),
            description: None,
        }
    }

    #[test]
    fn rules_survive_the_way_to_permissions_and_back() {
        let all = [
            rule(Some("tcp"), (Some(22), Some(22)), Some("192.0.2.0/24")),
            rule(Some("tcp"), (None, None), Some("192.0.2.0/24")),
            rule(Some("udp"), (Some(1), Some(2)), None),
            rule(Some("icmp"), (None, None), Some("0.0.0.0/0")),
            rule(Some("47"), (None, None), Some("::/0")),
            rule(None, (None, None), Some("sg-0123")),
            SecurityRule {
                direction: TrafficDirection::Egress,
                description: Some("out".to_owned()),
                ..rule(None, (None, None), None)
            },
        ];
        assert_eq!(rules(&wanted(&all).expect("wanted")), all);
        let short = wanted(&[rule(Some("6"), (Some(80), None), Some("::/0"))]).expect("wanted");
        assert_eq!((short[0].protocol.as_str(), short[0].ports), ("tcp", Some((80, 80))));
    }

    #[test]
    fn what_ec2_cannot_express_is_refused_by_its_field() {
        for (field, rule) in [
            ("rules.protocol", rule(Some("sctp"), (None, None), None)),
            ("rules.protocol", rule(Some("256"), (None, None), None)),
            ("rules.from-port", rule(Some("icmp"), (Some(8), None), None)),
            ("rules.from-port", rule(None, (Some(8), None), None)),
            ("rules.from-port", rule(Some("tcp"), (None, Some(8)), None)),
            ("rules.to-port", rule(Some("tcp"), (Some(9), Some(8)), None)),
            ("rules.cidr", rule(Some("tcp"), (None, None), Some("192.0.2.1"))),
            ("rules.cidr", rule(Some("tcp"), (None, None), Some("sg-"))),
        ] {
            let error = wanted(&[rule]).expect_err(field);
            assert_eq!(error.kind, ErrorKind::InvalidArgument(field.to_owned()));
        }
    }

    #[test]
    fn permissions_are_read_one_by_one() {
        let text = "<item><ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>80</fromPort><toPort>80</toPort>\
            <groups><item><userId>1</userId><groupId>sg-2</groupId></item></groups>\
            <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp><description>web</description></item></ipRanges>\
            <ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6><description>web</description></item></ipv6Ranges><prefixListIds/></item>\
            </ipPermissions><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item>\
            </ipRanges></item></ipPermissionsEgress></item>";
        let document = Document::parse(text).expect("xml");
        let read = permissions(Element::root(&document));
        assert_eq!(read.len(), 4);
        assert_eq!(read.last(), Some(&everything_out()));
        let rules = rules(&read);
        let seen: Vec<_> = rules
            .iter()
            .map(|rule| (rule.cidr.as_deref(), rule.description.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [(None, Some("web")), (Some("sg-2"), None), (Some("0.0.0.0/0"), None)]
        );
    }
}
