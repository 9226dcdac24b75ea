//! Between the contract's rules and Neutron's (<https://docs.openstack.org/api-ref/network/v2/#security-group-rules-security-group-rules>).
//!
//! A rule of Neutron's is for IPv4 or for IPv6. A rule of the contract without a range is for both, so it is two of Neutron's;
//! on the way back such a pair is one again.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use stockade_provider::types::{Error, SecurityRule, TrafficDirection};

use crate::cidr::Cidr;

/// A rule of Neutron's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct WireRule {
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) direction: String,
    #[serde(default)]
    ethertype: String,
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default)]
    port_range_min: Option<u16>,
    #[serde(default)]
    port_range_max: Option<u16>,
    #[serde(default)]
    remote_ip_prefix: Option<String>,
    /// Traffic from another group's members: nothing that the contract can say.
    #[serde(default)]
    remote_group_id: Option<String>,
    #[serde(default)]
    remote_address_group_id: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

impl WireRule {
    /// Whether the contract can say it.
    pub(crate) fn is_sayable(&self) -> bool {
        self.remote_group_id.is_none() && self.remote_address_group_id.is_none()
    }

    /// Whether both let the same through; descriptions count, ids do not.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let fields = |rule: &Self| {
            (
                rule.direction.clone(),
                rule.ethertype.clone(),
                rule.protocol.clone(),
                rule.port_range_min,
                rule.port_range_max,
                rule.remote_ip_prefix.clone().filter(|prefix| !is_anywhere(prefix)),
                rule.description.clone().filter(|text| !text.is_empty()),
            )
        };
        self.is_sayable() && other.is_sayable() && fields(self) == fields(other)
    }

    /// The body that creates it in a group.
    pub(crate) fn body(&self, group: &str) -> Value {
        let mut rule = Map::new();
        rule.insert("security_group_id".to_owned(), json!(group));
        rule.insert("direction".to_owned(), json!(self.direction));
        rule.insert("ethertype".to_owned(), json!(self.ethertype));
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                rule.insert(name.to_owned(), value);
            }
        };
        add("protocol", self.protocol.as_ref().map(|protocol| json!(protocol)));
        add("port_range_min", self.port_range_min.map(|port| json!(port)));
        add("port_range_max", self.port_range_max.map(|port| json!(port)));
        add(
            "remote_ip_prefix",
            self.remote_ip_prefix.as_ref().map(|prefix| json!(prefix)),
        );
        add("description", self.description.as_ref().map(|text| json!(text)));
        json!({"security_group_rule": rule})
    }

    fn to_rule(&self) -> SecurityRule {
        let anywhere = if self.ethertype == "IPv6" { "::/0" } else { "0.0.0.0/0" };
        let (from_port, to_port) = match (self.port_range_min, self.port_range_max) {
            (Some(from), Some(to)) if from == to => (Some(from), None),
            ports => ports,
        };
        SecurityRule {
            direction: match self.direction.as_str() {
                "egress" => TrafficDirection::Egress,
                _ => TrafficDirection::Ingress,
            },
            protocol: self.protocol.as_deref().map(|protocol| match protocol {
                "ipv6-icmp" | "icmpv6" => "icmp".to_owned(),
                other => other.to_owned(),
            }),
            from_port,
            to_port,
            cidr: Some(self.remote_ip_prefix.clone().unwrap_or_else(|| anywhere.to_owned())),
            description: self.description.clone().filter(|text| !text.is_empty()),
        }
    }
}

/// Whether a range is all of IPv4 or all of IPv6.
fn is_anywhere(cidr: &str) -> bool {
    matches!(cidr, "0.0.0.0/0" | "::/0")
}

/// The rules of a group as the contract shows them, without those that it cannot say.
pub(crate) fn to_rules(wire: &[WireRule]) -> Vec<SecurityRule> {
    let mut rules: Vec<SecurityRule> = Vec::new();
    for rule in wire.iter().filter(|rule| rule.is_sayable()) {
        let rule = rule.to_rule();
        let everywhere = |cidr: &Option<String>| cidr.as_deref().is_some_and(is_anywhere);
        let twin = rules.iter_mut().find(|have| {
            everywhere(&have.cidr)
                && everywhere(&rule.cidr)
                && have.cidr != rule.cidr
                && SecurityRule {
                    cidr: None,
                    ..(*have).clone()
                } == SecurityRule {
                    cidr: None,
                    ..rule.clone()
                }
        });
        match twin {
            Some(have) => have.cidr = None,
            None => rules.push(rule),
        }
    }
    rules
}

/// Rules as Neutron takes them.
///
/// # Errors
/// `invalid-argument` for `rules` that cannot be said to Neutron.
pub(crate) fn of_rules(rules: &[SecurityRule]) -> Result<Vec<WireRule>, Error> {
    let mut wire: Vec<WireRule> = Vec::new();
    for rule in rules {
        for one in of_rule(rule)? {
            if !wire.iter().any(|have| have.is_same(&one)) {
                wire.push(one);
            }
        }
    }
    Ok(wire)
}

fn of_rule(rule: &SecurityRule) -> Result<Vec<WireRule>, Error> {
    let refuse = |why: String| Err(Error::invalid_argument("rules", why));
    let protocol = rule.protocol.as_deref();
    let is_known = |protocol: &str| {
        matches!(
            protocol,
            "tcp"
                | "udp"
                | "icmp"
                | "sctp"
                | "dccp"
                | "udplite"
                | "ah"
                | "esp"
                | "gre"
                | "ipip"
                | "vrrp"
                | "igmp"
                | "ospf"
                | "pgm"
                | "rsvp"
        ) || protocol.parse::<u8>().is_ok()
    };
    if let Some(protocol) = protocol.filter(|protocol| !is_known(protocol)) {
        return refuse(format!("Neutron knows no protocol `{protocol}`; give a number"));
    }
    let has_ports = matches!(
        protocol,
        Some("tcp" | "udp" | "sctp" | "dccp" | "udplite" | "icmp" | "6" | "17")
    );
    if !has_ports && (rule.from_port.is_some() || rule.to_port.is_some()) {
        return refuse("ports need a protocol that has some, `tcp` for example".to_owned());
    }
    let ports = match (rule.from_port, rule.to_port) {
        (None, Some(_)) => return refuse("`to-port` needs a `from-port`".to_owned()),
        (Some(from), Some(to)) if from > to => return refuse(format!("ports go from {from} down to {to}")),
        (from, to) => (from, to.or(from)),
    };
    let prefix = match rule.cidr.as_deref() {
        None => None,
        Some(text) => match Cidr::parse(text) {
            Some(cidr) => Some(cidr),
            None => return refuse(format!("`{text}` is no range such as `192.0.2.0/24`")),
        },
    };
    let one = |ethertype: &str| WireRule {
        id: String::new(),
        direction: match rule.direction {
            TrafficDirection::Ingress => "ingress".to_owned(),
            TrafficDirection::Egress => "egress".to_owned(),
        },
        ethertype: ethertype.to_owned(),
        // ICMP has another number in IPv6 (RFC 4443).
        protocol: protocol.map(|protocol| match (protocol, ethertype) {
            ("icmp", "IPv6") => "ipv6-icmp".to_owned(),
            (other, _) => other.to_owned(),
        }),
        port_range_min: ports.0,
        port_range_max: ports.1,
        // Neutron keeps "anywhere" as no prefix at all.
        remote_ip_prefix: rule.cidr.clone().filter(|text| !is_anywhere(text)),
        remote_group_id: None,
        remote_address_group_id: None,
        description: rule.description.clone(),
    };
    Ok(match prefix {
        None => vec![one("IPv4"), one("IPv6")],
        Some(cidr) if matches!(cidr.address, IpAddr::V4(_)) => vec![one("IPv4")],
        Some(_) => vec![one("IPv6")],
    })
}

/// What to add and what to remove so that a group has exactly the wanted rules. What the contract cannot say stays.
pub(crate) fn difference<'a>(have: &'a [WireRule], want: &'a [WireRule]) -> (Vec<&'a WireRule>, Vec<&'a WireRule>) {
    let added = want
        .iter()
        .filter(|rule| !have.iter().any(|other| other.is_same(rule)))
        .collect();
    let removed = have
        .iter()
        .filter(|rule| rule.is_sayable() && !want.iter().any(|other| other.is_same(rule)))
        .collect();
    (added, removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(protocol: Option<&str>, from: Option<u16>, to: Option<u16>, cidr: Option<&str>) -> SecurityRule {
        SecurityRule {
            direction: TrafficDirection::Ingress,
            protocol: protocol.map(str::to_owned),
            from_port: from,
            to_port: to,
            cidr: cidr.map(str::to_owned),
            description: None,
        }
    }

    #[test]
    fn rules_survive_the_way_there_and_back() {
        let rules = vec![
            rule(Some("tcp"), Some(22), None, Some("192.0.2.0/24")),
            rule(Some("tcp"), Some(80), Some(90), None),
            rule(Some("icmp"), None, None, None),
            rule(None, None, None, Some("2001:db8::/32")),
            rule(Some("udp"), Some(53), None, Some("0.0.0.0/0")),
            SecurityRule {
                direction: TrafficDirection::Egress,
                ..rule(None, None, None, None)
            },
        ];
        let wire = of_rules(&rules).expect("rules");
        assert_eq!(wire.len(), 9);
        assert_eq!(to_rules(&wire), rules);
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        for bad in [
            rule(Some("carrier-pigeon"), None, None, None),
            rule(None, Some(1), None, None),
            rule(Some("tcp"), None, Some(1), None),
            rule(Some("tcp"), Some(2), Some(1), None),
            rule(Some("tcp"), None, None, Some("everywhere")),
        ] {
            let error = of_rules(std::slice::from_ref(&bad)).expect_err("refused");
            assert_eq!(
                error.kind,
                stockade_provider::types::ErrorKind::InvalidArgument("rules".to_owned()),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn only_the_difference_is_changed_and_rules_about_groups_stay() {
        let from_group: WireRule = serde_json::from_value(
            json!({"id": "g", "direction": "ingress", "ethertype": "IPv4", "remote_group_id": "x"}),
        )
        .expect("a rule");
        let old = of_rules(&[
            rule(Some("tcp"), Some(22), None, Some("192.0.2.0/24")),
            rule(Some("tcp"), Some(23), None, Some("192.0.2.0/24")),
        ])
        .expect("rules");
        let have: Vec<_> = old.into_iter().chain([from_group]).collect();
        let want = of_rules(&[
            rule(Some("tcp"), Some(22), None, Some("192.0.2.0/24")),
            rule(Some("tcp"), Some(80), None, Some("192.0.2.0/24")),
        ])
        .expect("rules");
        let (added, removed) = difference(&have, &want);
        let ports = |rules: &[&WireRule]| rules.iter().map(|rule| rule.port_range_min).collect::<Vec<_>>();
        assert_eq!((ports(&added), ports(&removed)), (vec![Some(80)], vec![Some(23)]));
        assert!(
            to_rules(&have).len() == 2,
            "the rule about a group is not shown as anything else"
        );
    }
}
