//! Between the contract's rules and Neutron's (<https://docs.openstack.org/api-ref/network/v2/#security-group-rules-security-group-rules>).
//!
//! A rule of Neutron's is for IPv4 or for IPv6. A rule of the contract without a range is for both, so it is two of Neutron's;
//! on the way back such a pair is one again. The other side may be another group, by its id.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use stockade_provider::types::{Error, SecurityRule, TrafficDirection};

use crate::cidr::Cidr;
use crate::cloud::is_id;

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
    /// The other side are the members of this group.
    #[serde(default)]
    remote_group_id: Option<String>,
    /// The other side is a list of ranges that is kept elsewhere: nothing that the contract can say.
    #[serde(default)]
    remote_address_group_id: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

impl WireRule {
    /// Whether the contract can say it.
    pub(crate) fn is_sayable(&self) -> bool {
        self.remote_address_group_id.is_none()
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
                rule.remote_group_id.clone(),
                rule.description.clone().filter(|text| !text.is_empty()),
            )
        };
        self.is_sayable() && other.is_sayable() && fields(self) == fields(other)
    }

    /// As [`Self::is_same`]; a rule about a group is the same for IPv4 and for IPv6. Most that other tools made are for one of
    /// them, and nobody who changes something else wants the other.
    fn covers(&self, other: &Self) -> bool {
        let of_family = |ethertype: &str, protocol: Option<&str>| Self {
            ethertype: ethertype.to_owned(),
            protocol: protocol.map(|protocol| protocol_in(protocol, ethertype)),
            ..self.clone()
        };
        self.is_same(other)
            || self.remote_group_id.is_some() && of_family(&other.ethertype, self.contract_protocol()).is_same(other)
    }

    /// The group that the other side is, or else the one that the rule is of: what a 404 is about.
    pub(crate) fn group_or<'a>(&'a self, own: &'a str) -> &'a str {
        self.remote_group_id.as_deref().unwrap_or(own)
    }

    /// The protocol in the contract's words.
    fn contract_protocol(&self) -> Option<&str> {
        self.protocol.as_deref().map(|protocol| match protocol {
            "ipv6-icmp" | "icmpv6" => "icmp",
            other => other,
        })
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
        add("remote_group_id", self.remote_group_id.as_ref().map(|id| json!(id)));
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
            protocol: self.contract_protocol().map(str::to_owned),
            from_port,
            to_port,
            cidr: self
                .remote_group_id
                .clone()
                .or_else(|| self.remote_ip_prefix.clone())
                .or_else(|| Some(anywhere.to_owned())),
            description: self.description.clone().filter(|text| !text.is_empty()),
        }
    }
}

/// A protocol as Neutron names it: ICMP has another number in IPv6 (RFC 4443).
fn protocol_in(protocol: &str, ethertype: &str) -> String {
    match (protocol, ethertype) {
        ("icmp", "IPv6") => "ipv6-icmp".to_owned(),
        (other, _) => other.to_owned(),
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
        // The two of a pair about a group say the same.
        if rules.contains(&rule) {
            continue;
        }
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
    let group = rule.cidr.as_deref().filter(|text| is_id(text));
    let prefix = match rule.cidr.as_deref().filter(|_| group.is_none()) {
        None => None,
        Some(text) => match Cidr::parse(text) {
            Some(cidr) => Some(cidr),
            None => {
                return refuse(format!(
                    "`{text}` is neither a range such as `192.0.2.0/24` nor a group's id"
                ));
            }
        },
    };
    let one = |ethertype: &str| WireRule {
        id: String::new(),
        direction: match rule.direction {
            TrafficDirection::Ingress => "ingress".to_owned(),
            TrafficDirection::Egress => "egress".to_owned(),
        },
        ethertype: ethertype.to_owned(),
        protocol: protocol.map(|protocol| protocol_in(protocol, ethertype)),
        port_range_min: ports.0,
        port_range_max: ports.1,
        // Neutron keeps "anywhere" as no prefix at all.
        remote_ip_prefix: rule.cidr.clone().filter(|text| group.is_none() && !is_anywhere(text)),
        remote_group_id: group.map(str::to_owned),
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
        .filter(|rule| !have.iter().any(|other| other.covers(rule)))
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

    const GROUP: &str = "5d3bb4cc-0d2c-4d9e-8f3e-2b8f3a1f0a11";

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
            rule(Some("icmp"), None, None, Some(GROUP)),
            SecurityRule {
                direction: TrafficDirection::Egress,
                ..rule(None, None, None, None)
            },
        ];
        let wire = of_rules(&rules).expect("rules");
        assert_eq!(wire.len(), 11);
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
    fn only_the_difference_is_changed_and_what_cannot_be_said_stays() {
        let from_group: WireRule = serde_json::from_value(
            json!({"id": "g", "direction": "ingress", "ethertype": "IPv4", "remote_address_group_id": "x"}),
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
            "the rule about a list of ranges is not shown as anything else"
        );
    }

    #[test]
    fn a_rule_about_a_group_that_is_for_ipv4_only_stays_as_it_is() {
        let have: Vec<WireRule> = vec![
            serde_json::from_value(json!({
                "id": "g", "direction": "ingress", "ethertype": "IPv4", "protocol": "icmp", "remote_group_id": GROUP,
            }))
            .expect("a rule"),
        ];
        let shown = to_rules(&have);
        assert_eq!(shown, [rule(Some("icmp"), None, None, Some(GROUP))]);
        let same = of_rules(&shown).expect("rules");
        assert_eq!(difference(&have, &same), (vec![], vec![]));
        let none = of_rules(&[]).expect("rules");
        assert_eq!(difference(&have, &none), (vec![], vec![&have[0]]));
        let (added, _) = difference(&[], &same);
        assert_eq!(added.len(), 2);
        assert_eq!(added[1].body("own")["security_group_rule"]["remote_group_id"], GROUP);
    }
}
