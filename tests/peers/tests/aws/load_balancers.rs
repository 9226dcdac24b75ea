//! Load balancers.

use serde_json::{Value, json};
use stockade::contract::{ErrorKind, LoadBalancerSpec};

use crate::lab::{Lab, missing, no_options};
use crate::networks::{network, subnet};
use crate::{Claim, claims};

pub(crate) fn claims() -> Vec<Claim> {
    claims![
        a_load_balancer_has_its_listeners_members_and_name_and_leaves_nothing,
        what_aws_has_no_load_balancer_for_leaves_nothing,
    ]
}

fn balancer(listeners: Value, more: Value) -> LoadBalancerSpec {
    let mut spec = json!({"name": "front", "network": "net", "internal": true, "listeners": listeners, "members": []});
    spec.as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    serde_json::from_value(spec).unwrap()
}

/// A VM in the first subnet of the network, made by boto3; answers its id.
fn vm(lab: &Lab, name: &str, subnet: &str) -> String {
    let image = lab.boto("ec2", "describe_images", json!({}));
    let image = &image["Images"][0]["ImageId"];
    let tags = json!([{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]);
    let vm = lab.boto(
        "ec2",
        "run_instances",
        json!({"ImageId": image, "MinCount": 1, "MaxCount": 1, "SubnetId": subnet, "TagSpecifications": tags}),
    );
    vm["Instances"][0]["InstanceId"].as_str().unwrap().to_owned()
}

fn a_load_balancer_has_its_listeners_members_and_name_and_leaves_nothing(lab: &Lab) {
    let service = &lab.service;
    lab.boto(
        "route53",
        "create_hosted_zone",
        json!({"Name": "example.org", "CallerReference": "1"}),
    );
    lab.done(service.create_network(network("net", json!({})), &no_options()));
    let one = subnet("one", "net", "10.20.1.0/24", json!({"location": "us-east-1a"}));
    let one = lab.done(service.create_subnet(one, &no_options()));
    let two = subnet("two", "net", "10.20.2.0/24", json!({"location": "us-east-1b"}));
    lab.done(service.create_subnet(two, &no_options()));
    let ids = ["a", "b"].map(|name| vm(lab, name, &one));
    let before = lab.peer.observe().unwrap();

    let listeners = json!([{"protocol": "tcp", "port": 80, "member_port": 8080, "check_path": "/healthz"}, {"protocol": "udp", "port": 53}]);
    let more = json!({"members": ["a"], "dns_name": "www.example.org"});
    let id = lab.done(service.create_load_balancer(balancer(listeners, more), &no_options()));
    let read = lab.done(service.get_load_balancer("front"));
    assert_eq!(
        (read.id.as_str(), read.members.as_slice()),
        (id.as_str(), &["a".to_owned()][..])
    );
    let ports: Vec<_> = read
        .listeners
        .iter()
        .map(|listener| (listener.protocol.as_str(), listener.port, listener.member_port))
        .collect();
    assert_eq!(ports, [("udp", 53, None), ("tcp", 80, Some(8080))]);
    assert_eq!(read.listeners[1].check_path.as_deref(), Some("/healthz"));
    assert_eq!(lab.done(service.list_load_balancers()), std::slice::from_ref(&read));
    let records = lab.done(service.list_dns_records("example.org"));
    let alias = records.iter().find(|record| record.name == "www.example.org").unwrap();
    assert!(
        alias.values[0].ends_with(&read.address.clone().unwrap().to_lowercase()),
        "{alias:?}"
    );
    let again = lab.refused(service.create_load_balancer(
        balancer(json!([{"protocol": "tcp", "port": 80}]), json!({})),
        &no_options(),
    ));
    assert!(matches!(again, ErrorKind::AlreadyExists(_)), "{again:?}");

    lab.done(service.set_load_balancer_members("front", vec!["b".to_owned()]));
    let groups = lab.boto("elbv2", "describe_target_groups", json!({"LoadBalancerArn": id}));
    for group in groups["TargetGroups"].as_array().unwrap() {
        let health = lab.boto(
            "elbv2",
            "describe_target_health",
            json!({"TargetGroupArn": group["TargetGroupArn"]}),
        );
        let members = health["TargetHealthDescriptions"].as_array().unwrap();
        assert_eq!(members.len(), 1);
        assert_eq!(members[0]["Target"]["Id"], ids[1]);
    }
    let absent = service.set_load_balancer_members("front", vec!["absent".to_owned()]);
    assert_eq!(lab.refused(absent), missing("vm", "absent"));
    assert_eq!(lab.done(service.get_load_balancer(&id)).members, ["b"]);

    lab.done(service.delete_load_balancer("front"));
    lab.expect_unchanged(&before);
    assert_eq!(
        lab.refused(service.get_load_balancer("front")),
        missing("load-balancer", "front")
    );
}

fn what_aws_has_no_load_balancer_for_leaves_nothing(lab: &Lab) {
    let service = &lab.service;
    lab.done(service.create_network(network("net", json!({})), &no_options()));
    lab.done(service.create_subnet(subnet("one", "net", "10.20.1.0/24", json!({})), &no_options()));
    let before = lab.peer.observe().unwrap();
    let refused = |listeners: Value, more: Value| {
        lab.refused(service.create_load_balancer(balancer(listeners, more), &no_options()))
    };
    let tcp = || json!([{"protocol": "tcp", "port": 80}]);
    let field = |name: &str| ErrorKind::InvalidArgument(name.to_owned());
    let both = json!([{"protocol": "tcp", "port": 80}, {"protocol": "http", "port": 81, "check_path": "/"}]);
    assert_eq!(refused(both, json!({})), field("listeners.protocol"));
    // One zone only.
    let http = json!([{"protocol": "http", "port": 80, "check_path": "/"}]);
    assert_eq!(refused(http, json!({})), field("network"));
    assert_eq!(refused(tcp(), json!({"members": ["absent"]})), missing("vm", "absent"));
    assert_eq!(
        refused(tcp(), json!({"network": "absent"})),
        missing("network", "absent")
    );
    assert_eq!(
        refused(tcp(), json!({"dns_name": "www.example.com"})),
        field("dns-name")
    );
    lab.expect_unchanged(&before);
}
