//! Names: set, replaced on demand, kept apart by type, deleted.

use stockade::contract::{Ability, DnsRecord};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::Subject;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Dns];
        a_name_is_set_replaced_and_deleted,
        data_that_does_not_fit_its_type_is_refused,
        a_missing_zone_is_not_found,
        the_zone_of_the_trials_is_listed,
    ]
}

/// The setup's zone, without which nothing can be tried: zones are not this contract's to create.
fn zone(subject: &Subject) -> Outcome<&'static str> {
    Ok(subject
        .given
        .dns_zone
        .ok_or("the provider exports `dns`, but its setup names no zone: give it `dns_zone`")?)
}

fn record(name: &str, kind: &str, values: &[&str]) -> DnsRecord {
    DnsRecord {
        name: name.to_owned(),
        r#type: kind.to_owned(),
        ttl_seconds: Some(300),
        values: values.iter().map(|&value| value.to_owned()).collect(),
    }
}

async fn values(subject: &Subject, zone: &str, name: &str, kind: &str) -> Outcome<Option<Vec<String>>> {
    let records = subject.service.list_dns_records(zone).await?;
    let found = records
        .into_iter()
        .find(|record| record.name == name && record.r#type == kind);
    Ok(found.map(|record| {
        let mut values = record.values;
        values.sort();
        values
    }))
}

async fn a_name_is_set_replaced_and_deleted(subject: &Subject) -> Outcome {
    let zone = zone(subject)?;
    let name = &format!("conf-host.{zone}");
    let set = async |kind, data: &[&str], replace| {
        subject
            .service
            .set_dns_record(zone, record(name, kind, data), replace)
            .await
    };
    let expect = async |kind, expected: Option<&[&str]>| -> Outcome {
        let found = values(subject, zone, name, kind).await?;
        let expected = expected.map(|values| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>());
        ensure!(found == expected, "`{name} {kind}` is {found:?}, not {expected:?}");
        Ok(())
    };
    set("A", &["192.0.2.7"], false).await?;
    expect("A", Some(&["192.0.2.7"])).await?;
    refused(set("A", &["192.0.2.8"], false).await, &["already-exists"])?;
    expect("A", Some(&["192.0.2.7"])).await?;
    set("A", &["192.0.2.8", "192.0.2.9"], true).await?;
    expect("A", Some(&["192.0.2.8", "192.0.2.9"])).await?;
    set("AAAA", &["2001:db8::7"], false).await?;
    subject.service.delete_dns_record(zone, name, "A").await?;
    expect("A", None).await?;
    expect("AAAA", Some(&["2001:db8::7"])).await?;
    refused(subject.service.delete_dns_record(zone, name, "A").await, &["not-found"])?;
    subject.service.delete_dns_record(zone, name, "AAAA").await?;
    expect("AAAA", None).await
}

async fn data_that_does_not_fit_its_type_is_refused(subject: &Subject) -> Outcome {
    let zone = zone(subject)?;
    let name = &format!("conf-odd.{zone}");
    for (kind, data) in [("A", "not-an-address"), ("AAAA", "192.0.2.7")] {
        let answer = subject
            .service
            .set_dns_record(zone, record(name, kind, &[data]), true)
            .await;
        refused(answer, &["invalid-argument"])?;
        ensure!(
            values(subject, zone, name, kind).await?.is_none(),
            "it was set nevertheless"
        );
    }
    Ok(())
}

async fn a_missing_zone_is_not_found(subject: &Subject) -> Outcome {
    const ABSENT: &str = "absent.invalid";
    not_found(subject.service.list_dns_records(ABSENT).await, ABSENT)?;
    let entry = record("a.absent.invalid", "A", &["192.0.2.7"]);
    not_found(subject.service.set_dns_record(ABSENT, entry, true).await, ABSENT)
}

async fn the_zone_of_the_trials_is_listed(subject: &Subject) -> Outcome {
    let zone = zone(subject)?;
    let zones = subject.service.list_dns_zones().await?;
    let found = zones.iter().find(|have| have.name == zone);
    let Some(found) = found else {
        return Err(format!("zone `{zone}` is not among {zones:?}").into());
    };
    // Its id is as good as its name.
    subject.service.list_dns_records(&found.id).await?;
    Ok(())
}
