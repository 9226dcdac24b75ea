//! Networks: a creation that fails leaves nothing, and nobody else's things are deleted.

use stockade_provider::abilities::{Networks, Operations, SecurityGroups, Subnets};
use stockade_provider::types::NetworkSpec;

use super::*;
use crate::Aws;

fn spec(mode: &str, options: Vec<OptionEntry>) -> NetworkSpec {
    NetworkSpec {
        name: "net".to_owned(),
        cidrs: vec![],
        mode: Some(mode.to_owned()),
        dhcp: true,
        domain: None,
        metadata: vec![],
        options,
    }
}

fn actions(host: &FakeHost) -> Vec<String> {
    let action = |body: String| body.split('&').next().unwrap_or_default().to_owned();
    sent(host).into_iter().map(action).collect()
}

fn made(action: &str, element: &str, id: &str) -> String {
    answer(action, &format!("<{element}>{id}</{element}>"))
}

fn vpc_made() -> String {
    answer("CreateVpc", "<vpc><vpcId>vpc-00000001</vpcId></vpc>")
}

fn main_table() -> String {
    answer(
        "DescribeRouteTables",
        "<routeTableSet><item><routeTableId>rtb-00000001</routeTableId></item></routeTableSet>",
    )
}

#[test]
fn what_was_made_is_undone_the_last_first_when_a_step_fails() {
    let host = host(&[
        &answer("DescribeVpcs", "<vpcSet/>"),
        &vpc_made(),
        &made("CreateInternetGateway", "internetGatewayId", "igw-00000001"),
        &answer("AttachInternetGateway", ""),
        &main_table(),
    ]);
    host.answer(Ok(error(400, "RouteLimitExceeded", "no more routes")));
    for action in ["DetachInternetGateway", "DeleteInternetGateway", "DeleteVpc"] {
        host.answer(Ok(Response::new(200).with_body(answer(action, ""))));
    }
    let failed = Aws::create_network(&host, spec("route", vec![])).expect_err("no more routes");
    assert_eq!(
        failed.kind,
        ErrorKind::QuotaExceeded(Some("RouteLimitExceeded".to_owned()))
    );
    assert_eq!(
        actions(&host),
        [
            "DescribeVpcs",
            "CreateVpc",
            "CreateInternetGateway",
            "AttachInternetGateway",
            "DescribeRouteTables",
            "CreateRoute",
            "DetachInternetGateway",
            "DeleteInternetGateway",
            "DeleteVpc"
        ]
    );
    assert!(
        sent(&host)[1].contains("CidrBlock=10.0.0.0%2F16"),
        "{:?}",
        sent(&host)[1]
    );
    assert!(
        sent(&host)[2].contains("Key=stockade%3Apart-of"),
        "{:?}",
        sent(&host)[2]
    );
}

#[test]
fn what_cannot_be_undone_is_named() {
    let host = host(&[&answer("DescribeVpcs", "<vpcSet/>"), &vpc_made()]);
    host.answer(Ok(error(403, "UnauthorizedOperation", "no gateways for you")));
    host.answer(Ok(error(403, "UnauthorizedOperation", "no deletions either")));
    let failed = Aws::create_network(&host, spec("route", vec![])).expect_err("denied");
    assert_eq!(failed.kind, ErrorKind::Denied);
    assert!(failed.message.contains("`DeleteVpc` failed too"), "{}", failed.message);
}

#[test]
fn what_is_new_is_waited_for_and_a_nat_gateway_is_pending() {
    let option = OptionEntry {
        name: "nat_subnet".to_owned(),
        value: "10.0.255.0/28".into(),
    };
    let host = host(&[
        &answer("DescribeVpcs", "<vpcSet/>"),
        &vpc_made(),
        &made("CreateInternetGateway", "internetGatewayId", "igw-00000001"),
    ]);
    host.answer(Ok(error(
        400,
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-00000001' does not exist",
    )));
    for answer in [
        answer("AttachInternetGateway", ""),
        main_table(),
        made("CreateSubnet", "subnetId", "subnet-00000001"),
        made("CreateRouteTable", "routeTableId", "rtb-00000002"),
        made("AssociateRouteTable", "associationId", "rtbassoc-00000001"),
        answer("CreateRoute", ""),
        made("AllocateAddress", "allocationId", "eipalloc-00000001"),
        made("CreateNatGateway", "natGatewayId", "nat-00000001"),
        answer("CreateRoute", ""),
    ] {
        host.answer(Ok(Response::new(200).with_body(answer)));
    }
    let change = Aws::create_network(&host, spec("nat", vec![option])).expect("made");
    assert_eq!((change.id.as_str(), host.sleeps()), ("vpc-00000001", vec![200]));
    let token = change.pending.expect("a NAT gateway takes minutes");
    let nat = |state: &str| {
        let more = match state {
            "failed" => {
                "<failureCode>InsufficientFreeAddressesInSubnet</failureCode><failureMessage>full</failureMessage>"
            }
            _ => "",
        };
        let item = format!("<item><natGatewayId>nat-00000001</natGatewayId><state>{state}</state>{more}</item>");
        super::host(&[&answer(
            "DescribeNatGateways",
            &format!("<natGatewaySet>{item}</natGatewaySet>"),
        )])
    };
    for (state, done) in [("pending", false), ("available", true)] {
        assert_eq!(
            Aws::poll_operation(&nat(state), token.clone()).expect("state").done,
            done
        );
    }
    let failed = Aws::poll_operation(&nat("failed"), token).expect_err("failed");
    assert!(matches!(failed.kind, ErrorKind::QuotaExceeded(_)), "{failed:?}");
}

#[test]
fn specs_that_aws_cannot_honour_ask_for_nothing() {
    let refused = |change: &dyn Fn(&mut NetworkSpec)| {
        let mut spec = spec("route", vec![]);
        change(&mut spec);
        Aws::create_network(&host(&[]), spec).expect_err("refused").kind
    };
    let field = |name: &str| ErrorKind::InvalidArgument(name.to_owned());
    assert_eq!(refused(&|spec| spec.dhcp = false), field("dhcp"));
    assert_eq!(refused(&|spec| spec.mode = Some("bridge".to_owned())), field("mode"));
    assert_eq!(refused(&|spec| spec.mode = Some("nat".to_owned())), field("nat_subnet"));
    assert_eq!(
        refused(&|spec| spec.cidrs = vec!["2001:db8::/56".to_owned()]),
        field("cidrs")
    );
    assert_eq!(refused(&|spec| spec.name = String::new()), field("name"));
    let tag = |key: &str| Tag {
        key: key.to_owned(),
        value: "x".to_owned(),
    };
    for key in ["Name", "stockade:part-of", "aws:x"] {
        assert_eq!(
            refused(&|spec| spec.metadata = vec![tag(key)]),
            field("metadata"),
            "{key}"
        );
    }
}

/// The words of <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html> and of EC2 itself.
#[test]
fn what_is_in_use_is_a_conflict_and_stays() {
    let subnets = "<subnetSet><item><subnetId>subnet-00000001</subnetId><vpcId>vpc-00000001</vpcId></item></subnetSet>";
    let held = host(&[&answer("DescribeSubnets", subnets)]);
    let words = "The subnet 'subnet-00000001' has dependencies and cannot be deleted.";
    held.answer(Ok(error(400, "DependencyViolation", words)));
    let refused = <Aws as Subnets<FakeHost>>::delete_subnet(&held, "subnet-00000001".to_owned()).expect_err("in use");
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.message.contains(words), "{}", refused.message);
    assert_eq!(actions(&held), ["DescribeSubnets", "DeleteSubnet"]);
    for code in ["DependencyViolation", "InvalidGroup.InUse"] {
        let groups = "<securityGroupInfo><item><groupId>sg-00000001</groupId><groupName>web</groupName></item></securityGroupInfo>";
        let held = host(&[&answer("DescribeSecurityGroups", groups)]);
        held.answer(Ok(error(400, code, "resource sg-00000001 has a dependent object")));
        let refused = <Aws as SecurityGroups<FakeHost>>::delete_security_group(&held, "sg-00000001".to_owned())
            .expect_err("in use");
        assert_eq!(refused.kind, ErrorKind::Conflict, "{code}");
        assert!(refused.request_id.is_some());
        assert_eq!(actions(&held), ["DescribeSecurityGroups", "DeleteSecurityGroup"]);
    }
}
