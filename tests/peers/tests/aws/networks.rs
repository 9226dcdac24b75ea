//! Networks, subnets and security groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stockade::connections::OptionInput;
use stockade::contract::{ErrorKind, NetworkSpec, NetworkUpdate, SecurityGroupSpec, SecurityRule, SubnetSpec};

use crate::lab::{Lab, missing, no_options, tags};
use crate::{Claim, claims};

pub(crate) fn claims() -> Vec<Claim> {
    claims![
        a_network_is_made_seen_and_gone_without_a_trace,
        a_network_behind_a_nat_gateway_is_gone_without_a_trace,
        what_others_made_in_a_network_keeps_it_whole,
        a_network_is_opened_closed_and_renamed_in_the_dns_of_its_vms,
        subnets_lie_in_their_network_beside_each_other,
        a_name_that_two_things_carry_is_never_guessed,
        a_security_group_lets_through_exactly_what_it_says,
    ]
}

pub(crate) fn network(name: &str, more: Value) -> NetworkSpec {
    let mut spec = json!({"name": name, "cidrs": ["10.20.0.0/16"], "dhcp": true});
    spec.as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    serde_json::from_value(spec).unwrap()
}

pub(crate) fn subnet(name: &str, network: &str, cidr: &str, more: Value) -> SubnetSpec {
    let mut spec = json!({"name": name, "network": network, "cidr": cidr, "dhcp": true});
    spec.as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    serde_json::from_value(spec).unwrap()
}

fn a_network_is_made_seen_and_gone_without_a_trace(lab: &Lab) {
    for mode in ["isolated", "route"] {
        live_and_die(lab, mode, &no_options());
    }
    assert_eq!(lab.refused(lab.service.get_network("net")), missing("network", "net"));
}

fn a_network_behind_a_nat_gateway_is_gone_without_a_trace(lab: &Lab) {
    let subnet = OptionInput::Text("10.20.255.0/28".to_owned());
    live_and_die(lab, "nat", &[("nat_subnet".to_owned(), subnet)].into());
}

fn live_and_die(lab: &Lab, mode: &str, options: &BTreeMap<String, OptionInput>) {
    let service = &lab.service;
    let before = lab.peer.observe().unwrap();
    let metadata = json!({"mode": mode, "metadata": [{"key": "plan", "value": "blue"}]});
    let id = lab.done(service.create_network(network("net", metadata), options));
    let vpc = lab.boto("ec2", "describe_vpcs", json!({"VpcIds": [id]}));
    let seen = tags(&vpc["Vpcs"][0]);
    assert_eq!((seen["Name"], seen["plan"]), ("net", "blue"));
    let read = lab.done(service.get_network("net"));
    assert_eq!((read.mode.as_str(), read.active, read.dhcp), (mode, true, Some(true)));
    assert_eq!(
        (read.cidrs.as_slice(), read.metadata.len()),
        (&["10.20.0.0/16".to_owned()][..], 1)
    );
    let again = lab.refused(service.create_network(network("net", json!({})), &no_options()));
    assert!(matches!(again, ErrorKind::AlreadyExists(_)), "{again:?}");
    lab.done(service.delete_network("net"));
    lab.expect_unchanged(&before);
}

fn what_others_made_in_a_network_keeps_it_whole(lab: &Lab) {
    let service = &lab.service;
    let before = lab.peer.observe().unwrap();
    let id = lab.done(service.create_network(network("net", json!({})), &no_options()));
    lab.done(service.create_subnet(subnet("one", "net", "10.20.1.0/24", json!({})), &no_options()));
    let table = lab.boto("ec2", "create_route_table", json!({"VpcId": id}));
    let table = table["RouteTable"]["RouteTableId"].clone();
    let full = lab.peer.observe().unwrap();
    assert_eq!(lab.refused(service.delete_network("net")), ErrorKind::Conflict);
    lab.expect_unchanged(&full);
    lab.boto("ec2", "delete_route_table", json!({"RouteTableId": table}));
    lab.done(service.delete_network("net"));
    lab.expect_unchanged(&before);
}

fn a_network_is_opened_closed_and_renamed_in_the_dns_of_its_vms(lab: &Lab) {
    let service = &lab.service;
    let before = lab.peer.observe().unwrap();
    let update = |change: Value| -> NetworkUpdate {
        let mut update = json!({"dhcp": null, "mode": null, "domain": null, "options": []});
        update
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().cloned().unwrap());
        serde_json::from_value(update).unwrap()
    };
    lab.done(service.create_network(
        network("net", json!({"mode": "isolated", "domain": "one.example"})),
        &no_options(),
    ));
    let with = async |change: Value| service.update_network("net", update(change), &no_options()).await;
    lab.done(with(json!({"mode": "route", "domain": "two.example"})));
    let read = lab.done(service.get_network("net"));
    assert_eq!(
        (read.mode.as_str(), read.domain.as_deref()),
        ("route", Some("two.example"))
    );
    lab.done(with(json!({"mode": "isolated", "dhcp": true})));
    assert_eq!(lab.done(service.get_network("net")).mode, "isolated");
    assert_eq!(lab.refused(with(json!({"mode": "nat"}))), ErrorKind::Conflict);
    assert_eq!(
        lab.refused(with(json!({"dhcp": false}))),
        ErrorKind::InvalidArgument("dhcp".to_owned())
    );
    lab.done(service.delete_network("net"));
    lab.expect_unchanged(&before);
}

fn subnets_lie_in_their_network_beside_each_other(lab: &Lab) {
    let service = &lab.service;
    let before = lab.peer.observe().unwrap();
    lab.done(service.create_network(network("net", json!({})), &no_options()));
    let public: BTreeMap<_, _> = [("public".to_owned(), OptionInput::Boolean(true))].into();
    let one = subnet(
        "one",
        "net",
        "10.20.1.0/24",
        json!({"location": "us-east-1b", "gateway": "10.20.1.1"}),
    );
    let id = lab.done(service.create_subnet(one, &public));
    let seen = lab.boto("ec2", "describe_subnets", json!({"SubnetIds": [id]}));
    let seen = &seen["Subnets"][0];
    assert_eq!(
        (&seen["MapPublicIpOnLaunch"], tags(seen)["Name"]),
        (&json!(true), "one")
    );
    let read = lab.done(service.get_subnet("one"));
    assert_eq!(
        (read.network.as_str(), read.gateway.as_deref()),
        ("net", Some("10.20.1.1"))
    );
    assert_eq!(read.location.as_deref(), Some("us-east-1b"));
    let listed = lab.done(service.list_subnets(Some("net")));
    assert_eq!(listed, [read]);
    assert!(lab.done(service.list_subnets(None)).len() > 1);

    let full = lab.peer.observe().unwrap();
    let refused = |spec: SubnetSpec| lab.refused(service.create_subnet(spec, &no_options()));
    let field = |name: &str| ErrorKind::InvalidArgument(name.to_owned());
    assert_eq!(
        refused(subnet("two", "net", "10.20.1.128/25", json!({}))),
        ErrorKind::Conflict
    );
    assert_eq!(refused(subnet("two", "net", "10.21.0.0/24", json!({}))), field("cidr"));
    assert_eq!(
        refused(subnet("two", "net", "10.20.2.0/24", json!({"dhcp": false}))),
        field("dhcp")
    );
    assert_eq!(
        refused(subnet("two", "net", "10.20.2.0/24", json!({"gateway": "10.20.2.9"}))),
        field("gateway")
    );
    assert_eq!(
        refused(subnet("two", "absent", "10.20.2.0/24", json!({}))),
        missing("network", "absent")
    );
    assert!(matches!(
        refused(subnet("one", "net", "10.20.2.0/24", json!({}))),
        ErrorKind::AlreadyExists(_)
    ));
    lab.expect_unchanged(&full);
    lab.done(service.delete_subnet("one"));
    lab.done(service.delete_network("net"));
    lab.expect_unchanged(&before);
}

fn a_name_that_two_things_carry_is_never_guessed(lab: &Lab) {
    let service = &lab.service;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let name = json!([{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "twin"}]}]);
        let vpc = lab.boto(
            "ec2",
            "create_vpc",
            json!({"CidrBlock": "10.30.0.0/16", "TagSpecifications": name}),
        );
        ids.push(vpc["Vpc"]["VpcId"].as_str().unwrap().to_owned());
    }
    let before = lab.peer.observe().unwrap();
    for refused in [
        lab.refused(service.get_network("twin")),
        lab.refused(service.delete_network("twin")),
        lab.refused(service.create_subnet(subnet("s", "twin", "10.30.1.0/24", json!({})), &no_options())),
    ] {
        let ErrorKind::Ambiguous(names) = refused else {
            panic!("{refused:?}")
        };
        let mut candidates = names.candidates;
        candidates.sort();
        ids.sort();
        assert_eq!(candidates, ids);
    }
    lab.expect_unchanged(&before);
    assert_eq!(lab.done(service.get_network(&ids[0])).id, ids[0]);
}

fn rule(direction: &str, protocol: Option<&str>, port: Option<u16>, cidr: Option<&str>) -> SecurityRule {
    serde_json::from_value(
        json!({"direction": direction, "protocol": protocol, "from_port": port, "to_port": port,
        "cidr": cidr, "description": null}),
    )
    .unwrap()
}

fn sorted(rules: &[SecurityRule]) -> Vec<String> {
    let mut rules: Vec<String> = rules.iter().map(|rule| format!("{rule:?}")).collect();
    rules.sort();
    rules
}

fn a_security_group_lets_through_exactly_what_it_says(lab: &Lab) {
    let service = &lab.service;
    let before = lab.peer.observe().unwrap();
    lab.done(service.create_network(network("net", json!({})), &no_options()));
    let spec = |rules: &[SecurityRule]| SecurityGroupSpec {
        name: "web".to_owned(),
        network: Some("net".to_owned()),
        description: None,
        rules: rules.to_vec(),
    };
    let first = [
        rule("ingress", Some("tcp"), Some(22), Some("192.0.2.0/24")),
        rule("ingress", Some("tcp"), Some(80), None),
    ];
    let id = lab.done(service.create_security_group(spec(&first)));
    let seen = lab.boto("ec2", "describe_security_groups", json!({"GroupIds": [id]}));
    assert_eq!(
        seen["SecurityGroups"][0]["IpPermissionsEgress"],
        json!([]),
        "nothing is let out that no rule names"
    );
    let read = lab.done(service.get_security_group("web"));
    assert_eq!(
        (read.network.as_deref(), sorted(&read.rules)),
        (Some("net"), sorted(&first))
    );
    let again = lab.refused(service.create_security_group(spec(&[])));
    assert!(matches!(again, ErrorKind::AlreadyExists(_)), "{again:?}");

    let second = [
        rule("ingress", Some("tcp"), Some(80), None),
        rule("ingress", Some("icmp"), None, Some("10.0.0.0/8")),
        rule("ingress", None, None, Some(&id)),
        rule("egress", Some("udp"), Some(53), Some("2001:db8::/32")),
    ];
    lab.done(service.update_security_group(&id, second.to_vec()));
    let read = lab.done(service.get_security_group(&id));
    assert_eq!(sorted(&read.rules), sorted(&second));
    assert!(lab.done(service.list_security_groups()).contains(&read));

    let full = lab.peer.observe().unwrap();
    let bad = rule("ingress", Some("sctp"), None, None);
    let refused = lab.refused(service.update_security_group(&id, vec![bad]));
    assert_eq!(refused, ErrorKind::InvalidArgument("rules.protocol".to_owned()));
    assert_eq!(
        sorted(&lab.done(service.get_security_group(&id)).rules),
        sorted(&second)
    );
    assert_eq!(lab.refused(service.delete_network("net")), ErrorKind::Conflict);
    lab.expect_unchanged(&full);
    lab.done(service.delete_security_group("web"));
    assert_eq!(
        lab.refused(service.delete_security_group("web")),
        missing("security-group", "web")
    );
    lab.done(service.delete_network("net"));
    lab.expect_unchanged(&before);
}
