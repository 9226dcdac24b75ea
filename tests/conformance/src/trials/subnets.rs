//! Subnets: created within their network, changed, held by what uses them, deleted.

use stockade::contract::{Ability, NetworkSpec, SubnetSpec, VmNicSpec, VmSpec};

use super::options::nic;
use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::{NO_OPTIONS, Subject};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::Subnets];
        a_missing_subnet_is_not_found,
        every_subnet_is_read_by_its_id,
    ];
    all.extend(trials![&[Ability::Subnets, Ability::Networks];
        a_subnet_lives_and_dies,
        a_subnet_in_use_is_not_deleted,
    ]);
    all
}

const NETWORK: &str = "conf-wide";

/// A network to make subnets in; none when the vendor makes none.
async fn network(subject: &Subject) -> Outcome<Option<String>> {
    let spec = NetworkSpec {
        name: NETWORK.to_owned(),
        cidrs: subject.given.network_range.map(str::to_owned).into_iter().collect(),
        mode: None,
        dhcp: true,
        domain: None,
        metadata: vec![],
        options: vec![],
    };
    let answer = subject.service.create_network(spec, &NO_OPTIONS).await;
    subject.unless_documented(answer)
}

fn spec(name: &str, cidr: &str) -> SubnetSpec {
    SubnetSpec {
        name: name.to_owned(),
        network: NETWORK.to_owned(),
        cidr: cidr.to_owned(),
        gateway: None,
        dhcp: true,
        location: None,
        metadata: vec![],
        options: vec![],
    }
}

async fn a_missing_subnet_is_not_found(subject: &Subject) -> Outcome {
    not_found(subject.service.get_subnet("absent").await, "absent")?;
    not_found(subject.service.delete_subnet("absent").await, "absent")?;
    not_found(subject.service.list_subnets(Some("absent")).await, "absent")
}

async fn every_subnet_is_read_by_its_id(subject: &Subject) -> Outcome {
    for listed in subject.service.list_subnets(None).await? {
        let read = subject.service.get_subnet(&listed.id).await?;
        ensure!(read == listed, "listed {listed:?}, read {read:?}");
    }
    Ok(())
}

async fn a_subnet_lives_and_dies(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    if network(subject).await?.is_none() {
        return Ok(());
    }
    let [cidr, overlapping] = subject.given.subnet_ranges;
    let id = subject
        .service
        .create_subnet(spec("conf-part", cidr), &NO_OPTIONS)
        .await?;
    let subnet = subject.service.get_subnet("conf-part").await?;
    ensure!((subnet.id.as_str(), subnet.cidr.as_str()) == (&*id, cidr), "{subnet:?}");
    let listed = subject.service.list_subnets(Some(NETWORK)).await?;
    ensure!(listed.contains(&subnet), "the network's subnets are {listed:?}");
    let others: Vec<_> = listed.iter().filter(|have| have.network != subnet.network).collect();
    ensure!(others.is_empty(), "of other networks: {others:?}");

    let answer = subject
        .service
        .create_subnet(spec("conf-twin", overlapping), &NO_OPTIONS)
        .await;
    refused(answer, &["conflict"])?;
    let answer = subject
        .service
        .create_subnet(spec("conf-twin", "not-a-range"), &NO_OPTIONS)
        .await;
    refused(answer, &["invalid-argument"])?;
    if subject.given.network_range.is_some() {
        let outside = spec("conf-twin", "203.0.113.0/28");
        refused(
            subject.service.create_subnet(outside, &NO_OPTIONS).await,
            &["invalid-argument"],
        )?;
    }

    let answer = subject.service.update_subnet(&id, Some(false), None).await;
    if subject.unless_documented(answer)?.is_some() {
        let changed = subject.service.get_subnet(&id).await?;
        ensure!(
            changed.dhcp == Some(false) && changed.gateway == subnet.gateway,
            "{changed:?}"
        );
    }
    subject.service.delete_subnet("conf-part").await?;
    not_found(subject.service.get_subnet("conf-part").await, "conf-part")?;
    subject.service.delete_network(NETWORK).await?;
    before.check_unchanged(subject).await
}

async fn a_subnet_in_use_is_not_deleted(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    if network(subject).await?.is_none() {
        return Ok(());
    }
    let [cidr, _] = subject.given.subnet_ranges;
    subject
        .service
        .create_subnet(spec("conf-part", cidr), &NO_OPTIONS)
        .await?;
    let in_it = VmNicSpec {
        network: Some(NETWORK.to_owned()),
        subnet: Some("conf-part".to_owned()),
        ..nic()
    };
    let vm = VmSpec {
        nics: vec![in_it],
        start: true,
        ..subject.spec("inhabitant")?
    };
    subject.service.create_vm(vm, &NO_OPTIONS).await?;
    refused(subject.service.delete_subnet("conf-part").await, &["conflict"])?;
    subject.service.get_subnet("conf-part").await?;
    subject.delete("inhabitant").await?;
    subject.service.delete_subnet("conf-part").await?;
    subject.service.delete_network(NETWORK).await?;
    before.check_unchanged(subject).await
}
