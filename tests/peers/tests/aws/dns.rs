//! Zones and records.

use serde_json::{Value, json};
use stockade::contract::{DnsRecord, ErrorKind};

use crate::lab::{Lab, missing};
use crate::{Claim, claims};

pub(crate) fn claims() -> Vec<Claim> {
    claims![
        records_are_set_replaced_and_deleted_and_boto3_agrees,
        what_others_made_is_listed_replaced_and_deleted_exactly,
        names_and_data_that_do_not_fit_change_nothing,
    ]
}

fn record(name: &str, kind: &str, values: &[&str]) -> DnsRecord {
    serde_json::from_value(json!({"name": name, "type": kind, "ttl_seconds": 60, "values": values})).unwrap()
}

/// Makes a zone; answers its id.
fn zone(lab: &Lab, name: &str, reference: &str) -> String {
    let zone = lab.boto(
        "route53",
        "create_hosted_zone",
        json!({"Name": name, "CallerReference": reference}),
    );
    let id = zone["HostedZone"]["Id"].as_str().unwrap();
    id.strip_prefix("/hostedzone/").unwrap().to_owned()
}

/// The data that boto3 sees under a name and type.
fn seen(lab: &Lab, zone: &str, name: &str, kind: &str) -> Vec<Value> {
    let sets = lab.boto("route53", "list_resource_record_sets", json!({"HostedZoneId": zone}));
    let sets = sets["ResourceRecordSets"].as_array().cloned().unwrap();
    let is_it = |set: &Value| {
        set["Name"]
            .as_str()
            .is_some_and(|have| have.replace("\\052", "*") == name)
            && set["Type"] == kind
    };
    sets.into_iter().filter(is_it).collect()
}

fn records_are_set_replaced_and_deleted_and_boto3_agrees(lab: &Lab) {
    let service = &lab.service;
    let id = zone(lab, "example.org", "1");
    zone(lab, "example.net", "2");
    let zones = lab.done(service.list_dns_zones());
    let mut names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["example.net", "example.org"]);
    let before = lab.peer.observe().unwrap();

    let first = record("*.example.org", "A", &["192.0.2.1", "192.0.2.2"]);
    lab.done(service.set_dns_record("example.org", first.clone(), false));
    assert_eq!(
        seen(lab, &id, "*.example.org.", "A")[0]["ResourceRecords"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    let again = lab.refused(service.set_dns_record("example.org", first.clone(), false));
    assert!(matches!(again, ErrorKind::AlreadyExists(_)), "{again:?}");
    let other = record("*.example.org.", "A", &["192.0.2.3"]);
    lab.done(service.set_dns_record(&id, other, true));
    let text = record("*.example.org", "TXT", &["\"a & b\""]);
    lab.done(service.set_dns_record("example.org.", text.clone(), false));
    let records = lab.done(service.list_dns_records("example.org"));
    let listed: Vec<&DnsRecord> = records.iter().filter(|record| record.name == "*.example.org").collect();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (listed[0].values.as_slice(), listed[1]),
        (&["192.0.2.3".to_owned()][..], &text)
    );

    lab.done(service.delete_dns_record("example.org", "*.example.org", "a"));
    assert_eq!(
        lab.refused(service.delete_dns_record("example.org", "*.example.org", "A")),
        missing("dns-record", "*.example.org")
    );
    assert_eq!(seen(lab, &id, "*.example.org.", "TXT").len(), 1);
    lab.done(service.delete_dns_record(&id, "*.example.org", "TXT"));
    lab.expect_unchanged(&before);
}

fn what_others_made_is_listed_replaced_and_deleted_exactly(lab: &Lab) {
    let service = &lab.service;
    let id = zone(lab, "example.org", "1");
    let before = lab.peer.observe().unwrap();
    let alias = json!({"Name": "lb.example.org", "Type": "A", "AliasTarget":
        {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": "lb.elb.example", "EvaluateTargetHealth": true}});
    let batch = json!({"Changes": [{"Action": "CREATE", "ResourceRecordSet": alias}]});
    lab.boto(
        "route53",
        "change_resource_record_sets",
        json!({"HostedZoneId": id, "ChangeBatch": batch}),
    );
    let records = lab.done(service.list_dns_records("example.org"));
    let listed = records.iter().find(|record| record.name == "lb.example.org").unwrap();
    assert_eq!(
        (listed.values.as_slice(), listed.ttl_seconds),
        (&["ALIAS Z35SXDOTRQ7X7K lb.elb.example".to_owned()][..], None)
    );
    lab.done(service.set_dns_record("example.org", listed.clone(), true));
    let made = &seen(lab, &id, "lb.example.org.", "A")[0]["AliasTarget"];
    assert_eq!(made["EvaluateTargetHealth"], false, "{made}");
    lab.done(service.delete_dns_record("example.org", "lb.example.org", "A"));
    lab.expect_unchanged(&before);
}

fn names_and_data_that_do_not_fit_change_nothing(lab: &Lab) {
    let service = &lab.service;
    zone(lab, "example.org", "1");
    zone(lab, "twice.org", "2");
    zone(lab, "twice.org", "3");
    let before = lab.peer.observe().unwrap();
    let set = |zone: &str, record| lab.refused(service.set_dns_record(zone, record, true));
    let field = |name: &str| ErrorKind::InvalidArgument(name.to_owned());
    assert_eq!(
        set("example.org", record("a.example.com", "A", &["192.0.2.1"])),
        field("name")
    );
    assert_eq!(
        set("example.org", record("a.example.org", "A", &["here"])),
        field("values")
    );
    assert_eq!(
        set("absent.org", record("a.absent.org", "A", &["192.0.2.1"])),
        missing("dns-zone", "absent.org")
    );
    let twice = set("twice.org", record("a.twice.org", "A", &["192.0.2.1"]));
    assert!(matches!(twice, ErrorKind::Ambiguous(_)), "{twice:?}");
    assert_eq!(
        lab.refused(service.list_dns_records("ZNONE")),
        missing("dns-zone", "ZNONE")
    );
    lab.expect_unchanged(&before);
}
