//! Looking at load balancers.
//!
//! AWS lists load balancers and target groups, and must be asked for the listeners of each balancer and the members of each
//! group: those questions go out side by side.

use std::collections::{BTreeMap, BTreeSet};

use stockade_provider::host::Host;
use stockade_provider::paginate;
use stockade_provider::types::{Error, Listener, LoadBalancer, PageRequest, Subject};

use super::action;
use super::wire::{self, Balancer, Group};
use crate::client::Client;
use crate::instances;
use crate::instances::one_of;
use crate::paging::{self, Part, Sizes};
use crate::query::Query;
use crate::xml::Element;

/// Pages of 1 to 400: <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html>.
/// Each balancer costs further questions, and a call may ask 1000.
const SIZES: Sizes = Sizes {
    smallest: 1,
    largest: 100,
};
/// The most target groups in an answer.
const GROUPS_IN_A_PAGE: u32 = 400;
/// The most things whose tags are asked for at once:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html>.
const TAGGED_AT_ONCE: usize = 20;

/// Reads the result within an answer: `DescribeTagsResult`.
pub(super) fn result<'a>(root: Element<'a>, query: &Query) -> Result<Element<'a>, Error> {
    let name = format!("{}Result", query.action());
    root.child(&name)
        .ok_or_else(|| Error::upstream(Some(200), None, format!("the answer has no `{name}`")))
}

/// A page of load balancers.
pub(super) fn page<H: Host>(client: &Client<'_, H>, request: &PageRequest) -> Result<Part<LoadBalancer>, Error> {
    let key = |balancer: &Balancer| format!("{} {}", balancer.name, balancer.arn);
    let (found, next) = paging::page(request, SIZES, key, |size, token| {
        let query = action("DescribeLoadBalancers")
            .with("PageSize", size)
            .with_some("Marker", token);
        client.read(&query, "listing load balancers", |root| {
            let result = result(root, &query)?;
            Ok((wire::balancers(result), result.string("NextMarker")))
        })
    })?;
    Ok((complete(client, found)?, next))
}

/// The load balancer of this ARN or name; none when there is none.
///
/// # Errors
/// `ambiguous` when several carry the name, which AWS itself does not let happen.
pub(super) fn find<H: Host>(client: &Client<'_, H>, name: &str) -> Result<Option<Balancer>, Error> {
    let is_arn = name.starts_with("arn:");
    // AWS complains about a name of another shape, which is nobody's.
    if !is_arn && super::spec::check_name(name).is_err() {
        return Ok(None);
    }
    let list = if is_arn {
        "LoadBalancerArns.member"
    } else {
        "Names.member"
    };
    let query = action("DescribeLoadBalancers").with_list(list, [name]);
    let doing = format!("looking for load balancer `{name}`");
    let subject = Subject::new("load-balancer", name);
    let found = client.read_about(&query, &doing, Some(subject), |root| {
        Ok(wire::balancers(result(root, &query)?))
    });
    match found {
        Ok(mut found) => {
            found.retain(|balancer| balancer.name == name || balancer.arn == name);
            one_of("load-balancer", name, found, |balancer| &balancer.arn)
        }
        Err(error) if matches!(error.kind, stockade_provider::types::ErrorKind::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The load balancer of this ARN or name.
///
/// # Errors
/// `not-found` and `ambiguous`.
pub(super) fn get<H: Host>(client: &Client<'_, H>, name: &str) -> Result<Balancer, Error> {
    find(client, name)?.ok_or_else(|| Error::not_found("load-balancer", name))
}

/// The target groups of a load balancer, or of all.
pub(super) fn target_groups<H: Host>(client: &Client<'_, H>, balancer: Option<&str>) -> Result<Vec<Group>, Error> {
    let doing = "listing target groups";
    paginate::collect(doing, |marker| {
        let query = action("DescribeTargetGroups")
            .with("PageSize", GROUPS_IN_A_PAGE)
            .with_some("LoadBalancerArn", balancer)
            .with_some("Marker", marker);
        client.read(&query, doing, |root| {
            let result = result(root, &query)?;
            Ok((wire::groups(result), result.string("NextMarker")))
        })
    })
}

/// The members of target groups, in their order.
pub(super) fn members_of<H: Host>(client: &Client<'_, H>, groups: &[&Group]) -> Result<Vec<Vec<String>>, Error> {
    let query = |group: &&Group| action("DescribeTargetHealth").with("TargetGroupArn", &group.arn);
    let queries: Vec<Query> = groups.iter().map(query).collect();
    client.read_all(&queries, "reading the members of load balancers", |root, query| {
        Ok(wire::members(result(root, query)?))
    })
}

/// The tags of load balancers and target groups, by ARN.
pub(super) fn tags<H: Host>(
    client: &Client<'_, H>,
    arns: &[&str],
) -> Result<BTreeMap<String, BTreeMap<String, String>>, Error> {
    let query = |arns: &[&str]| action("DescribeTags").with_list("ResourceArns.member", arns);
    let queries: Vec<Query> = arns.chunks(TAGGED_AT_ONCE).map(query).collect();
    let all = client.read_all(&queries, "reading the tags of load balancers", |root, query| {
        Ok(wire::tags(result(root, query)?))
    })?;
    Ok(all.into_iter().flatten().collect())
}

/// What load balancers are to the contract: with their listeners and members.
pub(super) fn complete<H: Host>(client: &Client<'_, H>, found: Vec<Balancer>) -> Result<Vec<LoadBalancer>, Error> {
    let one = match found.as_slice() {
        [] => return Ok(Vec::new()),
        [one] => Some(one.arn.as_str()),
        _ => None,
    };
    let groups = target_groups(client, one)?;
    let arns: BTreeSet<&str> = found.iter().map(|balancer| balancer.arn.as_str()).collect();
    let is_used = |group: &&Group| group.balancers.iter().any(|arn| arns.contains(arn.as_str()));
    let used: Vec<&Group> = groups.iter().filter(is_used).collect();
    let members = members_of(client, &used)?;
    let names = instance_names(client, &members)?;
    let query = |balancer: &Balancer| action("DescribeListeners").with("LoadBalancerArn", &balancer.arn);
    let queries: Vec<Query> = found.iter().map(query).collect();
    let ports = client.read_all(&queries, "reading the listeners of load balancers", |root, query| {
        Ok(wire::ports(result(root, query)?))
    })?;
    let complete = found.into_iter().zip(ports).map(|(balancer, ports)| {
        let of_it = used
            .iter()
            .zip(&members)
            .filter(|(group, _)| group.balancers.contains(&balancer.arn));
        let ids: BTreeSet<&String> = of_it.flat_map(|(_, members)| members).collect();
        let mut members: Vec<String> = ids.into_iter().map(|id| names.get(id).unwrap_or(id).clone()).collect();
        members.sort();
        let mut listeners: Vec<Listener> = ports.into_iter().map(|port| listener(port, &groups)).collect();
        listeners.sort_by_key(|listener| (listener.port, listener.protocol.clone()));
        LoadBalancer {
            id: balancer.arn,
            name: balancer.name,
            address: balancer.dns_name,
            listeners,
            members,
            vendor_status: balancer.state,
        }
    });
    Ok(complete.collect())
}

fn listener(port: wire::Port, groups: &[Group]) -> Listener {
    let group = groups.iter().find(|group| Some(&group.arn) == port.group.as_ref());
    Listener {
        member_port: group.and_then(|group| group.port).filter(|member| *member != port.port),
        check_path: group.and_then(|group| group.check_path.clone()),
        protocol: port.protocol,
        port: port.port,
    }
}

/// The names of instances by their ids; what is no instance, or gone, has none.
fn instance_names<H: Host>(client: &Client<'_, H>, members: &[Vec<String>]) -> Result<BTreeMap<String, String>, Error> {
    let is_instance = |id: &&&str| instances::is_id(id, "i");
    let ids: BTreeSet<&str> = members.iter().flatten().map(String::as_str).collect();
    let ids: Vec<&str> = ids.iter().filter(|id| is_instance(id)).copied().collect();
    let mut names = BTreeMap::new();
    // A filter takes 200 values (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>).
    for ids in ids.chunks(200) {
        let query = Query::ec2("DescribeInstances").with_filter("instance-id", ids);
        let found = client.read(&query, "reading the members of load balancers", |root| {
            Ok(crate::instance::all(root))
        })?;
        names.extend(
            found
                .into_iter()
                .map(|instance| (instance.id.clone(), instance.name().to_owned())),
        );
    }
    Ok(names)
}

/// The service's word for what a load balancer is doing; none when there is none of this ARN.
///
/// # Errors
/// Why it failed, when it did.
pub(crate) fn state<H: Host>(client: &Client<'_, H>, arn: &str) -> Result<Option<String>, Error> {
    match find(client, arn)? {
        Some(balancer) if balancer.state == "failed" => {
            let why = balancer.reason.unwrap_or_else(|| "AWS does not say why".to_owned());
            let message = format!("while creating load balancer `{}`: {why}", balancer.name);
            Err(Error::upstream(None, Some(balancer.state), message))
        }
        found => Ok(found.map(|balancer| balancer.state)),
    }
}
