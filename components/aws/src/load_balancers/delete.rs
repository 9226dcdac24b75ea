//! Deleting a load balancer with what was made for it: target groups and a name in the DNS. Groups that somebody else made
//! stay, and so do the VMs.

use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, ErrorKind, Subject};

use super::{DNS_TAG, TAG, action, read};
use crate::client::Client;
use crate::dns;
use crate::operations::done;

/// Waits for a target group to be let go of, in milliseconds: its listener goes with the load balancer a moment later.
const RELEASE_MS: [u32; 6] = [250, 500, 1000, 2000, 4000, 8000];

/// Deletes a load balancer.
pub(super) fn delete<H: Host>(client: &Client<'_, H>, load_balancer: &str) -> Result<Change, Error> {
    let found = read::get(client, load_balancer)?;
    let doing = format!("deleting load balancer `{}`", found.name);
    let groups = read::target_groups(client, Some(&found.arn))?;
    let arns: Vec<&str> = groups
        .iter()
        .map(|group| group.arn.as_str())
        .chain([found.arn.as_str()])
        .collect();
    let tags = read::tags(client, &arns)?;
    let tag = |arn: &str, key: &str| tags.get(arn).and_then(|tags| tags.get(key)).cloned();
    if let (Some(name), Some(target)) = (tag(&found.arn, DNS_TAG), &found.dns_name) {
        dns::delete_alias(client.host(), client.function(), &name, target)?;
    }
    let query = action("DeleteLoadBalancer").with("LoadBalancerArn", &found.arn);
    client.change(&query, &doing, Some(Subject::new("load-balancer", load_balancer)))?;
    for group in groups {
        if tag(&group.arn, TAG).as_ref() == Some(&found.name) {
            release(client, &group.arn, &doing)?;
        }
    }
    Ok(done(found.arn))
}

/// Deletes a target group as soon as no listener uses it.
fn release<H: Host>(client: &Client<'_, H>, group: &str, doing: &str) -> Result<(), Error> {
    let query = action("DeleteTargetGroup").with("TargetGroupArn", group);
    let mut waits = RELEASE_MS.iter();
    loop {
        match (client.change(&query, doing, None), waits.next()) {
            (Err(error), Some(wait_ms)) if error.kind == ErrorKind::Conflict => client.host().sleep(*wait_ms),
            (outcome, _) => return outcome,
        }
    }
}
