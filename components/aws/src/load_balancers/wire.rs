//! Load balancers, listeners and target groups as the service answers them.
//!
//! Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Types.html>.

use std::collections::BTreeMap;

use crate::xml::Element;

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Balancer {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) dns_name: Option<String>,
    /// The zone of that name, for aliases.
    pub(super) dns_zone: Option<String>,
    pub(super) state: String,
    /// Why it failed.
    pub(super) reason: Option<String>,
}

pub(super) fn balancers(result: Element<'_>) -> Vec<Balancer> {
    let balancer = |item: Element<'_>| {
        let state = item.child("State");
        Some(Balancer {
            arn: item.string("LoadBalancerArn")?,
            name: item.string("LoadBalancerName")?,
            dns_name: item.string("DNSName"),
            dns_zone: item.string("CanonicalHostedZoneId"),
            state: state.and_then(|state| state.string("Code")).unwrap_or_default(),
            reason: state.and_then(|state| state.string("Reason")),
        })
    };
    result.set("LoadBalancers").filter_map(balancer).collect()
}

/// A listener, and the target group that it leads to when it leads to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) protocol: String,
    pub(super) port: u16,
    pub(super) group: Option<String>,
}

pub(super) fn ports(result: Element<'_>) -> Vec<Port> {
    let port = |item: Element<'_>| {
        let action = item
            .set("DefaultActions")
            .find(|action| action.text("Type") == Some("forward"));
        let group = action.and_then(|action| {
            // Several groups are in a configuration of their own; the first stands for them.
            let several = || {
                action
                    .child("ForwardConfig")?
                    .set("TargetGroups")
                    .next()?
                    .string("TargetGroupArn")
            };
            action.string("TargetGroupArn").or_else(several)
        });
        Some(Port {
            protocol: item.text("Protocol")?.to_ascii_lowercase(),
            port: item.text("Port")?.trim().parse().ok()?,
            group,
        })
    };
    result.set("Listeners").filter_map(port).collect()
}

/// A target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) port: Option<u16>,
    /// The path that is asked for, when it is checked by HTTP.
    pub(super) check_path: Option<String>,
    pub(super) balancers: Vec<String>,
    /// Whether its members are VMs, not addresses or other things.
    pub(super) is_of_instances: bool,
}

pub(super) fn groups(result: Element<'_>) -> Vec<Group> {
    let group = |item: Element<'_>| {
        let is_http = matches!(item.text("HealthCheckProtocol"), Some("HTTP" | "HTTPS"));
        let balancers = item.child("LoadBalancerArns");
        let balancers = balancers.into_iter().flat_map(|arns| arns.children("member"));
        Some(Group {
            arn: item.string("TargetGroupArn")?,
            name: item.string("TargetGroupName")?,
            port: item.text("Port").and_then(|port| port.trim().parse().ok()),
            check_path: item.string("HealthCheckPath").filter(|_| is_http),
            balancers: balancers.map(|arn| arn.own_text().to_owned()).collect(),
            is_of_instances: matches!(item.text("TargetType"), None | Some("instance")),
        })
    };
    result.set("TargetGroups").filter_map(group).collect()
}

/// The members of a group that are not on their way out.
pub(super) fn members(result: Element<'_>) -> Vec<String> {
    let member = |item: Element<'_>| {
        let is_leaving = item.child("TargetHealth").and_then(|health| health.text("State")) == Some("draining");
        item.child("Target")
            .and_then(|target| target.string("Id"))
            .filter(|_| !is_leaving)
    };
    result.set("TargetHealthDescriptions").filter_map(member).collect()
}

/// The tags of each thing.
pub(super) fn tags(result: Element<'_>) -> BTreeMap<String, BTreeMap<String, String>> {
    let described = |item: Element<'_>| {
        let tag = |tag: Element<'_>| Some((tag.string("Key")?, tag.string("Value").unwrap_or_default()));
        Some((item.string("ResourceArn")?, item.set("Tags").filter_map(tag).collect()))
    };
    result.set("TagDescriptions").filter_map(described).collect()
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    fn read<T>(text: &str, parse: impl FnOnce(Element<'_>) -> T) -> T {
        let document = Document::parse(text).expect("xml");
        parse(Element::root(&document))
    }

    #[test]
    fn a_check_by_connection_has_no_path_whatever_the_answer_says() {
        let text = |protocol: &str| {
            format!(
                "<R><TargetGroups><member><TargetGroupArn>a</TargetGroupArn><TargetGroupName>g</TargetGroupName><Port>80</Port>\
                 <HealthCheckProtocol>{protocol}</HealthCheckProtocol><HealthCheckPath>/</HealthCheckPath><LoadBalancerArns><member>lb</member>\
                 </LoadBalancerArns><TargetType>instance</TargetType></member></TargetGroups></R>"
            )
        };
        assert_eq!(read(&text("TCP"), groups)[0].check_path, None);
        let group = &read(&text("HTTP"), groups)[0];
        assert_eq!(
            (group.check_path.as_deref(), group.balancers[0].as_str()),
            (Some("/"), "lb")
        );
    }

    #[test]
    fn members_that_leave_are_none_and_listeners_lead_to_their_group() {
        let text = "<R><TargetHealthDescriptions><member><Target><Id>i-1</Id></Target><TargetHealth><State>healthy</State>\
            </TargetHealth></member><member><Target><Id>i-2</Id></Target><TargetHealth><State>draining</State></TargetHealth>\
            </member></TargetHealthDescriptions></R>";
        assert_eq!(read(text, members), ["i-1"]);
        let text = "<R><Listeners><member><Protocol>TCP</Protocol><Port>80</Port><DefaultActions><member><Type>forward</Type>\
            <ForwardConfig><TargetGroups><member><TargetGroupArn>g</TargetGroupArn></member></TargetGroups></ForwardConfig>\
            </member></DefaultActions></member></Listeners></R>";
        let expected = Port {
            protocol: "tcp".to_owned(),
            port: 80,
            group: Some("g".to_owned()),
        };
        assert_eq!(read(text, ports), [expected]);
    }
}
