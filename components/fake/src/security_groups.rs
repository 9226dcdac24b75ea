//! Security groups: rules that VMs are put under. Nothing is sent in this cloud, so that they are kept, not enforced.

use ipnet::IpNet;

use stockade_provider::abilities::SecurityGroups;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{
    Change, Error, Network, PageRequest, SecurityGroup, SecurityGroupPage, SecurityGroupSpec, SecurityRule,
};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{DEFAULT, done};
use crate::records::StoredVm;

/// Protocols that have ports.
const WITH_PORTS: [&str; 2] = ["tcp", "udp"];

impl<H: Host> SecurityGroups<H> for Fake {
    fn list_security_groups(host: &H, page: PageRequest) -> Result<SecurityGroupPage, Error> {
        let client = Client::open(host, "list-security-groups")?;
        let groups = client.all::<SecurityGroup>()?;
        let (items, next) = page::cut(groups, &page, client.config.page_size, |group| group.name.clone())?;
        Ok(SecurityGroupPage { items, next })
    }

    fn get_security_group(host: &H, security_group: String) -> Result<SecurityGroup, Error> {
        Client::open(host, "get-security-group")?.get(&security_group)
    }

    fn create_security_group(host: &H, spec: SecurityGroupSpec) -> Result<Change, Error> {
        let client = Client::open(host, "create-security-group")?;
        let SecurityGroupSpec {
            name,
            network,
            description,
            rules,
        } = spec;
        let network = client.get::<Network>(network.as_deref().unwrap_or(DEFAULT))?;
        check_rules(&rules)?;
        let id = format!("sg-{}", client.next_number()?);
        client.insert(&SecurityGroup {
            id: id.clone(),
            name,
            network: Some(network.name),
            description,
            rules,
        })?;
        Ok(done(id))
    }

    fn update_security_group(host: &H, security_group: String, rules: Vec<SecurityRule>) -> Result<Change, Error> {
        let client = Client::open(host, "update-security-group")?;
        check_rules(&rules)?;
        let changed = client.update::<SecurityGroup>(&security_group, |group| {
            group.rules.clone_from(&rules);
            Ok(())
        })?;
        Ok(done(changed.id))
    }

    fn delete_security_group(host: &H, security_group: String) -> Result<Change, Error> {
        let client = Client::open(host, "delete-security-group")?;
        let vms = client.all::<StoredVm>()?;
        let removed = client.remove::<SecurityGroup>(&security_group, |group| {
            match vms.iter().find(|vm| vm.security_groups.contains(&group.id)) {
                None => Ok(()),
                Some(vm) => Err(Error::conflict(format!(
                    "security group `{}` is in use by vm `{}`",
                    group.name, vm.name
                ))),
            }
        })?;
        Ok(done(removed.id))
    }
}

fn check_rules(rules: &[SecurityRule]) -> Result<(), Error> {
    for (index, rule) in rules.iter().enumerate() {
        let why = flaw(rule).or_else(|| rules[..index].contains(rule).then(|| "it is there twice".to_owned()));
        if let Some(why) = why {
            return Err(Error::invalid_argument(
                "rules",
                format!("rule {} cannot be used: {why}", index + 1),
            ));
        }
    }
    Ok(())
}

/// Why a rule cannot be used; none when it can.
fn flaw(rule: &SecurityRule) -> Option<String> {
    let SecurityRule {
        direction: _,
        protocol,
        from_port,
        to_port,
        cidr,
        description: _,
    } = rule;
    if let Some(protocol) = protocol
        && !WITH_PORTS.contains(&protocol.as_str())
        && protocol != "icmp"
        && protocol.parse::<u8>().is_err()
    {
        return Some(format!("`{protocol}` is no protocol"));
    }
    let has_ports = protocol
        .as_ref()
        .is_some_and(|protocol| WITH_PORTS.contains(&protocol.as_str()));
    if from_port.or(*to_port).is_some() && !has_ports {
        return Some("ports go with `tcp` and `udp` only".to_owned());
    }
    match (from_port, to_port) {
        (None, Some(_)) => return Some("a last port needs a first one".to_owned()),
        (Some(first), Some(last)) if first > last => return Some("its last port is below its first".to_owned()),
        _ => {}
    }
    cidr.as_ref()
        .filter(|cidr| cidr.parse::<IpNet>().is_err())
        .map(|cidr| format!("`{cidr}` is no range in CIDR form"))
}
