//! Creating a load balancer with listeners, target groups, members and a name in the DNS.

use std::collections::{BTreeMap, BTreeSet};

use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, Listener, LoadBalancerSpec, Subject};

use super::spec::{Kind, Wanted, wanted};
use super::wire::{self, Balancer};
use super::{DNS_TAG, TAG, action, members, read};
use crate::client::Client;
use crate::dns;
use crate::networks::{VPC, default_vpc};
use crate::operations::{self, done};
use crate::query::Query;
use crate::security_groups;
use crate::subnets::{Place, SUBNET};
use crate::things::{Thing, Undo};

/// Where a load balancer goes.
struct Site {
    vpc: String,
    subnets: Vec<String>,
}

/// Creates a load balancer.
pub(super) fn create<H: Host>(client: &Client<'_, H>, spec: &LoadBalancerSpec) -> Result<Change, Error> {
    let wanted = wanted(spec)?;
    if read::find(client, &spec.name)?.is_some() {
        return Err(Error::already_exists("load-balancer", &spec.name));
    }
    let site = site(client, spec, wanted.kind)?;
    let vms = members::instances(client, &spec.members)?;
    let groups = security_groups::ids_of(client, &site.vpc, wanted.groups)?;
    if let Some(name) = &spec.dns_name {
        dns::expect_no_addresses(client.host(), client.function(), name)?;
    }
    let mut undo = Undo::default();
    let outcome = make(client, spec, &wanted, (&site, &groups, &vms), &mut undo);
    let balancer = undo.unless_ok(client, outcome)?;
    Ok(match balancer.state.as_str() {
        "active" => done(balancer.arn),
        _ => operations::pending(client.host(), operations::Kind::LoadBalancer, &balancer.arn, "active"),
    })
}

/// The subnets for a load balancer: the one that is named, or one in each zone of the network.
fn site<H: Host>(client: &Client<'_, H>, spec: &LoadBalancerSpec, kind: Kind) -> Result<Site, Error> {
    let vpc = match &spec.network {
        None => default_vpc(client)?.id,
        Some(network) => match VPC.find(client, network, &[], |_| ())? {
            Some(vpc) => vpc.id,
            None => match SUBNET.find(client, network, &[], Place::read)? {
                Some(subnet) => return one_subnet(subnet, kind),
                None => return Err(Error::not_found("network", network)),
            },
        },
    };
    let all = SUBNET.all(client, &[("vpc-id", &[&vpc])], Place::read)?;
    let subnets = one_in_each_zone(all, spec.internal);
    let needed = if kind == Kind::Application { 2 } else { 1 };
    if subnets.len() < needed {
        let message = format!(
            "the network has subnets in {} availability zones, and this load balancer needs them in {needed}; create more",
            subnets.len()
        );
        return Err(Error::invalid_argument("network", message));
    }
    Ok(Site { vpc, subnets })
}

fn one_subnet(subnet: Thing<Place>, kind: Kind) -> Result<Site, Error> {
    match kind {
        Kind::Network => Ok(Site {
            vpc: subnet.more.vpc,
            subnets: vec![subnet.id],
        }),
        Kind::Application => Err(Error::cannot_honour(
            "network",
            "a load balancer for requests stands in subnets of two availability zones or more; name the network",
        )),
    }
}

/// One subnet in each zone: one whose VMs get public addresses where the load balancer is to be reached from outside, and
/// then the first by id, so that the choice is always the same.
fn one_in_each_zone(all: Vec<Thing<Place>>, internal: bool) -> Vec<String> {
    let mut zones: BTreeMap<String, (bool, String)> = BTreeMap::new();
    for subnet in all {
        let candidate = (subnet.more.is_public == internal, subnet.id);
        let zone = subnet.more.zone.unwrap_or_default();
        match zones.get_mut(&zone) {
            Some(chosen) if *chosen <= candidate => {}
            Some(chosen) => *chosen = candidate,
            None => drop(zones.insert(zone, candidate)),
        }
    }
    zones.into_values().map(|(_, id)| id).collect()
}

/// Adds tags as this service takes them.
fn tagged(mut query: Query, tags: &[(&str, &str)]) -> Query {
    for (index, (key, value)) in tags.iter().enumerate() {
        query.set(format!("Tags.member.{}.Key", index + 1), key);
        query.set(format!("Tags.member.{}.Value", index + 1), value);
    }
    query
}

fn make<H: Host>(
    client: &Client<'_, H>,
    spec: &LoadBalancerSpec,
    wanted: &Wanted<'_>,
    (site, groups, vms): (&Site, &[String], &BTreeSet<String>),
    undo: &mut Undo,
) -> Result<Balancer, Error> {
    let doing = format!("creating load balancer `{}`", spec.name);
    let (kind, scheme) = (
        match wanted.kind {
            Kind::Network => "network",
            Kind::Application => "application",
        },
        if spec.internal { "internal" } else { "internet-facing" },
    );
    let query = action("CreateLoadBalancer")
        .with("Name", &spec.name)
        .with("Type", kind)
        .with("Scheme", scheme)
        .with_list("Subnets.member", &site.subnets)
        .with_list("SecurityGroups.member", groups);
    let dns_tag = spec.dns_name.iter().map(|name| (DNS_TAG, name.as_str()));
    let tags: Vec<(&str, &str)> = [(TAG, spec.name.as_str())].into_iter().chain(dns_tag).collect();
    let query = tagged(query, &tags);
    let subject = Some(Subject::new("load-balancer", &spec.name));
    let balancer = client.read_about(&query, &doing, subject, |root| {
        let made = wire::balancers(read::result(root, &query)?).pop();
        made.ok_or_else(|| {
            Error::upstream(
                Some(200),
                None,
                format!("while {doing}: the answer has no load balancer"),
            )
        })
    })?;
    // Groups can be deleted when the balancer that uses them is: what is noted last is undone first.
    let mut made_groups = Vec::new();
    let outcome = listen(client, spec, wanted, (&balancer, site, vms), &mut made_groups);
    for group in &made_groups {
        undo.note(action("DeleteTargetGroup").with("TargetGroupArn", group));
    }
    undo.note(action("DeleteLoadBalancer").with("LoadBalancerArn", &balancer.arn));
    outcome?;
    if let Some(name) = &spec.dns_name {
        let target = balancer
            .dns_zone
            .as_deref()
            .zip(balancer.dns_name.as_deref())
            .ok_or_else(|| {
                Error::upstream(
                    Some(200),
                    None,
                    format!("while {doing}: AWS gave it no name that `{name}` could lead to"),
                )
            })?;
        dns::set_alias(client.host(), client.function(), name, target)?;
    }
    Ok(balancer)
}

/// Makes a target group and a listener for each port.
fn listen<H: Host>(
    client: &Client<'_, H>,
    spec: &LoadBalancerSpec,
    wanted: &Wanted<'_>,
    (balancer, site, vms): (&Balancer, &Site, &BTreeSet<String>),
    made_groups: &mut Vec<String>,
) -> Result<(), Error> {
    for listener in &spec.listeners {
        let doing = format!("making port {} of load balancer `{}`", listener.port, spec.name);
        let query = tagged(group_query(spec, listener, &site.vpc), &[(TAG, &spec.name)]);
        let group = client.read(&query, &doing, |root| {
            let made = wire::groups(read::result(root, &query)?).pop();
            made.map(|group| group.arn).ok_or_else(|| {
                Error::upstream(
                    Some(200),
                    None,
                    format!("while {doing}: the answer has no target group"),
                )
            })
        })?;
        made_groups.push(group.clone());
        if !vms.is_empty() {
            let ids: Vec<String> = vms.iter().cloned().collect();
            client.change(&members::registration("RegisterTargets", &group, &ids), &doing, None)?;
        }
        let query = action("CreateListener")
            .with("LoadBalancerArn", &balancer.arn)
            .with("Protocol", listener.protocol.to_ascii_uppercase())
            .with("Port", listener.port)
            .with("DefaultActions.member.1.Type", "forward")
            .with("DefaultActions.member.1.TargetGroupArn", &group);
        let certificate = wanted.certificate.filter(|_| listener.protocol == "https");
        let query = query.with_some("Certificates.member.1.CertificateArn", certificate);
        client.change(&query, &doing, None)?;
    }
    Ok(())
}

/// The creation of a listener's target group. TLS ends at the load balancer: members of `https` are spoken to by HTTP.
fn group_query(spec: &LoadBalancerSpec, listener: &Listener, vpc: &str) -> Query {
    let protocol = match listener.protocol.as_str() {
        "tcp" => "TCP",
        "udp" => "UDP",
        _ => "HTTP",
    };
    let check = if listener.check_path.is_some() { "HTTP" } else { "TCP" };
    action("CreateTargetGroup")
        .with("Name", group_name(&spec.name, listener.port))
        .with("Protocol", protocol)
        .with("Port", listener.member_port.unwrap_or(listener.port))
        .with("VpcId", vpc)
        .with("TargetType", "instance")
        .with("HealthCheckProtocol", check)
        .with_some("HealthCheckPath", listener.check_path.as_deref())
}

/// A target group's name: unique in the account and region and at most 32 characters, as long as a load balancer's own may
/// be; so that one is in it by a hash (FNV-1a, 64 bits).
fn group_name(balancer: &str, port: u16) -> String {
    let hash = balancer.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("sk-{hash:016x}-{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_target_groups_fit_and_differ() {
        let names = [("a", 80), ("a", 65_535), ("b", 80)].map(|(name, port)| group_name(name, port));
        assert!(names.iter().all(|name| name.len() <= 32), "{names:?}");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn one_subnet_of_each_zone_is_chosen_always_the_same() {
        let subnet = |id: &str, zone: &str, is_public: bool| Thing {
            id: id.to_owned(),
            name: id.to_owned(),
            tags: vec![],
            more: Place {
                vpc: "vpc-1".to_owned(),
                cidr: String::new(),
                zone: Some(zone.to_owned()),
                is_public,
            },
        };
        let all = || {
            vec![
                subnet("s3", "b", false),
                subnet("s2", "a", true),
                subnet("s1", "a", false),
                subnet("s0", "a", false),
            ]
        };
        assert_eq!(one_in_each_zone(all(), false), ["s2", "s3"]);
        assert_eq!(one_in_each_zone(all(), true), ["s0", "s3"]);
    }
}
