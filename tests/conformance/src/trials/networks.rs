//! Networks and pools: created, read, refused when they exist, deleted when nobody uses them.

use stockade::contract::{Ability, NetworkSpec, NetworkUpdate, PoolSpec};

use super::{Trial, trials};
use crate::outcome::{Outcome, already_exists, ensure, not_found, refused};
use crate::subject::{NO_OPTIONS, Subject};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::Networks];
        the_default_network_is_read_by_name_and_by_id,
        a_missing_network_is_not_found,
        a_network_lives_and_dies,
        a_network_in_use_is_not_deleted,
        a_network_is_changed,
    ];
    all.extend(trials![&[Ability::Pools];
        the_default_pool_is_read_by_name_and_by_id,
        a_missing_pool_is_not_found,
        a_pool_lives_and_dies,
    ]);
    all
}

async fn the_default_network_is_read_by_name_and_by_id(subject: &Subject) -> Outcome {
    let network = subject.service.get_network(&subject.given.default_network).await?;
    ensure!(
        network.active && network.dhcp == Some(true) && !network.cidrs.is_empty(),
        "{network:?}"
    );
    ensure!(
        subject.service.get_network(&network.id).await? == network,
        "name and id give different answers"
    );
    ensure!(
        subject.service.list_networks().await?.contains(&network),
        "the list says something else about it"
    );
    Ok(())
}

async fn a_missing_network_is_not_found(subject: &Subject) -> Outcome {
    not_found(subject.service.get_network("absent").await, "absent")
}

async fn a_network_lives_and_dies(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let spec = || NetworkSpec {
        name: "conf-net".to_owned(),
        cidrs: vec!["10.231.0.0/24".to_owned()],
        mode: Some("nat".to_owned()),
        dhcp: true,
        domain: None,
        metadata: vec![],
        options: vec![],
    };
    let answer = subject.service.create_network(spec(), &NO_OPTIONS).await;
    if subject.unless_documented(answer)?.is_some() {
        let network = subject.service.get_network("conf-net").await?;
        ensure!(
            network.cidrs == ["10.231.0.0/24"] && network.active && network.mode == "nat",
            "{network:?}"
        );
        already_exists(subject.service.create_network(spec(), &NO_OPTIONS).await, "conf-net")?;
        subject.service.delete_network("conf-net").await?;
        not_found(subject.service.get_network("conf-net").await, "conf-net")?;
    }
    before.check_unchanged(subject).await
}

async fn a_network_in_use_is_not_deleted(subject: &Subject) -> Outcome {
    subject.create_started("user").await?;
    let answer = subject.service.delete_network(&subject.given.default_network).await;
    if answer.as_ref().is_err_and(|error| error.kind().name() == "unsupported") {
        subject.unless_documented(answer)?;
    } else {
        refused(answer, &["conflict"])?;
    }
    ensure!(
        subject
            .service
            .get_network(&subject.given.default_network)
            .await?
            .active,
        "it was deleted or stopped"
    );
    Ok(())
}

async fn a_network_is_changed(subject: &Subject) -> Outcome {
    let spec = NetworkSpec {
        name: "conf-changed".to_owned(),
        cidrs: vec!["10.234.0.0/24".to_owned()],
        mode: None,
        dhcp: true,
        domain: None,
        metadata: vec![],
        options: vec![],
    };
    let answer = subject.service.create_network(spec, &NO_OPTIONS).await;
    if subject.unless_documented(answer)?.is_none() {
        return Ok(());
    }
    let change = |dhcp, domain: Option<&str>| NetworkUpdate {
        dhcp,
        mode: None,
        domain: domain.map(str::to_owned),
        options: vec![],
    };
    let before = subject.service.get_network("conf-changed").await?;
    for update in [change(Some(false), None), change(None, Some("conf.example.org"))] {
        let answer = subject
            .service
            .update_network("conf-changed", update.clone(), &NO_OPTIONS)
            .await;
        if subject.unless_documented(answer)?.is_some() {
            let after = subject.service.get_network("conf-changed").await?;
            let is_changed = match update.dhcp {
                Some(dhcp) => after.dhcp == Some(dhcp),
                None => after.domain == update.domain,
            };
            ensure!(
                is_changed && after.id == before.id && after.cidrs == before.cidrs,
                "asked for {update:?}, before {before:?}, after {after:?}"
            );
        }
    }
    subject.service.delete_network("conf-changed").await?;
    not_found(
        subject
            .service
            .update_network("absent", change(Some(true), None), &NO_OPTIONS)
            .await,
        "absent",
    )
}

async fn the_default_pool_is_read_by_name_and_by_id(subject: &Subject) -> Outcome {
    let pool = subject.service.get_pool(subject.given.default_pool).await?;
    ensure!(pool.active && pool.name == subject.given.default_pool, "{pool:?}");
    ensure!(pool.r#type != "dir" || pool.path.is_some(), "{pool:?}");
    let by_id = subject.service.get_pool(&pool.id).await?;
    ensure!(
        (by_id.id, by_id.name) == (pool.id, pool.name),
        "name and id give different answers"
    );
    Ok(())
}

async fn a_missing_pool_is_not_found(subject: &Subject) -> Outcome {
    not_found(subject.service.get_pool("absent").await, "absent")
}

async fn a_pool_lives_and_dies(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let directory = tempfile::tempdir()?;
    let spec = || PoolSpec {
        name: "conf-pool".to_owned(),
        r#type: None,
        path: Some(directory.path().display().to_string()),
        options: vec![],
    };
    let answer = subject.service.create_pool(spec(), &NO_OPTIONS).await;
    if subject.unless_documented(answer)?.is_some() {
        ensure!(subject.service.get_pool("conf-pool").await?.active, "it cannot be used");
        already_exists(subject.service.create_pool(spec(), &NO_OPTIONS).await, "conf-pool")?;
        subject.service.delete_pool("conf-pool", false).await?;
        not_found(subject.service.get_pool("conf-pool").await, "conf-pool")?;
        ensure!(
            directory.path().exists(),
            "its directory was deleted, though its contents were to be kept"
        );
    }
    before.check_unchanged(subject).await
}
