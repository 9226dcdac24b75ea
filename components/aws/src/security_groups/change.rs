//! From the permissions that a group has to those that it shall have.
//!
//! What is missing is added before what is surplus is removed, so that traffic which both allow is never cut; when the
//! second step fails, what was added is removed again.

use stockade_provider::host::Host;
use stockade_provider::types::Error;

use super::rule::Permission;
use crate::client::Client;
use crate::query::Query;
use crate::things::{Undo, settled};

/// Makes a group's permissions these; `group` is its id and its name.
pub(super) fn apply<H: Host>(
    client: &Client<'_, H>,
    group: (&str, &str),
    have: &[Permission],
    want: &[Permission],
) -> Result<(), Error> {
    let difference = Difference::between(have, want);
    let doing = format!("setting the rules of security group `{}`", group.1);
    let send = |query: Query| settled(client.host(), || client.change(&query, &doing, None));
    let mut undo = Undo::default();
    let outcome = (|| {
        for is_egress in [false, true] {
            if let Some(query) = query("Authorize", group.0, is_egress, &difference.missing) {
                send(query)?;
                if let Some(back) = self::query("Revoke", group.0, is_egress, &difference.missing) {
                    undo.note(back);
                }
            }
        }
        for is_egress in [false, true] {
            if let Some(query) = query("UpdateRuleDescriptions", group.0, is_egress, &difference.renamed) {
                send(query)?;
            }
        }
        for is_egress in [false, true] {
            if let Some(query) = query("Revoke", group.0, is_egress, &difference.surplus) {
                send(query)?;
                if let Some(back) = self::query("Authorize", group.0, is_egress, &difference.surplus) {
                    undo.note(back);
                }
            }
        }
        Ok(())
    })();
    undo.unless_ok(client, outcome)
}

/// What has to change.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    missing: Vec<Permission>,
    surplus: Vec<Permission>,
    /// The same traffic with another description.
    renamed: Vec<Permission>,
}

impl Difference {
    fn between(have: &[Permission], want: &[Permission]) -> Self {
        let among = |one: &Permission, all: &[Permission]| all.iter().find(|other| other.is_same_traffic(one)).cloned();
        let is_renamed = |one: &&Permission| among(one, have).is_some_and(|other| other.description != one.description);
        Self {
            missing: want.iter().filter(|one| among(one, have).is_none()).cloned().collect(),
            surplus: have.iter().filter(|one| among(one, want).is_none()).cloned().collect(),
            renamed: want.iter().filter(is_renamed).cloned().collect(),
        }
    }
}

/// The request that does this with those of the permissions that are of one direction; none when there are none.
fn query(verb: &str, group: &str, is_egress: bool, permissions: &[Permission]) -> Option<Query> {
    let action = match (verb, is_egress) {
        ("Authorize", false) => "AuthorizeSecurityGroupIngress",
        ("Authorize", true) => "AuthorizeSecurityGroupEgress",
        ("Revoke", false) => "RevokeSecurityGroupIngress",
        ("Revoke", true) => "RevokeSecurityGroupEgress",
        (_, false) => "UpdateSecurityGroupRuleDescriptionsIngress",
        (_, true) => "UpdateSecurityGroupRuleDescriptionsEgress",
    };
    let mut permissions = permissions.iter().filter(|one| one.is_egress == is_egress).peekable();
    permissions.peek()?;
    let mut query = Query::ec2(action).with("GroupId", group);
    for (index, permission) in permissions.enumerate() {
        let prefix = format!("IpPermissions.{}", index + 1);
        query.set(format!("{prefix}.IpProtocol"), &permission.protocol);
        if let Some((from, to)) = permission.ports {
            query.set(format!("{prefix}.FromPort"), from);
            query.set(format!("{prefix}.ToPort"), to);
        }
        let (list, member) = match &permission.other {
            other if other.starts_with("sg-") => ("Groups", "GroupId"),
            other if other.starts_with("pl-") => ("PrefixListIds", "PrefixListId"),
            other if other.contains(':') => ("Ipv6Ranges", "CidrIpv6"),
            _ => ("IpRanges", "CidrIp"),
        };
        query.set(format!("{prefix}.{list}.1.{member}"), &permission.other);
        // What is removed is named by its traffic alone.
        if let Some(description) = permission.description.as_ref().filter(|_| verb != "Revoke") {
            query.set(format!("{prefix}.{list}.1.Description"), description);
        }
    }
    Some(query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security_groups::rule::everything_out;

    fn permission(other: &str, description: Option<&str>) -> Permission {
        Permission {
            is_egress: false,
            protocol: "tcp".to_owned(),
            ports: Some((22, 22)),
            other: other.to_owned(),
            description: description.map(str::to_owned),
        }
    }

    #[test]
    fn only_the_difference_changes() {
        let (kept, gone, new) = (
            permission("192.0.2.0/24", None),
            permission("198.51.100.0/24", None),
            permission("2001:db8::/32", Some("new")),
        );
        let renamed = permission("192.0.2.0/24", Some("office"));
        let difference = Difference::between(&[kept.clone(), gone.clone()], &[kept.clone(), new.clone()]);
        assert_eq!(
            (difference.missing, difference.surplus, difference.renamed),
            (vec![new], vec![gone], vec![])
        );
        assert_eq!(
            Difference::between(&[kept], std::slice::from_ref(&renamed)).renamed,
            [renamed]
        );
    }

    #[test]
    fn each_direction_is_one_request() {
        let all = [
            permission("2001:db8::/32", Some("x")),
            permission("sg-1", None),
            everything_out(),
        ];
        let body = |verb, is_egress| {
            let query = query(verb, "sg-9", is_egress, &all).expect("a request");
            String::from_utf8(query.request().body)
                .expect("text")
                .replace("&Version=2016-11-15", "")
        };
        assert_eq!(
            body("Authorize", false),
            "Action=AuthorizeSecurityGroupIngress&GroupId=sg-9&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22\
             &IpPermissions.1.ToPort=22&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=2001%3Adb8%3A%3A%2F32\
             &IpPermissions.1.Ipv6Ranges.1.Description=x&IpPermissions.2.IpProtocol=tcp&IpPermissions.2.FromPort=22\
             &IpPermissions.2.ToPort=22&IpPermissions.2.Groups.1.GroupId=sg-1"
        );
        assert_eq!(
            body("Revoke", true),
            "Action=RevokeSecurityGroupEgress&GroupId=sg-9&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0%2F0"
        );
        assert_eq!(query("Revoke", "sg-9", true, &all[..2]), None);
    }
}
