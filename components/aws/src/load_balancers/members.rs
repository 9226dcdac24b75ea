//! The VMs behind a load balancer.

use std::collections::BTreeSet;

use stockade_provider::host::Host;
use stockade_provider::types::Error;

use super::wire::Group;
use super::{action, read};
use crate::client::Client;
use crate::instances;
use crate::query::Query;

/// The ids of VMs by name or id, each once.
///
/// # Errors
/// `not-found` and `ambiguous`.
pub(super) fn instances<H: Host>(client: &Client<'_, H>, members: &[String]) -> Result<BTreeSet<String>, Error> {
    let id = |member: &String| instances::get(client, member).map(|instance| instance.id);
    members.iter().map(id).collect()
}

/// Makes these VMs the members of all of a load balancer's groups: adds those that are missing and removes the others.
///
/// # Errors
/// `conflict` when a group has members that are no VMs, which somebody else must have made so.
pub(super) fn set<H: Host>(
    client: &Client<'_, H>,
    name: &str,
    groups: &[Group],
    vms: &BTreeSet<String>,
) -> Result<(), Error> {
    if let Some(other) = groups.iter().find(|group| !group.is_of_instances) {
        return Err(Error::conflict(format!(
            "target group `{}` of load balancer `{name}` has members that are no VMs; change it where it was made",
            other.name
        )));
    }
    let doing = format!("setting the members of load balancer `{name}`");
    let have = read::members_of(client, &groups.iter().collect::<Vec<_>>())?;
    let steps = |verb: &'static str, change: &dyn Fn(&BTreeSet<String>) -> Vec<String>| -> Result<(), Error> {
        for (group, have) in groups.iter().zip(&have) {
            let ids = change(&have.iter().cloned().collect());
            if !ids.is_empty() {
                client.change(&registration(verb, &group.arn, &ids), &doing, None)?;
            }
        }
        Ok(())
    };
    // Those that stay keep serving: new ones first.
    steps("RegisterTargets", &|have| vms.difference(have).cloned().collect())?;
    steps("DeregisterTargets", &|have| have.difference(vms).cloned().collect())
}

/// A request that adds members to a group or removes them.
pub(super) fn registration(verb: &'static str, group: &str, ids: &[String]) -> Query {
    let mut query = action(verb).with("TargetGroupArn", group);
    for (index, id) in ids.iter().enumerate() {
        query.set(format!("Targets.member.{}.Id", index + 1), id);
    }
    query
}
