//! What a spec may say beyond the least: where an interface is, who may reach it, and what only EC2 has.

use super::create::{create, created, image, micro, spec};
use super::*;

fn option(name: &str, value: impl Into<OptionValue>) -> OptionEntry {
    OptionEntry {
        name: name.to_owned(),
        value: value.into(),
    }
}

fn subnet() -> String {
    let subnet = "<subnetId>subnet-00000001</subnetId><vpcId>vpc-00000001</vpcId><cidrBlock>10.0.0.0/24</cidrBlock>\
                  <availabilityZone>eu-west-3b</availabilityZone>";
    answer(
        "DescribeSubnets",
        &format!("<subnetSet><item>{subnet}</item></subnetSet>"),
    )
}

fn group() -> String {
    let group = "<groupId>sg-00000001</groupId><groupName>web</groupName><vpcId>vpc-00000001</vpcId>";
    answer(
        "DescribeSecurityGroups",
        &format!("<securityGroupInfo><item>{group}</item></securityGroupInfo>"),
    )
}

fn placed(address: &str) -> VmSpec {
    VmSpec {
        nics: vec![VmNicSpec {
            network: None,
            subnet: Some("subnet-00000001".to_owned()),
            mac: None,
            model: None,
            address: Some(address.to_owned()),
            gateway: None,
            dns_servers: vec![],
            public: Some(true),
        }],
        security_groups: vec!["web".to_owned()],
        ..spec("a")
    }
}

#[test]
fn an_interface_has_its_subnet_addresses_and_groups() {
    let host = host(&[&described(&[]), &image(), &micro(), &subnet(), &group(), &created()]);
    create(&host, placed("10.0.0.9/24")).expect("made");
    let sent = sent(&host);
    let launch = sent.last().expect("a request");
    for part in [
        "NetworkInterface.1.DeviceIndex=0",
        "NetworkInterface.1.DeleteOnTermination=true",
        "NetworkInterface.1.SubnetId=subnet-00000001",
        "NetworkInterface.1.PrivateIpAddress=10.0.0.9",
        "NetworkInterface.1.AssociatePublicIpAddress=true",
        "NetworkInterface.1.SecurityGroupId.1=sg-00000001",
    ] {
        assert!(launch.contains(part), "{part}: {sent:?}");
    }
    // Groups and subnets stand in one place only, or EC2 refuses the request.
    assert!(
        !launch.contains("&SecurityGroupId") && !launch.contains("&SubnetId"),
        "{launch}"
    );
}

#[test]
fn an_address_outside_of_its_subnet_is_refused_before_anything_is_made() {
    let host = host(&[&described(&[]), &image(), &micro(), &subnet()]);
    let error = create(&host, placed("10.9.0.9/24")).expect_err("elsewhere");
    assert_eq!(error.kind, ErrorKind::InvalidArgument("nics.address".to_owned()));
    assert!(!sent(&host).iter().any(|body| body.starts_with("RunInstances&")));
}

#[test]
fn spot_key_role_and_forwarding_are_asked_for() {
    let changed = answer("ModifyInstanceAttribute", "<return>true</return>");
    let host = host(&[&described(&[]), &image(), &micro(), &created(), &changed]);
    let options = vec![
        option("spot", true),
        option("key_pair", "mine"),
        option("instance_profile", "reader"),
        option("router", true),
    ];
    create(&host, VmSpec { options, ..spec("a") }).expect("made");
    let sent = sent(&host);
    for part in [
        "InstanceMarketOptions.MarketType=spot",
        "KeyName=mine",
        "IamInstanceProfile.Name=reader",
    ] {
        assert!(sent[3].contains(part), "{part}: {sent:?}");
    }
    assert_eq!(
        sent[4],
        "ModifyInstanceAttribute&InstanceId=i-1&SourceDestCheck.Value=false"
    );
    // A spot instance cannot be stopped, so it cannot be made stopped.
    let stopped = VmSpec {
        options: vec![option("spot", true)],
        start: false,
        ..spec("a")
    };
    let unasked = super::host(&[]);
    assert!(create(&unasked, stopped).is_err() && unasked.requests().is_empty());
}
