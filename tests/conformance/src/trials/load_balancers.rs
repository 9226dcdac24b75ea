//! Load balancers: made whole, changed in their members, deleted with everything that came with them.

use stockade::contract::{Ability, Listener, LoadBalancerSpec};

use super::{Trial, trials};
use crate::outcome::{Outcome, already_exists, ensure, not_found, refused};
use crate::subject::{NO_OPTIONS, Subject};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::LoadBalancers];
        a_load_balancer_lives_and_dies,
        the_members_are_those_that_were_named,
        a_load_balancer_has_its_public_address_and_its_name_while_it_lives,
        a_load_balancer_that_makes_no_sense_leaves_nothing,
        a_missing_load_balancer_is_not_found,
    ]
}

const NAME: &str = "conf-balancer";

fn spec(members: &[&str]) -> LoadBalancerSpec {
    LoadBalancerSpec {
        name: NAME.to_owned(),
        network: None,
        internal: true,
        listeners: vec![Listener {
            protocol: "tcp".to_owned(),
            port: 80,
            member_port: Some(8080),
            check_path: None,
        }],
        members: members.iter().map(|&name| name.to_owned()).collect(),
        dns_name: None,
        options: vec![],
    }
}

async fn expect_members(subject: &Subject, expected: &[&str]) -> Outcome {
    let mut members = subject.service.get_load_balancer(NAME).await?.members;
    members.sort();
    ensure!(members == expected, "the members are {members:?}, not {expected:?}");
    Ok(())
}

async fn a_load_balancer_lives_and_dies(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let id = subject.service.create_load_balancer(spec(&[]), &NO_OPTIONS).await?;
    let made = subject.service.get_load_balancer(NAME).await?;
    ensure!(
        (made.id.as_str(), made.listeners.len()) == (id.as_str(), 1) && made.members.is_empty(),
        "{made:?}"
    );
    let listener = &made.listeners[0];
    ensure!(
        (listener.protocol.as_str(), listener.port, listener.member_port) == ("tcp", 80, Some(8080)),
        "{listener:?}"
    );
    let names: Vec<_> = subject
        .service
        .list_load_balancers()
        .await?
        .into_iter()
        .map(|have| have.name)
        .collect();
    ensure!(names.iter().any(|name| name == NAME), "the list has {names:?}");
    already_exists(subject.service.create_load_balancer(spec(&[]), &NO_OPTIONS).await, NAME)?;
    subject.service.delete_load_balancer(&id).await?;
    not_found(subject.service.get_load_balancer(NAME).await, NAME)?;
    before.check_unchanged(subject).await
}

async fn the_members_are_those_that_were_named(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    subject.create_started("member-a").await?;
    subject.create_started("member-b").await?;
    subject
        .service
        .create_load_balancer(spec(&["member-a"]), &NO_OPTIONS)
        .await?;
    expect_members(subject, &["member-a"]).await?;
    let set = async |members: &[&str]| {
        let members = members.iter().map(|&name| name.to_owned()).collect();
        subject.service.set_load_balancer_members(NAME, members).await
    };
    set(&["member-a", "member-b"]).await?;
    expect_members(subject, &["member-a", "member-b"]).await?;
    not_found(set(&["absent", "member-b"]).await, "absent")?;
    expect_members(subject, &["member-a", "member-b"]).await?;
    set(&["member-b", "member-b"]).await?;
    expect_members(subject, &["member-b"]).await?;
    set(&[]).await?;
    expect_members(subject, &[]).await?;
    set(&["member-b"]).await?;
    let listeners = subject.service.get_load_balancer(NAME).await?.listeners;
    ensure!(
        listeners.iter().all(|listener| listener.member_port == Some(8080)),
        "the members' port is forgotten: {listeners:?}"
    );
    subject.service.delete_load_balancer(NAME).await?;
    // Members are kept.
    for vm in ["member-a", "member-b"] {
        subject.service.get_vm(vm).await?;
        subject.delete(vm).await?;
    }
    before.check_unchanged(subject).await
}

async fn a_load_balancer_that_makes_no_sense_leaves_nothing(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let without_listeners = LoadBalancerSpec {
        listeners: vec![],
        ..spec(&[])
    };
    let odd_protocol = LoadBalancerSpec {
        listeners: vec![Listener {
            protocol: "no-such-protocol".to_owned(),
            port: 80,
            member_port: None,
            check_path: None,
        }],
        ..spec(&[])
    };
    let one_port_twice = LoadBalancerSpec {
        listeners: [spec(&[]).listeners, spec(&[]).listeners].concat(),
        ..spec(&[])
    };
    for wrong in [without_listeners, odd_protocol, one_port_twice] {
        let answer = subject.service.create_load_balancer(wrong, &NO_OPTIONS).await;
        refused(answer, &["invalid-argument"])?;
    }
    let answer = subject
        .service
        .create_load_balancer(spec(&["absent"]), &NO_OPTIONS)
        .await;
    not_found(answer, "absent")?;
    before.check_unchanged(subject).await
}

async fn a_missing_load_balancer_is_not_found(subject: &Subject) -> Outcome {
    not_found(subject.service.get_load_balancer("absent").await, "absent")?;
    not_found(subject.service.delete_load_balancer("absent").await, "absent")?;
    let answer = subject.service.set_load_balancer_members("absent", vec![]).await;
    not_found(answer, "absent")
}

async fn a_load_balancer_has_its_public_address_and_its_name_while_it_lives(subject: &Subject) -> Outcome {
    let Some(zone) = subject.given.dns_zone.filter(|_| subject.has(Ability::Dns)) else {
        return Ok(());
    };
    let before = World::observe(subject).await?;
    let name = format!("{NAME}.{zone}");
    let named = || LoadBalancerSpec {
        internal: false,
        dns_name: Some(name.clone()),
        ..spec(&[])
    };
    let records = async || -> Outcome<Vec<_>> {
        let mut records = subject.service.list_dns_records(zone).await?;
        records.retain(|record| record.name == name);
        Ok(records)
    };
    subject.service.create_load_balancer(named(), &NO_OPTIONS).await?;
    let made = subject.service.get_load_balancer(NAME).await?;
    let address = made.address.ok_or("it has no address")?;
    let found = records().await?;
    ensure!(
        found
            .iter()
            .any(|record| record.values.iter().any(|value| value.contains(&address))),
        "`{name}` does not lead to {address}: {found:?}"
    );
    subject.service.delete_load_balancer(NAME).await?;
    ensure!(records().await?.is_empty(), "the name is still there");
    before.check_unchanged(subject).await
}
