//! Security groups (<https://docs.openstack.org/api-ref/network/v2/#security-groups-security-groups>).

use serde::Deserialize;
use serde_json::json;

use stockade_provider::abilities::SecurityGroups;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{
    Change, Error, ErrorKind, PageRequest, SecurityGroup, SecurityGroupPage, SecurityGroupSpec, SecurityRule,
};

use super::group_rules::{self, WireRule};
use crate::Openstack;
use crate::change::done;
use crate::cloud::{Cloud, PAGE, is_id, is_not_found};
use crate::find;
use crate::name::check_name;
use crate::service::Service;

/// A security group.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireGroup {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    security_group_rules: Vec<WireRule>,
}

impl WireGroup {
    fn to_group(&self) -> SecurityGroup {
        SecurityGroup {
            id: self.id.clone(),
            name: self.name.clone(),
            network: None,
            description: self.description.clone().filter(|text| !text.is_empty()),
            rules: group_rules::to_rules(&self.security_group_rules),
        }
    }
}

impl<H: Host> Cloud<'_, H> {
    /// One security group by its id or name.
    ///
    /// # Errors
    /// `not-found` or `ambiguous`, and what reading failed with.
    pub(crate) fn security_group(&self, group: &str) -> Result<WireGroup, Error> {
        let doing = format!("looking for security group `{group}`");
        let by = |field: &'static str| {
            self.list(
                Service::Network,
                &["security-groups"],
                "security_groups",
                &[(field, group)],
                &doing,
            )
        };
        let mut all: Vec<WireGroup> = if is_id(group) { by("id")? } else { vec![] };
        if all.is_empty() && !group.is_empty() {
            all = by("name")?;
        }
        find::one("security-group", group, all, |found| &found.id, |found| &found.name)
    }

    /// Makes a group's rules these. What is new is added before anything is removed, so that nothing is cut that both
    /// allow.
    fn make_rules(&self, group: &WireGroup, wanted: &[WireRule], doing: &str) -> Result<(), Error> {
        let (added, removed) = group_rules::difference(&group.security_group_rules, wanted);
        for rule in added {
            self.call(Service::Network, "POST", ["security-group-rules"])
                .about("security-group", rule.group_or(&group.id))
                .json(rule.body(&group.id))
                .send(doing)?;
        }
        for rule in removed {
            self.call(Service::Network, "DELETE", ["security-group-rules", &rule.id])
                .remove(doing)?;
        }
        Ok(())
    }

    fn delete_group(&self, id: &str, name: &str) -> Result<(), Error> {
        self.call(Service::Network, "DELETE", ["security-groups", id])
            .about("security-group", name)
            .send(&format!("deleting security group `{name}`"))
            .map(drop)
    }
}

impl<H: Host> SecurityGroups<H> for Openstack {
    fn list_security_groups(host: &H, page: PageRequest) -> Result<SecurityGroupPage, Error> {
        let cloud = Cloud::open(host, "list-security-groups")?;
        let all: Vec<WireGroup> = cloud.list(
            Service::Network,
            &["security-groups"],
            "security_groups",
            &[],
            "listing security groups",
        )?;
        let (all, next) = page::cut(all, &page, PAGE, |group| group.id.clone())?;
        Ok(SecurityGroupPage {
            items: all.iter().map(WireGroup::to_group).collect(),
            next,
        })
    }

    fn get_security_group(host: &H, security_group: String) -> Result<SecurityGroup, Error> {
        let cloud = Cloud::open(host, "get-security-group")?;
        Ok(cloud.security_group(&security_group)?.to_group())
    }

    fn create_security_group(host: &H, spec: SecurityGroupSpec) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "create-security-group")?;
        // Without `..`: a new field of the contract must be used or refused here before this compiles.
        let SecurityGroupSpec {
            name,
            network,
            description,
            rules,
        } = spec;
        check_name(&name)?;
        if network.is_some() {
            let why = "Neutron's security groups belong to the project, not to a network";
            return Err(Error::cannot_honour("network", why));
        }
        let wanted = group_rules::of_rules(&rules)?;
        match cloud.security_group(&name) {
            Err(error) if is_not_found(&error) => {}
            Err(error) if !matches!(error.kind, ErrorKind::Ambiguous(_)) => return Err(error),
            _ => return Err(Error::already_exists("security-group", &name)),
        }
        let doing = format!("creating security group `{name}`");
        let body = json!({"security_group": {"name": name, "description": description.unwrap_or_default()}});
        let call = cloud.call(Service::Network, "POST", ["security-groups"]).json(body);
        let group: WireGroup = call.part("/security_group", &doing)?;
        if let Err(error) = cloud.make_rules(&group, &wanted, &doing) {
            // What the caller must know is the first error.
            let _ = cloud.delete_group(&group.id, &name);
            return Err(error);
        }
        Ok(done(group.id))
    }

    fn update_security_group(host: &H, security_group: String, rules: Vec<SecurityRule>) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "update-security-group")?;
        let wanted = group_rules::of_rules(&rules)?;
        let group = cloud.security_group(&security_group)?;
        cloud.make_rules(&group, &wanted, &format!("changing security group `{security_group}`"))?;
        Ok(done(group.id))
    }

    fn delete_security_group(host: &H, security_group: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "delete-security-group")?;
        let group = cloud.security_group(&security_group)?;
        cloud.delete_group(&group.id, &security_group)?;
        Ok(done(group.id))
    }
}
