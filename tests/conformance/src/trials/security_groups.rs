//! Security groups: exactly the rules that were asked for, before and after a change.

use std::collections::BTreeSet;

use stockade::contract::{Ability, SecurityGroupSpec, SecurityRule, TrafficDirection, VmSpec};

use super::{Trial, trials};
use crate::outcome::{Outcome, already_exists, ensure, not_found, refused};
use crate::subject::{NO_OPTIONS, Subject};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::SecurityGroups];
        a_security_group_has_exactly_its_rules,
        a_security_group_in_use_is_not_deleted,
        a_rule_may_be_about_another_group,
        a_rule_that_makes_no_sense_is_refused,
        a_missing_security_group_is_not_found,
    ]
}

const NAME: &str = "conf-group";

fn rule(protocol: &str, ports: Option<(u16, u16)>, cidr: &str) -> SecurityRule {
    SecurityRule {
        direction: TrafficDirection::Ingress,
        protocol: Some(protocol.to_owned()),
        from_port: ports.map(|(from, _)| from),
        to_port: ports.map(|(_, to)| to),
        cidr: Some(cidr.to_owned()),
        description: None,
    }
}

fn group(rules: Vec<SecurityRule>) -> SecurityGroupSpec {
    SecurityGroupSpec {
        name: NAME.to_owned(),
        network: None,
        description: Some("of the conformance suite".to_owned()),
        rules,
    }
}

/// What a rule lets through, in one spelling: one port is a range of one.
fn meaning(rule: &SecurityRule) -> String {
    let last = rule.to_port.or(rule.from_port);
    format!(
        "{:?} {:?} {:?}-{last:?} {}",
        rule.direction,
        rule.protocol,
        rule.from_port,
        rule.cidr.as_deref().unwrap_or("0.0.0.0/0")
    )
}

async fn expect_rules(subject: &Subject, expected: &[SecurityRule]) -> Outcome {
    let found = subject.service.get_security_group(NAME).await?.rules;
    let meanings = |rules: &[SecurityRule]| rules.iter().map(meaning).collect::<BTreeSet<_>>();
    ensure!(
        meanings(&found) == meanings(expected) && found.len() == expected.len(),
        "the rules are {found:?}, not {expected:?}"
    );
    Ok(())
}

async fn a_security_group_has_exactly_its_rules(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let ssh = rule("tcp", Some((22, 22)), "192.0.2.0/24");
    let web = rule("tcp", Some((80, 81)), "0.0.0.0/0");
    let names = rule("udp", Some((53, 53)), "198.51.100.0/24");
    let id = subject
        .service
        .create_security_group(group(vec![ssh.clone(), web.clone()]))
        .await?;
    let made = subject.service.get_security_group(NAME).await?;
    ensure!(made.id == id, "create answered `{id}`, the group is `{}`", made.id);
    ensure!(
        subject.service.list_security_groups().await?.contains(&made),
        "the list says something else about it"
    );
    expect_rules(subject, &[ssh.clone(), web.clone()]).await?;
    already_exists(subject.service.create_security_group(group(vec![])).await, NAME)?;
    for rules in [vec![web.clone(), names], vec![ssh], vec![]] {
        subject.service.update_security_group(NAME, rules.clone()).await?;
        expect_rules(subject, &rules).await?;
    }
    subject.service.delete_security_group(&id).await?;
    not_found(subject.service.get_security_group(NAME).await, NAME)?;
    before.check_unchanged(subject).await
}

async fn a_security_group_in_use_is_not_deleted(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    subject.service.create_security_group(group(vec![])).await?;
    let vm = VmSpec {
        security_groups: vec![NAME.to_owned()],
        ..subject.spec("guarded")?
    };
    let answer = subject.service.create_vm(vm, &NO_OPTIONS).await;
    if subject.unless_documented(answer)?.is_some() {
        refused(subject.service.delete_security_group(NAME).await, &["conflict"])?;
        subject.service.get_security_group(NAME).await?;
        subject.delete("guarded").await?;
    }
    subject.service.delete_security_group(NAME).await?;
    before.check_unchanged(subject).await
}

async fn a_rule_may_be_about_another_group(subject: &Subject) -> Outcome {
    if !subject.given.rules_name_groups {
        return Ok(());
    }
    let before = World::observe(subject).await?;
    let other = SecurityGroupSpec {
        name: "conf-others".to_owned(),
        ..group(vec![])
    };
    let other = subject.service.create_security_group(other).await?;
    let from_others = rule("tcp", Some((5432, 5432)), &other);
    let ssh = rule("tcp", Some((22, 22)), "192.0.2.0/24");
    subject
        .service
        .create_security_group(group(vec![from_others.clone()]))
        .await?;
    for rules in [vec![from_others.clone()], vec![ssh.clone(), from_others], vec![ssh]] {
        subject.service.update_security_group(NAME, rules.clone()).await?;
        expect_rules(subject, &rules).await?;
    }
    subject.service.delete_security_group(NAME).await?;
    subject.service.delete_security_group(&other).await?;
    let from_none = group(vec![rule("tcp", Some((5432, 5432)), &other)]);
    let answer = subject.service.create_security_group(from_none).await;
    refused(answer, &["not-found", "invalid-argument"])?;
    before.check_unchanged(subject).await
}

async fn a_rule_that_makes_no_sense_is_refused(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    for wrong in [
        rule("tcp", Some((81, 80)), "192.0.2.0/24"),
        rule("tcp", Some((80, 80)), "not-a-range"),
        rule("no-such-protocol", None, "192.0.2.0/24"),
    ] {
        let answer = subject.service.create_security_group(group(vec![wrong])).await;
        refused(answer, &["invalid-argument"])?;
        before.check_unchanged(subject).await?;
    }
    Ok(())
}

async fn a_missing_security_group_is_not_found(subject: &Subject) -> Outcome {
    not_found(subject.service.get_security_group("absent").await, "absent")?;
    not_found(subject.service.update_security_group("absent", vec![]).await, "absent")?;
    not_found(subject.service.delete_security_group("absent").await, "absent")
}
