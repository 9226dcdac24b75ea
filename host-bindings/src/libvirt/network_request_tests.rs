//! Tests of `network_request` and `network_xml`: every mode against libvirt's schema, golden documents, and what is refused.

use super::*;
use crate::contract::{ErrorKind, OptionValue};
use crate::libvirt::schema_check::check;

/// A spec; `options` are written as JSON values.
#[expect(clippy::needless_pass_by_value, reason = "called with literals")]
pub(super) fn spec(mode: &str, cidrs: &[&str], options: serde_json::Value) -> NetworkSpec {
    let options = options.as_object().unwrap().iter().map(|(name, value)| OptionEntry {
        name: name.clone(),
        value: match value {
            serde_json::Value::String(text) => OptionValue::Text(text.clone()),
            serde_json::Value::Bool(value) => OptionValue::Boolean(*value),
            serde_json::Value::Number(number) => OptionValue::Integer(number.as_i64().unwrap() as i32),
            list => OptionValue::TextList(serde_json::from_value(list.clone()).unwrap()),
        },
    });
    NetworkSpec {
        name: "lab".into(),
        cidrs: cidrs.iter().map(|cidr| (*cidr).to_owned()).collect(),
        mode: Some(mode.into()),
        dhcp: !cidrs.is_empty(),
        domain: None,
        metadata: vec![],
        options: options.collect(),
    }
}

fn full() -> NetworkSpec {
    NetworkSpec {
        domain: Some("lab.example".into()),
        metadata: vec![Tag {
            key: "plan".into(),
            value: "it's <&>".into(),
        }],
        ..spec(
            "nat",
            &["10.1.0.0/24", "fd00:1::/64"],
            serde_json::json!({
                "bridge": "virbr7", "device": "eth0", "dhcp_ranges": ["10.1.0.10-10.1.0.99", "fd00:1::10-fd00:1::ff"],
                "dhcp_hosts": ["52:54:00:00:00:01=10.1.0.7=web", "=fd00:1::7=web"], "dns_hosts": ["10.1.0.7=web,www"],
                "dns_forwarders": ["9.9.9.9"], "local_domain": true, "mtu": 9000, "nat_ipv6": true, "gateway": "10.1.0.254",
                "autostart": false, "dns": true,
            }),
        )
    }
}

#[test]
fn every_mode_is_valid_by_libvirts_own_schema() {
    let none = || serde_json::json!({});
    for spec in [
        full(),
        spec("nat", &[], none()),
        spec("route", &["10.1.0.0/24"], none()),
        spec("open", &["10.1.0.0/24"], none()),
        spec("isolated", &["10.1.0.0/24"], serde_json::json!({"dns": false})),
        spec("isolated", &["fd00:1::/64"], none()),
        spec("bridge", &[], serde_json::json!({"bridge": "br0"})),
        spec("ovs", &[], serde_json::json!({"bridge": "ovsbr0", "vlan": 42})),
        spec("macvtap", &[], serde_json::json!({"device": "eth0"})),
        spec(
            "macvtap",
            &[],
            serde_json::json!({"device": "eth0", "macvtap_mode": "passthrough", "vlan": 3}),
        ),
    ] {
        check("network", &NetworkRequest::from_spec(&spec).unwrap().to_xml());
    }
}

#[test]
fn a_network_with_everything_is_written_as_agreed() {
    let xml = NetworkRequest::from_spec(&full()).unwrap().to_xml();
    assert_eq!(xml, include_str!("golden/nat-network.xml"), "\n{xml}");
}

#[test]
fn a_range_begins_after_the_host_and_ends_before_the_broadcast_address() {
    for (cidr, gateway, expected) in [
        ("10.1.0.0/24", None, "10.1.0.2-10.1.0.254"),
        ("10.1.0.0/30", None, "10.1.0.2-10.1.0.2"),
        ("10.1.0.0/24", Some("10.1.0.254"), "10.1.0.1-10.1.0.253"),
        ("10.1.0.0/24", Some("10.1.0.100"), "10.1.0.101-10.1.0.254"),
        ("10.0.0.0/8", None, "10.0.0.2-10.1.0.0"),
        ("fd00:1::/64", None, "fd00:1::2-fd00:1::1:0"),
    ] {
        let gateway = gateway.map(|gateway| gateway.parse().unwrap());
        let subnet = subnets(&[cidr.to_owned()], gateway).unwrap().remove(0);
        assert_eq!(subnet.default_range().to_string(), expected, "{cidr}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_does_not_fit_together_is_refused_by_its_field() {
    for (field, spec) in [
        ("cidrs", spec("nat", &["10.1.0.0"], serde_json::json!({}))),
        ("cidrs", spec("nat", &["10.1.0.7/24"], serde_json::json!({}))),
        ("cidrs", spec("nat", &["10.1.0.0/33"], serde_json::json!({}))),
        ("cidrs", spec("nat", &["10.1.0.0/31"], serde_json::json!({}))),
        ("cidrs", spec("nat", &["127.0.0.0/8"], serde_json::json!({}))),
        ("cidrs", spec("nat", &["224.0.0.0/24"], serde_json::json!({}))),
        (
            "cidrs",
            spec("nat", &["10.1.0.0/24", "10.2.0.0/24"], serde_json::json!({})),
        ),
        ("cidrs", spec("nat", &["\u{1b}"], serde_json::json!({}))),
        ("mode", spec("hub", &[], serde_json::json!({}))),
        (
            "cidrs",
            spec("bridge", &["10.1.0.0/24"], serde_json::json!({"bridge": "br0"})),
        ),
        ("bridge", spec("bridge", &[], serde_json::json!({}))),
        ("bridge", spec("ovs", &[], serde_json::json!({}))),
        ("device", spec("macvtap", &[], serde_json::json!({}))),
        (
            "bridge",
            spec("macvtap", &[], serde_json::json!({"device": "eth0", "bridge": "br0"})),
        ),
        ("device", spec("isolated", &[], serde_json::json!({"device": "eth0"}))),
        ("device", spec("nat", &[], serde_json::json!({"device": "a/b"}))),
        (
            "bridge",
            spec("nat", &[], serde_json::json!({"bridge": "a-very-long-name"})),
        ),
        (
            "macvtap_mode",
            spec("nat", &[], serde_json::json!({"macvtap_mode": "bridge"})),
        ),
        (
            "macvtap_mode",
            spec("macvtap", &[], serde_json::json!({"device": "e", "macvtap_mode": "x"})),
        ),
        ("vlan", spec("nat", &[], serde_json::json!({"vlan": 1}))),
        (
            "vlan",
            spec("ovs", &[], serde_json::json!({"bridge": "b", "vlan": 4095})),
        ),
        ("nat_ipv6", spec("route", &[], serde_json::json!({"nat_ipv6": true}))),
        (
            "mtu",
            spec("bridge", &[], serde_json::json!({"bridge": "b", "mtu": 9000})),
        ),
        ("mtu", spec("nat", &[], serde_json::json!({"mtu": 10}))),
        (
            "dns",
            spec("bridge", &[], serde_json::json!({"bridge": "b", "dns": true})),
        ),
        (
            "dns",
            spec(
                "nat",
                &["10.1.0.0/24"],
                serde_json::json!({"dns": false, "dns_hosts": ["10.1.0.7=a"]}),
            ),
        ),
        (
            "dhcp_ranges",
            spec(
                "nat",
                &["10.1.0.0/24"],
                serde_json::json!({"dhcp_ranges": ["10.2.0.1-10.2.0.9"]}),
            ),
        ),
        (
            "dhcp_hosts",
            spec(
                "nat",
                &["10.1.0.0/24"],
                serde_json::json!({"dhcp_hosts": ["52:54:00:00:00:01=10.2.0.1"]}),
            ),
        ),
        (
            "dhcp_hosts",
            spec(
                "nat",
                &[],
                serde_json::json!({"dhcp_hosts": ["52:54:00:00:00:01=10.2.0.1"]}),
            ),
        ),
        (
            "gateway",
            spec("nat", &["10.1.0.0/24"], serde_json::json!({"gateway": "10.2.0.1"})),
        ),
        (
            "gateway",
            spec("nat", &["10.1.0.0/24"], serde_json::json!({"gateway": "10.1.0.255"})),
        ),
        (
            "local_domain",
            spec("nat", &["10.1.0.0/24"], serde_json::json!({"local_domain": true})),
        ),
        ("colour", spec("nat", &[], serde_json::json!({"colour": "red"}))),
        (
            "name",
            NetworkSpec {
                name: "a/b".into(),
                ..spec("nat", &[], serde_json::json!({}))
            },
        ),
        (
            "domain",
            NetworkSpec {
                domain: Some("a b".into()),
                ..spec("nat", &[], serde_json::json!({}))
            },
        ),
        (
            "dhcp",
            NetworkSpec {
                dhcp: true,
                ..spec("bridge", &[], serde_json::json!({"bridge": "b"}))
            },
        ),
    ] {
        let error = NetworkRequest::from_spec(&spec).unwrap_err();
        assert_eq!(
            error.kind,
            ErrorKind::InvalidArgument(field.into()),
            "{spec:?}: {error}"
        );
    }
}
