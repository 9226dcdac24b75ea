//! What is there before and after a trial. A trial that leaves something behind fails.

use std::collections::BTreeSet;

use stockade::contract::Ability;

use crate::outcome::Outcome;
use crate::subject::Subject;

/// Everything that can be seen, one line each: `vm web-1`, `file tiny.qcow2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct World(BTreeSet<String>);

impl World {
    /// Looks around: by the second opinion where there is one, otherwise by the provider's own lists.
    pub(crate) async fn observe(subject: &Subject) -> Outcome<Self> {
        if let Some(evidence) = &subject.evidence {
            return Ok(Self(evidence.observe()?));
        }
        let service = &subject.service;
        let mut lines = BTreeSet::new();
        let mut add = |noun: &str, name: &str| lines.insert(format!("{noun} {name}"));
        for vm in service.list_vms().await? {
            add("vm", &vm.name);
        }
        if subject.has(Ability::Disks) {
            for disk in service.list_disks().await? {
                add("disk", &disk.name);
            }
        }
        if subject.has(Ability::Images) {
            for image in service.list_images().await? {
                add("image", &image.name);
            }
        }
        if subject.has(Ability::Networks) {
            for network in service.list_networks().await? {
                add("network", &network.name);
            }
        }
        if subject.has(Ability::Pools) {
            for pool in service.list_pools().await? {
                add("pool", &pool.name);
            }
        }
        if subject.has(Ability::Subnets) {
            for subnet in service.list_subnets(None).await? {
                add("subnet", &subnet.id);
            }
        }
        if subject.has(Ability::SecurityGroups) {
            for group in service.list_security_groups().await? {
                add("security-group", &group.id);
            }
        }
        if subject.has(Ability::LoadBalancers) {
            for balancer in service.list_load_balancers().await? {
                add("load-balancer", &balancer.name);
            }
        }
        if subject.has(Ability::Buckets) {
            for bucket in service.list_buckets().await? {
                add("bucket", &bucket.name);
            }
        }
        if let Some(zone) = subject.given.dns_zone.filter(|_| subject.has(Ability::Dns)) {
            for record in service.list_dns_records(zone).await? {
                add("dns-record", &format!("{} {}", record.name, record.r#type));
            }
        }
        Ok(Self(lines))
    }

    /// What is there now and was not before, or the other way round.
    pub(crate) fn difference(&self, now: &Self) -> Vec<String> {
        let new = now.0.difference(&self.0).map(|line| format!("+ {line}"));
        let gone = self.0.difference(&now.0).map(|line| format!("- {line}"));
        new.chain(gone).collect()
    }

    /// Checks that nothing changed since.
    pub(crate) async fn check_unchanged(&self, subject: &Subject) -> Outcome {
        let mut difference = self.difference(&Self::observe(subject).await?);
        for (noun, _) in subject.gaps.remaining {
            difference.retain(|line| !line.starts_with(&format!("+ {noun} ")));
        }
        if difference.is_empty() {
            Ok(())
        } else {
            Err(format!("left behind: {}", difference.join(", ")).into())
        }
    }

    /// Deletes, through the provider, the VMs that were not there before. What a VM leaves is for
    /// [`Self::check_unchanged`] to find; [`Self::force_back`] then cleans up for the next trial.
    pub(crate) async fn sweep_vms(&self, subject: &Subject) -> Outcome {
        for vm in subject.service.list_vms().await? {
            if !self.0.contains(&format!("vm {}", vm.name)) {
                subject.delete(&vm.id).await?;
            }
        }
        Ok(())
    }

    /// Removes by force what a failed trial left, so that the next one starts clean.
    pub(crate) fn force_back(&self, subject: &Subject) -> Outcome {
        match &subject.evidence {
            Some(evidence) => evidence.force_back(&self.0),
            // Each trial has a simulated cloud of its own.
            None => Ok(()),
        }
    }
}
